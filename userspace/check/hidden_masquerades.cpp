// SPDX-License-Identifier: GPL-2.0-only
#include "userspace/check/hidden_masquerades.h"

#include <algorithm>
#include <span>

namespace edgefw::policy {
namespace {

bool is_mapped(const Masquerade& masquerade) {
    return masquerade.kind == NatKind::kMapped;
}

bool is_hairpin(const Masquerade& masquerade) {
    return masquerade.kind == NatKind::kHairpin;
}

// Whether every address of `later` is in one of `earlier`, which is sorted and disjoint: neighbours count together.
bool hold(std::span<const AddressRange> earlier, const AddressRange& later) {
    uint128 next = later.first.value;  // of `later` the first address that was not found yet
    for (const AddressRange& range : earlier) {
        if (range.last.value < next) continue;
        if (range.first.value > next) return false;
        if (range.last.value >= later.last.value) return true;
        next = range.last.value + 1;
    }
    return false;
}

bool hold(std::span<const AddressRange> earlier, std::span<const AddressRange> later) {
    return std::all_of(later.begin(), later.end(), [&](const AddressRange& range) { return hold(earlier, range); });
}

// `to` of a masquerade: the part of `later` that is asked about; empty: any address.
bool hold_remote(const std::vector<AddressRange>& earlier, std::span<const AddressRange> later) {
    static const AddressRange kAll = AddressRange::of({{Family::kIpv4, 0}, 0});
    if (earlier.empty()) return true;
    return later.empty() ? hold(earlier, kAll) : hold(earlier, later);
}

bool covers(const Masquerade& earlier, const Masquerade& later, std::span<const AddressRange> to) {
    return earlier.side == later.side && (!earlier.protocol || earlier.protocol == later.protocol) &&
           (earlier.remote_port == 0 || earlier.remote_port == later.remote_port) && hold(earlier.from, later.from) &&
           hold_remote(earlier.to, to);
}

class MasqueradeOrder {
public:
    MasqueradeOrder(const Policy& policy, Diagnostics& diagnostics) : policy_(policy), diagnostics_(diagnostics) {}

    void check(const Masquerade& masquerade) {
        if (const Forward* forward = static_of(masquerade)) {
            warn(masquerade, "", "the static entry '" + forward->id + "'", "remove it");
            return;
        }
        if (const Masquerade* cover = cover_of(masquerade, masquerade.to)) {
            warn(masquerade, "", "'" + cover->id + "'", remedy(masquerade, *cover));
            return;
        }
        if (!is_mapped(masquerade)) return;
        for (const AddressRange& server : masquerade.to) {
            if (const Masquerade* cover = cover_of(masquerade, {&server, 1}))
                warn(masquerade, " towards " + server.to_text(), "'" + cover->id + "'", remedy(masquerade, *cover));
        }
    }

private:
    void warn(const Masquerade& masquerade, const std::string& part, const std::string& cover,
              const std::string& what_to_do) {
        diagnostics_.warning(masquerade.where, "the masquerade '" + masquerade.id + "' never translates" + part + ": " +
                                                   cover + " before it takes all that it names; " + what_to_do);
    }

    // What belongs to a forward cannot be removed alone, and comes before whole networks wherever it is written.
    static std::string remedy(const Masquerade& masquerade, const Masquerade& cover) {
        if (is_mapped(masquerade)) return "move it up, or map the server in one entry alone";
        if (is_hairpin(masquerade)) return "move it up, or give both hairpins the same `as` and `ports`";
        return cover.is_of_forward() ? "remove it" : "move it up or remove it";
    }

    // The first masquerade before this one that takes all it has towards `to`.
    const Masquerade* cover_of(const Masquerade& masquerade, std::span<const AddressRange> to) const {
        for (const Masquerade& earlier : policy_.masquerades) {
            if (&earlier == &masquerade) break;
            const bool is_same = is_hairpin(masquerade) && earlier.public_address == masquerade.public_address &&
                                 earlier.ports == masquerade.ports;
            if (covers(earlier, masquerade, to)) return is_same ? nullptr : &earlier;
        }
        return nullptr;
    }

    // The static entry that translates all that these hosts send. That of a hairpin does so outside alone.
    const Forward* static_of(const Masquerade& masquerade) const {
        const Forward* found = nullptr;
        for (const AddressRange& range : masquerade.from) {
            const auto forward =
                std::find_if(policy_.forwards.begin(), policy_.forwards.end(), [&](const Forward& one) {
                    const bool is_outside = (one.sides & bit_of(Side::kExternal)) != 0;
                    return one.is_static() && masquerade.side == (is_outside ? Side::kExternal : Side::kInternal) &&
                           range == AddressRange::single(one.target);
                });
            if (forward == policy_.forwards.end()) return nullptr;
            if (found == nullptr) found = &*forward;
        }
        return found;
    }

    const Policy& policy_;
    Diagnostics& diagnostics_;
};

}  // namespace

void warn_of_hidden_masquerades(const Policy& policy, Diagnostics& diagnostics) {
    MasqueradeOrder order(policy, diagnostics);
    for (const Masquerade& masquerade : policy.masquerades)
        order.check(masquerade);
}

}  // namespace edgefw::policy
