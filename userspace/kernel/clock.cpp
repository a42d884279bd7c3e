// SPDX-License-Identifier: GPL-2.0-only
#include "userspace/kernel/clock.h"

#include <linux/bpf.h>
#include <bpf/bpf.h>

#include <algorithm>
#include <cerrno>
#include <ctime>
#include <iterator>

#include "userspace/base/fd.h"
#include "userspace/kernel/errors.h"

namespace edgefw::kernel {
namespace {

// A test run returns 32 bits: those of jiffies from `shift` on.
Result<std::uint32_t> jiffies_from(std::int32_t shift) {
    const bpf_insn instructions[] = {
        {.code = BPF_JMP | BPF_CALL, .dst_reg = 0, .src_reg = 0, .off = 0, .imm = BPF_FUNC_jiffies64},
        {.code = BPF_ALU64 | BPF_RSH | BPF_K, .dst_reg = 0, .src_reg = 0, .off = 0, .imm = shift},
        {.code = BPF_JMP | BPF_EXIT, .dst_reg = 0, .src_reg = 0, .off = 0, .imm = 0},
    };
    const Fd program = Fd::own(
        bpf_prog_load(BPF_PROG_TYPE_XDP, "edgefw_clock", "GPL", instructions, std::size(instructions), nullptr));
    if (!program.valid()) return system_error("loading a program that reads the clock", errno);
    const std::uint8_t frame[64] = {};  // a frame must be as long as an Ethernet header at least
    LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = frame, .data_size_in = sizeof(frame), .repeat = 1);
    if (bpf_prog_test_run_opts(program.get(), &options) != 0) return system_error("reading the clock", errno);
    return options.retval;
}

}  // namespace

std::uint32_t jiffies_of(std::uint32_t seconds) {
    timespec tick = {};
    clock_getres(CLOCK_MONOTONIC_COARSE, &tick);
    const std::uint64_t nanoseconds = tick.tv_nsec > 0 ? static_cast<std::uint64_t>(tick.tv_nsec) : 4'000'000;
    const std::uint64_t jiffies = std::uint64_t{seconds} * 1'000'000'000 / nanoseconds;
    constexpr std::uint64_t kLongest = 0x7fffffff;  // the longest timeout, at the fastest clock, is less
    return static_cast<std::uint32_t>(std::clamp<std::uint64_t>(jiffies, 1, kLongest));
}

std::uint64_t jiffies_since(std::uint64_t then, std::uint64_t now) {
    return then > now ? 0 : now - then;
}

Result<std::uint64_t> jiffies_now() {
    for (;;) {
        const auto before = jiffies_from(32), low = jiffies_from(0), after = jiffies_from(32);
        if (!before || !low || !after) return (!before ? before : !low ? low : after).error();
        if (*before == *after) return std::uint64_t{*before} << 32 | *low;
    }
}

std::uint32_t uptime() {
    timespec now = {};
    clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
    return static_cast<std::uint32_t>(now.tv_sec);
}

}  // namespace edgefw::kernel
