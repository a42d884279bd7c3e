// SPDX-License-Identifier: GPL-2.0-only
// Address classes: one lookup turns an address into a class number, the combination of sets it is a member of.
// All sets (and long lists) of a policy share one table per family. A hash where every member is a host, else a trie.
#pragma once

#include "maps/abi.h"

enum edgefw_class_table { EDGEFW_CLASSES_NONE = 0, EDGEFW_CLASSES_HASH = 1, EDGEFW_CLASSES_TRIE = 2 };

// Keys of the hash tables are the address alone: 4 or 16 bytes in network byte order. Keys of the tries:
struct edgefw_prefix4 {
    __u32 length;  // bits
    __be32 address;
};
EDGEFW_ABI_SIZE(edgefw_prefix4, 8);

struct edgefw_prefix6 {
    __u32 length;
    __be32 address[4];
};
EDGEFW_ABI_SIZE(edgefw_prefix6, 20);

// The value of all four tables: the class number, 1 or more. An address that is not found has class 0.
struct edgefw_class {
    __u32 number;
};
EDGEFW_ABI_SIZE(edgefw_class, 4);
