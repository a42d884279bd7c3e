// SPDX-License-Identifier: GPL-2.0-only
// Questions to the DNS: c-ares behind a small door. What comes back is untrusted.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "userspace/base/result.h"
#include "userspace/names/answer.h"

namespace edgefw::names {

class Resolver {
public:
    // `server`: "ADDR", "ADDR:PORT" or "[ADDR]:PORT"; empty: the system's (resolv.conf and the hosts file).
    static Result<Resolver> create(const std::string& server);

    // A and AAAA of every name, all at once, with CNAMEs followed. Answers in order, within `patience`.
    std::vector<Answer> ask(const std::vector<std::string>& names,
                            std::chrono::milliseconds patience = std::chrono::seconds(10));

    // May be called from any thread. An ask() that waits gives up within half a second, and so does each later one.
    void stop();

    Resolver(Resolver&&) noexcept;
    Resolver& operator=(Resolver&&) noexcept;
    ~Resolver();

private:
    class Channel;
    explicit Resolver(std::unique_ptr<Channel> channel);
    std::unique_ptr<Channel> channel_;
};

}  // namespace edgefw::names
