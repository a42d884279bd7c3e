// SPDX-License-Identifier: GPL-2.0-only
#include "userspace/difference/regions.h"

#include <algorithm>

namespace edgefw::difference {
namespace {

using policy::Action;
using Candidates = std::vector<std::uint32_t>;  // places in a list, in order

// What is seen of a list from the wire.
struct View {
    const std::vector<Ruling>* rulings = nullptr;
    const Piece* piece = nullptr;
};

Span moved(Span span, uint128 by) {
    return {span.low + by, span.high + by};
}

bool overlaps(const Restrictions& on, const Box& region, const Piece* piece) {
    for (unsigned axis = 0; axis < kAxes; ++axis) {
        if (on[axis] == nullptr) continue;
        const Span span = piece != nullptr ? moved(region[axis], piece->shift(axis)) : region[axis];
        if (!difference::overlaps(*on[axis], span)) return false;
    }
    return true;
}

bool covers(const Restrictions& on, const Box& region, const Piece* piece) {
    for (unsigned axis = 0; axis < kAxes; ++axis) {
        if (on[axis] == nullptr) continue;
        const Span span = piece != nullptr ? moved(region[axis], piece->shift(axis)) : region[axis];
        if (!difference::covers(*on[axis], span)) return false;
    }
    return true;
}

// What `spans` begins and ends with inside `span`, which it overlaps.
Span surrounding(const Spans& spans, Span span) {
    const auto first = std::partition_point(spans.begin(), spans.end(), [&](Span s) { return s.high < span.low; });
    const auto behind = std::partition_point(first, spans.end(), [&](Span s) { return s.low <= span.high; });
    return {std::max(first->low, span.low), std::min(std::prev(behind)->high, span.high)};
}

// Where a region may be parted: the last value of the lower half.
struct Cut {
    unsigned axis = kAxes;
    uint128 last = 0;
};

// The ends of `spans` inside `span` as last values of a lower half; of many one in the middle.
void add_cuts(const Spans& spans, Span span, std::vector<uint128>& cuts) {
    constexpr std::ptrdiff_t kFew = 4;
    auto first = std::partition_point(spans.begin(), spans.end(), [&](Span s) { return s.high < span.low; });
    auto behind = std::partition_point(first, spans.end(), [&](Span s) { return s.low <= span.high; });
    if (behind - first > kFew) {
        first += (behind - first) / 2;
        behind = std::next(first);
    }
    for (; first != behind; ++first) {
        if (first->low > span.low) cuts.push_back(first->low - 1);
        if (first->high < span.high) cuts.push_back(first->high);
    }
}

// Parts regions by two lists, each seen through its own piece, or by two lists of pieces.
template <typename Restricted, typename Emit>
class Parting {
public:
    struct Side {
        const std::vector<Restricted>& list;
        const Piece* piece;  // nullptr: the list is about packets on the wire
    };

    // `all`: a region may differ whether or not something in it is changed.
    Parting(Side before, Side after, bool all, Budget& budget, Emit emit)
        : before_(before), after_(after), all_(all), budget_(budget), emit_(std::move(emit)) {}

    void part(const Box& region) {
        Box inner = region;
        // At first only what is changed is looked at: mostly that is little.
        if (!all_ && !cut_down(inner)) return;
        descend(inner, within(before_, inner), within(after_, inner));
    }

private:
    static bool is_changed(const Restricted& restricted) {
        if constexpr (requires { restricted.changed; })
            return restricted.changed;
        else
            return true;
    }

    Candidates within(const Side& side, const Box& region) const {
        Candidates found;
        for (std::uint32_t i = 0; i < side.list.size(); ++i) {
            if (!overlaps(side.list[i].on, region, side.piece)) continue;
            found.push_back(i);
            if (covers(side.list[i].on, region, side.piece)) break;
        }
        return found;
    }

    Candidates within(const Side& side, const Box& region, const Candidates& among) const {
        Candidates found;
        for (const std::uint32_t i : among) {
            if (!overlaps(side.list[i].on, region, side.piece)) continue;
            found.push_back(i);
            if (covers(side.list[i].on, region, side.piece)) break;
        }
        return found;
    }

    void surround(const Side& side, std::uint32_t i, const Box& region, Box& hull, bool& is_first) const {
        const Restricted& restricted = side.list[i];
        if (!is_changed(restricted) || !overlaps(restricted.on, region, side.piece)) return;
        for (unsigned axis = 0; axis < kAxes; ++axis) {
            Span span = region[axis];
            if (restricted.on[axis] != nullptr) {
                const uint128 shift = side.piece != nullptr ? side.piece->shift(axis) : 0;
                span = moved(surrounding(*restricted.on[axis], moved(span, shift)), -shift);
            }
            hull[axis] =
                is_first ? span : Span{std::min(hull[axis].low, span.low), std::max(hull[axis].high, span.high)};
        }
        is_first = false;
    }

