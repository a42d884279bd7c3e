// SPDX-License-Identifier: GPL-2.0-only
// plan: counter slots for the ids of an image, and the forwards that an older image leaves behind.
#include <algorithm>
#include <set>
#include <tuple>

#include "userspace/image/forwards.h"
#include "userspace/image/martians.h"
#include "userspace/image/plan.h"
#include "userspace/language/states.h"

namespace edgefw::image {
namespace {

// Retired entries that an image keeps: a large range of ports, moved, is among them.
constexpr std::size_t kMostRetired = 16384;

// From the moment in which a push looks at the policy in force to that in which its own is.
constexpr std::uint32_t kFlipSeconds = 10;

// Jiffies of the longest timeout of connections that are not TCP.
std::uint32_t longest_but_tcp(const edgefw_config& config) {
    std::uint32_t longest = 0;
    for (unsigned state = 0; state < EDGEFW_STATE_COUNT; ++state) {
        if (!policy::kStateNames[state].starts_with("tcp-")) longest = std::max(longest, config.timeout[state]);
    }
    return longest;
}

// Gives out the slots of [first, end), each once: after the highest in use, then from the start.
class SlotRange {
public:
    SlotRange(std::uint32_t first, std::uint32_t end, const Slots& in_force)
        : first_(first), end_(end), next_(first), used_(end - first) {
        for (const auto& [id, slot] : in_force) {
            if (!contains(slot)) continue;
            take(slot);
            next_ = std::max(next_, slot + 1);
        }
    }

    // The slot `id` has in `in_force`, else a new one; EDGEFW_SLOT_NONE when there is none left.
    std::uint32_t slot_of(const std::string& id, const Slots& in_force) {
        const auto known = in_force.find(id);
        if (known != in_force.end() && contains(known->second)) return known->second;
        if (taken_ == end_ - first_) return EDGEFW_SLOT_NONE;
        for (;; ++next_) {
            if (next_ >= end_) next_ = first_;
            if (take(next_)) return next_++;
        }
    }

private:
    bool contains(std::uint32_t slot) const { return first_ <= slot && slot < end_; }

    // False: it is in use.
    bool take(std::uint32_t slot) {
        if (used_[slot - first_]) return false;
        used_[slot - first_] = true;
        ++taken_;
        return true;
    }

