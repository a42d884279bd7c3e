// SPDX-License-Identifier: GPL-2.0-only
// NAT of every kind, packet by packet: what leaves is compared with a frame of the translated ends, written in full.
// What random policies and packets find is in oracle_test.cpp; here are the shapes that the oracle does not know.
#include <gtest/gtest.h>
#include <netinet/in.h>

#include <chrono>
#include <cstring>
#include <set>
#include <thread>

#include "tests/kernel/one_processor.h"
#include "tests/kernel/test_run.h"
#include "tests/support/checksum.h"

namespace edgefw::test {
namespace {

const std::string kStatic = R"(
default: drop
nat:
- {name: all, type: static, public: 203.0.113.8, to: 10.0.0.6}
rules:
- {name: ssh, side: external, direction: inbound, protocol: tcp, local: 10.0.0.6, local_port: 22, action: pass}
- {name: ping, side: external, direction: inbound, protocol: icmp, icmp: echo-request, local: 10.0.0.6, action: pass}
- {name: tunnel, side: external, direction: inbound, protocol: 47, local: 10.0.0.6, action: pass}
- {name: lite, side: external, direction: inbound, protocol: 136, local: 10.0.0.6, state: none, action: pass}
- {name: out, side: external, direction: outbound, local: 10.0.0.6, action: pass}
)";

const std::string kOffice = R"(
default: drop
nat:
- {name: office, type: masquerade, from: 10.0.0.0/8, as: 203.0.113.7, ports: 61000-61003, keep_parity: true}
rules:
- {name: out, side: external, direction: outbound, local: 10.0.0.0/8, action: pass}
)";

constexpr const char* kPeer = "198.51.100.9";
constexpr std::size_t kEthernet = 14;

Bytes ipv4(const std::string& from, const std::string& to, const std::vector<Layer>& rest, std::uint8_t protocol = 0) {
    Ipv4 header{.source = from, .destination = to};
    if (protocol != 0) header.protocol = protocol;
    std::vector<Layer> layers = {Ethernet{}, header};
    layers.insert(layers.end(), rest.begin(), rest.end());
    return frame_of(layers);
}

Payload quote(const Bytes& packet, std::size_t size = 1000) {
    const std::size_t end = std::min(packet.size(), kEthernet + size);
    return {Bytes(packet.begin() + kEthernet, packet.begin() + static_cast<std::ptrdiff_t>(end))};
}

Bytes error(const std::string& from, const std::string& to, const Payload& quoted) {
    return ipv4(from, to, {Icmp{.type = 3, .code = 4, .id = 0}, quoted});
}

struct Step {
    edgefw_hook hook;
    Bytes comes;
    const char* verdict;
    Bytes leaves;
};

void walk(TestRun& run, const std::vector<Step>& steps) {
    for (std::size_t i = 0; i < steps.size(); i++) {
        EXPECT_EQ(run.judge(steps[i].hook, steps[i].comes), steps[i].verdict) << "step " << i;
        EXPECT_EQ(run.left(), steps[i].leaves) << "step " << i;
    }
}

