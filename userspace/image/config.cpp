// SPDX-License-Identifier: GPL-2.0-only
#include "userspace/image/config.h"

#include <netinet/in.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>

namespace edgefw::image {
namespace {

using policy::Action;
using policy::Policy;
using policy::Side;

constexpr std::array<edgefw_hook, EDGEFW_HOOKS> kHooks = {EDGEFW_RECEIVED, EDGEFW_SENT};

// The bits of an address that a prefix of `length` keeps.
std::array<std::uint8_t, 16> mask_of(Family family, int length) {
    const Address ones = AddressRange::of(Prefix{Address{family}, 0}).last;
    return Prefix::around(ones, length).address.bytes();
}

// EDGEFW_OUTCOME_* of packets that no rule matches. State is worth keeping only for replies that would drop without;
// those are then of any kind, and a SYN among them asks.
std::uint32_t default_outcome(const Policy& policy, Side side, edgefw_hook hook) {
    const auto& defaults = policy.defaults[static_cast<std::size_t>(side)];
    const auto direction = static_cast<std::size_t>(policy::direction_of(side, hook));
    if (defaults[direction] == Action::kDrop) return defaults[1 - direction] == Action::kDrop ? 0 : EDGEFW_OUTCOME_ASK;
    return defaults[1 - direction] == Action::kDrop ? EDGEFW_OUTCOME_PASS | EDGEFW_OUTCOME_KEEP : EDGEFW_OUTCOME_PASS;
}

std::uint32_t kind_of(std::optional<std::uint8_t> protocol) {
    if (!protocol) return EDGEFW_KINDS_ALL;
    switch (*protocol) {
        case IPPROTO_TCP:
            return EDGEFW_KIND_TCP;
        case IPPROTO_UDP:
            return EDGEFW_KIND_UDP;
        case IPPROTO_ICMP:
        case IPPROTO_ICMPV6:
            return EDGEFW_KIND_ICMP;
        default:
            return EDGEFW_KIND_OTHER;
    }
}

// What a NAT entry needs connections of, where something passes it.
std::uint32_t translated_kinds(const Policy& policy, Side side) {
    std::uint32_t kinds = 0;
    for (const policy::Forward& forward : policy.forwards) {
        if ((forward.sides & policy::bit_of(side)) == 0) continue;
        if (!forward.is_static())
            kinds |= kind_of(forward.protocol);
        else if (side == Side::kInternal)  // a hairpin
            kinds |= EDGEFW_KINDS_ALL;
    }
    for (const policy::Masquerade& masquerade : policy.masquerades) {
        if (masquerade.side == side) kinds |= kind_of(masquerade.protocol);
    }
    return kinds;
}

// Writes EDGEFW_KIND_* that the policy passes, and those that it opens connections of.
void configure_kinds(const Policy& policy, Side side, edgefw_config& config) {
    std::uint32_t passed = 0, opened = 0;
    for (const policy::Rule& rule : policy.rules) {
        if (rule.side != side || !rule.is_of_ip() || rule.action != Action::kPass) continue;
        passed |= kind_of(rule.protocol);
        if (rule.state == policy::State::kKeep) opened |= kind_of(rule.protocol);
    }
    for (const std::uint32_t outcome : config.default_outcome) {
        if ((outcome & EDGEFW_OUTCOME_PASS) != 0) passed = EDGEFW_KINDS_ALL;
        if ((outcome & EDGEFW_OUTCOME_KEEP) != 0) opened = EDGEFW_KINDS_ALL;
    }
    config.passes = passed;
    config.kinds = opened | (passed & translated_kinds(policy, side));
}

void configure_nat(const Image& image, unsigned side, edgefw_config& config) {
    config.has_forwards = config.has_statics = config.forwards_open = config.masquerades = 0;
    config.forward_in_ports = 0;
    config.masquerade_first = UINT16_MAX;
    config.masquerade_last = 0;
    for (const edgefw_forward& entry : image.forwards_in.entries) {
        if ((entry.flags & EDGEFW_FORWARD_USED) == 0 || (entry.flags & EDGEFW_FORWARD_ON(side)) == 0) continue;
        config.has_forwards = 1;
        if (entry.public_port == 0)
            config.has_statics = 1;
        else
            config.forward_in_ports |= edgefw_forward_bit(entry.public_port);
        const bool hairpin = side == EDGEFW_INTERNAL && (entry.flags & EDGEFW_FORWARD_ON(EDGEFW_EXTERNAL)) != 0;
        if ((entry.public_port != 0 || hairpin) && (entry.flags & EDGEFW_FORWARD_RETIRED) == 0) config.keeps_state = 1;
    }
    for (const edgefw_forward& entry : image.forwards_out.entries) {
        if ((entry.flags & EDGEFW_FORWARD_ON(side)) != 0 && entry.public_port != 0) config.forwards_open = 1;
    }
    for (const edgefw_masquerade& entry : image.masquerades) {
        if ((entry.flags & EDGEFW_FORWARD_ON(side)) == 0) continue;
        config.masquerades = static_cast<__u32>(image.masquerades.size());
        config.masquerade_first = std::min<__u32>(config.masquerade_first, entry.first);
        config.masquerade_last = std::max<__u32>(config.masquerade_last, entry.last);
        config.keeps_state = 1;
    }
    config.translates = (config.has_forwards != 0 || config.masquerades != 0) ? 1 : 0;
    config.forward_in_mask = image.forwards_in.mask;
    config.forward_in_seed = image.forwards_in.seed;
    config.forward_out_mask = image.forwards_out.mask;
    config.forward_out_seed = image.forwards_out.seed;
}

}  // namespace

edgefw_config config_of(const Policy& policy, Side side) {
    edgefw_config config = {};
    config.side = static_cast<std::uint32_t>(side);
    config.armed = 1;
    config.builtins = policy.builtins;
    for (const edgefw_hook hook : kHooks) {
        config.default_outcome[hook] = default_outcome(policy, side, hook);
        if ((config.default_outcome[hook] & EDGEFW_OUTCOME_KEEP) != 0) config.keeps_state = 1;
    }
    configure_kinds(policy, side, config);
    config.adopt = policy.adopt;
    config.rollback_grace = policy.rollback_grace;
    config.records_drops = policy.records_drops ? 1 : 0;
    config.records_logged = std::any_of(policy.rules.begin(), policy.rules.end(),
                                        [side](const policy::Rule& rule) { return rule.side == side && rule.log; });
    config.tells_vlans = std::any_of(policy.rules.begin(), policy.rules.end(),
                                     [](const policy::Rule& rule) { return rule.is_of_ip() && rule.vlan; });
    return config;
}

void configure_classes(const Classes& classes, edgefw_config& config) {
    const Family family = classes.family();
    const auto index = static_cast<std::size_t>(family);
    config.class_table[index] = classes.table();
    config.class_lengths[index] = 0;
    if (classes.table() != EDGEFW_CLASSES_HASH) return;
    for (const int length : classes.lengths()) {
        const auto mask = mask_of(family, length);
        const auto write = [&](auto& entry) {
            entry.length = static_cast<__u32>(length);
            std::memcpy(&entry.mask, mask.data(), sizeof(entry.mask));
        };
        const std::uint32_t place = config.class_lengths[index]++;
        if (family == Family::kIpv4)
            write(config.class_length4[place]);
        else
            write(config.class_length6[place]);
    }
}

std::vector<int> class_lengths(const edgefw_config& config, Family family) {
    std::vector<int> lengths;
    for (std::uint32_t i = 0; i < config.class_lengths[static_cast<std::size_t>(family)]; ++i) {
        const __u32 length = family == Family::kIpv4 ? config.class_length4[i].length : config.class_length6[i].length;
        lengths.push_back(static_cast<int>(length));
    }
    return lengths;
}

void configure_nat(Image& image) {
    for (unsigned side = 0; side < EDGEFW_SIDES; ++side)
        configure_nat(image, side, image.config[side]);
}

bool names_a_vlan(const Image& image) {
    return std::any_of(image.insns.begin(), image.insns.end(),
                       [](const edgefw_insn& test) {
                           return test.kind == EDGEFW_INSN_TEST && test.field == EDGEFW_FIELD_VLAN;
                       }) ||
           std::any_of(image.nodes.begin(), image.nodes.end(), [](const edgefw_node& node) {
               return node.link >> EDGEFW_NODE_FIELD_SHIFT == EDGEFW_FIELD_VLAN;
           });
}

}  // namespace edgefw::image
