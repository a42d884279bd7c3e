// SPDX-License-Identifier: GPL-2.0-only
// dissect: what every shape of frame ends as, on both hooks. A well-formed packet meets the rule of its protocol; the
// reason of a malformed one says what is wrong with it.
#include <gtest/gtest.h>
#include <netinet/in.h>

#include "tests/kernel/test_run.h"

namespace edgefw::test {
namespace {

// A rule for each protocol that dissect knows, and nothing else passes: no built-in rule, default drop.
const char* const kProtocols = R"(
builtins: {arp: off, nd: off, mld: off, igmp: off, link-local: off, dhcp: off, dhcpv6: off, segment-routing: off}
rules:
- {name: vlan-7, side: external, vlan: 7, protocol: tcp, state: none, action: pass}
- {name: tcp, side: external, protocol: tcp, state: none, action: pass}
- {name: udp, side: external, protocol: udp, state: none, action: pass}
- {name: icmp, side: external, protocol: icmp, state: none, action: pass}
- {name: icmp6, side: external, protocol: icmp6, state: none, action: pass}
- {name: gre, side: external, protocol: 47, state: none, action: pass}
- {name: ah, side: external, protocol: 51, state: none, action: pass}
)";

struct Row {
    const char* name;
    Bytes frame;
    const char* expected;
};

// Both hooks see the same frame and must say the same.
void check(const char* policy, const std::vector<Row>& rows) {
    TestRun run(policy);
    for (const Row& row : rows) {
        EXPECT_EQ(run.judge(EDGEFW_RECEIVED, row.frame), row.expected) << row.name << ", received";
        EXPECT_EQ(run.judge(EDGEFW_SENT, row.frame), row.expected) << row.name << ", sent";
    }
    EXPECT_EQ(run.seen().packets, 2 * rows.size());
}

const Ethernet kLink;
const Ipv4 kIpv4;
const Ipv6 kIpv6;
const Tcp kTcp;
const Udp kUdp;
const Icmp kPing;
const Icmp kPing6 = {.type = 128};

TEST(Dissect, Links) {
    const Vlan stag = {.id = 9, .protocol = 0x88a8};
    const Mac group = {0x01, 0x80, 0xc2, 0x00, 0x00, 0x0e};
    check(
        kProtocols,
        {
            {"untagged", frame(kLink, kIpv4, kTcp), "pass rule tcp"},
            {"tagged", frame(kLink, Vlan{}, kIpv4, kTcp), "pass rule vlan-7"},
            {"another tag", frame(kLink, Vlan{.id = 8}, kIpv4, kTcp), "pass rule tcp"},
            {"highest id and priority", frame(kLink, Vlan{.id = 0x0fff, .priority = 7}, kIpv4, kTcp), "pass rule tcp"},
            {"id 7 with a priority", frame(kLink, Vlan{.priority = 7}, kIpv4, kTcp), "pass rule vlan-7"},
            {"priority tag", frame(kLink, Vlan{.id = 0, .priority = 5}, kIpv4, kTcp), "pass rule tcp"},
            {"802.1ad alone", frame(kLink, Vlan{.protocol = 0x88a8}, kIpv6, kTcp), "pass rule vlan-7"},
            {"QinQ: the outer tag counts", frame(kLink, stag, Vlan{}, kIpv4, kTcp), "pass rule tcp"},
            {"QinQ of 802.1Q", frame(kLink, Vlan{}, Vlan{.id = 8}, kIpv6, kTcp), "pass rule vlan-7"},
            {"priority tag outside", frame(kLink, Vlan{.id = 0}, Vlan{}, kIpv4, kTcp), "pass rule vlan-7"},
            {"third tag", frame(kLink, stag, Vlan{}, Vlan{}, kIpv4, kTcp), "drop vlan-depth"},
            {"tag without a type", padded(truncated(frame(kLink, Vlan{}, kIpv4, kTcp), 17), 17),
             "drop malformed-ethernet"},
            {"tag of one byte", truncated(frame(kLink, Vlan{}, kIpv4, kTcp), 15), "drop malformed-ethernet"},
            {"second tag cut", truncated(frame(kLink, stag, Vlan{}, kIpv4, kTcp), 20), "drop malformed-ethernet"},
            {"ARP", frame(Ethernet{.type = 0x0806}, payload(46)), "drop unsupported-ethertype"},
            {"tagged ARP", frame(kLink, Vlan{.type = 0x0806}, payload(46)), "drop unsupported-ethertype"},
            {"LLDP", frame(Ethernet{.destination = group, .type = 0x88cc}, payload(46)), "drop unsupported-ethertype"},
            {"LLC: a length, no type", frame(Ethernet{.type = 46}, payload(46, 0x42)), "drop unsupported-ethertype"},
            {"no network layer at all", frame(Ethernet{.type = 0x88b5}), "drop unsupported-ethertype"},
            {"a jumbo frame", frame(kLink, kIpv4, kTcp, payload(3600)), "pass rule tcp"},
        });
}

TEST(Dissect, LinksUnderADefaultThatPasses) {
    check("default: pass", {
                               {"unknown ethertype", frame(Ethernet{.type = 0x88b5}, payload(46)), "pass default"},
                               {"LLC", frame(Ethernet{.type = 46}, payload(46, 0x42)), "pass default"},
                               {"third tag", frame(kLink, Vlan{}, Vlan{}, Vlan{}, kIpv4, kTcp), "drop vlan-depth"},
                               {"malformed IPv4", frame(kLink, Ipv4{.version = 5}, kTcp), "drop malformed-ipv4"},
                           });
}

TEST(Dissect, Ipv4) {
    const Payload tail = payload(40);
    const Bytes whole = frame(kLink, kIpv4, kTcp);
    check(kProtocols,
          {
              {"TCP", whole, "pass rule tcp"},
              {"UDP", frame(kLink, kIpv4, kUdp, tail), "pass rule udp"},
              {"ICMP", frame(kLink, kIpv4, kPing), "pass rule icmp"},
              {"GRE", frame(kLink, Ipv4{.protocol = IPPROTO_GRE}, tail), "pass rule gre"},
              {"another protocol, no payload", frame(kLink, kIpv4), "drop default"},
              {"ICMPv6 is none of IPv4's", frame(kLink, Ipv4{.protocol = IPPROTO_ICMPV6}, tail), "drop default"},
              {"padded", padded(whole, 60), "pass rule tcp"},
              {"padded by a kilobyte", padded(whole, 1078), "pass rule tcp"},
              {"version 5", frame(kLink, Ipv4{.version = 5}, kTcp), "drop malformed-ipv4"},
              {"version 6 behind the ethertype of 4", frame(kLink, Ipv4{.version = 6}, kTcp), "drop malformed-ipv4"},
              {"header of four words", frame(kLink, Ipv4{.header_words = 4}, kTcp), "drop malformed-ipv4"},
              {"header of no words", frame(kLink, Ipv4{.header_words = 0}, kTcp), "drop malformed-ipv4"},
              {"header longer than the packet", frame(kLink, Ipv4{.header_words = 15}, kTcp), "drop malformed-ipv4"},
              {"length below the header", frame(kLink, Ipv4{.total_length = 19}, kTcp), "drop malformed-ipv4"},
              {"length 0", frame(kLink, Ipv4{.total_length = 0}, kTcp), "drop malformed-ipv4"},
              {"length of the header alone", frame(kLink, Ipv4{.total_length = 20}, kTcp), "drop malformed-tcp"},
              {"length beyond the frame", frame(kLink, Ipv4{.total_length = 41}, kTcp), "drop malformed-ipv4"},
              {"greatest length", frame(kLink, Ipv4{.total_length = 65535}, kTcp), "drop malformed-ipv4"},
              {"ethertype of 6", frame(Ethernet{.type = 0x86dd}, kIpv4, kTcp, tail), "drop malformed-ipv6"},
          });
}

Bytes with_options(const Bytes& options) {
    return frame(kLink, Ipv4{.options = options}, kTcp);
}

TEST(Dissect, Ipv4Options) {
    Bytes record_route = {7, 39, 4};
    record_route.resize(40);
    Bytes route_last(40, 1);
    route_last[36] = 131;
    route_last[37] = 3;
    Bytes cut_last(40, 1);
    cut_last[39] = 68;
    check(kProtocols,
          {
              {"padding alone", with_options({1, 1, 1, 0}), "pass rule tcp"},
              {"router alert", with_options({148, 4, 0, 0}), "pass rule tcp"},
              {"record route, all 40 bytes", with_options(record_route), "pass rule tcp"},
              {"timestamp behind padding", with_options({1, 68, 7, 5, 0, 0, 0, 0}), "pass rule tcp"},
              {"an option of two bytes", with_options({130, 2, 130, 2}), "pass rule tcp"},
              {"what follows the end is not read", with_options({0, 131, 3, 4}), "pass rule tcp"},
              {"loose source route", with_options({131, 7, 4, 192, 0, 2, 1, 0}), "drop ipv4-source-route"},
              {"strict source route", with_options({137, 3, 4, 0}), "drop ipv4-source-route"},
              {"source route behind another option", with_options({148, 4, 0, 0, 1, 131, 3, 4}),
               "drop ipv4-source-route"},
              {"source route in the last bytes", with_options(route_last), "drop ipv4-source-route"},
              {"source route of length 0", with_options({131, 0, 0, 0}), "drop ipv4-source-route"},
              {"length 0", with_options({148, 0, 0, 0}), "drop malformed-ipv4"},
              {"length 1", with_options({148, 1, 0, 0}), "drop malformed-ipv4"},
              {"longer than the header", with_options({148, 5, 0, 0}), "drop malformed-ipv4"},
              {"second option longer than the header", with_options({130, 2, 130, 3}), "drop malformed-ipv4"},
              {"no length", with_options({1, 1, 1, 148}), "drop malformed-ipv4"},
              {"no length in the last of 40 bytes", with_options(cut_last), "drop malformed-ipv4"},
              {"options behind the packet's end", frame(kLink, Ipv4{.header_words = 10}, kTcp), "drop malformed-ipv4"},
          });
}

// RFC 2675, forged: only what the kernel has merged, or will part, may say its length so.
Bytes jumbogram(std::uint32_t payload) {
    const auto byte = [payload](int shift) { return static_cast<std::uint8_t>(payload >> shift); };
    const Extension option = {.kind = IPPROTO_HOPOPTS, .rest = {0xc2, 4, byte(24), byte(16), byte(8), byte(0)}};
    return frame(kLink, Ipv6{.payload_length = 0}, option, kTcp);
}

TEST(Dissect, Ipv6) {
    const Bytes whole = frame(kLink, kIpv6, kTcp);
    check(kProtocols,
          {
              {"TCP", whole, "pass rule tcp"},
              {"UDP", frame(kLink, kIpv6, kUdp, payload(3)), "pass rule udp"},
              {"ICMPv6", frame(kLink, kIpv6, kPing6), "pass rule icmp6"},
              {"GRE", frame(kLink, Ipv6{.next = IPPROTO_GRE}, payload(4)), "pass rule gre"},
              {"no next header", frame(kLink, Ipv6{.next = IPPROTO_NONE}), "drop default"},
              {"ICMP is none of IPv6's", frame(kLink, Ipv6{.next = IPPROTO_ICMP}, payload(8)), "drop default"},
              {"padded", padded(whole, 100), "pass rule tcp"},
              {"version 4", frame(kLink, Ipv6{.version = 4}, kTcp), "drop malformed-ipv6"},
              {"length beyond the frame", frame(kLink, Ipv6{.payload_length = 21}, kTcp), "drop malformed-ipv6"},
              {"length one short", frame(kLink, Ipv6{.payload_length = 19}, kTcp), "drop malformed-tcp"},
              {"length 0 (jumbogram)", frame(kLink, Ipv6{.payload_length = 0}, kTcp), "drop malformed-tcp"},
              {"length 0 and a jumbo option", jumbogram(28), "drop malformed-extension"},
              {"length 0 and an option that lies", jumbogram(70000), "drop malformed-extension"},
              {"ethertype of 4", frame(Ethernet{.type = 0x0800}, kIpv6, kTcp), "drop malformed-ipv4"},
          });
}

// `count` headers of destination options, then TCP.
Bytes with_extensions(std::size_t count) {
    std::vector<Layer> layers = {kLink, kIpv6};
    layers.insert(layers.end(), count, Extension{});
    layers.emplace_back(kTcp);
    return frame_of(layers);
}

TEST(Dissect, ExtensionHeaders) {
    const Extension hop_by_hop = {.kind = IPPROTO_HOPOPTS};
    const Extension destination;
    const Extension authentication = {.kind = IPPROTO_AH, .rest = Bytes(22)};
    const Extension longest = {.rest = Bytes(2046)};
    check(
        kProtocols,
        {
            {"hop-by-hop", frame(kLink, kIpv6, hop_by_hop, kTcp), "pass rule tcp"},
            {"destination options", frame(kLink, kIpv6, destination, kTcp), "pass rule tcp"},
            {"routing, no segment left", frame(kLink, kIpv6, routing_header(0, 4), kTcp), "pass rule tcp"},
            {"authentication", frame(kLink, kIpv6, authentication, kUdp), "pass rule udp"},
            {"authentication in IPv4 is a protocol", frame(kLink, Ipv4{.protocol = IPPROTO_AH}, payload(40)),
             "pass rule ah"},
            {"mobility", frame(kLink, kIpv6, Extension{.kind = 135}, kTcp), "pass rule tcp"},
            {"host identity", frame(kLink, kIpv6, Extension{.kind = 139}, kTcp), "pass rule tcp"},
            {"shim6", frame(kLink, kIpv6, Extension{.kind = 140}, kPing6), "pass rule icmp6"},
            {"ESP is a protocol, not walked", frame(kLink, Ipv6{.next = IPPROTO_ESP}, payload(40)), "drop default"},
            {"the order of RFC 8200",
             frame(kLink, kIpv6, hop_by_hop, destination, routing_header(0), authentication, destination, kTcp),
             "pass rule tcp"},
            {"the longest", frame(kLink, kIpv6, longest, kTcp), "pass rule tcp"},
            {"eight", with_extensions(8), "pass rule tcp"},
            {"nine", with_extensions(9), "drop extension-depth"},
            {"hop-by-hop second", frame(kLink, kIpv6, destination, hop_by_hop, kTcp), "drop malformed-extension"},
            {"hop-by-hop twice", frame(kLink, kIpv6, hop_by_hop, hop_by_hop, kTcp), "drop malformed-extension"},
            {"routing, one segment left", frame(kLink, kIpv6, routing_header(1), kTcp), "drop ipv6-routing-header"},
            {"segment routing", frame(kLink, kIpv6, routing_header(255, 4), kTcp), "pass rule tcp"},
            {"mobility's routing", frame(kLink, kIpv6, routing_header(1, 2), kUdp), "pass rule udp"},
            {"routing of an unknown type", frame(kLink, kIpv6, routing_header(1, 253), kPing6), "pass rule icmp6"},
            {"type 0 behind another type", frame(kLink, kIpv6, routing_header(1, 2), routing_header(1), kTcp),
             "drop ipv6-routing-header"},
            {"routing behind another", frame(kLink, kIpv6, destination, routing_header(1), kTcp),
             "drop ipv6-routing-header"},
            {"longer than the packet", frame(kLink, kIpv6, Extension{.length = 255}, kTcp), "drop malformed-extension"},
            {"to the packet's end", frame(kLink, kIpv6, Extension{.rest = Bytes(22), .next = IPPROTO_TCP}),
             "drop malformed-tcp"},
            {"cut after seven bytes", frame(kLink, Ipv6{.next = 60}, payload(7)), "drop malformed-extension"},
            {"nothing behind the IPv6 header", frame(kLink, Ipv6{.next = 60}), "drop malformed-extension"},
            {"atomic fragment", frame(kLink, kIpv6, fragment_header(0, false), kTcp), "pass rule tcp"},
            {"two fragment headers", frame(kLink, kIpv6, fragment_header(0, false), fragment_header(0, false), kTcp),
             "drop malformed-extension"},
            {"cut atomic fragment", frame(kLink, kIpv6, fragment_header(0, false), Extension{.length = 9}, kTcp),
             "drop malformed-extension"},
        });
}

// Segment routing from outside: dropped by a rule of its own, unless that is off; what else has segments left is not.
TEST(Dissect, SegmentRouting) {
    const Bytes segments = frame(kLink, kIpv6, Extension{}, routing_header(1, 4), kTcp);
    const std::string all =
        "rules:\n- {name: all, side: external, state: none, action: pass}\n"
        "- {name: inside, side: internal, state: none, action: pass}\n";
    TestRun outside(all);
    EXPECT_EQ(outside.judge(EDGEFW_RECEIVED, segments), "drop ipv6-routing-header builtin/segment-routing");
    EXPECT_EQ(outside.judge(EDGEFW_SENT, segments), "pass rule all");
    EXPECT_EQ(outside.judge(EDGEFW_RECEIVED, frame(kLink, kIpv6, routing_header(0, 4), kTcp)), "pass rule all");
    EXPECT_EQ(outside.judge(EDGEFW_RECEIVED, frame(kLink, kIpv6, routing_header(1, 2), kTcp)), "pass rule all");
    EXPECT_EQ(outside.judge(EDGEFW_RECEIVED, frame(kLink, kIpv6, routing_header(1), kTcp)), "drop ipv6-routing-header");
    EXPECT_EQ(outside.counter("builtin/segment-routing").packets, 1u);
    TestRun off("builtins: {segment-routing: off}\n" + all);
    EXPECT_EQ(off.judge(EDGEFW_RECEIVED, segments), "pass rule all");
    TestRun inside({.side = policy::Side::kInternal});
    inside.push(all);
    EXPECT_EQ(inside.judge(EDGEFW_RECEIVED, segments), "pass rule inside");
}

TEST(Dissect, Transport) {
    const Bytes nop = {1, 1, 1, 0};
    check(
        kProtocols,
        {
            {"TCP with options", frame(kLink, kIpv4, Tcp{.options = nop}), "pass rule tcp"},
            {"TCP of 15 words", frame(kLink, kIpv4, Tcp{.options = Bytes(40)}), "pass rule tcp"},
            {"TCP of four words", frame(kLink, kIpv4, Tcp{.header_words = 4}, payload(20)), "drop malformed-tcp"},
            {"TCP of no words", frame(kLink, kIpv4, Tcp{.header_words = 0}), "drop malformed-tcp"},
            {"TCP longer than the packet", frame(kLink, kIpv6, Tcp{.header_words = 6}), "drop malformed-tcp"},
            {"TCP, padding is not its header", padded(frame(kLink, kIpv4, Tcp{.header_words = 6}), 60),
             "drop malformed-tcp"},
            {"UDP without payload", frame(kLink, kIpv4, kUdp), "pass rule udp"},
            {"UDP of length 8, more in the packet", frame(kLink, kIpv4, Udp{.length = 8}, payload(4)), "pass rule udp"},
            {"UDP of length 7", frame(kLink, kIpv4, Udp{.length = 7}, payload(4)), "drop malformed-udp"},
            {"UDP of length 0", frame(kLink, kIpv6, Udp{.length = 0}, payload(4)), "drop malformed-udp"},
            {"UDP longer than the packet", frame(kLink, kIpv4, Udp{.length = 13}, payload(4)), "drop malformed-udp"},
            {"UDP, padding is not its payload", padded(frame(kLink, kIpv4, Udp{.length = 13}, payload(4)), 60),
             "drop malformed-udp"},
            {"UDP without a checksum", frame(kLink, kIpv4, Udp{.checksum = Checksum::kZero}), "pass rule udp"},
        });
}

// The transport header (and some payload) of one protocol, to be cut at every byte.
struct Cut {
    const char* name;
    const char* reason;  // when its header is not whole
    Layer transport;
    std::uint8_t protocol4;
    std::uint8_t protocol6;
};

const Cut kCuts[] = {
    {"TCP", "drop malformed-tcp", Tcp{}, IPPROTO_TCP, IPPROTO_TCP},
    {"UDP", "drop malformed-udp", Udp{}, IPPROTO_UDP, IPPROTO_UDP},
    {"SCTP", "drop malformed-transport", Ports{IPPROTO_SCTP}, IPPROTO_SCTP, IPPROTO_SCTP},
    {"DCCP", "drop malformed-transport", Ports{IPPROTO_DCCP}, IPPROTO_DCCP, IPPROTO_DCCP},
    {"UDP-Lite", "drop malformed-transport", Ports{IPPROTO_UDPLITE}, IPPROTO_UDPLITE, IPPROTO_UDPLITE},
    {"ICMP", "drop malformed-icmp", Icmp{}, IPPROTO_ICMP, IPPROTO_ICMPV6},
};

// What the kernel test-runs of a sent frame; wire_test has the shorter ones on a wire.
std::size_t shortest_sent(bool ipv4) {
    return ipv4 ? 34 : 54;
}

// A frame that ends too early: the network layer's length no longer fits, whatever is cut.
void check_cut_frame(TestRun& run, const Cut& cut, bool ipv4) {
    const Bytes whole = frame_of({kLink, ipv4 ? Layer(kIpv4) : Layer(kIpv6), cut.transport});
    const char* const expected = ipv4 ? "drop malformed-ipv4" : "drop malformed-ipv6";
    for (std::size_t size = 14; size < whole.size(); size++) {
        const Bytes shorter = truncated(whole, size);
        EXPECT_EQ(run.judge(EDGEFW_RECEIVED, shorter), expected) << cut.name << ", " << size << " bytes";
        if (size < shortest_sent(ipv4)) continue;
        EXPECT_EQ(run.judge(EDGEFW_SENT, shorter), expected) << cut.name << ", " << size << " bytes";
    }
}

TEST(Dissect, FramesCutAtEveryByte) {
    TestRun run(kProtocols);
    for (const Cut& cut : kCuts) {
        check_cut_frame(run, cut, true);
        check_cut_frame(run, cut, false);
    }
}

// A packet that ends too early, its lengths consistent: the transport header decides.
void check_cut_packet(TestRun& run, const Cut& cut, const Payload& part) {
    const Bytes ipv4 = frame(kLink, Ipv4{.protocol = cut.protocol4}, part);
    const Bytes ipv6 = frame(kLink, Ipv6{.next = cut.protocol6}, part);
    for (const Bytes& shorter : {ipv4, ipv6, padded(ipv4, 60)}) {
        EXPECT_EQ(run.judge(EDGEFW_RECEIVED, shorter), cut.reason) << part.bytes.size() << " bytes of it";
        EXPECT_EQ(run.judge(EDGEFW_SENT, shorter), cut.reason) << part.bytes.size() << " bytes of it";
    }
}

TEST(Dissect, PacketsCutAtEveryByte) {
    TestRun run(kProtocols);
    for (const Cut& cut : kCuts) {
        const Bytes transport = frame_of({cut.transport});
        for (std::size_t size = 0; size < transport.size(); size++)
            check_cut_packet(run, cut, Payload{truncated(transport, size)});
    }
}

}  // namespace
}  // namespace edgefw::test
