// SPDX-License-Identifier: GPL-2.0-only
// fragments: the first is judged as a whole packet would be, the later ones follow it, and nothing else passes.
#include <gtest/gtest.h>
#include <netinet/in.h>

#include "maps/limits.h"
#include "tests/kernel/one_processor.h"
#include "tests/kernel/test_run.h"

namespace edgefw::test {
namespace {

const char* const kMedia = R"(
rules:
- {name: media, side: external, protocol: udp, local_port: 3478, action: pass}
- {name: other, side: external, protocol: udp, local_port: 3479, action: pass}
- {name: shut, side: external, protocol: udp, local_port: 9, action: drop}
- {name: web, side: external, protocol: tcp, local_port: 443, action: pass}
- {name: gre, side: external, protocol: 47, action: pass}
)";

const Ethernet kLink;

// Pieces of one datagram, IPv4 and IPv6 alike: offset in bytes, more to come.
Bytes first4(std::uint16_t id, std::uint16_t port = 3478) {
    return frame(kLink, Ipv4{.id = id, .more = true}, Udp{.destination_port = port, .length = 600}, payload(16));
}
Bytes later4(std::uint16_t id, std::size_t offset = 24, bool more = false) {
    return frame(kLink, Ipv4{.id = id, .offset = offset, .more = more, .protocol = IPPROTO_UDP}, payload(16));
}
Bytes first6(std::uint32_t id, std::uint16_t port = 3478) {
    return frame(kLink, Ipv6{}, fragment_header(0, true, id), Udp{.destination_port = port, .length = 600},
                 payload(16));
}
Bytes later6(std::uint32_t id, std::size_t offset = 24, bool more = false) {
    Extension header = fragment_header(offset, more, id);
    header.next = IPPROTO_UDP;
    return frame(kLink, Ipv6{}, header, payload(16));
}

struct Step {
    const char* name;
    edgefw_hook hook;
    Bytes frame;
    const char* expected;
};

void tell(TestRun& run, const std::vector<Step>& story) {
    for (const Step& step : story)
        EXPECT_EQ(run.judge(step.hook, step.frame), step.expected) << step.name;
}

TEST(Fragment, FollowsItsFirst) {
    TestRun run(kMedia);
    tell(run, {
                  {"late without its first", EDGEFW_RECEIVED, later4(1), "drop fragment-without-first"},
                  {"first", EDGEFW_RECEIVED, first4(1), "pass rule media opened"},
                  {"middle", EDGEFW_RECEIVED, later4(1, 24, true), "pass fragment media"},
                  {"last", EDGEFW_RECEIVED, later4(1, 40), "pass fragment media"},
                  {"last before the middle", EDGEFW_RECEIVED, later4(1, 64), "pass fragment media"},
                  {"again", EDGEFW_RECEIVED, later4(1, 40), "pass fragment media"},
                  {"another datagram", EDGEFW_RECEIVED, later4(2), "drop fragment-without-first"},
                  {"first of another, of the connection", EDGEFW_RECEIVED, first4(2), "pass connection media"},
                  {"its rest", EDGEFW_RECEIVED, later4(2), "pass fragment media"},
                  {"a dropped first", EDGEFW_RECEIVED, first4(3, 9), "drop rule shut"},
                  {"and its rest", EDGEFW_RECEIVED, later4(3), "drop fragment-without-first"},
                  {"a first that no rule passes", EDGEFW_RECEIVED, first4(4, 10), "drop default"},
                  {"and its rest too", EDGEFW_RECEIVED, later4(4), "drop fragment-without-first"},
              });
    EXPECT_EQ(run.counter("media").packets, 7u);
    EXPECT_EQ(run.counter("media").connections, 1u);
    EXPECT_EQ(run.counter("shut").packets, 1u);
}

// Also where the memory of first fragments is full, of some whose rest has come.
TEST(Fragment, WhatWaitsForItsRestIsNotPushedOut) {
    constexpr int kWaiting = 200, kSeen = 3 * EDGEFW_FRAGMENTS;
    const OneProcessor here;
    TestRun run(kMedia);
    int lost = 0;
    for (int seen = 0; seen < kSeen; seen++) {
        const auto id = static_cast<std::uint16_t>(seen), waiting = static_cast<std::uint16_t>(seen - kWaiting);
        run.judge(EDGEFW_RECEIVED, first4(id));
        run.judge(EDGEFW_RECEIVED, first6(id));
        if (seen < kWaiting) continue;
        for (const Bytes& rest : {later4(waiting), later6(waiting)}) {
            if (run.judge(EDGEFW_RECEIVED, rest) != "pass fragment media") lost++;
        }
    }
    EXPECT_EQ(lost, 0);
}

TEST(Fragment, FollowsItsFirstInIpv6) {
    TestRun run(kMedia);
    tell(run, {
                  {"late without its first", EDGEFW_RECEIVED, later6(1), "drop fragment-without-first"},
                  {"first", EDGEFW_RECEIVED, first6(1), "pass rule media opened"},
                  {"middle", EDGEFW_RECEIVED, later6(1, 24, true), "pass fragment media"},
                  {"last", EDGEFW_RECEIVED, later6(1, 40), "pass fragment media"},
                  {"another id in the high bits", EDGEFW_RECEIVED, later6(0x10001), "drop fragment-without-first"},
                  {"a dropped first", EDGEFW_RECEIVED, first6(3, 9), "drop rule shut"},
                  {"and its rest", EDGEFW_RECEIVED, later6(3), "drop fragment-without-first"},
              });
    // The next header of a later fragment is no part of the datagram's name (RFC 8200 section 4.5).
    Extension header = fragment_header(48, false, 1);
    header.next = IPPROTO_TCP;
    EXPECT_EQ(run.judge(EDGEFW_RECEIVED, frame(kLink, Ipv6{}, header, payload(8))), "pass fragment media");
}

// A datagram is one of its ends, protocol and hook.
TEST(Fragment, BelongsToOneDatagramOnly) {
    TestRun run(kMedia);
    ASSERT_EQ(run.judge(EDGEFW_RECEIVED, first4(1)), "pass rule media opened");
    const auto later = [](const Ipv4& ip) { return frame(kLink, ip, payload(16)); };
    const Ipv4 same{.id = 1, .offset = 24, .protocol = IPPROTO_UDP};
    Ipv4 source = same;
    Ipv4 destination = same;
    Ipv4 protocol = same;
    source.source = "198.51.100.8";
    destination.destination = "192.0.2.21";
    protocol.protocol = IPPROTO_GRE;
    tell(run, {
                  {"from another source", EDGEFW_RECEIVED, later(source), "drop fragment-without-first"},
                  {"to another destination", EDGEFW_RECEIVED, later(destination), "drop fragment-without-first"},
                  {"of another protocol", EDGEFW_RECEIVED, later(protocol), "drop fragment-without-first"},
                  {"on the other hook", EDGEFW_SENT, later(same), "drop fragment-without-first"},
                  {"its own", EDGEFW_RECEIVED, later(same), "pass fragment media"},
              });
}

// An id that comes again before its time: the newest first that passed counts.
TEST(Fragment, IdIsUsedAgain) {
    TestRun run(kMedia);
    tell(run, {
                  {"first", EDGEFW_RECEIVED, first4(1), "pass rule media opened"},
                  {"rest", EDGEFW_RECEIVED, later4(1), "pass fragment media"},
                  {"the id again, dropped", EDGEFW_RECEIVED, first4(1, 9), "drop rule shut"},
                  {"the first one's rest", EDGEFW_RECEIVED, later4(1), "pass fragment media"},
                  {"the id again, by another rule", EDGEFW_RECEIVED, first4(1, 3479), "pass rule other opened"},
                  {"rest of that one", EDGEFW_RECEIVED, later4(1), "pass fragment other"},
              });
}

// Whoever sends first fragments that drop, of whatever source, takes no room from those that pass.
TEST(Fragment, WhatDropsPushesNothingOut) {
    TestRun run(kMedia);
    ASSERT_EQ(run.judge(EDGEFW_RECEIVED, first4(1)), "pass rule media opened");
    for (std::uint32_t i = 0; i < EDGEFW_FRAGMENTS + 2000; i++) {
        const Ipv4 forged{
            .source = "10.0." + std::to_string(i >> 8) + "." + std::to_string(i & 255), .id = 7, .more = true};
        ASSERT_EQ(
            run.judge(EDGEFW_RECEIVED, frame(kLink, forged, Udp{.destination_port = 9, .length = 600}, payload(16))),
            "drop rule shut");
    }
    EXPECT_EQ(run.judge(EDGEFW_RECEIVED, later4(1)), "pass fragment media");
}

TEST(Fragment, SentFollowsItsOwn) {
    TestRun run(kMedia);
    const Bytes first = frame(kLink, Ipv4{.id = 1, .more = true},
                              Udp{.source_port = 3478, .destination_port = 40000, .length = 600}, payload(16));
    tell(run, {
                  {"sent first", EDGEFW_SENT, first, "pass rule media opened"},
                  {"sent rest", EDGEFW_SENT, later4(1), "pass fragment media"},
                  {"received rest", EDGEFW_RECEIVED, later4(1), "drop fragment-without-first"},
              });
}

// Under a policy that names a VLAN.
TEST(Fragment, IsOfOneVlan) {
    const Vlan ten{.id = 10};
    const auto first = [&](const auto&... tags) {
        return frame(kLink, tags..., Ipv4{.id = 1, .more = true}, Udp{.destination_port = 3478, .length = 600},
                     payload(16));
    };
    const auto later = [&](const auto&... tags) {
        return frame(kLink, tags..., Ipv4{.id = 1, .offset = 24, .protocol = IPPROTO_UDP}, payload(16));
    };
    for (const bool names_one : {false, true}) {
        TestRun run(std::string(kMedia) +
                    (names_one ? "- {name: ten, side: external, protocol: tcp, vlan: 10, action: pass}\n" : ""));
        EXPECT_EQ(run.judge(EDGEFW_RECEIVED, first()), "pass rule media opened");
        EXPECT_EQ(run.judge(EDGEFW_RECEIVED, later(ten)),
                  names_one ? "drop fragment-without-first" : "pass fragment media");
        EXPECT_EQ(run.judge(EDGEFW_RECEIVED, later()), "pass fragment media");
    }
}

// Whatever its protocol: of one without ports the first fragment needs no header.
TEST(Fragment, OtherProtocols) {
    TestRun run(kMedia);
    const auto gre = [](std::size_t offset, bool more) {
        return frame(kLink, Ipv4{.id = 5, .offset = offset, .more = more, .protocol = IPPROTO_GRE}, payload(8));
    };
    tell(run, {
                  {"first", EDGEFW_RECEIVED, gre(0, true), "pass rule gre opened"},
                  {"rest at offset 1", EDGEFW_RECEIVED, gre(8, false), "pass fragment gre"},
              });
}

struct Shape {
    const char* name;
    Bytes frame;
    const char* expected;
};

// Shapes that no host sends and attackers do (RFC 1858, RFC 3128, RFC 5722), the same on both hooks.
TEST(Fragment, Shapes) {
    const Ipv4 more{.id = 0x7777, .more = true};  // an id that no later fragment here has
    const auto piece4 = [](std::size_t offset, bool more, std::uint8_t protocol, std::size_t size) {
        return frame(kLink, Ipv4{.offset = offset, .more = more, .protocol = protocol}, payload(size));
    };
    const auto piece6 = [](std::size_t offset, bool more, std::uint8_t next, std::size_t size) {
        Extension header = fragment_header(offset, more);
        header.next = next;
        return frame(kLink, Ipv6{}, header, payload(size));
    };
    const std::vector<Shape> shapes = {
        {"first with a TCP header", frame(kLink, more, Tcp{.destination_port = 9}, payload(4)), "drop default"},
        {"first with 16 bytes of TCP", piece4(0, true, IPPROTO_TCP, 16), "drop fragment-short-first"},
        {"first with 8 bytes of TCP", piece4(0, true, IPPROTO_TCP, 8), "drop fragment-short-first"},
        {"first with nothing", piece4(0, true, IPPROTO_TCP, 0), "drop fragment-short-first"},
        {"first without TCP's options", frame(kLink, more, Tcp{.header_words = 10}, payload(4)),
         "drop fragment-short-first"},
        {"first with nothing of UDP", piece4(0, true, IPPROTO_UDP, 0), "drop fragment-short-first"},
        {"first with 8 bytes of SCTP", piece4(0, true, IPPROTO_SCTP, 8), "drop fragment-short-first"},
        {"first with 8 bytes of DCCP", piece4(0, true, IPPROTO_DCCP, 8), "drop fragment-short-first"},
        {"first with nothing of UDP-Lite", piece4(0, true, IPPROTO_UDPLITE, 0), "drop fragment-short-first"},
        {"IPv6: 8 bytes of SCTP", piece6(0, true, IPPROTO_SCTP, 8), "drop fragment-short-first"},
        {"first with nothing of ICMP", piece4(0, true, IPPROTO_ICMP, 0), "drop fragment-short-first"},
        {"first with a broken TCP header", frame(kLink, more, Tcp{.header_words = 4}, payload(4)),
         "drop malformed-tcp"},
        {"TCP at offset 1", piece4(8, false, IPPROTO_TCP, 32), "drop fragment-offset-one"},
        {"TCP at offset 1, more", piece4(8, true, IPPROTO_TCP, 32), "drop fragment-offset-one"},
        {"TCP at offset 2", piece4(16, false, IPPROTO_TCP, 32), "drop fragment-without-first"},
        {"UDP at offset 1", piece4(8, false, IPPROTO_UDP, 32), "drop fragment-without-first"},
        {"not a multiple of eight, more", piece4(0, true, IPPROTO_UDP, 12), "drop malformed-ipv4"},
        {"to the last byte", piece4(65512, false, IPPROTO_UDP, 23), "drop fragment-without-first"},
        {"one byte beyond", piece4(65512, false, IPPROTO_UDP, 24), "drop fragment-overlong"},
        {"at the greatest offset", piece4(65528, false, IPPROTO_UDP, 8), "drop fragment-overlong"},
        {"IPv6: 16 bytes of TCP", piece6(0, true, IPPROTO_TCP, 16), "drop fragment-short-first"},
        {"IPv6: nothing of UDP", piece6(0, true, IPPROTO_UDP, 0), "drop fragment-short-first"},
        {"IPv6: TCP at offset 1", piece6(8, false, IPPROTO_TCP, 32), "drop fragment-offset-one"},
        {"IPv6: not a multiple of eight", piece6(0, true, IPPROTO_UDP, 12), "drop malformed-extension"},
        {"IPv6: to the last byte", piece6(65512, false, IPPROTO_UDP, 23), "drop fragment-without-first"},
        {"IPv6: one byte beyond", piece6(65512, false, IPPROTO_UDP, 24), "drop fragment-overlong"},
        {"IPv6: headers behind the first fragment's cut", piece6(0, true, IPPROTO_DSTOPTS, 0),
         "drop fragment-short-first"},
        {"IPv6: extension header longer than the first fragment",
         frame(kLink, Ipv6{}, fragment_header(0, true), Extension{.length = 4, .next = IPPROTO_UDP}),
         "drop fragment-short-first"},
        {"IPv6: cut fragment header", frame(kLink, Ipv6{.next = IPPROTO_FRAGMENT}, payload(7)),
         "drop malformed-extension"},
        {"IPv6: atomic, with the reserved bits set",
         frame(kLink, Ipv6{}, fragment_header(6, false), Tcp{.flags = kAck}), "drop default"},
    };
    TestRun run(kMedia);
    for (const Shape& shape : shapes) {
        EXPECT_EQ(run.judge(EDGEFW_RECEIVED, shape.frame), shape.expected) << shape.name << ", received";
        EXPECT_EQ(run.judge(EDGEFW_SENT, shape.frame), shape.expected) << shape.name << ", sent";
    }
}

// An atomic fragment (RFC 6946) is a whole packet and leaves nothing behind for later ones.
TEST(Fragment, AtomicIsWhole) {
    TestRun run(kMedia);
    const Bytes atomic = frame(kLink, Ipv6{}, fragment_header(0, false, 1), Udp{}, payload(16));
    EXPECT_EQ(run.judge(EDGEFW_RECEIVED, atomic), "pass rule media opened");
    EXPECT_EQ(run.judge(EDGEFW_RECEIVED, later6(1)), "drop fragment-without-first");
}

// Extension headers may stand on both sides of the fragment header.
TEST(Fragment, BetweenExtensionHeaders) {
    TestRun run(kMedia);
    const Extension options;
    const Extension hop_by_hop = {.kind = IPPROTO_HOPOPTS};
    const Bytes first =
        frame(kLink, Ipv6{}, hop_by_hop, fragment_header(0, true, 1), options, Udp{.length = 600}, payload(16));
    Extension second = fragment_header(32, false, 1);
    second.next = IPPROTO_DSTOPTS;
    const Bytes later = frame(kLink, Ipv6{}, hop_by_hop, second, payload(16));
    EXPECT_EQ(run.judge(EDGEFW_RECEIVED, first), "pass rule media opened");
    EXPECT_EQ(run.judge(EDGEFW_RECEIVED, later), "pass fragment media");
}

}  // namespace
}  // namespace edgefw::test