TEST(Nat, StaticIsForEveryProtocolBothWays) {
    TestRun run(kStatic);
    const std::vector<Layer> gre = {payload(12)};
    const std::vector<Layer> ask = {Icmp{.type = 8, .id = 9}, payload(5)},
                             answer = {Icmp{.type = 0, .id = 9}, payload(5)};
    const std::vector<Layer> syn = {Tcp{.destination_port = 22}};
    const std::vector<Layer> dns = {Udp{.source_port = 5353, .destination_port = 53}, payload(7)};
    const std::vector<Layer> reply = {Udp{.source_port = 53, .destination_port = 5353}, payload(3)};
    walk(run, {
                  {EDGEFW_RECEIVED, ipv4(kPeer, "203.0.113.8", syn), "pass rule ssh via all opened",
                   ipv4(kPeer, "10.0.0.6", syn)},
                  {EDGEFW_RECEIVED, ipv4(kPeer, "203.0.113.8", ask), "pass rule ping via all opened",
                   ipv4(kPeer, "10.0.0.6", ask)},
                  {EDGEFW_SENT, ipv4("10.0.0.6", kPeer, answer), "pass connection ping via all",
                   ipv4("203.0.113.8", kPeer, answer)},
                  {EDGEFW_RECEIVED, ipv4(kPeer, "203.0.113.8", gre, 47), "pass rule tunnel via all opened",
                   ipv4(kPeer, "10.0.0.6", gre, 47)},
                  {EDGEFW_SENT, ipv4("10.0.0.6", kPeer, gre, 47), "pass connection tunnel via all",
                   ipv4("203.0.113.8", kPeer, gre, 47)},
                  {EDGEFW_SENT, ipv4("10.0.0.6", kPeer, dns), "pass rule out via all opened",
                   ipv4("203.0.113.8", kPeer, dns)},
                  {EDGEFW_RECEIVED, ipv4(kPeer, "203.0.113.8", reply), "pass connection out via all",
                   ipv4(kPeer, "10.0.0.6", reply)},
              });
    EXPECT_EQ(run.counter("all").packets, 7u);
    EXPECT_EQ(run.counter("all").connections, 4u);
}

// UDP-Lite (RFC 3828) has a pseudo-header, too; without state a static entry still translates.
TEST(Nat, StaticNeedsNoState) {
    TestRun run(kStatic);
    Bytes datagram = {0x9c, 0x40, 0x00, 0x35, 0x00, 0x00, 0x00, 0x00, 1, 2, 3, 4};
    const auto with_checksum = [&](const std::string& to) {
        Bytes frame = ipv4(kPeer, to, {Payload{datagram}}, 136);
        const Bytes pseudo(frame.begin() + kEthernet + 12, frame.begin() + kEthernet + 20);
        std::uint32_t sum = 136 + static_cast<std::uint32_t>(datagram.size());
        for (const Bytes& part : {pseudo, datagram}) {
            for (std::size_t i = 0; i < part.size(); i += 2)
                sum += static_cast<std::uint32_t>(part[i]) << 8 | part[i + 1];
        }
        while (sum > 0xffff)
            sum = (sum & 0xffff) + (sum >> 16);
        frame[kEthernet + 26] = static_cast<std::uint8_t>(~sum >> 8);
        frame[kEthernet + 27] = static_cast<std::uint8_t>(~sum);
        return frame;
    };
    walk(run, {{EDGEFW_RECEIVED, with_checksum("203.0.113.8"), "pass rule lite via all", with_checksum("10.0.0.6")}});
    EXPECT_EQ(run.half_open(), 0u);
}

TEST(Nat, ErrorsOfStaticConnections) {
    TestRun run(kStatic);
    const std::vector<Layer> ask = {Icmp{.type = 8, .id = 9}, payload(5)};
    const std::vector<Layer> dns = {Udp{.source_port = 5353, .destination_port = 53}, payload(7)};
    EXPECT_EQ(run.judge(EDGEFW_RECEIVED, ipv4(kPeer, "203.0.113.8", ask)), "pass rule ping via all opened");
    EXPECT_EQ(run.judge(EDGEFW_SENT, ipv4("10.0.0.6", kPeer, dns)), "pass rule out via all opened");
    walk(run,
         {
             {EDGEFW_RECEIVED, error("203.0.113.254", "203.0.113.8", quote(ipv4("203.0.113.8", kPeer, dns))),
              "pass icmp-error out via all", error("203.0.113.254", "10.0.0.6", quote(ipv4("10.0.0.6", kPeer, dns)))},
             {EDGEFW_SENT, error("10.0.0.6", kPeer, quote(ipv4(kPeer, "10.0.0.6", ask))),
              "pass icmp-error ping via all", error("203.0.113.8", kPeer, quote(ipv4(kPeer, "203.0.113.8", ask)))},
         });
    EXPECT_EQ(run.judge(EDGEFW_RECEIVED,
                        error("203.0.113.254", "203.0.113.8", quote(ipv4("203.0.113.8", "198.51.100.10", dns)))),
              "drop icmp-unrelated via all");
}

