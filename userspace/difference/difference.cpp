// SPDX-License-Identifier: GPL-2.0-only
#include "userspace/difference/difference.h"

#include <algorithm>
#include <map>

#include "userspace/difference/area.h"
#include "userspace/difference/regions.h"
#include "userspace/difference/ruling.h"
#include "userspace/difference/settings.h"
#include "userspace/policy/reasons.h"

namespace edgefw::difference {
namespace {

using policy::Action;
using policy::Policy;

using Judgements = std::pair<Judged, Judged>;  // from, to

// Whether they open connections is told where nothing else changes: with the same rules some messages do, others not.
Judged judged_of(const Outcome& outcome, Kind change) {
    Judged judged{outcome.action, "", change == Kind::kState && outcome.keeps, ""};
    if (outcome.ruling->kind == Ruling::Kind::kRule) judged.rule = outcome.ruling->rule->id;
    if (outcome.ruling->kind == Ruling::Kind::kBuiltin) judged.rule = policy::kBuiltinIds[outcome.ruling->number];
    if (outcome.translation.kind != Translation::Kind::kNone) judged.nat = outcome.piece->nat;
    return judged;
}

Kind kind_of(const Outcome& before, const Outcome& after) {
    if (before.action != after.action) return after.action == Action::kDrop ? Kind::kNarrowed : Kind::kWidened;
    if (before.translation != after.translation) return Kind::kRetranslated;
    if (before.ruling->identity != after.ruling->identity) return Kind::kRule;
    return Kind::kState;
}

// What one pair of judgements has found in one plot.
struct Found {
    Kind kind = Kind::kRule;
    std::vector<uint128> local_shifts = {};  // of the entries that translate, and of none
    // By the place of the kind of messages.
    std::map<std::uint32_t, std::vector<Box>> boxes = {};
};

bool detects_martians(const Policy& policy) {
    return (policy.builtins >> EDGEFW_BUILTIN_MARTIAN & 1) != 0;
}

class Comparer {
public:
    Comparer(const Policy& before, const Policy& after, const Limits& limits)
        : before_(before),
          after_(after),
          rulings_(before, after),
          budget_{std::chrono::steady_clock::now() + limits.time, limits.boxes} {}

    Exact compare() {
        for (const Plot& plot : all_plots()) {
            if (budget_.is_spent) break;
            compare(plot);
        }
        Exact exact;
        for (auto& [judgements, collected] : collected_)
            exact.changed.push_back(changed_of(judgements, collected));
        exact.is_complete = !budget_.is_spent;
        return exact;
    }

    const Names& names() const { return rulings_.names(); }

private:
    struct Collected {
        Kind kind = Kind::kRule;
        std::vector<std::pair<Area, std::vector<uint128>>> areas = {};  // each with how NAT moves its local address
    };

    bool is_martian_hook(const Plot& plot) const {
        return plot.side == policy::Side::kExternal && plot.hook == EDGEFW_RECEIVED && detects_martians(before_) &&
               detects_martians(after_);
    }

    bool may_differ(const Plot& plot, const Lists& lists) const {
        if (!lists.are_equal() || before_.builtins != after_.builtins) return true;
        if (plot.family != Family::kIpv4) return false;
        return !before_.forwards.empty() || !after_.forwards.empty() || !before_.masquerades.empty() ||
               !after_.masquerades.empty();
    }

    void compare(const Plot& plot);
    void collect(const Plot& plot, const std::vector<Messages>& kinds, std::map<Judgements, Found>& found);
    Changed changed_of(const Judgements& judgements, Collected& collected) const;

