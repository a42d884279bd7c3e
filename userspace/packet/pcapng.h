// SPDX-License-Identifier: GPL-2.0-only
// A pcapng file (draft-ietf-opsawg-pcapng): frames with a comment and a verdict each, which Wireshark and tshark show
// without a plugin.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace edgefw::packet {

struct Captured {
    std::string interface;
    bool has_link = true;                  // else the frame begins with its IP header
    std::uint64_t time = 0;                // milliseconds since 1970
    std::uint32_t length = 0;              // bytes on the wire
    std::vector<std::uint8_t> frame = {};  // the first of them
    bool inbound = false;
    bool at_xdp = false;  // judged there, else at tc
    bool passed = false;
    std::string comment = {};
};

// The whole file. `application` names who wrote it.
std::string pcapng_of(const std::vector<Captured>& frames, const std::string& application);

}  // namespace edgefw::packet