TEST(Nat, MasqueradeGivesPortsUntilThereAreNone) {
    TestRun run(kOffice);
    const auto opener = [](const std::string& from, std::uint16_t port) {
        return ipv4(from, kPeer, {Udp{.source_port = port, .destination_port = 5060}, payload(3)});
    };
    // The port itself where it lies in the range; else another of the same parity.
    walk(run,
         {{EDGEFW_SENT, opener("10.0.0.5", 61002), "pass rule out via office opened", opener("203.0.113.7", 61002)},
          {EDGEFW_SENT, opener("10.0.0.6", 61002), "pass rule out via office opened", opener("203.0.113.7", 61000)}});
    EXPECT_EQ(run.judge(EDGEFW_SENT, opener("10.0.0.7", 40000)), "drop nat-ports out via office");
    EXPECT_EQ(run.judge(EDGEFW_SENT, opener("10.0.0.7", 40001)), "pass rule out via office opened");
    // To another remote end all of them are free.
    EXPECT_EQ(run.judge("external outbound udp 10.0.0.7:40000 > 198.51.100.10:5060"),
              "pass rule out via office opened");
    const auto reply = [](const std::string& to, std::uint16_t port) {
        return ipv4(kPeer, to, {Udp{.source_port = 5060, .destination_port = port}, payload(3)});
    };
    walk(run,
         {{EDGEFW_RECEIVED, reply("203.0.113.7", 61000), "pass connection out via office", reply("10.0.0.6", 61002)},
          {EDGEFW_RECEIVED, reply("203.0.113.7", 61002), "pass connection out via office", reply("10.0.0.5", 61002)}});
    EXPECT_EQ(run.judge("external inbound udp 198.51.100.9:5061 > 203.0.113.7:61000"), "drop default")
        << "another remote port";
}

TEST(Nat, MasqueradeOfEchoesAndOfWhatHasNoPorts) {
    TestRun run(kOffice);
    const auto ask = [](const std::string& from, std::uint16_t id) {
        return ipv4(from, kPeer, {Icmp{.type = 8, .id = id}, payload(9)});
    };
    const auto answer = [](const std::string& to, std::uint16_t id) {
        return ipv4(kPeer, to, {Icmp{.type = 0, .id = id}, payload(9)});
    };
    EXPECT_EQ(run.judge(EDGEFW_SENT, ask("10.0.0.5", 61001)), "pass rule out via office opened");
    EXPECT_EQ(run.judge(EDGEFW_SENT, ask("10.0.0.6", 61001)), "pass rule out via office opened");
    const std::uint16_t id = static_cast<std::uint16_t>(run.left()[kEthernet + 24] << 8 | run.left()[kEthernet + 25]);
    EXPECT_NE(id, 61001);
    EXPECT_EQ(run.left(), ask("203.0.113.7", id));
    walk(run,
         {{EDGEFW_RECEIVED, answer("203.0.113.7", id), "pass connection out via office", answer("10.0.0.6", 61001)},
          {EDGEFW_RECEIVED, answer("203.0.113.7", 61001), "pass connection out via office", answer("10.0.0.5", 61001)},
          {EDGEFW_RECEIVED, error(kPeer, "203.0.113.7", quote(ask("203.0.113.7", id), 28)),
           "pass icmp-error out via office", error(kPeer, "10.0.0.6", quote(ask("10.0.0.6", 61001), 28))}});
    EXPECT_EQ(run.judge(EDGEFW_SENT, ask("10.0.0.5", 0)), "pass rule out via office opened")
        << "0 is an identifier, too";
    const auto gre = [](const std::string& from, const std::string& to) { return ipv4(from, to, {payload(8)}, 47); };
    walk(run, {{EDGEFW_SENT, gre("10.0.0.5", kPeer), "pass rule out via office opened", gre("203.0.113.7", kPeer)},
               {EDGEFW_RECEIVED, gre(kPeer, "203.0.113.7"), "pass connection out via office", gre(kPeer, "10.0.0.5")}});
    EXPECT_EQ(run.judge(EDGEFW_SENT, gre("10.0.0.6", kPeer)), "drop nat-ports out via office")
        << "one tunnel a remote end";
}

