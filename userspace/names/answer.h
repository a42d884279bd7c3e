// SPDX-License-Identifier: GPL-2.0-only
// What a server said of one name. All of it is untrusted: c-ares has taken the message apart, and judged nothing in it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "userspace/base/address.h"

struct ares_addrinfo;  // <ares.h> is for those that make one

namespace edgefw::names {

struct Answer {
    std::vector<Address> addresses;  // sorted, each once; EDGEFW_MAX_HOST_ADDRESSES of a family at most
    std::uint32_t ttl = 0;           // seconds: the least of all records on the way
    std::string problem;             // why there are no addresses; empty: there are
};

// Makes an answer of what ares_getaddrinfo() calls back with: its status, and its records, which stay the caller's.
// `info` may be null, and is not looked at unless the status is ARES_SUCCESS. A record of a family other than IPv4 and
// IPv6 is left out.
Answer answer_of(int status, const ares_addrinfo* info);

// Whether an answer's address can be a host's: not unspecified, loopback, multicast, reserved or IPv4 within IPv6. A
// server that says such a thing is wrong or lies.
bool is_host_address(const Address& address);

}  // namespace edgefw::names
