// SPDX-License-Identifier: GPL-2.0-only
// The ABI: every struct that the data path and the control plane share lies alike in both. What clang made of the
// headers in maps/ is read from the loaded program's BTF, what g++ made of them from offsetof.
#include <linux/bpf.h>
#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <gtest/gtest.h>

#include <cstddef>
#include <map>
#include <memory>
#include <string>

#include "maps/classes.h"
#include "maps/config.h"
#include "maps/counters.h"
#include "maps/decision.h"
#include "maps/dhcp.h"
#include "maps/forward.h"
#include "maps/fragment.h"
#include "tests/kernel/test_run.h"

namespace edgefw::test {
namespace {

struct Place {
    std::size_t offset;
    std::size_t size;
};

struct Layout {
    std::size_t size;
    std::map<std::string, Place> members;
};

using Layouts = std::map<std::string, Layout>;

// clang-format off
#define MEMBER(structure, member) {#member, {offsetof(structure, member), sizeof(structure::member)}}
// clang-format on

// What classification reads.
Layouts of_a_generation() {
    return {
        {"edgefw_prefix4", {sizeof(edgefw_prefix4), {MEMBER(edgefw_prefix4, length), MEMBER(edgefw_prefix4, address)}}},
        {"edgefw_prefix6", {sizeof(edgefw_prefix6), {MEMBER(edgefw_prefix6, length), MEMBER(edgefw_prefix6, address)}}},
        {"edgefw_class", {sizeof(edgefw_class), {MEMBER(edgefw_class, number)}}},
        {"edgefw_node", {sizeof(edgefw_node), {MEMBER(edgefw_node, split), MEMBER(edgefw_node, link)}}},
        {"edgefw_test",
         {sizeof(edgefw_test),
          {MEMBER(edgefw_test, low), MEMBER(edgefw_test, width), MEMBER(edgefw_test, kind), MEMBER(edgefw_test, field),
           MEMBER(edgefw_test, mask), MEMBER(edgefw_test, skip)}}},
        {"edgefw_group", {sizeof(edgefw_group), {MEMBER(edgefw_group, root), MEMBER(edgefw_group, first)}}},
        {"edgefw_forest",
         {sizeof(edgefw_forest),
          {MEMBER(edgefw_forest, groups), MEMBER(edgefw_forest, uses), MEMBER(edgefw_forest, group)}}},
    };
}

// What a card remembers of its traffic.
Layouts of_a_card() {
    return {
        {"edgefw_connection4_key",
         {sizeof(edgefw_connection4_key),
          {MEMBER(edgefw_connection4_key, local), MEMBER(edgefw_connection4_key, remote),
           MEMBER(edgefw_connection4_key, local_port), MEMBER(edgefw_connection4_key, remote_port),
           MEMBER(edgefw_connection4_key, protocol), MEMBER(edgefw_connection4_key, pad)}}},
        {"edgefw_connection6_key",
         {sizeof(edgefw_connection6_key),
          {MEMBER(edgefw_connection6_key, local), MEMBER(edgefw_connection6_key, remote),
           MEMBER(edgefw_connection6_key, local_port), MEMBER(edgefw_connection6_key, remote_port),
           MEMBER(edgefw_connection6_key, protocol), MEMBER(edgefw_connection6_key, pad)}}},
        {"edgefw_connection",
         {sizeof(edgefw_connection),
          {MEMBER(edgefw_connection, generation), MEMBER(edgefw_connection, rule), MEMBER(edgefw_connection, seen),
           MEMBER(edgefw_connection, opened), MEMBER(edgefw_connection, hook), MEMBER(edgefw_connection, state),
           MEMBER(edgefw_connection, detail), MEMBER(edgefw_connection, vlan), MEMBER(edgefw_connection, public_port),
           MEMBER(edgefw_connection, public_address), MEMBER(edgefw_connection, nat),
           MEMBER(edgefw_connection, masqueraded), MEMBER(edgefw_connection, first), MEMBER(edgefw_connection, end),
           MEMBER(edgefw_connection, renewal), MEMBER(edgefw_connection, renewal_hook),
           MEMBER(edgefw_connection, renewal_scale), MEMBER(edgefw_connection, has_renewal)}}},
        {"edgefw_inside",
         {sizeof(edgefw_inside),
          {MEMBER(edgefw_inside, address), MEMBER(edgefw_inside, port), MEMBER(edgefw_inside, nat),
           MEMBER(edgefw_inside, reserved)}}},
        {"edgefw_end",
         {sizeof(edgefw_end),
          {MEMBER(edgefw_end, bytes), MEMBER(edgefw_end, next), MEMBER(edgefw_end, acknowledged),
           MEMBER(edgefw_end, window), MEMBER(edgefw_end, scale)}}},
        {"edgefw_fragment4_key",
         {sizeof(edgefw_fragment4_key),
          {MEMBER(edgefw_fragment4_key, source), MEMBER(edgefw_fragment4_key, destination),
           MEMBER(edgefw_fragment4_key, id), MEMBER(edgefw_fragment4_key, protocol), MEMBER(edgefw_fragment4_key, hook),
           MEMBER(edgefw_fragment4_key, vlan)}}},
        {"edgefw_fragment6_key",
         {sizeof(edgefw_fragment6_key),
          {MEMBER(edgefw_fragment6_key, source), MEMBER(edgefw_fragment6_key, destination),
           MEMBER(edgefw_fragment6_key, id), MEMBER(edgefw_fragment6_key, hook), MEMBER(edgefw_fragment6_key, vlan)}}},
        {"edgefw_dhcp_xid", {sizeof(edgefw_dhcp_xid), {MEMBER(edgefw_dhcp_xid, sent)}}},
        {"edgefw_fragment",
         {sizeof(edgefw_fragment),
          {MEMBER(edgefw_fragment, seen), MEMBER(edgefw_fragment, rule), MEMBER(edgefw_fragment, pad),
           MEMBER(edgefw_fragment, nat), MEMBER(edgefw_fragment, address)}}},
    };
}

// Counters, decisions, forwards, and the constants of a program.
Layouts of_all_else() {
    return {
        {"edgefw_counter",
         {sizeof(edgefw_counter),
          {MEMBER(edgefw_counter, packets), MEMBER(edgefw_counter, bytes), MEMBER(edgefw_counter, connections)}}},
        {"edgefw_reason_counter",
         {sizeof(edgefw_reason_counter),
          {MEMBER(edgefw_reason_counter, packets), MEMBER(edgefw_reason_counter, bytes)}}},
        {"edgefw_table_counter",
         {sizeof(edgefw_table_counter),
          {MEMBER(edgefw_table_counter, inserted), MEMBER(edgefw_table_counter, removed),
           MEMBER(edgefw_table_counter, refused)}}},
        {"edgefw_decision",
         {sizeof(edgefw_decision),
          {MEMBER(edgefw_decision, sequence), MEMBER(edgefw_decision, slot), MEMBER(edgefw_decision, nat),
           MEMBER(edgefw_decision, verdict), MEMBER(edgefw_decision, reason), MEMBER(edgefw_decision, local),
           MEMBER(edgefw_decision, local_port), MEMBER(edgefw_decision, pad)}}},
        {"edgefw_forward",
         {sizeof(edgefw_forward),
          {MEMBER(edgefw_forward, public_address), MEMBER(edgefw_forward, target_address),
           MEMBER(edgefw_forward, public_port), MEMBER(edgefw_forward, target_port), MEMBER(edgefw_forward, protocol),
           MEMBER(edgefw_forward, flags), MEMBER(edgefw_forward, slot), MEMBER(edgefw_forward, next),
           MEMBER(edgefw_forward, pad)}}},
        {"edgefw_masquerade",
         {sizeof(edgefw_masquerade),
          {MEMBER(edgefw_masquerade, inside), MEMBER(edgefw_masquerade, inside_mask), MEMBER(edgefw_masquerade, remote),
           MEMBER(edgefw_masquerade, remote_mask), MEMBER(edgefw_masquerade, public_address),
           MEMBER(edgefw_masquerade, first), MEMBER(edgefw_masquerade, last), MEMBER(edgefw_masquerade, remote_port),
           MEMBER(edgefw_masquerade, protocol), MEMBER(edgefw_masquerade, flags), MEMBER(edgefw_masquerade, slot),
           MEMBER(edgefw_masquerade, keeps_parity)}}},
        {"edgefw_config",
         {sizeof(edgefw_config),
          {MEMBER(edgefw_config, generation),
           MEMBER(edgefw_config, side),
           MEMBER(edgefw_config, armed),
           MEMBER(edgefw_config, builtins),
           MEMBER(edgefw_config, default_outcome),
           MEMBER(edgefw_config, class_table),
           MEMBER(edgefw_config, translates),
           MEMBER(edgefw_config, has_forwards),
           MEMBER(edgefw_config, has_statics),
           MEMBER(edgefw_config, masquerades),
           MEMBER(edgefw_config, forward_in_mask),
           MEMBER(edgefw_config, forward_in_seed),
           MEMBER(edgefw_config, forward_out_mask),
           MEMBER(edgefw_config, forward_out_seed),
           MEMBER(edgefw_config, forward_in_ports),
           MEMBER(edgefw_config, masquerade_first),
           MEMBER(edgefw_config, masquerade_last),
           MEMBER(edgefw_config, keeps_state),
           MEMBER(edgefw_config, tells_vlans),
           MEMBER(edgefw_config, partial_checksums),
           MEMBER(edgefw_config, record),
           MEMBER(edgefw_config, forest),
           MEMBER(edgefw_config, link_forest),
           MEMBER(edgefw_config, timeout),
           MEMBER(edgefw_config, fragment_timeout),
           MEMBER(edgefw_config, settled),
           MEMBER(edgefw_config, reserved),
           MEMBER(edgefw_config, comes_over),
           MEMBER(edgefw_config, adopt),
           MEMBER(edgefw_config, adopts_until),
           MEMBER(edgefw_config, link_layer),
           MEMBER(edgefw_config, pad),
           MEMBER(edgefw_config, martians),
           MEMBER(edgefw_config, martian4),
           MEMBER(edgefw_config, martian6)}}},
        {"edgefw_martian4",
         {sizeof(edgefw_martian4), {MEMBER(edgefw_martian4, address), MEMBER(edgefw_martian4, mask)}}},
        {"edgefw_martian6",
         {sizeof(edgefw_martian6), {MEMBER(edgefw_martian6, address), MEMBER(edgefw_martian6, mask)}}},
    };
}

const Layouts& layouts() {
    static const Layouts all = [] {
        Layouts sum = of_a_generation();
        sum.merge(of_a_card());
        sum.merge(of_all_else());
        return sum;
    }();
    return all;
}

using Btf = std::unique_ptr<btf, void (*)(btf*)>;

Btf btf_of(const Fd& program) {
    bpf_prog_info info = {};
    std::uint32_t size = sizeof(info);
    if (bpf_prog_get_info_by_fd(program.get(), &info, &size) != 0) return {nullptr, btf__free};
    return {btf__load_from_kernel_by_id(info.btf_id), btf__free};
}

void compare(const btf* types, const btf_type* type, const std::string& name) {
    const auto known = layouts().find(name);
    ASSERT_NE(known, layouts().end()) << name << " is not in this test";
    EXPECT_EQ(type->size, known->second.size) << name;
    EXPECT_EQ(btf_vlen(type), known->second.members.size()) << name;
    for (std::uint32_t i = 0; i < btf_vlen(type); i++) {
        const btf_member& member = btf_members(type)[i];
        const std::string field = btf__name_by_offset(types, member.name_off);
        const auto place = known->second.members.find(field);
        ASSERT_NE(place, known->second.members.end()) << name << "::" << field << " is not in this test";
        EXPECT_EQ(btf_member_bit_offset(type, i), place->second.offset * 8) << name << "::" << field;
        EXPECT_EQ(btf__resolve_size(types, member.type), static_cast<std::int64_t>(place->second.size))
            << name << "::" << field;
    }
}

TEST(Layout, TheSameInBpfAndCpp) {
    TestRun run;
    const Btf types = btf_of(run.programs().received);
    ASSERT_TRUE(types);
    std::size_t compared = 0;
    for (std::uint32_t id = 1; id < btf__type_cnt(types.get()); id++) {
        const btf_type* type = btf__type_by_id(types.get(), id);
        const std::string name = btf__name_by_offset(types.get(), type->name_off);
        if (!btf_is_struct(type) || !name.starts_with("edgefw_")) continue;
        compare(types.get(), type, name);
        compared++;
    }
    EXPECT_EQ(compared, layouts().size()) << "a struct of maps/ that the data path does not use";
}

}  // namespace
}  // namespace edgefw::test