// Only eight bytes of the transport header are quoted: the port, and no checksum of TCP.
TEST(Nat, ErrorsOfMasqueradedConnections) {
    TestRun run(kOffice);
    const auto syn = [](const std::string& from, std::uint16_t port) {
        return ipv4(from, kPeer, {Tcp{.source_port = port}});
    };
    EXPECT_EQ(run.judge(EDGEFW_SENT, syn("10.0.0.5", 61003)), "pass rule out via office opened");
    EXPECT_EQ(run.judge(EDGEFW_SENT, syn("10.0.0.6", 61003)), "pass rule out via office opened");
    const std::uint16_t port = static_cast<std::uint16_t>(run.left()[kEthernet + 20] << 8 | run.left()[kEthernet + 21]);
    walk(run, {{EDGEFW_RECEIVED, error("198.51.100.1", "203.0.113.7", quote(syn("203.0.113.7", port), 28)),
                "pass icmp-error out via office", error("198.51.100.1", "10.0.0.6", quote(syn("10.0.0.6", 61003), 28))},
               {EDGEFW_RECEIVED, error("198.51.100.1", "203.0.113.7", quote(syn("203.0.113.7", port))),
                "pass icmp-error out via office", error("198.51.100.1", "10.0.0.6", quote(syn("10.0.0.6", 61003)))}});
}

TEST(Nat, AMasqueradeThatGoesEndsItsConnections) {
    TestRun run(kOffice);
    const char* const opener = "external outbound udp 10.0.0.5:5060 > 198.51.100.9:5060";
    EXPECT_EQ(run.judge(opener), "pass rule out via office opened");
    run.push(kOffice);
    EXPECT_EQ(run.judge(opener), "pass connection out via office");
    run.push(
        "default: drop\nrules:\n- {name: out, side: external, direction: outbound, local: 10.0.0.0/8, action: pass}\n");
    EXPECT_EQ(run.judge(opener), "drop revoked");
    EXPECT_EQ(run.judge(opener), "pass rule out opened");
}

TEST(Nat, WhatIsMasqueradedNeedsAConnection) {
    TestRun run(kOffice);
    EXPECT_EQ(run.judge("external outbound tcp 10.0.0.5:5060 > 198.51.100.9:5060 ack"), "drop default");
    run.push("default: pass\nnat:\n- {name: office, type: masquerade, from: 10.0.0.0/8, as: 203.0.113.7}\n");
    EXPECT_EQ(run.judge("external outbound tcp 10.0.0.5:5060 > 198.51.100.9:5060 ack"), "drop nat-untracked");
    EXPECT_EQ(run.judge("external outbound tcp 10.0.0.5:5060 > 198.51.100.9:5060"), "pass default via office");
    EXPECT_EQ(run.judge("external outbound tcp 192.0.2.5:5060 > 198.51.100.9:5060 ack"), "pass default");
}

