// SPDX-License-Identifier: GPL-2.0-only
// What the target of a port forward opens from the forwarded port leaves by the public end, and no masquerade gives
// that to anybody else.
#include <gtest/gtest.h>

#include <set>

#include "tests/kernel/test_run.h"
#include "tests/support/checksum.h"

namespace edgefw::test {
namespace {

// A telephone exchange behind a forward of its port, and a masquerade for the rest.
const std::string kExchange = R"(
default: drop
nat:
- {name: sip, type: port-forward, protocol: udp, public: 203.0.113.7, public_port: 15060, to: 10.0.0.5, to_port: 5060}
- {name: sip-too, type: port-forward, protocol: udp, public: 203.0.113.7, public_port: 5062, to: 10.0.0.5, to_port: 5060}
- {name: media, type: port-forward, protocol: udp, public: 203.0.113.7, public_port: 61000-61002, to: 10.0.0.5}
- {name: office, type: masquerade, from: 10.0.0.0/8, as: 203.0.113.7, ports: 61000-61003}
rules:
- {name: calls, side: external, direction: inbound, protocol: udp, local: 10.0.0.5, action: pass}
- {name: out, side: external, direction: outbound, local: 10.0.0.0/8, action: pass}
)";

std::string ends_of(TestRun& run, const std::string& notation, const std::string& verdict) {
    EXPECT_EQ(run.judge(notation), verdict) << notation;
    return read_wire(run.left()).ends;
}

// REGISTER leaves by the port that INVITE comes to, and both are of one connection, whoever opens it.
TEST(Nat, TheTargetOfAForwardOpensByItsPublicEnd) {
    TestRun run(kExchange);
    EXPECT_EQ(ends_of(run, "external outbound udp 10.0.0.5:5060 > 198.51.100.9:5060", "pass rule out via sip opened"),
              "203.0.113.7:15060 > 198.51.100.9:5060");
    EXPECT_EQ(ends_of(run, "external inbound udp 198.51.100.9:5060 > 203.0.113.7:15060", "pass connection out via sip"),
              "198.51.100.9:5060 > 10.0.0.5:5060");
    EXPECT_EQ(ends_of(run, "external inbound udp 198.51.100.8:7 > 203.0.113.7:15060", "pass rule calls via sip opened"),
              "198.51.100.8:7 > 10.0.0.5:5060");
    // By the other of its public ports, too; what answers that leaves by it.
    EXPECT_EQ(
        ends_of(run, "external inbound udp 198.51.100.7:7 > 203.0.113.7:5062", "pass rule calls via sip-too opened"),
        "198.51.100.7:7 > 10.0.0.5:5060");
    EXPECT_EQ(ends_of(run, "external outbound udp 10.0.0.5:5060 > 198.51.100.7:7", "pass connection calls via sip-too"),
              "203.0.113.7:5062 > 198.51.100.7:7");
    EXPECT_EQ(ends_of(run, "external outbound udp 10.0.0.5:61001 > 198.51.100.9:9", "pass rule out via media opened"),
              "203.0.113.7:61001 > 198.51.100.9:9");
    // Of another host, port or protocol it is the masquerade's, which has one port for UDP.
    const std::string to = " > 198.51.100.9:5060";
    EXPECT_EQ(run.judge("external outbound udp 10.0.0.6:5060" + to), "pass rule out via office opened");
    EXPECT_EQ(run.judge("external outbound udp 10.0.0.5:5061" + to), "drop nat-ports out via office");
    EXPECT_EQ(run.judge("external outbound tcp 10.0.0.5:5060" + to), "pass rule out via office opened");
    EXPECT_EQ(run.counter("sip").connections, 2u);
    EXPECT_EQ(run.counter("media").connections, 1u);
}

// As for what is received: the forward of a port comes before the static entry of the whole host.
TEST(Nat, AForwardComesBeforeAStaticEntryOfItsTarget) {
    TestRun run(R"(
default: drop
nat:
- {name: all, type: static, public: 203.0.113.8, to: 10.0.0.5}
- {name: sip, type: port-forward, protocol: udp, public: 203.0.113.7, public_port: 15060, to: 10.0.0.5, to_port: 5060}
rules:
- {name: out, side: external, direction: outbound, local: 10.0.0.5, action: pass}
)");
    EXPECT_EQ(ends_of(run, "external outbound udp 10.0.0.5:5060 > 198.51.100.9:5060", "pass rule out via sip opened"),
              "203.0.113.7:15060 > 198.51.100.9:5060");
    EXPECT_EQ(ends_of(run, "external outbound udp 10.0.0.5:5061 > 198.51.100.9:5060", "pass rule out via all opened"),
              "203.0.113.8:5061 > 198.51.100.9:5060");
    EXPECT_EQ(ends_of(run, "external outbound tcp 10.0.0.5:5060 > 198.51.100.9:5060", "pass rule out via all opened"),
              "203.0.113.8:5060 > 198.51.100.9:5060");
}

// Whose port is forwarded gets what comes there: nobody else may be told to be called back at it.
TEST(Nat, AMasqueradeGivesNoForwardedPort) {
    TestRun run(kExchange);
    for (const char* port : {"61000", "61001", "61003"}) {
        TestRun alone(kExchange);
        EXPECT_EQ(ends_of(alone, std::string("external outbound udp 10.0.0.6:") + port + " > 198.51.100.9:9",
                          "pass rule out via office opened"),
                  "203.0.113.7:61003 > 198.51.100.9:9");
    }
    // Of TCP none of them is forwarded.
    std::set<std::string> ports;
    for (int i = 0; i < 4; i++) {
        const std::string ends =
            ends_of(run, "external outbound tcp 10.0.0.6:4000" + std::to_string(i) + " > 198.51.100.9:9",
                    "pass rule out via office opened");
        ports.insert(ends.substr(0, ends.find(' ')));
    }
    EXPECT_EQ(ports.size(), 4u);
}

// A push that begins, ends or changes how the opener leaves ends its connection; one that does not, does not.
TEST(Nat, APushEndsWhatWouldLeaveByAnotherEnd) {
    const std::string office = R"(
- {name: office, type: masquerade, from: 10.0.0.0/8, as: 203.0.113.7, ports: 61000-61003}
rules:
- {name: calls, side: external, direction: inbound, protocol: udp, local: 10.0.0.5, action: pass}
- {name: out, side: external, direction: outbound, local: 10.0.0.0/8, action: pass}
)";
    const std::string at =
        "- {name: sip, type: port-forward, protocol: udp, public: 203.0.113.7, to: 10.0.0.5, to_port: 5060, ";
    const std::string none = "default: drop\nnat:" + office,
                      sip = "default: drop\nnat:\n" + at + "public_port: 5060}" + office,
                      moved = "default: drop\nnat:\n" + at + "public_port: 5070}" + office,
                      taken =
                          "default: drop\nnat:\n- {name: sip, type: port-forward, protocol: udp, public: 203.0.113.7, "
                          "to: 10.0.0.6, public_port: 61000}" +
                          office;
    const char* const opener = "external outbound udp 10.0.0.5:5060 > 198.51.100.9:5060";
    struct Row {
        const std::string& before;
        const std::string& after;
        bool goes_on;
    };
    for (const Row& row : {Row{none, none, true}, Row{sip, sip, true}, Row{none, sip, false}, Row{sip, none, false},
                           Row{sip, moved, false}}) {
        TestRun run(row.before);
        const std::string by = &row.before == &none ? "office" : "sip";
        EXPECT_EQ(run.judge(opener), "pass rule out via " + by + " opened");
        run.push(row.after);
        EXPECT_EQ(run.judge(opener), row.goes_on ? "pass connection out via " + by : "drop revoked")
            << row.before << row.after;
    }
    // A static entry of the same name and address keeps the port that the target has.
    const std::string whole = "default: drop\nnat:\n- {name: sip, type: static, public: 203.0.113.7, to: 10.0.0.5}\n" +
                              office.substr(office.find("rules:"));
    TestRun of_static(moved);
    EXPECT_EQ(of_static.judge(opener), "pass rule out via sip opened");
    of_static.push(whole);
    EXPECT_EQ(of_static.judge(opener), "drop revoked");
    EXPECT_EQ(ends_of(of_static, opener, "pass rule out via sip opened"), "203.0.113.7:5060 > 198.51.100.9:5060");
    of_static.push(whole);
    EXPECT_EQ(of_static.judge(opener), "pass connection out via sip");
    // A port that a masquerade gave is forwarded to somebody else now.
    TestRun run(none);
    const char* const other = "external outbound udp 10.0.0.9:61000 > 198.51.100.9:5060";
    EXPECT_EQ(ends_of(run, other, "pass rule out via office opened"), "203.0.113.7:61000 > 198.51.100.9:5060");
    run.push(taken);
    EXPECT_EQ(run.judge(other), "drop revoked");
    EXPECT_NE(ends_of(run, other, "pass rule out via office opened"), "203.0.113.7:61000 > 198.51.100.9:5060");
}

// What is in mid-stream of nothing does not leave by the forward, and an inside host cannot make another one's public
// end its own.
TEST(Nat, WhatLeavesByAForwardNeedsAConnection) {
    TestRun run(
        "default: pass\nnat:\n- {name: web, type: port-forward, protocol: tcp, public: 203.0.113.7, public_port: "
        "443, to: 10.0.0.5, to_port: 8443}\n");
    EXPECT_EQ(run.judge("external outbound tcp 10.0.0.5:8443 > 198.51.100.9:5 ack"), "drop nat-untracked via web");
    EXPECT_EQ(run.judge("external outbound tcp 10.0.0.6:8443 > 198.51.100.9:5 ack"), "pass default");
    EXPECT_EQ(ends_of(run, "external outbound tcp 10.0.0.5:8443 > 198.51.100.9:5", "pass default via web"),
              "203.0.113.7:443 > 198.51.100.9:5");
    EXPECT_EQ(ends_of(run, "external inbound tcp 198.51.100.9:5 > 203.0.113.7:443 syn,ack", "pass connection via web"),
              "198.51.100.9:5 > 10.0.0.5:8443");
    EXPECT_EQ(run.counter("web").connections, 1u);
}

}  // namespace
}  // namespace edgefw::test
