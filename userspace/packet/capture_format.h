// SPDX-License-Identifier: GPL-2.0-only
// The numbers of capture files: pcap (draft-ietf-opsawg-pcap), pcapng (draft-ietf-opsawg-pcapng), and what their
// packets begin with (tcpdump.org/linktypes.html).
#pragma once

#include <cstdint>

namespace edgefw::packet {

enum BlockType : std::uint32_t {
    kInterfaceBlock = 1,
    kObsoletePacketBlock = 2,
    kSimplePacketBlock = 3,
    kEnhancedPacketBlock = 6,
    kSectionBlock = 0x0a0d0d0a,
};
constexpr std::uint32_t kByteOrder = 0x1a2b3c4d;  // as a section's writer has it

enum OptionCode : std::uint16_t {
    kEndOfOptions = 0,
    kCommentOption = 1,
    kNameOption = 2,         // of an interface
    kFlagsOption = 2,        // of a packet
    kApplicationOption = 4,  // of a section
    kVerdictOption = 7,      // of a packet
    kResolutionOption = 9,   // of an interface
};

// The first bits of a packet's flags.
enum PacketFlags : std::uint32_t { kInboundFlag = 1, kOutboundFlag = 2, kWayFlags = 3 };

// Whose return code a verdict is, and what these return.
enum VerdictKind : std::uint8_t { kTcVerdict = 1, kXdpVerdict = 2 };
enum VerdictCode : std::int64_t { kTcNext = -1, kTcOk = 0, kTcDrop = 2, kXdpAborted = 0, kXdpDrop = 1, kXdpPass = 2 };

enum LinkType : std::uint16_t {
    kLinkEthernet = 1,
    kLinkRawOfLinux = 12,  // DLT_RAW, which some write into files
    kLinkRaw = 101,
    kLinkCooked = 113,
    kLinkIpv4 = 228,
    kLinkIpv6 = 229,
    kLinkCooked2 = 276,
};

}  // namespace edgefw::packet