// A SYN from where the inside host has connected to, and what comes when its connection has ended, is for the router.
TEST(Nat, WhatIsNoReplyIsNotTranslated) {
    TestRun run("timeouts: {udp-one-way: 1}" + kOffice +
                "- {name: own, side: external, direction: inbound, local: 203.0.113.7, state: none, action: pass}\n");
    EXPECT_EQ(run.judge("external outbound tcp 10.0.0.5:61001 > 198.51.100.9:80"), "pass rule out via office opened");
    EXPECT_EQ(run.judge("external inbound tcp 198.51.100.9:80 > 203.0.113.7:61001"), "pass rule own");
    EXPECT_EQ(read_wire(run.left()).ends, "198.51.100.9:80 > 203.0.113.7:61001");
    EXPECT_EQ(run.judge("external inbound tcp 198.51.100.9:80 > 203.0.113.7:61001 syn,ack"),
              "pass connection out via office");
    EXPECT_EQ(read_wire(run.left()).ends, "198.51.100.9:80 > 10.0.0.5:61001");

    EXPECT_EQ(run.judge("external outbound udp 10.0.0.5:61000 > 198.51.100.9:53"), "pass rule out via office opened");
    std::this_thread::sleep_for(std::chrono::milliseconds(1300));
    EXPECT_EQ(run.judge("external inbound udp 198.51.100.9:53 > 203.0.113.7:61000"), "pass rule own");
    EXPECT_EQ(read_wire(run.left()).ends, "198.51.100.9:53 > 203.0.113.7:61000");
    // Nor does its port stay taken.
    EXPECT_EQ(run.judge("external outbound udp 10.0.0.6:61000 > 198.51.100.9:53"), "pass rule out via office opened");
    EXPECT_EQ(read_wire(run.left()).ends, "203.0.113.7:61000 > 198.51.100.9:53");
}

// RFC 4787 REQ-1: where the port cannot be kept, another one is, whatever it talks to.
TEST(Nat, OneInsidePortHasOnePublicPort) {
    TestRun run(
        "default: drop\n"
        "nat:\n- {name: office, type: masquerade, from: 10.0.0.0/8, as: 203.0.113.7, ports: 61000-64999}\n"
        "rules:\n- {name: out, side: external, direction: outbound, local: 10.0.0.0/8, action: pass}\n");
    std::set<std::string> ports;
    for (const std::string to : {"198.51.100.9:53", "198.51.100.9:54", "198.51.100.10:53", "192.0.2.1:3478"}) {
        EXPECT_EQ(run.judge("external outbound udp 10.0.0.5:40000 > " + to), "pass rule out via office opened");
        ports.insert(read_wire(run.left()).ends.substr(0, std::strlen("203.0.113.7:61000")));
    }
    EXPECT_EQ(ports.size(), 1u);
}

// The public port of what has just left: "203.0.113.7:PORT > ...".
int public_port(const TestRun& run) {
    const std::string ends = read_wire(run.left()).ends;
    const std::size_t begin = ends.find(':') + 1;
    return std::stoi(ends.substr(begin, ends.find(' ') - begin));
}

// The one port that is free of hundreds is found, wherever it lies; and none where there is none.
TEST(Nat, TheLastFreePortIsFound) {
    constexpr int kFirst = 61000, kPorts = 400;
    TestRun run(
        "default: drop\n"
        "nat:\n- {name: office, type: masquerade, from: 10.0.0.0/8, as: 203.0.113.7, ports: 61000-61399}\n"
        "rules:\n- {name: out, side: external, direction: outbound, local: 10.0.0.0/8, action: pass}\n");
    const auto opener = [](const std::string& from, int port) {
        return "external outbound udp " + from + ":" + std::to_string(port) + " > 198.51.100.9:53";
    };
    std::set<int> ports;
    for (int i = 0; i < kPorts; i++) {
        if (i == 200) continue;
        EXPECT_EQ(run.judge(opener("10.0.0.5", kFirst + i)), "pass rule out via office opened") << i;
        ports.insert(public_port(run));
    }
    EXPECT_EQ(run.judge(opener("10.0.0.6", kFirst + 201)), "pass rule out via office opened");
    ports.insert(public_port(run));
    EXPECT_EQ(ports.size(), static_cast<std::size_t>(kPorts));
    EXPECT_EQ(run.judge(opener("10.0.0.7", kFirst)), "drop nat-ports out via office");
}

