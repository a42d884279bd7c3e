#include "userspace/names/resolver.h"

#define CARES_NO_DEPRECATED  // ares_getsock: the library there is on Debian 12 has nothing newer
#include <ares.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>

#include <algorithm>
#include <atomic>
#include <chrono>

#include "maps/abi.h"
#include "maps/limits.h"

namespace edgefw::names {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int kTimeout = 2000;  // ms before the first repetition; the next ones wait longer
constexpr int kTries = 2;
constexpr std::chrono::seconds kPatience{10};

class Library {
public:
    Library() : status_(ares_library_init(ARES_LIB_INIT_ALL)) {}
    Library(const Library&) = delete;
    Library& operator=(const Library&) = delete;
    ~Library() { ares_library_cleanup(); }
    int status() const { return status_; }

private:
    int status_;
};

Address address_of(const sockaddr* socket) {
    if (socket->sa_family == AF_INET) {
        const auto* ipv4 = reinterpret_cast<const sockaddr_in*>(socket);
        return Address::from_bytes(Family::kIpv4, reinterpret_cast<const std::uint8_t*>(&ipv4->sin_addr));
    }
    const auto* ipv6 = reinterpret_cast<const sockaddr_in6*>(socket);
    return Address::from_bytes(Family::kIpv6, ipv6->sin6_addr.s6_addr);
}

// Sorted, each once, no more than the limit of either family.
void tidy(std::vector<Address>& addresses) {
    std::sort(addresses.begin(), addresses.end());
    addresses.erase(std::unique(addresses.begin(), addresses.end()), addresses.end());
    std::size_t counts[EDGEFW_FAMILIES] = {};
    std::erase_if(addresses, [&](const Address& address) {
        return ++counts[static_cast<std::size_t>(address.family)] > EDGEFW_MAX_HOST_ADDRESSES;
    });
}

Answer answer_of(const ares_addrinfo& info) {
    Answer answer;
    int ttl = INT32_MAX;
    std::size_t refused = 0;
    for (const ares_addrinfo_cname* cname = info.cnames; cname != nullptr; cname = cname->next)
        ttl = std::min(ttl, cname->ttl);
    for (const ares_addrinfo_node* node = info.nodes; node != nullptr; node = node->ai_next) {
        if (node->ai_family != AF_INET && node->ai_family != AF_INET6) continue;
        ttl = std::min(ttl, node->ai_ttl);
        const Address address = address_of(node->ai_addr);
        if (is_host_address(address)) {
            answer.addresses.push_back(address);
        } else {
            ++refused;
        }
    }
    tidy(answer.addresses);
    // RFC 2181 section 8: a TTL with the highest bit set is zero.
    answer.ttl = answer.addresses.empty() ? 0 : static_cast<std::uint32_t>(std::max(ttl, 0));
    if (answer.addresses.empty()) {
        answer.problem = refused == 0 ? "it has no address" : "the server names only addresses that no host can have";
    }
    return answer;
}

bool is_in(const Address& address, int length, uint128 network) {
    return address.value >> (width_of(address.family) - length) == network;
}

}  // namespace

bool is_host_address(const Address& address) {
    if (address.family == Family::kIpv4) {
        return !is_in(address, 8, 0) && !is_in(address, 8, 127) && !is_in(address, 3, 7);  // 224.0.0.0 and above
    }
    const bool low = is_in(address, 80, 0);  // ::, ::1, IPv4-mapped and IPv4-compatible
    return !low && !is_in(address, 8, 0xff);
}

class Resolver::Channel {
public:
    Channel() = default;
    Channel(const Channel&) = delete;
    Channel& operator=(const Channel&) = delete;
    ~Channel() {
        if (channel_ != nullptr) ares_destroy(channel_);
    }

    Result<Ok> open(const std::string& server) {
        if (library_.status() != ARES_SUCCESS) return trouble("starting the resolver", library_.status());
        ares_options options{};
        options.timeout = kTimeout;
        options.tries = kTries;
        char dns_alone[] = "b";
        options.lookups = dns_alone;
        int mask = ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES;
        if (!server.empty()) mask |= ARES_OPT_LOOKUPS;
        if (const int status = ares_init_options(&channel_, &options, mask); status != ARES_SUCCESS) {
            channel_ = nullptr;
            return trouble("starting the resolver", status);
        }
        if (server.empty()) return Ok{};
        if (ares_set_servers_ports_csv(channel_, server.c_str()) != ARES_SUCCESS) {
            return Error{ErrorKind::kUsage, "--resolver " + server +
                                                " is not ADDR[:PORT]: write 192.0.2.53, "
                                                "192.0.2.53:5353 or [2001:db8::53]:53"};
        }
        return Ok{};
    }

