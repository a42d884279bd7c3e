// Questions to the DNS: c-ares behind a small door. What comes back is untrusted.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "userspace/base/address.h"
#include "userspace/base/result.h"

namespace edgefw::names {

struct Answer {
    std::vector<Address> addresses;  // sorted, each once; EDGEFW_MAX_HOST_ADDRESSES of a family at most
    std::uint32_t ttl = 0;           // seconds: the least of all records on the way
    std::string problem;             // why there are no addresses; empty: there are
};

class Resolver {
public:
    // `server`: "ADDR", "ADDR:PORT" or "[ADDR]:PORT"; empty: the system's (resolv.conf and the hosts file).
    static Result<Resolver> create(const std::string& server);

    // A and AAAA of every name, all at once, with CNAMEs followed. Answers in order. Takes 10 seconds at most.
    std::vector<Answer> ask(const std::vector<std::string>& names);

    // From any thread: an ask() that waits gives up within half a second, and so does each later one.
    void stop();

    Resolver(Resolver&&) noexcept;
    Resolver& operator=(Resolver&&) noexcept;
    ~Resolver();

private:
    class Channel;
    explicit Resolver(std::unique_ptr<Channel> channel);
    std::unique_ptr<Channel> channel_;
};

// Whether an answer's address can be a host's: not unspecified, loopback, multicast, reserved or IPv4 within IPv6. A
// server that says such a thing is wrong or lies.
bool is_host_address(const Address& address);

}  // namespace edgefw::names
