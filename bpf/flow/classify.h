// SPDX-License-Identifier: GPL-2.0-only
// classify: flow -> outcome.
//
//   takes    a flow and a hook
//   gives    an outcome: EDGEFW_OUTCOME_* and OUTCOME_BY_RULE, of the first rule that matches, or of the default
//   before   translate (bpf/nat/find.h), so that the rules see the inside address
//   after    decide (bpf/decide.h), which may ask open (bpf/connection/open.h) for a connection
//
// It walks the decision trees of maps/tree.h, and changes nothing but its working memory.
#pragma once

#include "bpf/flight.h"
#include "bpf/flow/martian.h"
#include "bpf/frame/bounds.h"
#include "bpf/maps.h"

#include <bpf/bpf_endian.h>

#define NO_RULE 0xffffffffu
#define TREE_INDEX(hook, family) ((hook)*EDGEFW_FAMILIES + (family))

// A bit beside EDGEFW_OUTCOME_*: a rule decided, not the default.
#define OUTCOME_BY_RULE 0x80000000u
#define OUTCOME_MARTIAN (OUTCOME_BY_RULE | MARTIAN_SLOT)

// The port that rules see: 0 where the protocol has none. There is no branch here: the verifier would walk the trees
// once for either way.
static __always_inline __u32 port_field(const struct flow* flow, __be16 port) {
    return bpf_ntohs(port) & -(__u32)flow->has_ports;
}

static __always_inline void set_end_fields(struct fields* fields, const struct flow* flow) {
    if (flow->family == EDGEFW_IPV4) {
        fields->value[EDGEFW_FIELD_LOCAL] = bpf_ntohl(flow->key4.local);
        fields->value[EDGEFW_FIELD_REMOTE] = bpf_ntohl(flow->key4.remote);
        fields->value[EDGEFW_FIELD_LOCAL_PORT] = port_field(flow, flow->key4.local_port);
        fields->value[EDGEFW_FIELD_REMOTE_PORT] = port_field(flow, flow->key4.remote_port);
        return;
    }
#pragma unroll
    for (int i = 0; i < 4; i++) {
        fields->value[EDGEFW_FIELD_LOCAL + i] = bpf_ntohl(flow->key6.local[i]);
        fields->value[EDGEFW_FIELD_REMOTE + i] = bpf_ntohl(flow->key6.remote[i]);
    }
    fields->value[EDGEFW_FIELD_LOCAL_PORT] = port_field(flow, flow->key6.local_port);
    fields->value[EDGEFW_FIELD_REMOTE_PORT] = port_field(flow, flow->key6.remote_port);
}

// The class of the longest prefix in the table that holds the address. NULL: none does.
static __always_inline struct edgefw_class* find_class4(__be32 address) {
    if (config.class_table[EDGEFW_IPV4] == EDGEFW_CLASSES_TRIE) {
        struct edgefw_prefix4 key = {.length = 32, .address = address};

        return bpf_map_lookup_elem(&class_trie4, &key);
    }
#pragma unroll
    for (__u32 i = 0; i < EDGEFW_CLASS_LENGTHS && i < config.class_lengths[EDGEFW_IPV4]; i++) {
        const volatile struct edgefw_class_length4* by = &config.class_length4[i];
        struct edgefw_prefix4 key = {.length = by->length, .address = address & by->mask};
        struct edgefw_class* found = bpf_map_lookup_elem(&class_hash4, &key);

        if (found) return found;
    }
    return NULL;
}

static __always_inline struct edgefw_class* find_class6(const __be32* address) {
    if (config.class_table[EDGEFW_IPV6] == EDGEFW_CLASSES_TRIE) {
        struct edgefw_prefix6 key = {.length = 128};

#pragma unroll
        for (int word = 0; word < 4; word++)
            key.address[word] = address[word];
        return bpf_map_lookup_elem(&class_trie6, &key);
    }
#pragma unroll
    for (__u32 i = 0; i < EDGEFW_CLASS_LENGTHS && i < config.class_lengths[EDGEFW_IPV6]; i++) {
        const volatile struct edgefw_class_length6* by = &config.class_length6[i];
        struct edgefw_prefix6 key = {.length = by->length};
        struct edgefw_class* found;

#pragma unroll
        for (int word = 0; word < 4; word++)
            key.address[word] = address[word] & by->mask[word];
        found = bpf_map_lookup_elem(&class_hash6, &key);
        if (found) return found;
    }
    return NULL;
}

