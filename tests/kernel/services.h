// SPDX-License-Identifier: GPL-2.0-only
// A host with a service of each kind: what the tests of connections share.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/kernel/test_run.h"

namespace edgefw::test {

// A packet in the notation, and what it ends as.
struct Step {
    std::string packet;
    const char* expected;
};

inline void tell(TestRun& run, const std::vector<Step>& story) {
    for (const Step& step : story)
        EXPECT_EQ(run.judge(step.packet), step.expected) << step.packet;
}

inline const std::string kServices = R"(
rules:
- {name: web, side: external, direction: inbound, protocol: tcp, local_port: 443, action: pass}
- {name: dns, side: external, direction: inbound, protocol: udp, local_port: 53, action: pass}
- {name: ping, side: external, protocol: icmp, icmp: echo-request, action: pass}
- {name: ping6, side: external, protocol: icmp6, icmp: echo-request, action: pass}
- {name: gre, side: external, direction: inbound, protocol: 47, action: pass}
)";

// Segments of one connection to `web`, from its opener and back. The flags are to be added.
inline const std::string kThere = "external inbound tcp 198.51.100.9:40000 > 192.0.2.20:443 ";
inline const std::string kBack = "external outbound tcp 192.0.2.20:443 > 198.51.100.9:40000 ";

}  // namespace edgefw::test
