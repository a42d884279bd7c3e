// SPDX-License-Identifier: GPL-2.0-only
// Segments of one TCP connection to the service `web` whose numbers say themselves.
#pragma once

#include <utility>

#include "tests/kernel/services.h"

namespace edgefw::test {

// A segment of the one connection, there (from the opener) or back, whose numbers say themselves.
inline Bytes segment(bool there, std::uint8_t flags, std::uint32_t sequence, std::uint32_t acknowledgment,
                     std::size_t size = 0, const Bytes& options = {}) {
    Ipv4 ip;
    Tcp tcp{.flags = flags, .options = options, .sequence = sequence, .acknowledgment = acknowledgment};
    if (!there) {
        std::swap(ip.source, ip.destination);
        std::swap(tcp.source_port, tcp.destination_port);
    }
    return frame(Ethernet{}, ip, tcp, payload(size));
}

inline std::string judge_segment(TestRun& run, bool there, const Bytes& frame) {
    return run.judge(there ? EDGEFW_RECEIVED : EDGEFW_SENT, frame);
}

inline constexpr const char* kPasses = "pass connection web";

// Near the end of the numbers, which begin again at 0: the opener's are 0xffffff00 on, the other end's 5000 on.
inline void open_at_the_end(TestRun& run, const Bytes& options = {}) {
    EXPECT_EQ(judge_segment(run, true, segment(true, kSyn, 0xffffff00, 0, 0, options)), "pass rule web opened");
    EXPECT_EQ(judge_segment(run, false, segment(false, kSyn | kAck, 5000, 0xffffff01, 0, options)), kPasses);
    EXPECT_EQ(judge_segment(run, true, segment(true, kAck, 0xffffff01, 5001)), kPasses);
}

}  // namespace edgefw::test
