// SPDX-License-Identifier: GPL-2.0-only
// Runs one pair of programs under test and times them: bench/drive.bpf.c.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "bench/test_run.h"
#include "userspace/base/result.h"
#include "userspace/packet/notation.h"

struct drive_bpf;

namespace edgefw::bench {

class Driver {
public:
    // What happens to the frame before each repetition.
    enum class Way {
        kReceived,          // nothing
        kRotatedReceived,   // another source port, from kFirstPort on: up to kMostPorts repetitions
        kReopenedReceived,  // nothing, but the connection that the packet opened is deleted
        kRewoundReceived,   // the headers are as they were in the first
        kRewoundSent,
        kRewoundRotatedReceived,  // both: TCP over IPv4, the checksum is right
        kRewoundRotatedSent,
        kSpreadReceived,  // another remote, as Spread says
        kSpreadSent,
    };
    // Which remotes take turns: (first + n * step) modulo count at repetition n. With a step that has no factor in
    // common with the count each one comes once before any comes again.
    struct Spread {
        std::uint32_t first = 0;
        std::uint32_t step = 1;
        std::uint32_t count = 1;
    };
    // `packet` from (or to, as an answer) the remote of that number.
    static packet::Packet with_remote(packet::Packet packet, std::uint32_t number);

    static constexpr std::uint16_t kFirstPort = 1024;
    static constexpr std::uint32_t kMostPorts = 32'768;

    // `received` and `sent` are called from now on; the programs stay loaded as long as the driver. `connections`: the
    // table they open connections in, if they do.
    static Result<Driver> load(int received, int sent, std::optional<int> connections = {});

    // Nanoseconds a repetition, the driver's own share among them. The first half of the repetitions warms up.
    Result<double> time(Way way, const packet::Packet& packet, std::uint32_t repeat, const Spread& spread) const;
    Result<double> time(Way way, const packet::Packet& packet, std::uint32_t repeat) const {
        return time(way, packet, repeat, Spread());
    }

private:
    using Skeleton = std::unique_ptr<drive_bpf, void (*)(drive_bpf*)>;
    explicit Driver(Skeleton skeleton) : skeleton_(std::move(skeleton)) {}
    int program(Way way) const;

    Skeleton skeleton_;
};

}  // namespace edgefw::bench
