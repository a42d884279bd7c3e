// classify: packet -> the first rule that matches. Walks the decision trees of maps/tree.h.
#pragma once

#include "bpf/maps.h"
#include "bpf/packet.h"

#include <bpf/bpf_endian.h>

#define NO_RULE 0xffffffffu
#define TREE_INDEX(hook, family) ((hook)*EDGEFW_FAMILIES + (family))

// The class of the address whose words start at field `words`.
__noinline __u32 class_of(const struct packet* packet, __u32 words) {
    struct edgefw_class* found = NULL;

    if (!packet || words > EDGEFW_FIELD_REMOTE) return 0;
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
static __always_inline void search_leaf(struct packet* packet, __u32 index) {
    for (int step = 0; step < EDGEFW_MAX_LEAF_STEPS; step++) {
        struct edgefw_test* test = bpf_map_lookup_elem(&tests, &index);

        if (!test || test->kind == EDGEFW_TEST_END) return;
        if (test->kind == EDGEFW_TEST_MATCH) {
            if (test->low < packet->number) {
                packet->number = test->low;
                packet->outcome = test->width;
            }
            return;
        }
        index += passes(test, packet->field[test->field & (EDGEFW_FIELDS - 1)]) ? 1 : test->skip;
    }
}

static __always_inline void search_tree(struct packet* packet, __u32 index) {
    for (int level = 0; level < EDGEFW_MAX_TREE_DEPTH; level++) {
        struct edgefw_node* node = bpf_map_lookup_elem(&nodes, &index);
        __u32 field;

        if (!node) return;
        field = node->link >> EDGEFW_NODE_FIELD_SHIFT;
        index = node->link & EDGEFW_NODE_INDEX_MASK;
        if (field == EDGEFW_NODE_LEAF) {
            if (node->split >= packet->number) return;
            break;
        }
        index += packet->field[field & (EDGEFW_FIELDS - 1)] > node->split;
    }
    search_leaf(packet, index);
}

// A tree that is not the first of its forest. A global function, as is classify(): the verifier checks each once,
// whatever the number of callers. A call costs 9 ns on machines that guard returns (SRSO), so the common path has few.
__noinline int search_group(struct packet* packet, __u32 root) {
    if (packet) search_tree(packet, root);
    return 0;
}

static __always_inline void set_classes(struct packet* packet, const volatile struct edgefw_forest* forest) {
    if (!(config.class_table[EDGEFW_IPV4] | config.class_table[EDGEFW_IPV6])) return;
    if (forest->uses & EDGEFW_USES_LOCAL_CLASS)
        packet->field[EDGEFW_FIELD_LOCAL_CLASS] = class_of(packet, EDGEFW_FIELD_LOCAL);
    if (forest->uses & EDGEFW_USES_REMOTE_CLASS)
        packet->field[EDGEFW_FIELD_REMOTE_CLASS] = class_of(packet, EDGEFW_FIELD_REMOTE);
}

// Sets packet->number and packet->outcome by the rules of `tree` (TREE_INDEX); number is NO_RULE where none matches.
static __always_inline bool classify_inline(struct packet* packet, __u32 tree) {
    const volatile struct edgefw_forest* forest = &config.forest[0][0] + (tree & (EDGEFW_HOOKS * EDGEFW_FAMILIES - 1));

    packet->number = NO_RULE;
    packet->outcome = 0;
    set_classes(packet, forest);
    if (forest->groups > 0) search_tree(packet, forest->group[0].root);
    for (__u32 i = 1; i < EDGEFW_MAX_GROUPS; i++) {
        if (i >= forest->groups || forest->group[i].first >= packet->number) break;  // they lie in order of `first`
        search_group(packet, forest->group[i].root);
    }
    return packet->number != NO_RULE;
}

__noinline int classify(struct packet* packet, __u32 tree) {
    return packet ? classify_inline(packet, tree) : 0;
}
