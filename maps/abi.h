// SPDX-License-Identifier: GPL-2.0-only
// The ABI between the data path (BPF C) and the control plane (C++). Every header in this folder is included by both;
// widths are fixed, padding is explicit, sizes are asserted. There is no second copy of any of these structs.
#pragma once

#include <linux/types.h>

// Raised with every change of a struct, of a map's key or value, or of the pin layout. A control plane that finds pins
// of another version refuses to touch them and says how to detach.
#define EDGEFW_ABI_VERSION 12

#ifdef __cplusplus
#define EDGEFW_ABI_ASSERT(condition, message) static_assert(condition, message)
#else
#define EDGEFW_ABI_ASSERT(condition, message) _Static_assert(condition, message)
#endif

#define EDGEFW_ABI_SIZE(type, bytes) EDGEFW_ABI_ASSERT(sizeof(struct type) == (bytes), #type " has another size")

// What a card faces (design: "side").
enum edgefw_side { EDGEFW_EXTERNAL = 0, EDGEFW_INTERNAL = 1, EDGEFW_SIDES = 2 };

// Where a program sits. Received: XDP, remote -> local. Sent: tcx (or clsact) egress, local -> remote.
enum edgefw_hook { EDGEFW_RECEIVED = 0, EDGEFW_SENT = 1, EDGEFW_HOOKS = 2 };

enum edgefw_family { EDGEFW_IPV4 = 0, EDGEFW_IPV6 = 1, EDGEFW_FAMILIES = 2 };

enum edgefw_verdict { EDGEFW_DROP = 0, EDGEFW_PASS = 1 };
