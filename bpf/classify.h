// classify: packet -> the first rule that matches. Walks the decision trees of maps/tree.h.
#pragma once

#include "bpf/maps.h"
#include "bpf/packet.h"

#include <bpf/bpf_endian.h>

#define NO_RULE 0xffffffffu
#define TREE_INDEX(hook, family) ((hook)*EDGEFW_FAMILIES + (family))

// What rules see of a packet, host order. Built where it is needed: a packet of a known connection never is.
struct fields {
    __u32 value[EDGEFW_FIELDS];
    __u32 number;   // of the best rule so far, NO_RULE: none
    __u32 outcome;  // EDGEFW_OUTCOME_*
};

static __always_inline void set_address_fields(struct fields* fields, const struct packet* packet) {
    if (packet->family == EDGEFW_IPV4) {
        fields->value[EDGEFW_FIELD_LOCAL] = bpf_ntohl(packet->key4.local);
        fields->value[EDGEFW_FIELD_REMOTE] = bpf_ntohl(packet->key4.remote);
        if (!packet->has_ports) return;
        fields->value[EDGEFW_FIELD_LOCAL_PORT] = bpf_ntohs(packet->key4.local_port);
        fields->value[EDGEFW_FIELD_REMOTE_PORT] = bpf_ntohs(packet->key4.remote_port);
        return;
    }
#pragma unroll
    for (int i = 0; i < 4; i++) {
        fields->value[EDGEFW_FIELD_LOCAL + i] = bpf_ntohl(packet->key6.local[i]);
        fields->value[EDGEFW_FIELD_REMOTE + i] = bpf_ntohl(packet->key6.remote[i]);
    }
    if (!packet->has_ports) return;
    fields->value[EDGEFW_FIELD_LOCAL_PORT] = bpf_ntohs(packet->key6.local_port);
    fields->value[EDGEFW_FIELD_REMOTE_PORT] = bpf_ntohs(packet->key6.remote_port);
}

// The class of one end's address.
__noinline __u32 class_of(const struct packet* packet, bool local) {
    struct edgefw_class* found = NULL;

    if (!packet) return 0;
    if (packet->family == EDGEFW_IPV4) {
        struct edgefw_prefix4 key = {.length = 32, .address = local ? packet->key4.local : packet->key4.remote};

        if (config.class_table[EDGEFW_IPV4] == EDGEFW_CLASSES_HASH)
            found = bpf_map_lookup_elem(&class_hosts4, &key.address);
        else if (config.class_table[EDGEFW_IPV4] == EDGEFW_CLASSES_TRIE)
            found = bpf_map_lookup_elem(&class_prefixes4, &key);
    } else {
        struct edgefw_prefix6 key = {.length = 128};

#pragma unroll
        for (int i = 0; i < 4; i++)
            key.address[i] = local ? packet->key6.local[i] : packet->key6.remote[i];
        if (config.class_table[EDGEFW_IPV6] == EDGEFW_CLASSES_HASH)
            found = bpf_map_lookup_elem(&class_hosts6, key.address);
        else if (config.class_table[EDGEFW_IPV6] == EDGEFW_CLASSES_TRIE)
            found = bpf_map_lookup_elem(&class_prefixes6, &key);
    }
    return found ? found->number : 0;
}

static __always_inline bool passes(const struct edgefw_test* test, __u32 value) {
    return (value & (test->mask | EDGEFW_TEST_HIGH_HALF)) - test->low <= test->width;
}

// A leaf's run: the first rule all of whose tests pass, unless a better one is known.
static __always_inline void search_leaf(struct fields* fields, __u32 index) {
    for (int step = 0; step < EDGEFW_MAX_LEAF_STEPS; step++) {
        struct edgefw_test* test = bpf_map_lookup_elem(&tests, &index);

        if (!test || test->kind == EDGEFW_TEST_END) return;
        if (test->kind == EDGEFW_TEST_MATCH) {
            if (test->low < fields->number) {
                fields->number = test->low;
                fields->outcome = test->width;
            }
            return;
        }
        index += passes(test, fields->value[test->field & (EDGEFW_FIELDS - 1)]) ? 1 : test->skip;
    }
}

static __always_inline void search_tree(struct fields* fields, __u32 index) {
    for (int level = 0; level < EDGEFW_MAX_TREE_DEPTH; level++) {
        struct edgefw_node* node = bpf_map_lookup_elem(&nodes, &index);
        __u32 field;

        if (!node) return;
        field = node->link >> EDGEFW_NODE_FIELD_SHIFT;
        index = node->link & EDGEFW_NODE_INDEX_MASK;
        if (field == EDGEFW_NODE_LEAF) {
            if (node->split >= fields->number) return;
            break;
        }
        index += fields->value[field & (EDGEFW_FIELDS - 1)] > node->split;
    }
    search_leaf(fields, index);
}

// A tree that is not the first of its forest. A global function, as is classify(): the verifier checks each once,
// whatever the number of callers. A call costs 9 ns on machines that guard returns (SRSO), so the common path has few.
__noinline int search_group(struct fields* fields, __u32 root) {
    if (fields) search_tree(fields, root);
    return 0;
}

static __always_inline void set_classes(struct fields* fields, const struct packet* packet,
                                        const volatile struct edgefw_forest* forest) {
    if (!(config.class_table[EDGEFW_IPV4] | config.class_table[EDGEFW_IPV6])) return;
    if (forest->uses & EDGEFW_USES_LOCAL_CLASS) fields->value[EDGEFW_FIELD_LOCAL_CLASS] = class_of(packet, true);
    if (forest->uses & EDGEFW_USES_REMOTE_CLASS) fields->value[EDGEFW_FIELD_REMOTE_CLASS] = class_of(packet, false);
}

// Whether a rule of `tree` (TREE_INDEX) matches. Sets packet->outcome: that of the rule; else 0 or EDGEFW_OUTCOME_ASK.
// `apart`: walk the first tree in a function of its own, too.
static __always_inline bool search(struct packet* packet, __u32 tree, const bool apart) {
    const volatile struct edgefw_forest* forest = &config.forest[0][0] + (tree & (EDGEFW_HOOKS * EDGEFW_FAMILIES - 1));
    struct fields fields = {
        .value[EDGEFW_FIELD_PROTOCOL] = packet->protocol,
        .value[EDGEFW_FIELD_DETAIL] = packet->detail,
        .value[EDGEFW_FIELD_VLAN] = packet->vlan,
        .value[EDGEFW_FIELD_OPENS] = packet->opens,
        .number = NO_RULE,
    };

    set_address_fields(&fields, packet);
    set_classes(&fields, packet, forest);
    if (!apart && forest->groups > 0) search_tree(&fields, forest->group[0].root);
    for (__u32 i = !apart; i < EDGEFW_MAX_GROUPS; i++) {
        if (i >= forest->groups || forest->group[i].first >= fields.number) break;  // they lie in order of `first`
        search_group(&fields, forest->group[i].root);
    }
    packet->outcome = fields.outcome;
    return fields.number != NO_RULE && !(fields.outcome & EDGEFW_OUTCOME_ASK);
}

// For the packet's own direction, which every packet that opens or drops goes through.
static __always_inline bool classify_inline(struct packet* packet, __u32 tree) {
    return search(packet, tree, false);
}

__noinline int classify(struct packet* packet, __u32 tree) {
    return packet ? search(packet, tree, true) : 0;
}