// Who fills a range makes no other packet take long: the next search of all of it is 100 ms later.
TEST(Nat, AWholeSearchIsNotRepeatedAtOnce) {
    constexpr int kFirst = 61000, kPorts = 400, kRounds = 6;
    const OneProcessor stays;
    TestRun run(
        "default: drop\n"
        "nat:\n- {name: office, type: masquerade, from: 10.0.0.0/8, as: 203.0.113.7, ports: 61000-61399}\n"
        "rules:\n- {name: out, side: external, direction: outbound, local: 10.0.0.0/8, action: pass}\n");
    const auto opener = [](const std::string& from, int port) {
        return "external outbound udp " + from + ":" + std::to_string(port) + " > 198.51.100.9:53";
    };
    for (int i = 0; i < kPorts; i++)
        EXPECT_EQ(run.judge(opener("10.0.0.5", kFirst + i)), "pass rule out via office opened") << i;
    // What lost its connection is its own for a second, as what has none yet is.
    std::this_thread::sleep_for(std::chrono::milliseconds(1300));
    int refused = 0;
    for (int round = 0; round < kRounds; round++) {
        for (const int port : {300, 350})
            run.forget_of_port(static_cast<std::uint16_t>(kFirst + port + round));
        std::this_thread::sleep_for(std::chrono::milliseconds(150));
        const std::string second = opener("10.0.0.7", kFirst + round);
        EXPECT_EQ(run.judge(opener("10.0.0.6", kFirst + round)), "pass rule out via office opened");
        // Without the search of the whole range, two in ten find the free port by chance.
        if (run.judge(second) == "pass rule out via office opened") continue;
        refused++;
        std::this_thread::sleep_for(std::chrono::milliseconds(150));
        EXPECT_EQ(run.judge(second), "pass rule out via office opened");
    }
    EXPECT_GT(refused, 0);
}

// RFC 4787 REQ-3: a port below 1024 stays below, one above stays above, as long as there is one free.
TEST(Nat, APortStaysOnItsSideOf1024) {
    TestRun run(
        "default: drop\n"
        "nat:\n- {name: office, type: masquerade, from: 10.0.0.0/8, as: 203.0.113.7, ports: 1020-1027}\n"
        "rules:\n- {name: out, side: external, direction: outbound, local: 10.0.0.0/8, action: pass}\n");
    const auto opener = [](int host, int port) {
        return "external outbound udp 10.0.0." + std::to_string(host) + ":" + std::to_string(port) +
               " > 198.51.100.9:53";
    };
    for (int host = 1; host <= 3; host++) {
        EXPECT_EQ(run.judge(opener(host, 500)), "pass rule out via office opened");
        EXPECT_LT(public_port(run), 1024) << host;
        EXPECT_EQ(run.judge(opener(host, 5000)), "pass rule out via office opened");
        EXPECT_GE(public_port(run), 1024) << host;
    }
    EXPECT_EQ(run.judge(opener(4, 500)), "pass rule out via office opened");
    EXPECT_LT(public_port(run), 1024);
    EXPECT_EQ(run.judge(opener(5, 500)), "pass rule out via office opened");
    EXPECT_GE(public_port(run), 1024) << "none is left below";
    EXPECT_EQ(run.judge(opener(6, 500)), "drop nat-ports out via office");
}

