// SPDX-License-Identifier: GPL-2.0-only
// Frames are checked by a reader of their own: lengths from the headers, checksums by full sums over big-endian words.
#include <gtest/gtest.h>

#include <algorithm>

#include "userspace/packet/notation.h"

namespace edgefw::packet {
namespace {

using Frame = std::vector<std::uint8_t>;

Packet packet_of(const std::string& text) {
    const Result<Packet> packet = parse(text);
    EXPECT_TRUE(packet) << text << ": " << packet.error().message;
    return packet ? *packet : Packet{};
}

unsigned word(const Frame& frame, std::size_t at) {
    return frame.at(at) * 256u + frame.at(at + 1);
}

// What RFC 1071 calls the checksum over bytes that include the field: 0 when the field is right.
unsigned residue(const Frame& bytes) {
    unsigned long total = 0;
    for (std::size_t i = 0; i < bytes.size(); ++i)
        total += i % 2 == 0 ? bytes[i] * 256ul : bytes[i];
    while (total > 0xffff)
        total = total % 0x10000 + total / 0x10000;
    return static_cast<unsigned>(0xffff - total);
}

Frame slice(const Frame& frame, std::size_t at, std::size_t length) {
    return {frame.begin() + static_cast<long>(at), frame.begin() + static_cast<long>(at + length)};
}

struct Header {
    std::size_t network = 0;
    std::size_t transport = 0;
    std::size_t transport_length = 0;
    unsigned protocol = 0;
    bool ipv4 = false;
};

Header read(const Frame& frame) {
    Header header;
    header.network = word(frame, 12) == 0x8100 ? 18 : 14;
    header.ipv4 = word(frame, header.network - 2) == 0x0800;
    const std::size_t ip = header.network;
    if (header.ipv4) {
        EXPECT_EQ(frame.at(ip), 0x45);
        header.transport = ip + 20;
        header.transport_length = word(frame, ip + 2) - 20;
        header.protocol = frame.at(ip + 9);
    } else {
        EXPECT_EQ(word(frame, ip - 2), 0x86ddu);
        EXPECT_EQ(frame.at(ip) >> 4, 6);
        header.transport = ip + 40;
        header.transport_length = word(frame, ip + 4);
        header.protocol = frame.at(ip + 6);
    }
    return header;
}

// Pseudo header and segment, as RFC 9293 and RFC 8200 lay them out.
Frame checksummed(const Frame& frame, const Header& header) {
    Frame bytes = header.ipv4 ? slice(frame, header.network + 12, 8) : slice(frame, header.network + 8, 32);
    const auto length = static_cast<std::uint8_t>(header.transport_length);
    for (const unsigned byte : {0u, 0u, 0u, unsigned{length}, 0u, 0u, 0u, header.protocol}) {
        bytes.push_back(static_cast<std::uint8_t>(byte));
    }
    const Frame segment = slice(frame, header.transport, header.transport_length);
    bytes.insert(bytes.end(), segment.begin(), segment.end());
    return bytes;
}

struct Row {
    const char* packet;
    std::size_t bytes;
    std::size_t transport_length;
    std::size_t checksum_at;  // in the transport header
};

class FrameOf : public testing::TestWithParam<Row> {};

TEST_P(FrameOf, HasRightLengthsAndChecksums) {
    const Packet packet = packet_of(GetParam().packet);
    const Frame bytes = frame(packet);
    EXPECT_EQ(bytes.size(), GetParam().bytes);
    const Header header = read(bytes);
    EXPECT_EQ(header.protocol, packet.protocol);
    EXPECT_EQ(header.transport_length, GetParam().transport_length);
    if (header.ipv4) {
        EXPECT_EQ(residue(slice(bytes, header.network, 20)), 0u);
    }
    EXPECT_NE(word(bytes, header.transport + GetParam().checksum_at), 0u) << "no checksum at all";
    const bool icmp4 = header.ipv4 && header.protocol == 1;
    EXPECT_EQ(residue(icmp4 ? slice(bytes, header.transport, 8) : checksummed(bytes, header)), 0u);
    EXPECT_EQ(with_ends_of(packet, bytes).to_text(), packet.to_text());
}

INSTANTIATE_TEST_SUITE_P(
    Packets, FrameOf,
    testing::Values(Row{"external inbound tcp 198.51.100.9:40000 > 192.0.2.20:443", 60, 20, 16},
                    Row{"external inbound tcp 255.255.255.255:65535 > 255.255.255.255:65535 cwr,ece", 60, 20, 16},
                    Row{"external inbound udp 198.51.100.9:40000 > 192.0.2.20:443", 60, 8, 6},
                    Row{"external inbound dccp 198.51.100.9:40000 > 192.0.2.20:443", 60, 12, 6},
                    Row{"external inbound udp-lite 198.51.100.9:40000 > 192.0.2.20:443", 60, 8, 6},
                    Row{"external inbound udp-lite [2001:db8::1]:40000 > [2001:db8::2]:443", 62, 8, 6},
                    Row{"external inbound icmp 198.51.100.9 > 192.0.2.20 echo-request", 60, 8, 2},
                    Row{"external inbound tcp [2001:db8::1]:40000 > [2001:db8::2]:443", 74, 20, 16},
                    Row{"external inbound udp [2001:db8::1]:40000 > [2001:db8::2]:443", 62, 8, 6},
                    Row{"external inbound icmp6 2001:db8::1 > 2001:db8::2 echo-request", 62, 8, 2},
                    Row{"external inbound tcp 198.51.100.9:40000 > 192.0.2.20:443 vlan 12", 60, 20, 16},
                    Row{"external inbound tcp [2001:db8::1]:1 > [2001:db8::2]:2 vlan 4094", 78, 20, 16}));

// RFC 9260 appendix A: the most significant bit of the sum is the lowest one of the first byte.
std::uint32_t crc32c(const Frame& bytes) {
    std::uint32_t sum = 0xffffffff;
    for (const std::uint8_t byte : bytes) {
        for (int bit = 0; bit < 8; ++bit) {
            const bool top = (sum >> 31) != 0;
            sum = sum << 1 ^ (top != ((byte >> bit & 1) != 0) ? 0x1edc6f41u : 0u);
        }
    }
    return ~sum;
}

TEST(FrameFields, SctpHasItsOwnChecksum) {
    const std::string text = "external inbound sctp 198.51.100.9:40000 > 192.0.2.20:2905";
    const Frame bytes = frame(packet_of(text));
    const Header header = read(bytes);
    EXPECT_EQ(header.transport_length, 12u);
    Frame sctp = slice(bytes, header.transport, 12);
    std::uint32_t found = 0;
    for (std::size_t bit = 0; bit < 32; ++bit)
        found |= (sctp.at(8 + bit / 8) >> bit % 8 & 1u) << (31 - bit);
    std::fill(sctp.begin() + 8, sctp.end(), std::uint8_t{0});
    EXPECT_EQ(found, crc32c(sctp));
    EXPECT_EQ(with_ends_of(packet_of(text), bytes).to_text(), text);
}

TEST(FrameFields, StandWhereTheWireHasThem) {
    const Frame bytes = frame(packet_of("external inbound tcp 198.51.100.9:40000 > 192.0.2.20:443 syn,ece vlan 291"));
    EXPECT_EQ(word(bytes, 12), 0x8100u);
    EXPECT_EQ(word(bytes, 14), 291u);
    EXPECT_EQ(slice(bytes, 30, 8), (Frame{198, 51, 100, 9, 192, 0, 2, 20}));
    EXPECT_EQ(word(bytes, 38), 40000u);
    EXPECT_EQ(word(bytes, 40), 443u);
    EXPECT_EQ(bytes.at(50), 0x50);
    EXPECT_EQ(bytes.at(51), 0x42);
}

TEST(FrameFields, EchoCarriesItsIdentifier) {
    Packet packet = packet_of("external inbound icmp 198.51.100.9 > 192.0.2.20 echo-request");
    packet.icmp_id = 0x1234;
    const Frame bytes = frame(packet);
    EXPECT_EQ(word(bytes, 38), 0x1234u);
    EXPECT_EQ(residue(slice(bytes, 34, 8)), 0u);
}

TEST(FrameFields, OtherProtocolsCarryEightBytes) {
    const Frame bytes = frame(packet_of("external inbound 47 198.51.100.9 > 192.0.2.20"));
    EXPECT_EQ(bytes.size(), 60u);
    EXPECT_EQ(read(bytes).transport_length, 8u);
}

// A checksum that comes to 0 is sent as 0xffff (RFC 768): one port in 65,536 is such a case.
TEST(FrameFields, UdpNeverSendsNoChecksum) {
    Packet packet = packet_of("external inbound udp 198.51.100.9:0 > 192.0.2.20:443");
    int folded = 0;
    for (unsigned port = 0; port < 65536; ++port) {
        packet.source_port = static_cast<std::uint16_t>(port);
        const Frame bytes = frame(packet);
        ASSERT_NE(word(bytes, 40), 0u) << port;
        if (word(bytes, 40) == 0xffff) ++folded;
    }
    EXPECT_EQ(folded, 1);
}

struct HopRow {
    const char* packet;
    unsigned hops;
};

TEST(FrameFields, LinkLocalProtocolsHaveTheHopLimitTheyNeed) {
    for (const HopRow& row : {HopRow{"external inbound icmp6 fe80::1 > fe80::2 neighbour-solicitation", 255},
                              HopRow{"external inbound icmp6 fe80::1 > ff02::1 router-advertisement", 255},
                              HopRow{"external inbound icmp6 fe80::1 > ff02::16 143", 1},
                              HopRow{"external inbound icmp6 fe80::1 > ff02::1 130", 1},
                              HopRow{"external inbound icmp6 2001:db8::1 > 2001:db8::2 echo-request", 64},
                              HopRow{"external inbound udp [2001:db8::1]:1 > [2001:db8::2]:2", 64}}) {
        EXPECT_EQ(frame(packet_of(row.packet)).at(14 + 7), row.hops) << row.packet;
    }
    EXPECT_EQ(frame(packet_of("external inbound 2 192.0.2.1 > 224.0.0.22")).at(14 + 8), 1);
    EXPECT_EQ(frame(packet_of("external inbound udp 192.0.2.1:1 > 224.0.0.22:2")).at(14 + 8), 64);
}

TEST(FrameFields, EndsAreReadBackFromATranslatedFrame) {
    const Packet packet = packet_of("external inbound tcp 198.51.100.9:40000 > 203.0.113.7:9555");
    const Packet other = packet_of("external inbound tcp 198.51.100.9:40000 > 10.0.0.5:9556");
    EXPECT_EQ(with_ends_of(packet, frame(other)).to_text(), other.to_text());
    EXPECT_EQ(with_ends_of(packet, {}).to_text(), packet.to_text()) << "too short to hold any ends";
}

}  // namespace
}  // namespace edgefw::packet