    std::uint32_t first_;
    std::uint32_t end_;
    std::uint32_t next_;
    std::vector<bool> used_;
    std::uint32_t taken_ = 0;
};

Result<std::vector<std::uint32_t>> give_out(const std::vector<std::string>& ids, SlotRange range,
                                            const Slots& in_force) {
    std::vector<std::uint32_t> slots;
    for (const std::string& id : ids) {
        const std::uint32_t slot = range.slot_of(id, in_force);
        if (slot == EDGEFW_SLOT_NONE) {
            return failed("no counter slot is left for " + id + "; push a policy with fewer rules or NAT entries");
        }
        slots.push_back(slot);
    }
    return slots;
}

void write_slots(ForwardTable& table, const std::vector<std::uint32_t>& slots) {
    for (edgefw_forward& entry : table.entries) {
        if ((entry.flags & EDGEFW_FORWARD_USED) == 0) continue;
        entry.slot = static_cast<__u16>(slots[entry.slot]);
    }
}

auto what_it_does(const edgefw_forward& entry) {
    return std::tie(entry.public_address, entry.public_port, entry.protocol, entry.target_address, entry.target_port,
                    entry.slot);
}

}  // namespace

Result<Slots> assign_slots(Image& image, const Slots& in_force) {
    const auto rules = give_out(image.rule_ids, {EDGEFW_SLOT_FIRST_RULE, EDGEFW_SLOTS_MAX, in_force}, in_force);
    if (!rules) return rules.error();
    const auto nat = give_out(image.nat_ids, {EDGEFW_SLOT_FIRST_NAT, EDGEFW_SLOT_FIRST_RULE, in_force}, in_force);
    if (!nat) return nat.error();

    for (edgefw_insn& test : image.insns) {
        if (test.kind != EDGEFW_INSN_MATCH || (test.width & EDGEFW_OUTCOME_ASK) != 0) continue;
        const std::uint32_t slot = (*rules)[test.width & EDGEFW_OUTCOME_SLOT_MASK];
        test.width = (test.width & ~EDGEFW_OUTCOME_SLOT_MASK) | slot;
    }
    write_slots(image.forwards_in, *nat);
    write_slots(image.forwards_out, *nat);
    for (edgefw_masquerade& entry : image.masquerades)
        entry.slot = static_cast<__u16>((*nat)[entry.slot]);

    Slots slots;
    for (std::size_t i = 0; i < rules->size(); ++i)
        slots[image.rule_ids[i]] = (*rules)[i];
    for (std::size_t i = 0; i < nat->size(); ++i)
        slots[image.nat_ids[i]] = (*nat)[i];
    return slots;
}

void retire_forwards(Image& image, const std::vector<edgefw_forward>& in_force) {
    std::vector<edgefw_forward> entries = entries_of(image.forwards_in.entries);
    std::vector<edgefw_forward> newest_first = entries_of(in_force);
    std::stable_partition(newest_first.begin(), newest_first.end(),
                          [](const edgefw_forward& entry) { return (entry.flags & EDGEFW_FORWARD_RETIRED) == 0; });
    const std::size_t room = entries.size() + kMostRetired;
    const auto less = [](const edgefw_forward& a, const edgefw_forward& b) {
        return what_it_does(a) < what_it_does(b);
    };
    std::set<edgefw_forward, decltype(less)> kept(entries.begin(), entries.end(), less);
    for (edgefw_forward& entry : newest_first) {
        if (entries.size() == room) break;
        if (!kept.insert(entry).second) continue;
        entry.flags |= EDGEFW_FORWARD_RETIRED;
        entries.push_back(entry);
    }
    // The active entries had room before, and retired ones without room are left out: this does not fail.
    static_cast<void>(lay_out_forwards(image, entries));
}

void KeptState::add(const edgefw_config& config, const Clocks& clocks) {
    if (config.keeps_state != 0) keeps_state[config.side] = true;
    const std::uint32_t longest = *std::max_element(std::begin(config.timeout), std::end(config.timeout));
    const std::uint32_t short_ones = longest_but_tcp(config);
    for (unsigned bit = 0; bit < EDGEFW_KINDS; ++bit) {
        const bool passes = (config.passes >> bit & 1) != 0;
        const std::uint32_t timeout = 1u << bit == EDGEFW_KIND_TCP ? longest : short_ones;
        const std::uint32_t last = passes ? clocks.now + timeout / clocks.tick + kFlipSeconds : config.kept_until[bit];
        until[config.side][bit] = std::max(until[config.side][bit], last);
    }
}

void inherit_state(Image& image, const KeptState& kept, std::uint32_t now) {
    for (unsigned side = 0; side < EDGEFW_SIDES; ++side) {
        edgefw_config& config = image.config[side];
        if (kept.keeps_state[side]) config.keeps_state = 1;
        for (unsigned bit = 0; bit < EDGEFW_KINDS; ++bit) {
            if (kept.until[side][bit] <= now) continue;
            config.kinds |= 1u << bit;
            config.kept_until[bit] = kept.until[side][bit];
        }
    }
}

Result<Plan> plan(Image& image, const InForce& in_force) {
    auto slots = assign_slots(image, in_force.slots);
    if (!slots) return slots.error();
    retire_forwards(image, in_force.forwards);
    inherit_state(image, in_force.kept, in_force.now);
    return Plan{std::move(*slots), set_martians(image, in_force.martians)};
}

}  // namespace edgefw::image
