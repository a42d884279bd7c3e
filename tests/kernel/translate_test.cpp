// SPDX-License-Identifier: GPL-2.0-only
// translate: what leaves of a packet for a port forward, and of its replies: addresses, ports, and every checksum
// against one computed in full.
#include <gtest/gtest.h>

#include "tests/kernel/gateway.h"

namespace edgefw::test {
namespace {

TEST(Translate, TcpThereAndBack) {
    TestRun run(kGateway);
    const Tcp syn{.destination_port = 9555};
    EXPECT_EQ(run.judge(EDGEFW_RECEIVED, to_public(syn)), "pass rule gateway via map/tcp opened");
    expect_whole(run, kIn);
    const Tcp answer{.source_port = 8080, .destination_port = 40000, .flags = kSyn | kAck};
    EXPECT_EQ(run.judge(EDGEFW_SENT, from_target(answer)), "pass connection gateway via map/tcp");
    expect_whole(run, kOut);
    const Tcp data{.destination_port = 9555, .flags = kPsh | kAck};
    EXPECT_EQ(run.judge(EDGEFW_RECEIVED, to_public(data, 1001)), "pass connection gateway via map/tcp");
    expect_whole(run, kIn);
}

TEST(Translate, TheSamePort) {
    TestRun run(kGateway);
    EXPECT_EQ(run.judge(EDGEFW_RECEIVED, to_public(Udp{}, 20)), "pass rule media via same opened");
    expect_whole(run, "198.51.100.9:40000 > 10.0.0.5:3478");
    EXPECT_EQ(run.judge(EDGEFW_SENT, from_target(Udp{.source_port = 3478, .destination_port = 40000}, 20)),
              "pass connection media via same");
    expect_whole(run, "203.0.113.7:3478 > 198.51.100.9:40000");
}

// A fragment of a forwarded packet is translated as its first; without one it drops.
TEST(Translate, Fragments) {
    TestRun run(kGateway);
    const Bytes whole = to_public(Udp{.destination_port = 9555}, 100);
    const std::vector<Bytes> pieces = fragments_of(whole, 32);
    ASSERT_EQ(pieces.size(), 4u);
    EXPECT_EQ(run.judge(EDGEFW_RECEIVED, pieces[1]), "drop fragment-without-first");
    EXPECT_EQ(run.judge(EDGEFW_RECEIVED, pieces[0]), "pass rule media via map/udp opened");
    EXPECT_EQ(read_wire(run.left()).ends, kIn);
    // The first carries the checksum of the whole datagram: that of the datagram translated in one piece.
    const std::uint16_t checksum = read_wire(run.left()).checksum;
    for (std::size_t i = 1; i < pieces.size(); i++) {
        EXPECT_EQ(run.judge(EDGEFW_RECEIVED, pieces[i]), "pass fragment media via map/udp");
        EXPECT_EQ(read_wire(run.left()).ends, "198.51.100.9 > 10.0.0.5");
        EXPECT_TRUE(read_wire(run.left()).ip_checksum_right);
    }
    EXPECT_EQ(run.judge(EDGEFW_RECEIVED, whole), "pass connection media via map/udp");
    EXPECT_EQ(read_wire(run.left()).checksum, checksum);
    EXPECT_EQ(run.counter("map/udp").packets, 5u);
}

TEST(Translate, FragmentsOfReplies) {
    TestRun run(kGateway);
    EXPECT_EQ(run.judge(EDGEFW_RECEIVED, to_public(Udp{.destination_port = 9555})),
              "pass rule media via map/udp opened");
    const std::vector<Bytes> pieces =
        fragments_of(from_target(Udp{.source_port = 8080, .destination_port = 40000}, 100), 64);
    ASSERT_EQ(pieces.size(), 2u);
    EXPECT_EQ(run.judge(EDGEFW_SENT, pieces[1]), "drop fragment-without-first");
    EXPECT_EQ(run.judge(EDGEFW_SENT, pieces[0]), "pass connection media via map/udp");
    EXPECT_EQ(read_wire(run.left()).ends, kOut);
    EXPECT_EQ(run.judge(EDGEFW_SENT, pieces[1]), "pass fragment media via map/udp");
    EXPECT_EQ(read_wire(run.left()).ends, "203.0.113.7 > 198.51.100.9");
    EXPECT_TRUE(read_wire(run.left()).ip_checksum_right);
}

// The same client port, the same target: an answer could not say which of two it is of.
TEST(Translate, OneConnectionHasOnePublicEnd) {
    TestRun run(kGateway);
    const Bytes direct = frame(Ethernet{}, Ipv4{.destination = "10.0.0.5"}, Tcp{.destination_port = 8080});
    const Tcp answer{.source_port = 8080, .destination_port = 40000, .flags = kAck};
    EXPECT_EQ(run.judge(EDGEFW_RECEIVED, direct), "pass rule gateway opened");
    EXPECT_EQ(run.judge(EDGEFW_RECEIVED, to_public(Tcp{.destination_port = 9555})),
              "drop nat-collision gateway via map/tcp");
    EXPECT_EQ(run.judge(EDGEFW_SENT, from_target(answer)), "pass connection gateway");
    EXPECT_EQ(read_wire(run.left()).ends, "10.0.0.5:8080 > 198.51.100.9:40000");
    EXPECT_EQ(run.counter("gateway").connections, 1u);
    EXPECT_EQ(run.counter("map/tcp").connections, 0u);
}

// A client closes what it had through the forward and uses its port again, now directly.
TEST(Translate, AnOpenDirectOneComesBeforeAClosedOneThrough) {
    constexpr std::uint8_t kRst = 0x04;
    TestRun run(kGateway);
    const Tcp answer{.source_port = 8080, .destination_port = 40000, .flags = kAck};
    EXPECT_EQ(run.judge(EDGEFW_RECEIVED, to_public(Tcp{.destination_port = 9555})),
              "pass rule gateway via map/tcp opened");
    EXPECT_EQ(run.judge(EDGEFW_RECEIVED, to_public(Tcp{.destination_port = 9555, .flags = kRst})),
              "pass connection gateway via map/tcp");
    // Until then a late answer goes out as it did.
    EXPECT_EQ(run.judge(EDGEFW_SENT, from_target(answer)), "pass connection gateway via map/tcp");
    EXPECT_EQ(
        run.judge(EDGEFW_RECEIVED, frame(Ethernet{}, Ipv4{.destination = "10.0.0.5"}, Tcp{.destination_port = 8080})),
        "pass rule gateway opened");
    EXPECT_EQ(run.judge(EDGEFW_SENT, from_target(answer)), "pass connection gateway");
    EXPECT_EQ(read_wire(run.left()).ends, "10.0.0.5:8080 > 198.51.100.9:40000");
}

// What the forward does not name is not translated, and its target is out of reach by its public address.
TEST(Translate, NoMoreThanItNames) {
    TestRun run(kGateway);
    const struct {
        const char* name;
        Bytes frame;
        const char* expected;
    } rows[] = {
        {"another port", to_public(Tcp{.destination_port = 9554}), "drop default"},
        {"another address", frame(Ethernet{}, Ipv4{.destination = "203.0.113.8"}, Tcp{.destination_port = 9555}),
         "drop default"},
        {"a port of UDP's alone", to_public(Tcp{.destination_port = 3478}), "drop default"},
        {"a segment that opens nothing", to_public(Tcp{.destination_port = 9555, .flags = kAck}),
         "drop default via map/tcp"},
        {"an echo request", frame(Ethernet{}, Ipv4{.destination = "203.0.113.7"}, Icmp{}), "drop default"},
    };
    for (const auto& row : rows) {
        EXPECT_EQ(run.judge(EDGEFW_RECEIVED, row.frame), row.expected) << row.name;
        EXPECT_EQ(run.left(), row.frame) << row.name << ": a packet that drops is left as it is";
    }
    const Tcp unasked{.source_port = 8080, .destination_port = 40000, .flags = kSyn | kAck};
    EXPECT_EQ(run.judge(EDGEFW_SENT, from_target(unasked)), "drop default via map/tcp");
}

// On the internal card nothing is translated: NAT is the external edge's.
TEST(Translate, OnTheExternalSideOnly) {
    TestRun run({.side = policy::Side::kInternal});
    run.push("default: pass" + std::string(kGateway));
    const Bytes packet = to_public(Tcp{.destination_port = 9555});
    EXPECT_EQ(run.judge(EDGEFW_RECEIVED, packet), "pass default");
    EXPECT_EQ(run.left(), packet);
}

TEST(Translate, BehindATagAndOptions) {
    TestRun run(kGateway);
    const Ipv4 ip{.destination = "203.0.113.7", .options = {148, 4, 0, 0}};
    const Tcp syn{.destination_port = 9555, .options = {2, 4, 5, 0xb4}};
    EXPECT_EQ(run.judge(EDGEFW_RECEIVED, frame(Ethernet{}, Vlan{}, ip, syn, payload(7))),
              "pass rule gateway via map/tcp opened");
    const Ipv4 translated{.destination = "10.0.0.5", .options = {148, 4, 0, 0}};
    const Tcp arrived{.destination_port = 8080, .options = {2, 4, 5, 0xb4}};
    EXPECT_EQ(run.left(), frame(Ethernet{}, Vlan{}, translated, arrived, payload(7)));
}

// A hundred forwards: each packet meets its own.
TEST(Translate, ManyForwards) {
    std::string nat = "default: {external: {inbound: pass}}\nnat:\n";
    for (int i = 1; i <= 100; i++) {
        nat += "- {name: n" + std::to_string(i) +
               ", type: port-forward, protocol: tcp, public: 203.0.113.7, public_port: " + std::to_string(i) +
               ", to: 10.0.1." + std::to_string(i) + ", to_port: " + std::to_string(1000 + i) + "}\n";
    }
    TestRun run(nat);
    for (int i = 1; i <= 100; i++) {
        EXPECT_EQ(run.judge(EDGEFW_RECEIVED, to_public(Tcp{.destination_port = static_cast<std::uint16_t>(i)})),
                  "pass default via n" + std::to_string(i));
        EXPECT_EQ(read_wire(run.left()).ends,
                  "198.51.100.9:40000 > 10.0.1." + std::to_string(i) + ":" + std::to_string(1000 + i));
    }
}

// Pushes: the connection lives while the same entry translates it to the same target.
TEST(Translate, APushThatChangesTheForward) {
    const auto policy = [](const char* name, const char* publicly, const char* target) {
        return std::string("nat:\n- {name: ") + name + ", type: port-forward, protocol: tcp, public: " + publicly +
               ", public_port: 9555, to: " + target + ", to_port: 8080}\n" +
               "rules:\n- {name: gateway, side: external, direction: inbound, protocol: tcp, local_port: [8080, 9555], "
               "action: pass}\n";
    };
    const char* const none =
        "rules:\n- {name: gateway, side: external, direction: inbound, protocol: tcp, local_port: [8080, 9555], "
        "action: pass}\n";
    const struct {
        const char* name;
        std::string next;
        int pushes;
        const char* expected;
    } rows[] = {
        {"unchanged", policy("map", "203.0.113.7", "10.0.0.5"), 1, "pass connection gateway via map"},
        {"unchanged, again", policy("map", "203.0.113.7", "10.0.0.5"), 2, "pass connection gateway via map"},
        {"another target", policy("map", "203.0.113.7", "10.0.0.6"), 1, "drop revoked"},
        {"another public address", policy("map", "203.0.113.8", "10.0.0.5"), 1, "drop revoked"},
        {"another entry does the same", policy("other", "203.0.113.7", "10.0.0.5"), 1, "drop revoked"},
        {"no forward", none, 1, "drop revoked"},
        {"no forward since two pushes", none, 2, "drop revoked"},
        {"no rule either", "rules: []", 1, "drop revoked"},
    };
    // Two connections: after the push one is heard of where its packets arrive, the other where its replies leave.
    const auto there = [](std::uint16_t port, std::uint8_t flags) {
        return to_public(Tcp{.source_port = port, .destination_port = 9555, .flags = flags});
    };
    const Bytes packet = there(40000, kAck);
    const Bytes reply = from_target(Tcp{.source_port = 8080, .destination_port = 40001, .flags = kAck});
    for (const auto& row : rows) {
        TestRun run(policy("map", "203.0.113.7", "10.0.0.5"));
        ASSERT_EQ(run.judge(EDGEFW_RECEIVED, there(40000, kSyn)), "pass rule gateway via map opened");
        ASSERT_EQ(run.judge(EDGEFW_RECEIVED, there(40001, kSyn)), "pass rule gateway via map opened");
        ASSERT_EQ(run.judge(EDGEFW_SENT, reply), "pass connection gateway via map");
        for (int i = 0; i < row.pushes; i++)
            run.push(row.next);
        const bool passes = std::string(row.expected).starts_with("pass");
        EXPECT_EQ(run.judge(EDGEFW_RECEIVED, packet), row.expected) << row.name;
        EXPECT_EQ(read_wire(run.left()).ends, passes ? kIn : read_wire(packet).ends) << row.name;
        EXPECT_EQ(run.judge(EDGEFW_SENT, reply), row.expected) << row.name << ", its replies";
        EXPECT_EQ(read_wire(run.left()).ends, passes ? "203.0.113.7:9555 > 198.51.100.9:40001" : read_wire(reply).ends)
            << row.name << ", its replies";
    }
}

}  // namespace
}  // namespace edgefw::test
