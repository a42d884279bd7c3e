// SPDX-License-Identifier: GPL-2.0-only
// relate: ICMP errors and the connections of the packets they quote; their translation, outside and inside.
#include <gtest/gtest.h>
#include <netinet/in.h>

#include "tests/kernel/gateway.h"
#include "tests/kernel/services.h"
#include "tests/support/checksum.h"

namespace edgefw::test {
namespace {

constexpr const char* kRouter = "203.0.113.254";  // on the way, with an address of its own
constexpr std::size_t kEthernet = 14;

// What an error quotes of a packet: all of it, or its header and some bytes.
Payload quote(const Bytes& packet, std::size_t size = 1000) {
    const std::size_t end = std::min(packet.size(), kEthernet + size);
    return {Bytes(packet.begin() + kEthernet, packet.begin() + static_cast<std::ptrdiff_t>(end))};
}

constexpr std::size_t kShortest = 20 + 8;  // RFC 792: the header and eight bytes

Bytes error(const std::string& from, const std::string& to, const Payload& quoted, std::uint8_t type = 3,
            std::uint8_t code = 4) {
    return frame(Ethernet{}, Ipv4{.source = from, .destination = to}, Icmp{.type = type, .code = code, .id = 0},
                 quoted);
}

Bytes error6(const std::string& from, const std::string& to, const Payload& quoted, std::uint8_t type) {
    return frame(Ethernet{}, Ipv6{.source = from, .destination = to}, Icmp{.type = type, .code = 0, .id = 0}, quoted);
}

const std::string kHost = "192.0.2.20";
const std::string kPeer = "198.51.100.9";

Bytes there(const Layer& transport, std::size_t size = 0) {
    return frame(Ethernet{}, Ipv4{}, transport, payload(size));
}
Bytes back(const Layer& transport, std::size_t size = 0) {
    return frame(Ethernet{}, Ipv4{.source = kHost, .destination = kPeer}, transport, payload(size));
}

const Tcp kSynThere{};
const Tcp kSynAckBack{.source_port = 443, .destination_port = 40000, .flags = kSyn | kAck};
const Tcp kAckThere{.flags = kAck};
const Tcp kDataBack{.source_port = 443, .destination_port = 40000, .flags = kAck};

void open_web(TestRun& run) {
    EXPECT_EQ(run.judge(EDGEFW_RECEIVED, there(kSynThere)), "pass rule web opened");
    EXPECT_EQ(run.judge(EDGEFW_SENT, back(kSynAckBack)), "pass connection web");
    EXPECT_EQ(run.judge(EDGEFW_RECEIVED, there(kAckThere)), "pass connection web");
}

constexpr const char* kRelated = "pass icmp-error web";
constexpr const char* kUnrelated = "drop icmp-unrelated";

TEST(Relate, ErrorsOfAConnectionPassBothWays) {
    TestRun run(kServices);
    const Bytes about_data = error(kRouter, kHost, quote(back(kDataBack, 100)));
    EXPECT_EQ(run.judge(EDGEFW_RECEIVED, about_data), kUnrelated) << "nothing is open";
    open_web(run);
    EXPECT_EQ(run.judge(EDGEFW_SENT, back(kDataBack, 100)), "pass connection web");
    for (const std::uint8_t type : {3, 11, 12})
        EXPECT_EQ(run.judge(EDGEFW_RECEIVED, error(kRouter, kHost, quote(back(kDataBack, 100)), type)), kRelated);
    EXPECT_EQ(run.judge(EDGEFW_RECEIVED, error(kRouter, kHost, quote(back(kDataBack, 100), kShortest))), kRelated);
    EXPECT_EQ(run.judge(EDGEFW_SENT, error(kHost, kPeer, quote(there(kAckThere)))), kRelated);
    EXPECT_EQ(run.counter("web").packets, 9u);
    EXPECT_EQ(run.counter("web").connections, 1u);
}

TEST(Relate, WhatIsNotOfTheConnection) {
    TestRun run(kServices);
    open_web(run);
    Tcp other_port = kDataBack;
    other_port.source_port = 444;
    Tcp never_sent = kDataBack;
    never_sent.sequence = 90000;
    const struct {
        const char* name;
        Bytes frame;
    } rows[] = {
        {"another port", error(kRouter, kHost, quote(back(other_port)))},
        {"another protocol", error(kRouter, kHost, quote(back(Udp{443, 40000})))},
        {"data that was never sent", error(kRouter, kHost, quote(back(never_sent)))},
        {"what the other end sent", error(kRouter, kHost, quote(there(kAckThere)))},
        {"to another than it quotes", error(kRouter, "192.0.2.21", quote(back(kDataBack)))},
        {"too short a quote", error(kRouter, kHost, quote(back(kDataBack), kShortest - 1))},
        {"no quote", error(kRouter, kHost, Payload{})},
        {"a later fragment", error(kRouter, kHost, quote(fragments_of(back(kDataBack, 64), 40)[1]))},
        {"an error about an error", error(kRouter, kHost, quote(error(kHost, kPeer, quote(there(kAckThere)))))},
    };
    for (const auto& row : rows)
        EXPECT_EQ(run.judge(EDGEFW_RECEIVED, row.frame), kUnrelated) << row.name;
    EXPECT_EQ(run.judge(EDGEFW_RECEIVED, error(kRouter, kHost, quote(back(kDataBack)), 5)), "drop default")
        << "a redirect is no error";
}

TEST(Relate, UdpAndEcho) {
    TestRun run(kServices);
    EXPECT_EQ(run.judge("external inbound udp 198.51.100.9:5353 > 192.0.2.20:53"), "pass rule dns opened");
    EXPECT_EQ(run.judge(EDGEFW_SENT, error(kHost, kPeer, quote(there(Udp{5353, 53}), kShortest), 3, 3)),
              "pass icmp-error dns");
    const Bytes request = there(Icmp{.type = 8, .id = 7}, 8);
    EXPECT_EQ(run.judge(EDGEFW_RECEIVED, request), "pass rule ping opened");
    EXPECT_EQ(run.judge(EDGEFW_SENT, error(kHost, kPeer, quote(request))), "pass icmp-error ping");
    const Bytes reply = back(Icmp{.type = 0, .id = 7}, 8);
    EXPECT_EQ(run.judge(EDGEFW_RECEIVED, error(kRouter, kHost, quote(reply), 11)), "pass icmp-error ping");
    EXPECT_EQ(run.judge(EDGEFW_RECEIVED, error(kRouter, kHost, quote(back(Icmp{.type = 8, .id = 7}, 8)), 11)),
              kUnrelated);
}

TEST(Relate, OverIpv6) {
    TestRun run(kServices);
    const std::string host = "2001:db8:2::20", peer = "2001:db8:9::9", router = "2001:db8:5::1";
    const Ipv6 sent{.source = host, .destination = peer};
    const Bytes answer = frame(Ethernet{}, sent, kSynAckBack);
    EXPECT_EQ(run.judge(EDGEFW_RECEIVED, frame(Ethernet{}, Ipv6{}, kSynThere)), "pass rule web opened");
    for (const std::uint8_t type : {1, 2, 3, 4})
        EXPECT_EQ(run.judge(EDGEFW_RECEIVED, error6(router, host, quote(answer), type)), kRelated) << int{type};
    const Bytes extended = frame(Ethernet{}, sent, Extension{}, kSynAckBack);
    EXPECT_EQ(run.judge(EDGEFW_RECEIVED, error6(router, host, quote(extended), 2)), kRelated);
    const Bytes fragment = frame(Ethernet{}, sent, fragment_header(0, true), kSynAckBack);
    EXPECT_EQ(run.judge(EDGEFW_RECEIVED, error6(router, host, quote(fragment), 2)), kRelated);
    const Bytes later = frame(Ethernet{}, sent, fragment_header(64, true), kSynAckBack);
    EXPECT_EQ(run.judge(EDGEFW_RECEIVED, error6(router, host, quote(later), 2)), kUnrelated);
    EXPECT_EQ(run.judge(EDGEFW_RECEIVED, error6(router, host, quote(answer, 47), 2)), kUnrelated);
}

// What passes with extension headers is quoted with them, whichever and how many dissect takes.
TEST(Relate, ExtensionHeaders) {
    TestRun run(kServices);
    const std::string host = "2001:db8:2::20", peer = "2001:db8:9::9", router = "2001:db8:5::1";
    EXPECT_EQ(run.judge(EDGEFW_RECEIVED, frame(Ethernet{}, Ipv6{}, kSynThere)), "pass rule web opened");
    const Ipv6 sent{.source = host, .destination = peer};
    const Extension hop_by_hop{.kind = IPPROTO_HOPOPTS}, authentication{.kind = IPPROTO_AH, .rest = Bytes(22)};
    const auto too_big = [&](std::vector<Layer> extensions, const Layer& transport) {
        std::vector<Layer> layers = {Ethernet{}, sent};
        layers.insert(layers.end(), extensions.begin(), extensions.end());
        layers.push_back(transport);
        return run.judge(EDGEFW_RECEIVED, error6(router, host, quote(frame_of(layers)), 2));
    };
    EXPECT_EQ(too_big({Extension{}, Extension{}, Extension{}}, kSynAckBack), kRelated);
    EXPECT_EQ(too_big(std::vector<Layer>(8, Extension{}), kSynAckBack), kRelated);
    EXPECT_EQ(too_big(std::vector<Layer>(9, Extension{}), kSynAckBack), kUnrelated);
    EXPECT_EQ(too_big({authentication}, kSynAckBack), kRelated);
    EXPECT_EQ(too_big({routing_header(1, 2)}, kSynAckBack), kRelated);
    EXPECT_EQ(too_big({hop_by_hop, Extension{}, routing_header(0, 4), authentication, Extension{}}, kSynAckBack),
              kRelated);
    const Tcp other{.source_port = 443, .destination_port = 40001, .flags = kSyn | kAck};
    EXPECT_EQ(too_big({Extension{}, Extension{}, Extension{}}, other), kUnrelated);
    EXPECT_EQ(too_big({Extension{.length = 255}}, kSynAckBack), kUnrelated) << "longer than what is quoted";
}

// Rules come after; what they pass, they pass.
TEST(Relate, RulesThatNameErrors) {
    TestRun run(
        "rules:\n"
        "- {name: errors, side: external, protocol: icmp, icmp: destination-unreachable, action: pass}\n"
        "- {name: web, side: external, direction: inbound, protocol: tcp, local_port: 443, action: pass}\n");
    EXPECT_EQ(run.judge(EDGEFW_RECEIVED, error(kRouter, kHost, quote(back(kDataBack)))), "pass rule errors");
    EXPECT_EQ(run.judge(EDGEFW_RECEIVED, error(kRouter, kHost, quote(back(kDataBack)), 11)), kUnrelated);
    open_web(run);
    EXPECT_EQ(run.judge(EDGEFW_RECEIVED, error(kRouter, kHost, quote(back(kDataBack)))), kRelated);
}

TEST(Relate, RevokedWithItsConnection) {
    TestRun run(kServices);
    open_web(run);
    run.push(
        "rules:\n- {name: dns, side: external, direction: inbound, protocol: udp, local_port: 53, action: pass}\n");
    EXPECT_EQ(run.judge(EDGEFW_RECEIVED, error(kRouter, kHost, quote(back(kDataBack)))), "drop revoked");
}

// The wire ends of what an error quotes, its checksums, and the checksum of the error.
struct Quoted {
    Wire wire;
    bool icmp_checksum_right = false;
};

Quoted read_error(const Bytes& frame) {
    constexpr std::size_t kIcmp = kEthernet + 20;
    Bytes inner(frame.begin() + kIcmp + 8 - kEthernet, frame.end());  // behind what stands for an Ethernet header
    inner[12] = 8;                                                    // IPv4
    inner[13] = 0;
    const Bytes message(frame.begin() + kIcmp, frame.end());
    return {read_wire(inner), fold(sum_of(message)) == 0xffff};
}

// Through a forward, every length of payload and of quote: what leaves has both ends translated and every checksum
// right.
TEST(Relate, TranslatedReceived) {
    TestRun run(kGateway);
    const Bytes syn = to_public(Tcp{.destination_port = 9555});
    EXPECT_EQ(run.judge(EDGEFW_RECEIVED, syn), "pass rule gateway via map/tcp opened");
    const Tcp answer{.source_port = 8080, .destination_port = 40000, .flags = kSyn | kAck};
    for (const std::size_t size : {0, 1, 2, 7, 100}) {
        EXPECT_EQ(run.judge(EDGEFW_SENT, from_target(answer, size)), "pass connection gateway via map/tcp");
        const Bytes left = run.left();
        const Bytes full = error(kRouter, "203.0.113.7", quote(left));
        EXPECT_EQ(run.judge(EDGEFW_RECEIVED, full), "pass icmp-error gateway via map/tcp");
        const Quoted quoted = read_error(run.left());
        EXPECT_EQ(quoted.wire.ends, "10.0.0.5:8080 > 198.51.100.9:40000");
        EXPECT_TRUE(quoted.wire.ip_checksum_right);
        EXPECT_EQ(quoted.wire.checksum, quoted.wire.whole) << size;
        EXPECT_TRUE(quoted.icmp_checksum_right) << size;
        EXPECT_EQ(run.left()[kEthernet + 16], 10) << "goes to the target";
        EXPECT_EQ(run.judge(EDGEFW_RECEIVED, error(kRouter, "203.0.113.7", quote(left, kShortest))),
                  "pass icmp-error gateway via map/tcp");
        EXPECT_TRUE(read_error(run.left()).icmp_checksum_right);
    }
}

TEST(Relate, TranslatedSent) {
    TestRun run(kGateway);
    for (const Checksum checksum : {Checksum::kWhole, Checksum::kZero}) {
        run.forget();
        const Bytes datagram = to_public(Udp{40000, 9555, checksum}, 11);
        EXPECT_EQ(run.judge(EDGEFW_RECEIVED, datagram), "pass rule media via map/udp opened");
        const Bytes arrived = run.left();
        for (const char* from : {"10.0.0.5", "10.0.0.1"}) {  // the target, and a router before it
            EXPECT_EQ(run.judge(EDGEFW_SENT, error(from, kPeer, quote(arrived), 3, 3)),
                      "pass icmp-error media via map/udp");
            const Quoted quoted = read_error(run.left());
            EXPECT_EQ(quoted.wire.ends, "198.51.100.9:40000 > 203.0.113.7:9555");
            EXPECT_TRUE(quoted.wire.ip_checksum_right);
            EXPECT_TRUE(quoted.icmp_checksum_right);
            const bool none = checksum == Checksum::kZero;
            EXPECT_EQ(quoted.wire.checksum, none ? 0 : quoted.wire.whole);
            EXPECT_EQ(run.left()[kEthernet + 12], 203) << "leaves from the public address";
        }
    }
}

}  // namespace
}  // namespace edgefw::test