// The class of one end's address.
GLOBAL __u32 class_of(const struct flow* flow, bool local) {
    struct edgefw_class* found;

    if (!flow) return 0;
    if (flow->family == EDGEFW_IPV4)
        found = find_class4(local ? flow->key4.local : flow->key4.remote);
    else
        found = find_class6(local ? flow->key6.local : flow->key6.remote);
    return found ? found->number : 0;
}

static __always_inline bool passes(const struct edgefw_insn* test, __u32 value) {
    return (value & (test->mask | EDGEFW_INSN_HIGH_HALF)) - test->low <= test->width;
}

// One element of a run. False where the search of the run ends: at its end, or at the first rule all of whose tests
// pass. A better one that is known already stays.
static __always_inline bool step(struct fields* fields, __u32* index) {
    struct edgefw_insn* test = bpf_map_lookup_elem(&insns, index);

    if (!test || test->kind == EDGEFW_INSN_END) return false;
    if (test->kind == EDGEFW_INSN_MATCH) {
        if (test->low < fields->number) {
            fields->number = test->low;
            fields->outcome = test->width;
        }
        return false;
    }
    *index += passes(test, fields->value[test->field & (EDGEFW_FIELDS - 1)]) ? 1 : test->skip;
    return true;
}

static __always_inline void search_leaf(struct fields* fields, __u32 index) {
    for (int i = 0; i < EDGEFW_MAX_LEAF_STEPS; i++) {
        if (!step(fields, &index)) return;
    }
}

struct long_leaf {
    struct fields* fields;
    __u32 index;
};

static long step_on(__u32 number, void* context) {
    struct long_leaf* leaf = context;

    (void)number;
    return !step(leaf->fields, &leaf->index);
}

// A leaf that no tree could part further. It is as long as the policy makes it, and a packet walks all of it.
GLOBAL int search_long_leaf(__u32 index) {
    struct flight* flight = fetch();
    struct long_leaf leaf = {.index = index};

    if (!flight) return 0;
    leaf.fields = &flight->fields;
    bpf_loop(EDGEFW_MAX_LONG_LEAF_STEPS, step_on, &leaf, 0);
    return 0;
}

// The child of an inner node that `value` goes to, counted from the first one. What is outside of cuts goes behind
// them; the subtraction makes what is below them large.
static __always_inline __u32 child_of(const struct edgefw_node* node, __u32 field, __u32 value) {
    __u32 bits, cell;

    if (!(field & EDGEFW_NODE_CUTS)) return value > node->split;
    bits = node->split & EDGEFW_CUTS_BITS_MASK;
    cell = (value - (node->split & EDGEFW_CUTS_LOW_MASK)) >>
           (node->split >> EDGEFW_CUTS_SHIFT_SHIFT & EDGEFW_CUTS_SHIFT_MASK);
    return cell >> bits ? 1u << bits : cell;
}

static __always_inline void search_tree(struct fields* fields, __u32 index) {
    __u32 field = EDGEFW_NODE_LEAF;

    for (int level = 0; level <= EDGEFW_MAX_TREE_DEPTH; level++) {
        struct edgefw_node* node = bpf_map_lookup_elem(&nodes, &index);

        if (!node) return;
        field = node->link >> EDGEFW_NODE_FIELD_SHIFT;
        index = node->link & EDGEFW_NODE_INDEX_MASK;
        if (field >= EDGEFW_NODE_LONG_LEAF) {
            if (node->split >= fields->number) return;
            break;
        }
        index += child_of(node, field, fields->value[field & (EDGEFW_FIELDS - 1)]);
    }
    if (field == EDGEFW_NODE_LEAF) search_leaf(fields, index);
    if (field == EDGEFW_NODE_LONG_LEAF) search_long_leaf(index);
}

