// SPDX-License-Identifier: GPL-2.0-only
// Internet checksums computed in full (RFC 1071), for what the data path computes incrementally.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace edgefw::test {

// The one's complement sum, unfolded. An odd last byte counts as if a zero byte followed it.
std::uint64_t sum_of(const std::vector<std::uint8_t>& bytes, std::uint64_t start = 0);
std::uint16_t fold(std::uint64_t sum);
// `ends`: source and destination address side by side; `length`: of the transport header and payload.
std::uint32_t pseudo_header_sum(const std::vector<std::uint8_t>& ends, std::uint8_t protocol, std::size_t length);

// What is on the wire in an untagged IPv4 frame with TCP, UDP, UDP-Lite or DCCP.
struct Wire {
    std::string ends;  // "198.51.100.9:40000 > 192.0.2.20:443"; without ports in a later fragment
    bool ip_checksum_right = false;
    std::uint16_t checksum = 0;  // of the transport header
    std::uint16_t whole = 0;     // what a whole one is (UDP and UDP-Lite: never 0)
    std::uint16_t partial = 0;   // what a partial one is: the folded sum of the pseudo-header
};

Wire read_wire(const std::vector<std::uint8_t>& frame);

}  // namespace edgefw::test
