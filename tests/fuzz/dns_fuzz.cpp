// SPDX-License-Identifier: GPL-2.0-only
// What a server may say: two messages as they stand on a TCP connection (RFC 1035 section 4.2.2), for the questions
// for A and AAAA in that order. c-ares asks through sockets of our own and takes them apart, answer_of() reads what it
// hands out. Id and question are those that were asked, or c-ares would not look at the rest.
#include <ares.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/uio.h>

#include <algorithm>
#include <cstring>
#include <deque>

#include "maps/abi.h"
#include "maps/limits.h"
#include "tests/fuzz/require.h"
#include "userspace/names/answer.h"

using namespace edgefw;

namespace {

using Bytes = std::vector<std::uint8_t>;

constexpr std::size_t kHeader = 12;  // RFC 1035 section 4.1.1
constexpr ares_socket_t kSocket = 1000;

struct Server {
    std::deque<Bytes> messages;  // not yet sent
    std::deque<Bytes> replies;   // sent, to be received
    bool answered = false;
};

// The question, then the rest of the message.
Bytes reply_to(const Bytes& query, const Bytes& message) {
    if (message.size() < kHeader || query.size() < kHeader) return message;
    std::size_t end = kHeader;
    while (end < query.size() && query[end] != 0)
        end += 1u + query[end];
    end = std::min(end + 5, query.size());  // the root's label, type and class
    Bytes reply(query.begin(), query.begin() + 2);
    reply.insert(reply.end(), message.begin() + 2, message.begin() + kHeader);
    reply[2] |= 0x80;  // a reply
    reply[4] = 0;
    reply[5] = 1;  // to one question
    reply.insert(reply.end(), query.begin() + kHeader, query.begin() + static_cast<std::ptrdiff_t>(end));
    reply.insert(reply.end(), message.begin() + kHeader, message.end());
    return reply;
}

ares_socket_t open_socket(int, int type, int, void*) {
    if (type == SOCK_DGRAM) return kSocket;
    errno = ECONNREFUSED;
    return ARES_SOCKET_BAD;
}
int close_socket(ares_socket_t, void*) {
    return 0;
}
int connect_socket(ares_socket_t, const sockaddr*, ares_socklen_t, void*) {
    return 0;
}
ares_ssize_t receive(ares_socket_t, void* buffer, std::size_t room, int, sockaddr* from, ares_socklen_t* length,
                     void* data) {
    auto& server = *static_cast<Server*>(data);
    if (server.replies.empty()) {
        errno = EWOULDBLOCK;
        return -1;
    }
    const Bytes reply = std::move(server.replies.front());
    server.replies.pop_front();
    if (from != nullptr && length != nullptr && *length >= sizeof(sockaddr_in)) {
        sockaddr_in own{};
        own.sin_family = AF_INET;
        own.sin_port = htons(53);
        own.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        std::memcpy(from, &own, sizeof own);
        *length = sizeof own;
    }
    const std::size_t size = std::min(room, reply.size());
    if (size > 0) std::memcpy(buffer, reply.data(), size);
    return static_cast<ares_ssize_t>(size);
}
ares_ssize_t send(ares_socket_t, const iovec* parts, int count, void* data) {
    auto& server = *static_cast<Server*>(data);
    Bytes query;
    for (int i = 0; i < count; ++i) {
        const auto* bytes = static_cast<const std::uint8_t*>(parts[i].iov_base);
        query.insert(query.end(), bytes, bytes + parts[i].iov_len);
    }
    if (!server.messages.empty()) {
        Bytes reply = reply_to(query, server.messages.front());
        server.messages.pop_front();
        if (!reply.empty()) server.replies.push_back(std::move(reply));
    }
    return static_cast<ares_ssize_t>(query.size());
}

constexpr ares_socket_functions kFunctions{open_socket, close_socket, connect_socket, receive, send};

ares_channel channel_to(Server& server) {
    ares_options options{};
    char dns_alone[] = "b";
    options.lookups = dns_alone;
    options.tries = 1;
    options.timeout = 2000;           // ms: nothing waits for it
    options.flags = ARES_FLAG_IGNTC;  // there is no TCP here
    int mask = ARES_OPT_LOOKUPS | ARES_OPT_TRIES | ARES_OPT_TIMEOUTMS | ARES_OPT_FLAGS;
#ifdef ARES_OPT_QUERY_CACHE
    options.qcache_max_ttl = 0;  // an input must not answer the next one's question
    mask |= ARES_OPT_QUERY_CACHE;
#endif
    ares_channel channel = nullptr;
    fuzz::require(ares_library_init(ARES_LIB_INIT_ALL) == ARES_SUCCESS, "c-ares starts");
    fuzz::require(ares_init_options(&channel, &options, mask) == ARES_SUCCESS, "c-ares makes a channel");
    fuzz::require(ares_set_servers_ports_csv(channel, "127.0.0.1:53") == ARES_SUCCESS, "c-ares takes a server");
    ares_set_socket_functions(channel, &kFunctions, &server);
    return channel;
}

void require_sane(const names::Answer& answer) {
    fuzz::require(answer.addresses.empty() != answer.problem.empty(), "addresses, or why there are none",
                  answer.problem);
    fuzz::require(answer.ttl <= INT32_MAX, "a TTL has 31 bits");
    std::size_t counts[EDGEFW_FAMILIES] = {};
    for (const Address& address : answer.addresses) {
        fuzz::require(names::is_host_address(address), "an address is a host's", address.to_text());
        ++counts[static_cast<std::size_t>(address.family)];
    }
    for (const std::size_t count : counts)
        fuzz::require(count <= EDGEFW_MAX_HOST_ADDRESSES, "no more addresses than there is room for");
    const auto& all = answer.addresses;
    fuzz::require(std::is_sorted(all.begin(), all.end()), "addresses are sorted");
    fuzz::require(std::adjacent_find(all.begin(), all.end()) == all.end(), "each address once");
}

void take(void* data, int status, int, ares_addrinfo* info) {
    static_cast<Server*>(data)->answered = true;
    require_sane(names::answer_of(status, info));
    if (info != nullptr) ares_freeaddrinfo(info);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static Server server;
    static ares_channel channel = channel_to(server);
    server = {};
    for (std::size_t at = 0; at + 2 <= size;) {
        const std::size_t length = std::min<std::size_t>(data[at] << 8 | data[at + 1], size - at - 2);
        server.messages.emplace_back(data + at + 2, data + at + 2 + length);
        at += 2 + length;
    }
    ares_addrinfo_hints hints{};
    hints.ai_family = AF_UNSPEC;
    hints.ai_flags = ARES_AI_NOSORT;
    ares_getaddrinfo(channel, "host.example.", nullptr, &hints, take, &server);
    while (!server.answered && !server.replies.empty())
        ares_process_fd(channel, kSocket, ARES_SOCKET_BAD);
    ares_cancel(channel);  // what had no reply
    fuzz::require(server.answered, "a question is answered once");
    return 0;
}
