// SPDX-License-Identifier: GPL-2.0-only
// A router in a namespace of its own, between two cards of the lab: client --- external (router) internal --- server.
// It ends with its descriptor, however that is closed.
#pragma once

#include <cstdint>
#include <functional>

#include "bench/lab.h"
#include "userspace/base/fd.h"
#include "userspace/base/result.h"

namespace edgefw::bench {

class Router {
public:
    // Makes the namespace, its two cards, its routes and its neighbours: it never asks for an address. No filter yet.
    static Result<Router> create(const Lab& lab);

    static constexpr const char* kExternal = "external";
    static constexpr const char* kInternal = "internal";
    // The lab's cards that face it.
    int client() const { return client_; }
    int server() const { return server_; }

    // Does `work` with the calling thread in the router's namespace, as do the programs that it runs.
    Result<Ok> inside(const std::function<Result<Ok>()>& work) const;
    // Removes every entry of its conntrack table. Fails where the kernel has no ctnetlink.
    Result<Ok> forget_conntrack() const;
    // Entries in it.
    Result<std::uint64_t> conntrack_entries() const;

private:
    Fd home_, namespace_;
    int client_ = 0, server_ = 0;
};

}  // namespace edgefw::bench
