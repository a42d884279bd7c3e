// classify: packet -> the first rule that matches. Walks the decision trees of maps/tree.h.
#pragma once

#include "bpf/maps.h"
#include "bpf/packet.h"

#include <bpf/bpf_endian.h>

#define NO_RULE 0xffffffffu
#define TREE_INDEX(hook, family) ((hook)*EDGEFW_FAMILIES + (family))

static __always_inline __u32 class_of(const struct packet* packet, __u32 words) {
    struct edgefw_class* found = NULL;

    if (packet->family == EDGEFW_IPV4) {
        struct edgefw_prefix4 key = {.length = 32, .address = bpf_htonl(packet->field[words])};

        if (config.class_table[EDGEFW_IPV4] == EDGEFW_CLASSES_HASH)
            found = bpf_map_lookup_elem(&class_hosts4, &key.address);
        else if (config.class_table[EDGEFW_IPV4] == EDGEFW_CLASSES_TRIE)
            found = bpf_map_lookup_elem(&class_prefixes4, &key);
    } else {
        struct edgefw_prefix6 key = {.length = 128};

#pragma unroll
        for (int i = 0; i < 4; i++)
            key.address[i] = bpf_htonl(packet->field[words + i]);
        if (config.class_table[EDGEFW_IPV6] == EDGEFW_CLASSES_HASH)
            found = bpf_map_lookup_elem(&class_hosts6, key.address);
        else if (config.class_table[EDGEFW_IPV6] == EDGEFW_CLASSES_TRIE)
            found = bpf_map_lookup_elem(&class_prefixes6, &key);
    }
    return found ? found->number : 0;
}

static __always_inline bool passes(const struct edgefw_test* test, __u32 value) {
    if (test->kind == EDGEFW_TEST_RANGE) return value - test->low <= test->width;
    if (test->kind == EDGEFW_TEST_MASK) return (value & test->width) == test->low;
    return (value & test->width) != 0;
}

// A leaf's run: the first rule all of whose tests pass, unless a better one is known.
// This and the next two are global functions: the verifier checks each once, whatever the number of callers.
__noinline int search_leaf(struct packet* packet, __u32 index) {
    if (!packet) return 0;
    for (int step = 0; step < EDGEFW_MAX_LEAF_STEPS; step++) {
        struct edgefw_test* test = bpf_map_lookup_elem(&tests, &index);

        if (!test || test->kind == EDGEFW_TEST_END) return 0;
        if (test->kind == EDGEFW_TEST_MATCH) {
            if (test->low < packet->number) {
                packet->number = test->low;
                packet->outcome = test->width;
            }
            return 0;
        }
        index += passes(test, packet->field[test->field & (EDGEFW_FIELDS - 1)]) ? 1 : test->skip;
    }
    return 0;
}

__noinline int search_tree(struct packet* packet, __u32 index) {
    if (!packet) return 0;
    for (int level = 0; level < EDGEFW_MAX_TREE_DEPTH; level++) {
        struct edgefw_node* node = bpf_map_lookup_elem(&nodes, &index);
        __u32 field;

        if (!node) return 0;
        field = node->link >> EDGEFW_NODE_FIELD_SHIFT;
        index = node->link & EDGEFW_NODE_INDEX_MASK;
        if (field == EDGEFW_NODE_LEAF) {
            if (node->split < packet->number) search_leaf(packet, index);
            return 0;
        }
        index += packet->field[field & (EDGEFW_FIELDS - 1)] > node->split;
    }
    return 0;
}

// Sets packet->number and packet->outcome by the rules of `tree` (TREE_INDEX); number is NO_RULE where none matches.
__noinline int classify(struct packet* packet, __u32 tree) {
    const volatile struct edgefw_forest* forest;

    if (!packet || tree >= EDGEFW_HOOKS * EDGEFW_FAMILIES) return 0;
    forest = &config.forest[0][0] + tree;
    packet->number = NO_RULE;
    packet->outcome = 0;
    if (config.class_table[EDGEFW_IPV4] | config.class_table[EDGEFW_IPV6]) {
        if (forest->uses & EDGEFW_USES_LOCAL_CLASS)
            packet->field[EDGEFW_FIELD_LOCAL_CLASS] = class_of(packet, EDGEFW_FIELD_LOCAL);
        if (forest->uses & EDGEFW_USES_REMOTE_CLASS)
            packet->field[EDGEFW_FIELD_REMOTE_CLASS] = class_of(packet, EDGEFW_FIELD_REMOTE);
    }
    for (__u32 i = 0; i < EDGEFW_MAX_GROUPS; i++) {
        if (i >= forest->groups) break;
        if (forest->group[i].first < packet->number) search_tree(packet, forest->group[i].root);
    }
    return packet->number != NO_RULE;
}
