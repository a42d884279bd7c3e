// SPDX-License-Identifier: GPL-2.0-only
// The frames of random stories.
#pragma once

#include "tests/support/frame.h"
#include "tests/support/oracle.h"

namespace edgefw::test {

// The frame of a packet, with what the packet notation cannot say of it: its place in a datagram, its numbers of TCP.
Bytes frame_of_sample(const Sample& sample);

}  // namespace edgefw::test
