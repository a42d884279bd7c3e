// SPDX-License-Identifier: GPL-2.0-only
// What the packets of a capture file begin with, and which of it is read.
#pragma once

#include <cstdint>
#include <string>

namespace edgefw::capture {

// Whether an Ethernet frame can be made of packets of this type.
bool is_read(std::uint32_t link);

// "127 (IEEE802_11_RADIOTAP)"; the number alone where the name is not known here.
std::string link_name(std::uint32_t link);

// The types that are read, for messages.
std::string link_types_read();

}  // namespace edgefw::capture