// What the server sends to other inside networks keeps its own address, hairpin or not.
TEST(Nat, AHairpinOfAStaticEntryTranslatesDestinationsAlone) {
    const std::string lines = R"(
default: {external: drop, internal: pass}
nat:
- {name: office, type: masquerade, side: internal, from: 10.0.0.8/29, as: 10.0.0.2}
- {name: all, type: static, public: 203.0.113.8, to: 10.0.0.6, hairpin: {from: 10.0.0.0/24, as: 10.0.0.1}}
rules:
- {name: in, side: internal, direction: both, state: none, action: pass}
)";
    TestRun inside({.side = policy::Side::kInternal});
    inside.push(lines);
    EXPECT_EQ(inside.judge("internal outbound tcp 10.0.0.9:40000 > 203.0.113.8:80"), "pass rule in via all opened");
    EXPECT_EQ(read_wire(inside.left()).ends, "10.0.0.9:40000 > 10.0.0.6:80");
    EXPECT_EQ(inside.judge("internal inbound tcp 10.0.0.6:80 > 10.0.0.9:40000 syn,ack"), "pass connection in via all");
    EXPECT_EQ(read_wire(inside.left()).ends, "203.0.113.8:80 > 10.0.0.9:40000");
    // The masquerade of the hairpin comes before that of the whole network.
    EXPECT_EQ(inside.judge("internal inbound tcp 10.0.0.9:40000 > 10.0.0.6:80"), "pass rule in via all/hairpin opened");
    EXPECT_EQ(read_wire(inside.left()).ends.substr(0, 9), "10.0.0.1:");
    EXPECT_EQ(inside.judge("internal outbound tcp 10.9.0.9:40000 > 10.0.0.6:80"), "pass rule in");
    EXPECT_EQ(inside.judge("internal inbound tcp 10.0.0.6:80 > 10.9.0.9:40000 syn,ack"), "pass rule in");
    EXPECT_EQ(read_wire(inside.left()).ends, "10.0.0.6:80 > 10.9.0.9:40000");
}

// Both halves of a mapped entry and of a hairpin, card by card.
TEST(Nat, MappedIsAForwardInsideAndAMasqueradeOutside) {
    const std::string lines = R"(
default: drop
nat:
- {name: proxy, type: mapped, protocol: tcp, public: 192.168.1.1, map: {9001: 204.164.111.5}, to_port: 16384,
   from: 192.168.1.0/24, as: 203.0.113.7}
rules:
- {name: in, side: internal, direction: outbound, protocol: tcp, local: 204.164.111.0/26, local_port: 16384, action: pass}
- {name: out, side: external, direction: outbound, protocol: tcp, remote: 204.164.111.0/26, remote_port: 16384, action: pass}
)";
    TestRun inside({.side = policy::Side::kInternal});
    inside.push(lines);
    EXPECT_EQ(inside.judge("internal outbound tcp 192.168.1.9:40000 > 192.168.1.1:9001"),
              "pass rule in via proxy/9001 opened");
    EXPECT_EQ(read_wire(inside.left()).ends, "192.168.1.9:40000 > 204.164.111.5:16384");
    EXPECT_EQ(inside.judge("internal inbound tcp 204.164.111.5:16384 > 192.168.1.9:40000 syn,ack"),
              "pass connection in via proxy/9001");
    EXPECT_EQ(read_wire(inside.left()).ends, "192.168.1.1:9001 > 192.168.1.9:40000");
    EXPECT_EQ(inside.judge("internal outbound tcp 192.168.1.9:40000 > 192.168.1.1:9002"), "drop default");

    TestRun outside(lines);
    EXPECT_EQ(outside.judge("external outbound tcp 192.168.1.9:40000 > 204.164.111.5:16384"),
              "pass rule out via proxy/masquerade opened");
    const std::string ends = read_wire(outside.left()).ends;
    EXPECT_EQ(ends.substr(0, 13), "203.0.113.7:6") << ends;
    const std::string port = ends.substr(12, ends.find(' ') - 12);
    EXPECT_EQ(outside.judge("external inbound tcp 204.164.111.5:16384 > 203.0.113.7:" + port + " syn,ack"),
              "pass connection out via proxy/masquerade");
    EXPECT_EQ(read_wire(outside.left()).ends, "204.164.111.5:16384 > 192.168.1.9:40000");
    EXPECT_EQ(outside.judge("external inbound tcp 204.164.111.5:16384 > 203.0.113.7:" + port), "drop default");
}

}  // namespace
}  // namespace edgefw::test