// Searches a tree that is not the first of its forest. A call costs 9 ns on machines that guard returns (SRSO): the
// first tree, on the common path, is searched inline.
GLOBAL int search_group(__u32 root) {
    struct flight* flight = fetch();

    if (flight) search_tree(&flight->fields, root);
    return 0;
}

static __always_inline void set_classes(struct fields* fields, const struct flow* flow,
                                        const volatile struct edgefw_forest* forest) {
    if (!(config.class_table[EDGEFW_IPV4] | config.class_table[EDGEFW_IPV6])) return;
    if (forest->uses & EDGEFW_USES_LOCAL_CLASS) fields->value[EDGEFW_FIELD_LOCAL_CLASS] = class_of(flow, true);
    if (forest->uses & EDGEFW_USES_REMOTE_CLASS) fields->value[EDGEFW_FIELD_REMOTE_CLASS] = class_of(flow, false);
}

// The outcome of `flow`, seen at `hook`. `apart`: the first tree is not searched inline either.
static __always_inline __u32 search_forest(struct flight* flight, const struct flow* flow, __u32 hook,
                                           const bool apart) {
    const __u64 tree = within(TREE_INDEX(hook, flow->family), EDGEFW_HOOKS * EDGEFW_FAMILIES - 1);
    const volatile struct edgefw_forest* forest = &config.forest[0][0] + tree;
    struct fields* fields = &flight->fields;

    *fields = (struct fields){
        .value[EDGEFW_FIELD_PROTOCOL] = flow->protocol,
        .value[EDGEFW_FIELD_DETAIL] = flow->detail,
        .value[EDGEFW_FIELD_VLAN] = flow->vlan,
        .value[EDGEFW_FIELD_OPENS] = flow->opens,
        .number = NO_RULE,
    };
    set_end_fields(fields, flow);
    set_classes(fields, flow, forest);
    if (!apart && forest->groups > 0) search_tree(fields, forest->group[0].root);
    for (__u32 i = !apart; i < EDGEFW_MAX_GROUPS; i++) {
        if (i >= forest->groups || forest->group[i].first >= fields->number) break;  // they lie in order of `first`
        search_group(forest->group[i].root);
    }
    if (fields->number != NO_RULE && !(fields->outcome & EDGEFW_OUTCOME_ASK)) return fields->outcome | OUTCOME_BY_RULE;
    // No rule matches: the default decides. EDGEFW_OUTCOME_ASK says whether the other direction would have opened it.
    return fields->outcome |
           (hook == EDGEFW_SENT ? config.default_outcome[EDGEFW_SENT] : config.default_outcome[EDGEFW_RECEIVED]);
}

// The outcome of the packet's own flow, at its own hook. Every packet that opens or drops comes through here.
static __always_inline __u32 classify(struct flight* flight) {
    if (is_martian_packet(flight)) return OUTCOME_MARTIAN;
    return search_forest(flight, &flight->flow, HOOK, false);
}

// The outcome of a frame that is not IP. Where no rule matches it is 0.
GLOBAL __u32 classify_link(void) {
    const volatile struct edgefw_forest* forest = &config.link_forest[HOOK];
    struct flight* flight = fetch();
    struct fields* fields;

    if (!flight) return 0;
    fields = &flight->fields;
    *fields = (struct fields){
        .value[EDGEFW_FIELD_DETAIL] = bpf_ntohs(flight->packet.ethertype),
        .value[EDGEFW_FIELD_VLAN] = flight->flow.vlan,
        .number = NO_RULE,
    };
    for (__u32 i = 0; i < EDGEFW_MAX_GROUPS; i++) {
        if (i >= forest->groups || forest->group[i].first >= fields->number) break;
        search_group(forest->group[i].root);
    }
    return fields->number == NO_RULE ? 0 : fields->outcome | OUTCOME_BY_RULE;
}

// The outcome of flight->opener, a flow that may have opened a connection, at either hook.
GLOBAL __u32 classify_opener(__u32 hook) {
    struct flight* flight = fetch();

    if (!flight) return 0;
    return is_martian(&flight->opener, hook) ? OUTCOME_MARTIAN : search_forest(flight, &flight->opener, hook, true);
}