    // Cuts the region down to what surrounds the changed ones. False: there are none.
    bool cut_down(Box& region) const {
        Box hull{};
        bool is_first = true;
        for (const Side* side : {&before_, &after_}) {
            for (std::uint32_t i = 0; i < side->list.size(); ++i)
                surround(*side, i, region, hull, is_first);
        }
        region = is_first ? region : hull;
        return !is_first;
    }

    bool cut_down(Box& region, const Candidates& before, const Candidates& after) const {
        Box hull{};
        bool is_first = true;
        for (const std::uint32_t i : before)
            surround(before_, i, region, hull, is_first);
        for (const std::uint32_t i : after)
            surround(after_, i, region, hull, is_first);
        region = is_first ? region : hull;
        return !is_first;
    }

    void descend(Box region, Candidates before, Candidates after) {
        if (budget_.is_spent || !budget_.spend(0)) return;
        while (!all_) {
            Box inner = region;
            if (!cut_down(inner, before, after)) return;
            if (inner == region) break;
            region = inner;
            before = within(before_, region, before);
            after = within(after_, region, after);
        }
        if (before.size() == 1 && after.size() == 1) {
            emit_(before.front(), after.front(), region);
            return;
        }
        const Cut cut = choose(region, before, after);
        Box half = region;
        half[cut.axis].high = cut.last;
        descend(half, within(before_, half, before), within(after_, half, after));
        half = region;
        half[cut.axis].low = cut.last + 1;
        descend(half, within(before_, half, before), within(after_, half, after));
    }

    Span seen(const Side& side, const Box& region, unsigned axis) const {
        return side.piece != nullptr ? moved(region[axis], side.piece->shift(axis)) : region[axis];
    }

    void add_cuts_of(const Side& side, std::uint32_t i, const Box& region, unsigned axis,
                     std::vector<uint128>& cuts) const {
        const Spans* spans = side.list[i].on[axis];
        if (spans == nullptr) return;
        const std::size_t known = cuts.size();
        add_cuts(*spans, seen(side, region, axis), cuts);
        if (side.piece == nullptr) return;
        for (std::size_t at = known; at < cuts.size(); ++at)
            cuts[at] -= side.piece->shift(axis);
    }

    // Of few: an end of the first that does not cover the region, which by and by leaves what it takes alone.
    Cut peel(const Box& region, const Candidates& before, const Candidates& after) {
        const bool of_before = before.size() > 1;
        const Side& side = of_before ? before_ : after_;
        const std::uint32_t first = of_before ? before.front() : after.front();
        for (const unsigned axis : {kVlan, kRemote, kLocal, kRemotePort, kLocalPort}) {
            cuts_.clear();
            add_cuts_of(side, first, region, axis, cuts_);
            if (!cuts_.empty()) return {axis, cuts_.front()};
        }
        return {};
    }

    // Of many: on each axis the end in the middle of all; of these the one whose halves have the least to look at.
    Cut halve(const Box& region, const Candidates& before, const Candidates& after) {
        Cut best;
        std::size_t least = SIZE_MAX;
        for (unsigned axis = 0; axis < kAxes; ++axis) {
            cuts_.clear();
            for (const std::uint32_t i : before)
                add_cuts_of(before_, i, region, axis, cuts_);
            for (const std::uint32_t i : after)
                add_cuts_of(after_, i, region, axis, cuts_);
            if (cuts_.empty()) continue;
            const auto middle = cuts_.begin() + static_cast<std::ptrdiff_t>(cuts_.size() / 2);
            std::nth_element(cuts_.begin(), middle, cuts_.end());
            const std::size_t load =
                load_of(before_, before, region, axis, *middle) + load_of(after_, after, region, axis, *middle);
            if (load >= least) continue;
            least = load;
            best = {axis, *middle};
        }
        return best;
    }

    std::size_t load_of(const Side& side, const Candidates& candidates, const Box& region, unsigned axis,
                        uint128 last) const {
        const Span span = seen(side, region, axis);
        const uint128 end = side.piece != nullptr ? last + side.piece->shift(axis) : last;
        std::size_t load = 0;
        for (const std::uint32_t i : candidates) {
            const Spans* spans = side.list[i].on[axis];
            load += spans == nullptr || difference::overlaps(*spans, {span.low, end});
            load += spans == nullptr || difference::overlaps(*spans, {end + 1, span.high});
        }
        return load;
    }

