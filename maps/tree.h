// SPDX-License-Identifier: GPL-2.0-only
// Classification: decision trees in two array maps, shared by all trees of a generation.
//
// A walk starts at a group's root in `nodes` and goes down until it reaches a leaf; a leaf is a run in `insns`.
// An inner node asks for one field. A split: values <= split go to `next`, values > split to `next + 1` (children lie
// side by side). Cuts: 2^bits cells of equal size, and one behind them for values outside. A leaf's run is a list of
// rules in order of priority. Each rule is zero or more tests (what the path to the leaf has not settled already) and
// one match; a test that fails skips to the next rule. The end of the run is its own element.
#pragma once

#include "maps/abi.h"
#include "maps/limits.h"

// What a rule can restrict. Values are in host byte order; an IPv4 address is word 0 of its four.
enum edgefw_field {
    EDGEFW_FIELD_LOCAL = 0,       // words 0-3, most significant first
    EDGEFW_FIELD_REMOTE = 4,      // words 4-7
    EDGEFW_FIELD_LOCAL_PORT = 8,  // 0 where the protocol has none
    EDGEFW_FIELD_REMOTE_PORT = 9,
    EDGEFW_FIELD_PROTOCOL = 10,  // IP protocol number
    // TCP: the flags byte; ICMP and ICMPv6: type << 8 | code; a frame that is not IP: its ethertype; else 0
    EDGEFW_FIELD_DETAIL = 11,
    EDGEFW_FIELD_VLAN = 12,         // id of the outermost tag; 0 where there is none (or a priority tag)
    EDGEFW_FIELD_LOCAL_CLASS = 13,  // class of the local address (classes.h); 0: in no set
    EDGEFW_FIELD_REMOTE_CLASS = 14,
    EDGEFW_FIELD_OPENS = 15,  // 1 where the packet may open a connection, else 0
    EDGEFW_FIELDS = 16,
};

// A node's `link` holds the field in its high 8 bits and an index in its low 24.
#define EDGEFW_NODE_FIELD_SHIFT 24
#define EDGEFW_NODE_INDEX_MASK 0x00ffffffu
#define EDGEFW_NODE_CUTS 0x40u       // beside a field: `split` describes cuts
#define EDGEFW_NODE_LEAF 0xffu       // in place of a field: the index is that of the run's first element in `insns`
#define EDGEFW_NODE_LONG_LEAF 0xfeu  // likewise, where the run is longer than EDGEFW_MAX_LEAF_STEPS

struct edgefw_node {
    // Split: the highest value of the lower child. Cuts: low | shift << 4 | bits; low is a multiple of 2^(shift +
    // bits), and that is at least 2^EDGEFW_CUTS_WIDTH_MIN. Leaf: the number of the first rule in its run
    __u32 split;
    __u32 link;  // field << 24 | index of the first child (inner) or of the run (leaf)
};
#define EDGEFW_CUTS_BITS_MASK 0xfu
#define EDGEFW_CUTS_SHIFT_SHIFT 4
#define EDGEFW_CUTS_SHIFT_MASK 0x1fu
#define EDGEFW_CUTS_WIDTH_MIN 9
#define EDGEFW_CUTS_LOW_MASK 0xfffffe00u
EDGEFW_ABI_SIZE(edgefw_node, 8);

enum edgefw_insn_kind {
    EDGEFW_INSN_TEST = 0,   // (field & mask) in low ... low + width
    EDGEFW_INSN_MATCH = 1,  // the rule matches: low is its number, width its outcome
    EDGEFW_INSN_END = 2,    // no further rule in this run
};

// One form of test serves ranges and flags, so that the loop over them has no branch but the result (and the verifier
// one path a step): a range has every bit in its mask; flags that must have one value have width 0; flags of which one
// must be set ask for 1 ... 0xffff. Masks reach the low half of a field: only the detail field is masked.
struct edgefw_insn {
    __u32 low;
    __u32 width;
    __u8 kind;
    __u8 field;
    __u16 mask;
    __u32 skip;  // elements to the next rule that does not share this test, counted from this one (>= 1)
};
EDGEFW_ABI_SIZE(edgefw_insn, 16);

#define EDGEFW_INSN_MASK_ALL 0xffffu
#define EDGEFW_INSN_HIGH_HALF 0xffff0000u

// A match's outcome: the counter slot of the rule in the low 24 bits, what it does above them.
#define EDGEFW_OUTCOME_SLOT_MASK 0x00ffffffu
#define EDGEFW_OUTCOME_PASS 0x01000000u  // else drop
#define EDGEFW_OUTCOME_KEEP 0x02000000u  // keep state: the packet opens a connection
#define EDGEFW_OUTCOME_LOG 0x08000000u   // the recorder writes down what it decides
// No rule of this direction matches, but one of the other direction opens connections of this kind: a SYN may belong to
// one (RFC 9293 section 3.5, simultaneous open). As a match it stands behind all rules; the default decides with it.
#define EDGEFW_OUTCOME_ASK 0x04000000u

struct edgefw_group {
    __u32 root;   // index in `nodes`
    __u32 first;  // lowest rule number in the group: a better match found already skips it
};
EDGEFW_ABI_SIZE(edgefw_group, 8);

// The trees of one hook and family, in order of `first`.
struct edgefw_forest {
    __u32 groups;  // 0: no rule at all
    __u32 uses;    // EDGEFW_USES_*
    struct edgefw_group group[EDGEFW_MAX_GROUPS];
};
EDGEFW_ABI_SIZE(edgefw_forest, 72);

#define EDGEFW_USES_LOCAL_CLASS 0x1u  // some rule names a set (or long list) as local
#define EDGEFW_USES_REMOTE_CLASS 0x2u
#define EDGEFW_USES_KEEP 0x4u  // some pass rule (or the default) keeps state: openers of this hook may be known