    std::vector<Answer> ask(const std::vector<std::string>& names) {
        std::vector<Question> questions(names.size());
        ares_addrinfo_hints hints{};
        hints.ai_family = AF_UNSPEC;
        hints.ai_flags = ARES_AI_NOSORT;
        for (std::size_t i = 0; i < names.size(); ++i) {
            // The dot at the end keeps the system's search list out: the policy names a host in full.
            ares_getaddrinfo(channel_, (names[i] + ".").c_str(), nullptr, &hints, take, &questions[i]);
        }
        wait_for(questions);
        std::vector<Answer> answers;
        for (Question& question : questions)
            answers.push_back(std::move(question.answer));
        return answers;
    }

    std::atomic<bool> stopped = false;

private:
    struct Question {
        Answer answer;
        bool done = false;
    };

    static Error trouble(const std::string& what, int status) { return failed(what + ": " + ares_strerror(status)); }

    static void take(void* argument, int status, int, ares_addrinfo* info) {
        auto& question = *static_cast<Question*>(argument);
        question.done = true;
        if (status == ARES_SUCCESS && info != nullptr) {
            question.answer = answer_of(*info);
        } else {
            question.answer.problem = status == ARES_ENOTFOUND      ? "there is no such name"
                                      : status == ARES_ENODATA      ? "it has no address"
                                      : status == ARES_ECONNREFUSED ? "no server answers"
                                      : status == ARES_ETIMEOUT     ? "no server answered in time"
                                      : status == ARES_ECANCELLED   ? "no server answered in time"
                                                                    : std::string(ares_strerror(status));
        }
        if (info != nullptr) ares_freeaddrinfo(info);
    }

    void wait_for(const std::vector<Question>& questions) {
        const Clock::time_point end = Clock::now() + kPatience;
        const auto all_done = [&] {
            return std::all_of(questions.begin(), questions.end(), [](const Question& q) { return q.done; });
        };
        while (!all_done()) {
            if (stopped || Clock::now() >= end) return ares_cancel(channel_);  // answers every open question
            turn();
        }
    }

    // Waits for the next packet or repetition, and lets c-ares work.
    void turn() {
        constexpr int kLongest = 500;  // ms
        ares_socket_t sockets[ARES_GETSOCK_MAXNUM];
        const int wanted = ares_getsock(channel_, sockets, ARES_GETSOCK_MAXNUM);
        std::vector<pollfd> events;
        for (int i = 0; i < ARES_GETSOCK_MAXNUM; ++i) {
            short what = 0;
            if (ARES_GETSOCK_READABLE(wanted, i)) what |= POLLIN;
            if (ARES_GETSOCK_WRITABLE(wanted, i)) what |= POLLOUT;
            if (what != 0) events.push_back({sockets[i], what, 0});
        }
        timeval longest{0, kLongest * 1000};
        timeval own{};
        const timeval* until = ares_timeout(channel_, &longest, &own);
        const int milliseconds = static_cast<int>(until->tv_sec * 1000 + until->tv_usec / 1000) + 1;
        poll(events.data(), events.size(), std::min(milliseconds, kLongest));
        bool any = false;
        for (const pollfd& event : events) {
            const bool readable = (event.revents & (POLLIN | POLLERR | POLLHUP)) != 0;
            const bool writable = (event.revents & POLLOUT) != 0;
            if (!readable && !writable) continue;
            any = true;
            ares_process_fd(channel_, readable ? event.fd : ARES_SOCKET_BAD, writable ? event.fd : ARES_SOCKET_BAD);
        }
        if (!any) ares_process_fd(channel_, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
    }

    Library library_;
    ares_channel channel_ = nullptr;
};

Resolver::Resolver(std::unique_ptr<Channel> channel) : channel_(std::move(channel)) {}
Resolver::Resolver(Resolver&&) noexcept = default;
Resolver& Resolver::operator=(Resolver&&) noexcept = default;
Resolver::~Resolver() = default;

Result<Resolver> Resolver::create(const std::string& server) {
    auto channel = std::make_unique<Channel>();
    if (auto opened = channel->open(server); !opened) return opened.error();
    return Resolver(std::move(channel));
}

std::vector<Answer> Resolver::ask(const std::vector<std::string>& names) {
    return channel_->ask(names);
}

void Resolver::stop() {
    channel_->stopped = true;
}

}  // namespace edgefw::names