    Cut choose(const Box& region, const Candidates& before, const Candidates& after) {
        constexpr std::size_t kFew = 16;
        return before.size() + after.size() > kFew ? halve(region, before, after) : peel(region, before, after);
    }

    Side before_;
    Side after_;
    bool all_;
    Budget& budget_;
    Emit emit_;
    std::vector<uint128> cuts_;
};

template <typename Restricted, typename Emit>
void part(const Box& region, const std::vector<Restricted>& before, const Piece* before_piece,
          const std::vector<Restricted>& after, const Piece* after_piece, bool all, Budget& budget, Emit emit) {
    Parting<Restricted, Emit>({before, before_piece}, {after, after_piece}, all, budget, std::move(emit)).part(region);
}

bool translate_alike(const Piece& before, const Piece& after) {
    return before.translation == after.translation && before.local_shift == after.local_shift &&
           before.needs_connection == after.needs_connection;
}

}  // namespace

bool Budget::spend(std::size_t found) {
    constexpr std::uint32_t kLookAtTheClock = 256;
    if (found > boxes || (++steps % kLookAtTheClock == 0 && std::chrono::steady_clock::now() > deadline))
        is_spent = true;
    else
        boxes -= found;
    return !is_spent;
}

Outcome outcome_of(const Program& program, Met met, const Messages& messages) {
    Outcome outcome;
    outcome.ruling = &program.rulings[met.ruling];
    outcome.piece = &program.pieces[met.piece];
    outcome.action = outcome.ruling->action;
    // What a built-in rule passes is not translated, and opens nothing.
    if (outcome.action == Action::kDrop || outcome.ruling->kind == Ruling::Kind::kBuiltin) return outcome;
    const bool needs = outcome.piece->needs_connection;
    if (needs && !messages.opens) {
        outcome.action = Action::kDrop;  // reason nat-untracked, and counts for the same rule
        return outcome;
    }
    outcome.keeps = messages.opens && (outcome.ruling->keeps || needs);
    outcome.translation = outcome.piece->translation;
    return outcome;
}

bool differ(const Outcome& before, const Outcome& after) {
    return before.action != after.action || before.keeps != after.keeps ||
           before.ruling->identity != after.ruling->identity || before.translation != after.translation;
}

std::map<Pair, std::vector<Box>> regions_of(const Program& before, const Program& after, const Plot& plot,
                                            const Messages& messages, Budget& budget) {
    std::map<Pair, std::vector<Box>> found;
    const auto is_changed = [](const Ruling& ruling) { return ruling.changed; };
    const bool any_changed = std::any_of(before.rulings.begin(), before.rulings.end(), is_changed) ||
                             std::any_of(after.rulings.begin(), after.rulings.end(), is_changed);
    const auto part_rulings = [&](std::uint32_t old_piece, std::uint32_t new_piece, const Box& region) {
        const Piece& was = before.pieces[old_piece];
        const Piece& is = after.pieces[new_piece];
        const bool alike = translate_alike(was, is);
        if (alike && !any_changed) return;
        part(region, before.rulings, &was, after.rulings, &is, !alike, budget,
             [&](std::uint32_t old_ruling, std::uint32_t new_ruling, const Box& box) {
                 const Met old_met{old_ruling, old_piece}, new_met{new_ruling, new_piece};
                 if (!differ(outcome_of(before, old_met, messages), outcome_of(after, new_met, messages))) return;
                 if (budget.spend(1)) found[{old_met, new_met}].push_back(box);
             });
    };
    part(everything(plot), before.pieces, nullptr, after.pieces, nullptr, true, budget, part_rulings);
    return found;
}

void merge(std::vector<Box>& boxes) {
    // The axis last in this order is joined first.
    for (std::size_t before = SIZE_MAX; boxes.size() < before;) {
        before = boxes.size();
        for (unsigned axis = 0; axis < kAxes && boxes.size() > 1; ++axis) {
            const auto others = [axis](const Box& box) {
                Box rest = box;
                rest[axis] = {};
                return rest;
            };
            std::sort(boxes.begin(), boxes.end(), [&](const Box& a, const Box& b) {
                for (unsigned other = 0; other < kAxes; ++other) {
                    if (other != axis && a[other] != b[other]) return a[other] < b[other];
                }
                return a[axis] < b[axis];
            });
            std::vector<Box> joined;
            for (const Box& box : boxes) {
                if (!joined.empty() && joined.back()[axis].high + 1 == box[axis].low &&
                    others(joined.back()) == others(box))
                    joined.back()[axis].high = box[axis].high;
                else
                    joined.push_back(box);
            }
            boxes = std::move(joined);
        }
    }
}

}  // namespace edgefw::difference
