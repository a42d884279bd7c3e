// SPDX-License-Identifier: GPL-2.0-only
// A gateway behind the edge, reached by port forwards: what the tests of translation share.
#pragma once

#include <gtest/gtest.h>

#include "tests/kernel/test_run.h"
#include "tests/support/checksum.h"

namespace edgefw::test {

inline const char* const kGateway = R"(
nat:
- {name: map, type: port-forward, protocol: [tcp, udp], public: 203.0.113.7, public_port: 9555, to: 10.0.0.5, to_port: 8080}
- {name: same, type: port-forward, protocol: udp, public: 203.0.113.7, public_port: 3478, to: 10.0.0.5, to_port: 3478}
rules:
- {name: gateway, side: external, direction: inbound, protocol: tcp, local: 10.0.0.5, local_port: 8080, action: pass}
- {name: media, side: external, direction: inbound, protocol: udp, local: 10.0.0.5, action: pass}
)";

inline const char* const kClient = "198.51.100.9";

inline Bytes to_public(const Layer& transport, std::size_t size = 0, std::uint8_t first = 1) {
    return frame(Ethernet{}, Ipv4{.destination = "203.0.113.7"}, transport, payload(size, first));
}

inline Bytes from_target(const Layer& transport, std::size_t size = 0) {
    return frame(Ethernet{}, Ipv4{.source = "10.0.0.5", .destination = kClient}, transport, payload(size));
}

// A packet with these ends, whole checksums and right ones.
inline void expect_whole(const TestRun& run, const char* ends) {
    const Wire wire = read_wire(run.left());
    EXPECT_EQ(wire.ends, ends);
    EXPECT_TRUE(wire.ip_checksum_right);
    EXPECT_EQ(wire.checksum, wire.whole);
}

inline const char* const kIn = "198.51.100.9:40000 > 10.0.0.5:8080";
inline const char* const kOut = "203.0.113.7:9555 > 198.51.100.9:40000";

}  // namespace edgefw::test
