// SPDX-License-Identifier: GPL-2.0-only
// Any words, a line each: a filter for `connections` and `kill` that judges each connection, or a refusal that names a
// word. `kill` ends what it picks, so a filter is also held to be the conjunction of its words.
#include <netinet/in.h>

#include "tests/fuzz/require.h"
#include "userspace/show/connection_filter.h"

using namespace edgefw;

namespace {

std::vector<kernel::Connection> connections() {
    kernel::Connection web;
    web.interface = "eth0";
    web.protocol = IPPROTO_TCP;
    web.local = *Address::parse("10.0.0.5");
    web.local_port = 9555;
    web.remote = *Address::parse("198.51.100.9");
    web.remote_port = 40000;
    web.rule = "office/v2/inbound-9555";
    web.nat = "office/v2/map-9555";
    web.public_address = *Address::parse("203.0.113.7");
    web.state = "tcp-established";
    kernel::Connection ping;
    ping.side = policy::Side::kInternal;
    ping.opener = EDGEFW_SENT;
    ping.protocol = IPPROTO_ICMPV6;
    ping.local = *Address::parse("2001:db8::1");
    ping.remote = *Address::parse("2001:db8::2");
    ping.half_open = true;
    return {web, ping};
}

std::vector<std::string> lines_of(const std::string& text) {
    std::vector<std::string> lines;
    std::size_t start = 0;
    while (start < text.size()) {
        const std::size_t end = std::min(text.find('\n', start), text.size());
        lines.push_back(text.substr(start, end - start));
        start = end + 1;
    }
    return lines;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const std::vector<kernel::Connection> all = connections();
    const auto words = lines_of(std::string(reinterpret_cast<const char*>(data), size));
    const auto filter = show::ConnectionFilter::parse(words);
    bool every_word = true;
    for (const std::string& word : words)
        every_word = every_word && show::ConnectionFilter::parse({word});
    fuzz::require(static_cast<bool>(filter) == every_word, "a filter is good when its words are");
    if (!filter) {
        fuzz::require_refusal(filter.error(), ErrorKind::kUsage);
        return 0;
    }
    for (const kernel::Connection& connection : all) {
        bool each = true;
        for (const std::string& word : words)
            each = each && show::ConnectionFilter::parse({word})->picks(connection);
        fuzz::require(filter->picks(connection) == each, "a filter picks what all its words pick");
    }
    return 0;
}
