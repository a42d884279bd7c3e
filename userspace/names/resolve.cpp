// SPDX-License-Identifier: GPL-2.0-only
#include "userspace/names/resolve.h"

#include <algorithm>
#include <cctype>

#include "maps/abi.h"
#include "maps/limits.h"
#include "userspace/language/syntax.h"

namespace edgefw::names {
namespace {

constexpr std::uint32_t kForever = UINT32_MAX;  // an address given by hand has no end

std::string lower(std::string text) {
    std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return std::tolower(c); });
    if (text.ends_with('.')) text.pop_back();
    return text;
}

const policy::Host* find(const std::vector<policy::Host>& hosts, const std::string& name) {
    const auto found =
        std::find_if(hosts.begin(), hosts.end(), [&](const policy::Host& host) { return host.name == name; });
    return found == hosts.end() ? nullptr : &*found;
}

// An unanswered host keeps what it had.
void keep(policy::Host& host, const std::vector<policy::Host>& before) {
    const policy::Host* known = find(before, host.name);
    if (known == nullptr) return;
    host.addresses = known->addresses;
    host.resolved = known->resolved;
    host.ttl = known->ttl;
    host.earlier = known->earlier;
}

// Adds to an answer what it does not have and an earlier one had, for as long as that is kept: the newest first, up to
// the limit of either family. An address was seen for as long as the answer held that had it.
void keep_earlier(policy::Host& host, const policy::Host& known, std::int64_t now) {
    const std::int64_t ended = std::min(now, known.resolved + known.ttl);
    std::vector<std::pair<std::int64_t, Address>> left;
    for (const Address& address : known.addresses) {
        const auto earlier = known.earlier.find(address);
        const std::int64_t seen = earlier == known.earlier.end() ? ended : earlier->second;
        const bool is_new = std::binary_search(host.addresses.begin(), host.addresses.end(), address);
        if (!is_new && seen + host.keep > now) left.emplace_back(seen, address);
    }
    std::sort(left.rbegin(), left.rend());
    std::size_t counts[EDGEFW_FAMILIES] = {};
    for (const Address& address : host.addresses)
        ++counts[static_cast<std::size_t>(address.family)];
    for (const auto& [seen, address] : left) {
        if (++counts[static_cast<std::size_t>(address.family)] > EDGEFW_MAX_HOST_ADDRESSES) continue;
        host.addresses.push_back(address);
        host.earlier.emplace(address, seen);
    }
    std::sort(host.addresses.begin(), host.addresses.end());
}

// What is in force does for `wanted`.
bool takes_in_force(policy::Host& host, const std::vector<policy::Host>& before, Wanted wanted) {
    const policy::Host* known = find(before, host.name);
    if (wanted == Wanted::kAnswers || known == nullptr || known->addresses.empty()) return false;
    keep(host, before);
    host.problem = known->problem;
    return true;
}

std::string warning_of(const policy::Host& host) {
    const std::string what = "the host " + host.name + " was not found (" + host.problem + "); ";
    return host.addresses.empty() ? what + "rules that name it match nothing until it is"
                                  : what + "it keeps the addresses it had";
}

// Letters, digits, '.', '-', '_': what a name in a packet's text consists of.
bool is_part(char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '.' || c == '-' || c == '_';
}

std::string replacement(const std::string& word, const std::vector<policy::Host>& hosts, bool port_follows) {
    const policy::Host* host = find(hosts, lower(word));
    if (host == nullptr || host->addresses.empty()) return word;
    const Address& address = host->addresses.front();
    const bool brackets = port_follows && address.family == Family::kIpv6;
    return brackets ? "[" + address.to_text() + "]" : address.to_text();
}

}  // namespace

Result<Fixed> parse_fixed(const std::vector<std::string>& texts) {
    Fixed fixed;
    for (const std::string& text : texts) {
        const Error wrong{ErrorKind::kUsage, "--resolve " + text +
                                                 " is not NAME=ADDR[,ADDR...], as in "
                                                 "--resolve oem.example.com=192.0.2.7"};
        const std::size_t equals = text.find('=');
        if (equals == std::string::npos || equals == 0) return wrong;
        std::vector<Address>& addresses = fixed[lower(text.substr(0, equals))];
        for (std::size_t at = equals + 1; at <= text.size();) {
            const std::size_t comma = std::min(text.find(',', at), text.size());
            const auto address = Address::parse(std::string_view(text).substr(at, comma - at));
            if (!address) return wrong;
            addresses.push_back(*address);
            at = comma + 1;
        }
        std::sort(addresses.begin(), addresses.end());
        addresses.erase(std::unique(addresses.begin(), addresses.end()), addresses.end());
    }
    return fixed;
}

void resolve(policy::Policy& policy, const Known& known, const Ask& ask, std::int64_t now) {
    std::vector<std::string> names;
    for (policy::Host& host : policy.hosts) {
        const auto fixed = known.fixed.find(host.name);
        if (fixed == known.fixed.end()) {
            if (!takes_in_force(host, known.before, known.wanted)) names.push_back(host.name);
            continue;
        }
        host.addresses = fixed->second;
        host.resolved = now;
        host.ttl = kForever;
    }
    if (names.empty()) return;
    const std::vector<Answer> answers = ask(names);
    for (std::size_t i = 0; i < names.size(); ++i) {
        auto& host = *std::find_if(policy.hosts.begin(), policy.hosts.end(),
                                   [&](const policy::Host& asked) { return asked.name == names[i]; });
        host.problem = answers[i].problem;
        if (host.problem.empty()) {
            host.addresses = answers[i].addresses;
            host.resolved = now;
            host.ttl = answers[i].ttl;
            host.earlier.clear();
            if (const policy::Host* earlier = find(known.before, host.name)) keep_earlier(host, *earlier, now);
            continue;
        }
        keep(host, known.before);
        policy.warnings.push_back(warning_of(host));
    }
}

std::string with_addresses(const std::string& packet, const std::vector<policy::Host>& hosts) {
    if (hosts.empty()) return packet;
    std::string result;
    for (std::size_t at = 0; at < packet.size();) {
        std::size_t end = at;
        while (end < packet.size() && is_part(packet[end]))
            ++end;
        if (end == at) {
            result += packet[at++];
            continue;
        }
        result += replacement(packet.substr(at, end - at), hosts, end < packet.size() && packet[end] == ':');
        at = end;
    }
    return result;
}

}  // namespace edgefw::names
