// SPDX-License-Identifier: GPL-2.0-only
// Address classes: a table turns an address into a class number, the combination of sets it is a member of. All sets
// (and long lists) of a policy share one table per family; the longest of its prefixes that holds an address counts.
//
// A hash finds only whole keys, so it is asked once for each length that its prefixes have, longest first. A trie finds
// the longest prefix of any length at once, in the time of two lookups in a hash where it is small, of five where it
// holds 100,000. So it depends on their number how many lengths are in a hash (userspace/image/classes.cpp).
#pragma once

#include "maps/abi.h"

enum edgefw_class_table { EDGEFW_CLASSES_NONE = 0, EDGEFW_CLASSES_HASH = 1, EDGEFW_CLASSES_TRIE = 2 };

#define EDGEFW_CLASS_LENGTHS 4  // of the prefixes in a hash, at most

// Keys of the tables, hash or trie. No bit of the address is beyond the length.
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

// What makes an address a key of a hash: a length, and the mask that leaves so many bits of the address.
struct edgefw_class_length4 {
    __u32 length;
    __be32 mask;
};
EDGEFW_ABI_SIZE(edgefw_class_length4, 8);

struct edgefw_class_length6 {
    __u32 length;
    __be32 mask[4];
};
EDGEFW_ABI_SIZE(edgefw_class_length6, 20);

// The value of all four tables: the class number, 1 or more. An address that is not found has class 0.
struct edgefw_class {
    __u32 number;
};
EDGEFW_ABI_SIZE(edgefw_class, 4);
