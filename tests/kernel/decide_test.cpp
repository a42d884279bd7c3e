// SPDX-License-Identifier: GPL-2.0-only
// decide: the order of the stages, sides and directions, and the defaults.
#include <gtest/gtest.h>

#include "tests/kernel/test_run.h"

namespace edgefw::test {
namespace {

struct Row {
    const char* packet;
    const char* expected;
};

void check(policy::Side side, const std::string& policy, const std::vector<Row>& rows) {
    TestRun run({.side = side});
    run.push(policy);
    for (const Row& row : rows) {
        run.forget();
        EXPECT_EQ(run.judge(row.packet), row.expected) << row.packet << "\n" << policy;
    }
}

// The table of docs/policy.md#side-direction-local-remote, row by row: the hook says which end is local, and the side
// says what the direction is called.
TEST(Decide, ExternalSide) {
    check(policy::Side::kExternal,
          "rules:\n"
          "- {name: in, side: external, direction: inbound, protocol: tcp, local: 192.0.2.20, local_port: 443, action: "
          "pass}\n"
          "- {name: out, side: external, direction: outbound, protocol: tcp, local: 192.0.2.20, remote_port: 80, "
          "action: pass}\n"
          "- {name: media, side: external, direction: both, protocol: udp, local: 192.0.2.20, local_port: 50000-59999, "
          "action: pass}\n"
          "- {name: inner, side: internal, protocol: tcp, action: pass}\n",
          {
              {"external inbound tcp 198.51.100.9:40000 > 192.0.2.20:443", "pass rule in opened"},
              {"external outbound tcp 192.0.2.20:443 > 198.51.100.9:40000", "drop default"},
              {"external outbound tcp 192.0.2.20:40000 > 198.51.100.9:80", "pass rule out opened"},
              {"external inbound tcp 198.51.100.9:80 > 192.0.2.20:40000", "drop default"},
              {"external inbound tcp 198.51.100.9:40000 > 192.0.2.20:80", "drop default"},
              {"external inbound udp 198.51.100.9:40000 > 192.0.2.20:50000", "pass rule media opened"},
              {"external outbound udp 192.0.2.20:50000 > 198.51.100.9:40000", "pass rule media opened"},
              {"external outbound udp 192.0.2.20:40000 > 198.51.100.9:50000", "drop default"},
              {"external inbound udp 192.0.2.20:50000 > 198.51.100.9:40000", "drop default"},
          });
}

TEST(Decide, InternalSide) {
    check(policy::Side::kInternal,
          "rules:\n"
          "- {name: to-edge, side: internal, direction: outbound, protocol: tcp, local: 192.0.2.20, local_port: 8057, "
          "action: pass}\n"
          "- {name: to-hop, side: internal, direction: inbound, protocol: tcp, local: 192.0.2.20, remote: 10.45.16.10, "
          "remote_port: 5061, action: pass}\n"
          "- {name: outer, side: external, protocol: tcp, action: pass}\n",
          {
              // Received is outbound: an internal host connects to the edge server's port.
              {"internal outbound tcp 10.0.0.9:40000 > 192.0.2.20:8057", "pass rule to-edge opened"},
              {"internal inbound tcp 192.0.2.20:40000 > 10.0.0.9:8057", "drop default"},
              {"internal inbound tcp 192.0.2.20:8057 > 10.0.0.9:40000", "drop default"},
              // Sent is inbound: the edge server connects to the next hop.
              {"internal inbound tcp 192.0.2.20:40000 > 10.45.16.10:5061", "pass rule to-hop opened"},
              {"internal outbound tcp 10.45.16.10:40000 > 192.0.2.20:5061", "drop default"},
              {"internal outbound tcp 10.45.16.10:5061 > 192.0.2.20:40000", "drop default"},
          });
}

// What has no direction has both, on the side it names and on no other.
TEST(Decide, BothDirections) {
    const std::string policy =
        "rules:\n- {name: r, side: internal, protocol: udp, local_port: 53, state: none, action: pass}\n";
    check(policy::Side::kInternal, policy,
          {
              {"internal outbound udp 10.0.0.9:1 > 192.0.2.20:53", "pass rule r"},
              {"internal inbound udp 192.0.2.20:53 > 10.0.0.9:1", "pass rule r"},
          });
    check(policy::Side::kExternal, policy,
          {
              {"external inbound udp 10.0.0.9:1 > 192.0.2.20:53", "drop default"},
              {"external outbound udp 192.0.2.20:53 > 10.0.0.9:1", "drop default"},
          });
}

TEST(Decide, DefaultsPerSideAndDirection) {
    const std::string policy = "default: {external: {inbound: drop, outbound: pass}, internal: pass}\n";
    check(policy::Side::kExternal, policy,
          {
              {"external inbound 47 198.51.100.9 > 192.0.2.20", "drop default"},
              {"external outbound 47 192.0.2.20 > 198.51.100.9", "pass default"},
          });
    check(policy::Side::kInternal, policy,
          {
              {"internal inbound 47 198.51.100.9 > 192.0.2.20", "pass default"},
              {"internal outbound 47 192.0.2.20 > 198.51.100.9", "pass default"},
          });
    check(policy::Side::kInternal, "default: {internal: {inbound: pass}}",
          {
              {"internal inbound 47 192.0.2.20 > 10.0.0.9", "pass default"},
              {"internal outbound 47 10.0.0.9 > 192.0.2.20", "drop default"},
          });
}

// A default that passes one way only keeps state for its replies; one that passes both ways keeps none.
TEST(Decide, DefaultPassKeepsState) {
    TestRun run("default: {external: {outbound: pass}}");
    EXPECT_EQ(run.judge("external inbound tcp 198.51.100.9:443 > 192.0.2.20:40000 syn,ack"), "drop default");
    EXPECT_EQ(run.judge("external outbound tcp 192.0.2.20:40000 > 198.51.100.9:443"), "pass default");
    EXPECT_EQ(run.judge("external inbound tcp 198.51.100.9:443 > 192.0.2.20:40000 syn,ack"), "pass connection");
    EXPECT_EQ(run.judge("external outbound tcp 192.0.2.20:1 > 198.51.100.9:443 ack"), "pass default");
    EXPECT_EQ(run.judge("external inbound tcp 198.51.100.9:443 > 192.0.2.20:1 ack"), "drop default");

    TestRun open("default: pass");
    EXPECT_EQ(open.judge("external outbound udp 192.0.2.20:1 > 198.51.100.9:53"), "pass default");
    EXPECT_EQ(open.judge("external inbound udp 198.51.100.9:53 > 192.0.2.20:1"), "pass default");
}

TEST(Decide, NoPolicyPassesWhatever) {
    TestRun run;
    const Bytes frames[] = {
        frame(Ethernet{}, Ipv4{}, Tcp{}),
        frame(Ethernet{}, Ipv4{.version = 9}, Tcp{}),
        frame(Ethernet{}, Vlan{}, Vlan{}, Vlan{}, Ipv6{}, Udp{}),
        frame(Ethernet{}, Ipv4{.offset = 8, .protocol = 6}, payload(32)),
        frame(Ethernet{.type = 0x0806}, payload(46)),
    };
    for (const Bytes& one : frames) {
        EXPECT_EQ(run.judge(EDGEFW_RECEIVED, one), "pass no-policy");
        EXPECT_EQ(run.judge(EDGEFW_SENT, one), "pass no-policy");
    }
    EXPECT_EQ(run.reason(EDGEFW_RECEIVED, EDGEFW_PASS, EDGEFW_REASON_NO_POLICY).packets, std::size(frames));
}

// A message that is neither request nor reply opens nothing and belongs to nothing.
TEST(Decide, IcmpErrorsPassAloneByAPassRule) {
    TestRun run(
        "rules:\n- {name: errors, side: external, direction: inbound, protocol: icmp, icmp: [3, 11], action: pass}\n");
    EXPECT_EQ(run.judge("external inbound icmp 198.51.100.9 > 192.0.2.20 3/4"), "pass rule errors");
    EXPECT_EQ(run.judge("external outbound icmp 192.0.2.20 > 198.51.100.9 3/4"), "drop icmp-unrelated");
    EXPECT_EQ(run.judge("external inbound icmp 198.51.100.9 > 192.0.2.20 echo-reply"), "drop default");
    EXPECT_EQ(run.counter("errors").connections, 0u);
}

}  // namespace
}  // namespace edgefw::test
