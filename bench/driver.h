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
    };
    static constexpr std::uint16_t kFirstPort = 1024;
    static constexpr std::uint32_t kMostPorts = 32'768;

    // `received` and `sent` are called from now on; the programs stay loaded as long as the driver. `connections`: the
    // table they open connections in, if they do.
    static Result<Driver> load(int received, int sent, std::optional<int> connections = {});

    // Nanoseconds a repetition, the driver's own share among them. The first half of the repetitions warms up.
    Result<double> time(Way way, const packet::Packet& packet, std::uint32_t repeat) const;

private:
    using Skeleton = std::unique_ptr<drive_bpf, void (*)(drive_bpf*)>;
    explicit Driver(Skeleton skeleton) : skeleton_(std::move(skeleton)) {}
    int program(Way way) const;

    Skeleton skeleton_;
};

}  // namespace edgefw::bench