    const Policy& before_;
    const Policy& after_;
    Rulings rulings_;
    Budget budget_;
    std::map<Judgements, Collected> collected_;
};

std::vector<Ruling> matching(const std::vector<Ruling>& rulings, const Plot& plot, const Messages& messages) {
    std::vector<Ruling> result;
    std::copy_if(rulings.begin(), rulings.end(), std::back_inserter(result),
                 [&](const Ruling& ruling) { return ruling.rule == nullptr || matches(*ruling.rule, plot, messages); });
    return result;
}

bool is_within_one_of(const std::vector<Restrictions>& all, const Box& box) {
    return std::any_of(all.begin(), all.end(), [&box](const Restrictions& on) {
        for (unsigned axis = 0; axis < kAxes; ++axis) {
            if (on[axis] != nullptr && !covers(*on[axis], box[axis])) return false;
        }
        return true;
    });
}

void Comparer::compare(const Plot& plot) {
    const Lists lists = rulings_.lists_of(plot);
    if (!may_differ(plot, lists)) return;
    const std::vector<Messages> kinds = messages_of(plot, before_, after_);
    std::map<Judgements, Found> found;
    for (std::uint32_t place = 0; place < kinds.size() && !budget_.is_spent; ++place) {
        const Messages& kind = kinds[place];
        Lists own{matching(lists.before, plot, kind), matching(lists.after, plot, kind)};
        const std::vector<Restrictions> left_out = rulings_.add_builtins(plot, kind, own);
        const Program before{std::move(own.before), pieces_of(before_, plot, kind, rulings_.pool())};
        const Program after{std::move(own.after), pieces_of(after_, plot, kind, rulings_.pool())};
        for (auto& [pair, boxes] : regions_of(before, after, plot, kind, budget_)) {
            std::erase_if(boxes, [&](const Box& box) { return is_within_one_of(left_out, box); });
            if (boxes.empty()) continue;
            const Outcome from = outcome_of(before, pair.first, kind), to = outcome_of(after, pair.second, kind);
            const Kind change = kind_of(from, to);
            Found& here = found[{judged_of(from, change), judged_of(to, change)}];
            here.kind = change;
            for (const uint128 shift : {uint128{0}, from.piece->local_shift, to.piece->local_shift}) {
                if (std::find(here.local_shifts.begin(), here.local_shifts.end(), shift) == here.local_shifts.end())
                    here.local_shifts.push_back(shift);
            }
            std::vector<Box>& all = here.boxes[place];
            all.insert(all.end(), boxes.begin(), boxes.end());
        }
    }
    collect(plot, kinds, found);
}

void Comparer::collect(const Plot& plot, const std::vector<Messages>& kinds, std::map<Judgements, Found>& found) {
    for (auto& [judgements, here] : found) {
        std::map<Box, std::vector<std::uint32_t>> by_box;
        for (auto& [place, boxes] : here.boxes) {
            merge(boxes);
            for (const Box& box : boxes)
                by_box[box].push_back(place);
        }
        for (const auto& [box, places] : by_box) {
            if (plot.family && is_martian_hook(plot) && is_all_martian(box, here.local_shifts)) continue;
            Collected& collected = collected_[judgements];
            collected.kind = here.kind;
            for (Area& area : areas_of(plot, box, kinds, places, before_.builtins | after_.builtins))
                collected.areas.emplace_back(std::move(area), here.local_shifts);
        }
    }
}

Changed Comparer::changed_of(const Judgements& judgements, Collected& collected) const {
    Changed changed{collected.kind, judgements.first, judgements.second};
    std::vector<std::pair<long double, std::size_t>> order;
    for (std::size_t i = 0; i < collected.areas.size(); ++i)
        order.emplace_back(-collected.areas[i].first.width(), i);
    std::sort(order.begin(), order.end());
    for (const auto& [width, i] : order) {
        auto& [area, shifts] = collected.areas[i];
        if (!changed.witness) changed.witness = packet_of(area, shifts, is_martian_hook(area.plot));
        changed.areas.push_back(std::move(area));
    }
    return changed;
}

Change change_of(const Changed& changed) {
    Change change{changed.kind, changed.from, changed.to};
    for (const Area& area : changed.areas) {
        if (change.boxes.size() == kMostBoxes) break;
        change.boxes.push_back(area.to_text());
    }
    change.more = changed.areas.size() - change.boxes.size();
    change.witness = changed.witness;
    change.width = changed.areas.front().width();
    return change;
}

}  // namespace

const char* to_text(Kind kind) {
    switch (kind) {
        case Kind::kNarrowed:
            return "narrowed";
        case Kind::kWidened:
            return "widened";
        case Kind::kRetranslated:
            return "retranslated";
        case Kind::kState:
            return "state";
        case Kind::kRule:
            return "rule";
    }
    return "";
}

Exact compare_exactly(const Policy& before, const Policy& after, const Limits& limits) {
    return Comparer(before, after, limits).compare();
}

Difference compare(const Policy& before, const Policy& after, const Limits& limits) {
    Comparer comparer(before, after, limits);
    const Exact exact = comparer.compare();
    Difference difference;
    for (const Changed& changed : exact.changed)
        difference.changes.push_back(change_of(changed));
    std::stable_sort(difference.changes.begin(), difference.changes.end(), [](const Change& a, const Change& b) {
        return a.kind != b.kind ? a.kind < b.kind : a.width > b.width;
    });
    difference.is_complete = exact.is_complete;
    for (unsigned builtin = 0; builtin < EDGEFW_BUILTIN_COUNT; ++builtin) {
        const std::uint32_t bit = 1u << builtin;
        if (((before.builtins ^ after.builtins) & bit) == 0) continue;
        auto& turned = (after.builtins & bit) != 0 ? difference.turned_on : difference.turned_off;
        turned.push_back(static_cast<edgefw_builtin>(builtin));
    }
    difference.renamed = comparer.names().renamed;
    difference.moved = comparer.names().moved;
    difference.renamed_nat = renamed_nat(before, after);
    difference.settings = changed_settings(before, after);
    return difference;
}

}  // namespace edgefw::difference
