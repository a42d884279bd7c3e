// SPDX-License-Identifier: GPL-2.0-only
// Where the benchmark attaches things: a network and mount namespace of its own process, with a veth pair and a bpffs.
// They end with the process, however it ends: nothing is left behind and no card of the machine is touched.
#pragma once

#include <cstdint>
#include <string>

#include "userspace/base/fd.h"
#include "userspace/base/result.h"

namespace edgefw::bench {

class Lab {
public:
    // Moves the whole process. Needs root; call it once, before any thread is started.
    static Result<Lab> enter();

    static constexpr const char* kSender = "bench0";
    static constexpr const char* kReceiver = "bench1";
    int sender() const { return sender_; }
    int receiver() const { return receiver_; }

    // Puts a program on the receiver's XDP hook for as long as the descriptor is open.
    Result<Fd> attach_xdp(int program) const;
    // Id of the program that is there.
    Result<std::uint32_t> xdp_program() const;
    // Frames the receiver has taken from the wire so far.
    Result<std::uint64_t> received() const;

private:
    int sender_ = 0;
    int receiver_ = 0;
};

}  // namespace edgefw::bench
