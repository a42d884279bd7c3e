// SPDX-License-Identifier: GPL-2.0-only
// Frames through the router and back, and who stands at its ends: bench/router.bpf.c.
#pragma once

#include <cstdint>
#include <memory>

#include "bench/router.h"
#include "userspace/base/result.h"
#include "userspace/packet/notation.h"

struct router_bpf;

namespace edgefw::bench {

// Frames of many remotes that take turns, each with an address and a port of its own.
struct Stream {
    packet::Packet packet;          // the remote's low address half and its port are 0
    std::size_t payload = 0;        // bytes of zero; an even number
    std::uint32_t remotes = 65536;  // a power of two, up to 65,536
    bool is_answer = false;         // the server sends to the remotes
};

// What a burst came to.
struct Burst {
    double seconds = 0;            // from the first frame on
    std::uint32_t arrived = 0;     // where it counts, within those seconds
    std::uint32_t in_the_end = 0;  // and after them
    double rate() const { return arrived / seconds; }
};

class Traffic {
public:
    // `target`: the end behind the router, as a frame must name it to count.
    static Result<Traffic> load(const Router& router, const Address& target, std::uint16_t port);

    // A program at one place, for as long as the descriptor is open.
    enum class Place {
        kAnswer,        // the server's card: the other end of a TCP handshake; counts what is opened
        kAcknowledge,   // the client's card: goes on with the handshake
        kSinkWire,      // the server's card: counts and drops
        kSinkAnswers,   // the client's card: counts and drops
        kSinkReceived,  // the router's external card, behind XDP: counts and drops
        kSinkSent,      // the router's internal card, before the driver: counts and drops
    };
    Result<Fd> put(Place place) const;

    // Sends `count` frames, the first from the remote number `first`, and waits until all have gone their way.
    Result<Burst> send(const Stream& stream, std::uint32_t first, std::uint32_t count) const;

private:
    using Skeleton = std::unique_ptr<router_bpf, void (*)(router_bpf*)>;
    Traffic(const Router& router, Skeleton skeleton) : router_(&router), skeleton_(std::move(skeleton)) {}

    const Router* router_;
    Skeleton skeleton_;
};

}  // namespace edgefw::bench
