// SPDX-License-Identifier: GPL-2.0-only
#include "bench/test_run.h"

#include <linux/bpf.h>
#include <bpf/bpf.h>

#include <cerrno>
#include <cstring>
#include <string>

namespace edgefw::bench {
namespace {

Result<double> run(int program, const Frame& frame, std::uint32_t repeat, std::uint32_t flags) {
    LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = frame.data(), .data_size_in = static_cast<__u32>(frame.size()),
                .repeat = static_cast<int>(repeat), .flags = flags);
    if (bpf_prog_test_run_opts(program, &options) == 0) return static_cast<double>(options.duration);
    return failed(std::string("BPF_PROG_TEST_RUN: ") + std::strerror(errno));
}

}  // namespace

Result<double> test_run(int program, const Frame& frame, std::uint32_t repeat) {
    return run(program, frame, repeat, 0);
}

Result<Frame> run_once(int program, const Frame& frame) {
    Frame left(frame.size());  // no program makes a frame longer
    LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = frame.data(), .data_out = left.data(),
                .data_size_in = static_cast<__u32>(frame.size()), .data_size_out = static_cast<__u32>(left.size()),
                .repeat = 1);
    if (bpf_prog_test_run_opts(program, &options) == 0) return left;
    return failed(std::string("BPF_PROG_TEST_RUN: ") + std::strerror(errno));
}

Result<Ok> send_live(int program, const Frame& frame, std::uint32_t count) {
    auto sent = run(program, frame, count, BPF_F_TEST_XDP_LIVE_FRAMES);
    if (!sent) return sent.error();
    return Ok{};
}

}  // namespace edgefw::bench
