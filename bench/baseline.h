// SPDX-License-Identifier: GPL-2.0-only
// What edgefw is compared with: bench/floor.bpf.c.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "maps/connection.h"
#include "userspace/base/result.h"
#include "userspace/packet/notation.h"

struct floor_bpf;

namespace edgefw::bench {

// The key of the connection that a received, untranslated IPv4 packet is of.
edgefw_connection4_key key_of(const packet::Packet& received);

// No-ops of both hooks, and the floor with one known connection.
class Baseline {
public:
    // `connections`: entries of the floor's table; 0: as many as a card has.
    static Result<Baseline> load(std::uint32_t connections = 0);
    // Makes the connection of a received `packet` known to the floor.
    Result<Ok> learn(const packet::Packet& packet);
    Result<Ok> learn(const std::vector<edgefw_connection4_key>& keys);

    int noop_received() const;
    int noop_sent() const;
    int noop_drop() const;
    int floor_received() const;
    int floor_sent() const;

private:
    using Skeleton = std::unique_ptr<floor_bpf, void (*)(floor_bpf*)>;
    explicit Baseline(Skeleton skeleton) : skeleton_(std::move(skeleton)) {}
    Skeleton skeleton_;
};

}  // namespace edgefw::bench
