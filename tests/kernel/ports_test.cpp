// SPDX-License-Identifier: GPL-2.0-only
// SCTP, DCCP and UDP-Lite: rules name their ports, connections are of ports, and NAT leaves the ports as they are.
#include <gtest/gtest.h>
#include <netinet/in.h>

#include <map>

#include "tests/kernel/services.h"
#include "tests/support/checksum.h"

namespace edgefw::test {
namespace {

const std::map<std::string, std::uint8_t> kProtocols = {
    {"sctp", IPPROTO_SCTP}, {"dccp", IPPROTO_DCCP}, {"udp-lite", IPPROTO_UDPLITE}};

std::string one_port(const std::string& protocol) {
    return "rules:\n- {name: one, side: external, direction: inbound, protocol: " + protocol +
           ", local_port: 2905, remote_port: 1024-65535, action: pass}\n";
}

TEST(Ports, ARuleNamesThem) {
    for (const auto& [protocol, number] : kProtocols) {
        SCOPED_TRACE(protocol);
        TestRun run(one_port(protocol));
        tell(run,
             {{"external inbound " + protocol + " 198.51.100.9:1024 > 192.0.2.20:2905", "pass rule one opened"},
              {"external inbound " + protocol + " 198.51.100.9:1023 > 192.0.2.20:2905", "drop default"},
              {"external inbound " + protocol + " 198.51.100.9:1024 > 192.0.2.20:2904", "drop default"},
              {"external inbound " + protocol + " 198.51.100.9:1024 > 192.0.2.20:2906", "drop default"},
              {"external inbound " + protocol + " [2001:db8::9]:65535 > [2001:db8::20]:2905", "pass rule one opened"},
              {"external inbound " + protocol + " [2001:db8::9]:0 > [2001:db8::20]:2905", "drop default"},
              {"external inbound udp 198.51.100.9:1024 > 192.0.2.20:2905", "drop default"}});
        const Extension options;
        EXPECT_EQ(run.judge(EDGEFW_RECEIVED, frame(Ethernet{}, Ipv6{}, options, Ports{number, 40000, 2905})),
                  "pass rule one opened");
        EXPECT_EQ(run.judge(EDGEFW_RECEIVED, frame(Ethernet{}, Ipv6{}, options, Ports{number, 40000, 2904})),
                  "drop default");
    }
}

// The key has the ports: two connections between the same addresses are two.
TEST(Ports, AConnectionIsOfPorts) {
    for (const auto& [protocol, number] : kProtocols) {
        SCOPED_TRACE(protocol);
        TestRun run(one_port(protocol));
        const std::string back = "external outbound " + protocol + " 192.0.2.20:2905 > 198.51.100.9:";
        const std::string there = "external inbound " + protocol + " 198.51.100.9:";
        tell(run, {{back + "5000", "drop default"},
                   {there + "5000 > 192.0.2.20:2905", "pass rule one opened"},
                   {back + "5000", "pass connection one"},
                   {back + "5001", "drop default"},
                   {there + "5001 > 192.0.2.20:2905", "pass rule one opened"},
                   {back + "5001", "pass connection one"}});
        EXPECT_EQ(run.half_open(), 2u);
    }
}

// Only the first fragment has the ports.
TEST(Ports, FragmentsFollowTheirFirst) {
    for (const auto& [protocol, number] : kProtocols) {
        SCOPED_TRACE(protocol);
        TestRun run(one_port(protocol));
        // A fragment before the last is a multiple of eight bytes long: 8 + 24, or 12 + 20.
        const std::size_t rest = number == IPPROTO_UDPLITE ? 24 : 20;
        const auto first = [&, number = number](std::uint16_t id, std::uint16_t port) {
            return frame(Ethernet{}, Ipv4{.id = id, .more = true}, Ports{number, 40000, port}, payload(rest));
        };
        const auto later = [&, number = number](std::uint16_t id) {
            return frame(Ethernet{}, Ipv4{.id = id, .offset = 32, .protocol = number}, payload(20));
        };
        EXPECT_EQ(run.judge(EDGEFW_RECEIVED, first(1, 2905)), "pass rule one opened");
        EXPECT_EQ(run.judge(EDGEFW_RECEIVED, later(1)), "pass fragment one");
        EXPECT_EQ(run.judge(EDGEFW_RECEIVED, first(2, 2904)), "drop default");
        EXPECT_EQ(run.judge(EDGEFW_RECEIVED, later(2)), "drop fragment-without-first");
    }
}

Bytes error_about(const Bytes& packet) {
    constexpr std::size_t kEthernet = 14, kShortest = 20 + 8;  // RFC 792: the header and eight bytes
    const auto begin = packet.begin() + kEthernet;
    return frame(Ethernet{}, Ipv4{.source = "203.0.113.254", .destination = "192.0.2.20"},
                 Icmp{.type = 3, .code = 4, .id = 0}, Payload{Bytes(begin, begin + kShortest)});
}

TEST(Ports, AnErrorQuotesThem) {
    for (const auto& [protocol, number] : kProtocols) {
        SCOPED_TRACE(protocol);
        TestRun run(one_port(protocol));
        run.judge("external inbound " + protocol + " 198.51.100.9:5000 > 192.0.2.20:2905");
        const Ipv4 back{.source = "192.0.2.20", .destination = "198.51.100.9"};
        EXPECT_EQ(run.judge(EDGEFW_RECEIVED, error_about(frame(Ethernet{}, back, Ports{number, 2905, 5000}))),
                  "pass icmp-error one");
        EXPECT_EQ(run.judge(EDGEFW_RECEIVED, error_about(frame(Ethernet{}, back, Ports{number, 2905, 5001}))),
                  "drop icmp-unrelated");
    }
}

const std::string kStatic = R"(
nat:
- {name: all, type: static, public: 203.0.113.8, to: 10.0.0.6}
rules:
- {name: in, side: external, direction: inbound, local: 10.0.0.6, action: pass}
)";

// The transport header leaves as it came, but for the checksum, where that covers the addresses.
TEST(Ports, AStaticEntryChangesNoPort) {
    TestRun run(kStatic);
    for (const auto& [protocol, number] : kProtocols) {
        SCOPED_TRACE(protocol);
        const Ports there{number, 40000, 2905}, back{number, 2905, 40000};
        const Payload data = payload(31);
        EXPECT_EQ(run.judge(EDGEFW_RECEIVED, frame(Ethernet{}, Ipv4{.destination = "203.0.113.8"}, there, data)),
                  "pass rule in via all opened");
        EXPECT_EQ(run.left(), frame(Ethernet{}, Ipv4{.destination = "10.0.0.6"}, there, data));
        EXPECT_EQ(run.judge(EDGEFW_SENT,
                            frame(Ethernet{}, Ipv4{.source = "10.0.0.6", .destination = "198.51.100.9"}, back, data)),
                  "pass connection in via all");
        EXPECT_EQ(run.left(),
                  frame(Ethernet{}, Ipv4{.source = "203.0.113.8", .destination = "198.51.100.9"}, back, data));
    }
}

// Every sum that a two-byte payload can give, UDP-Lite's 0 (written as 0xffff) among them.
TEST(Ports, EveryChecksum) {
    TestRun run(kStatic);
    for (const std::uint8_t number : {IPPROTO_UDPLITE, IPPROTO_DCCP}) {
        const Ports there{number, 40000, 2905}, back{number, 2905, 40000};
        for (std::uint32_t value = 0; value < 0x10000; value++) {
            const Payload word{{static_cast<std::uint8_t>(value >> 8), static_cast<std::uint8_t>(value)}};
            run.judge(EDGEFW_RECEIVED, frame(Ethernet{}, Ipv4{.destination = "203.0.113.8"}, there, word));
            const Wire in = read_wire(run.left());
            const bool same = in.checksum == in.whole || (number == IPPROTO_DCCP && in.checksum + in.whole == 0xffff);
            ASSERT_TRUE(same) << "payload " << value;
            run.judge(EDGEFW_SENT,
                      frame(Ethernet{}, Ipv4{.source = "10.0.0.6", .destination = "198.51.100.9"}, back, word));
            const Wire out = read_wire(run.left());
            ASSERT_TRUE(out.checksum == out.whole || (number == IPPROTO_DCCP && out.checksum + out.whole == 0xffff))
                << "payload " << value << ", sent";
        }
    }
}

std::string office(const std::string& ports) {
    return "nat:\n- {name: office, type: masquerade, from: 10.0.0.0/8, as: 203.0.113.7, ports: " + ports +
           "}\nrules:\n- {name: out, side: external, direction: outbound, local: 10.0.0.0/8, action: pass}\n";
}

// A masquerade gives them no other port, whatever its range. So two hosts inside share a remote end only where their
// own ports differ.
TEST(Ports, AMasqueradeKeepsThem) {
    for (const auto& [protocol, number] : kProtocols) {
        SCOPED_TRACE(protocol);
        TestRun run(office("61000-61003"));
        const auto out = [&, number = number](const char* from, std::uint16_t port) {
            return frame(Ethernet{}, Ipv4{.source = from, .destination = "198.51.100.9"}, Ports{number, port, 2905},
                         payload(7));
        };
        const auto in = [&, number = number](const char* to, std::uint16_t port) {
            return frame(Ethernet{}, Ipv4{.destination = to}, Ports{number, 2905, port}, payload(7));
        };
        EXPECT_EQ(run.judge(EDGEFW_SENT, out("10.0.0.5", 40000)), "pass rule out via office opened");
        EXPECT_EQ(run.left(), out("203.0.113.7", 40000));
        EXPECT_EQ(run.judge(EDGEFW_SENT, out("10.0.0.6", 40001)), "pass rule out via office opened");
        EXPECT_EQ(run.judge(EDGEFW_SENT, out("10.0.0.6", 40000)), "drop nat-ports out via office");
        EXPECT_EQ(run.judge(EDGEFW_RECEIVED, in("203.0.113.7", 40000)), "pass connection out via office");
        EXPECT_EQ(run.left(), in("10.0.0.5", 40000));
        EXPECT_EQ(run.judge(EDGEFW_RECEIVED, in("203.0.113.7", 40001)), "pass connection out via office");
        EXPECT_EQ(run.left(), in("10.0.0.6", 40001));
        EXPECT_EQ(run.judge(EDGEFW_RECEIVED, in("203.0.113.7", 40002)), "drop default");
        run.push(office("62000-62003"));
        EXPECT_EQ(run.judge(EDGEFW_SENT, out("10.0.0.5", 40000)), "pass connection out via office")
            << "its port is kept";
    }
}

}  // namespace
}  // namespace edgefw::test
