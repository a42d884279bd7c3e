// SPDX-License-Identifier: GPL-2.0-only
#include "userspace/image/tree.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>
#include <span>

#include "userspace/base/parallel.h"
#include "userspace/image/cost.h"
#include "userspace/image/cuts.h"
#include "userspace/image/groups.h"
#include "userspace/image/prune.h"
#include "userspace/image/split.h"

namespace edgefw::image {
namespace {

constexpr std::size_t kSmallLeaf = 2;   // boxes: another level costs as much as it saves
constexpr std::size_t kModestLeaf = 8;  // above this a split may copy as many boxes as it likes
constexpr std::size_t kLargeLeaf = 16;  // boxes that may stay together where no split pays
constexpr std::uint32_t kDeep = 36;     // levels; the best splits of common rule sets end above
constexpr double kPeeled = 0.875;       // of the boxes in one part: a split that only peels some off
constexpr std::uint32_t kAllFlags = 0xff;
constexpr std::size_t kCompared = 2000;  // boxes of a leaf that are compared pair by pair

// Boxes that the leaves of a tree may hold beyond its own: three for each of these and one for each of the forest,
// since a group of few wide boxes may as well be as large as the others.
constexpr std::size_t kCopiesPerBox = 3;
constexpr std::size_t kFurtherCopies = 8192;

// How many groups are tried: the cheapest forest is taken. Larger sets are parted as far as they can be.
constexpr std::array<std::size_t, 4> kGroupsTried = {1, 2, 4, EDGEFW_MAX_GROUPS};
constexpr std::uint32_t kTriedBoxes = 4096;

// A level costs about as much as one test. Expected tests saved: the boxes less the mean of both parts.
bool pays(std::size_t boxes, std::size_t copies) {
    const bool saves = copies + 3 <= 2 * boxes;
    const bool modest = boxes > kModestLeaf || 2 * copies <= 3 * boxes;
    return saves && modest;
}

// Larger parts need more copies a box than smaller ones.
double weight(std::size_t boxes) {
    const auto count = static_cast<double>(boxes);
    return boxes <= kSmallLeaf ? 0 : count * std::sqrt(count);
}

// What the parts of a region may copy beyond their own boxes: each gets its share of what those before it have left.
class Spare {
public:
    Spare(std::size_t copies, double weights) : copies_(copies), weights_(weights) {}

    // What a part of so many boxes may hold.
    std::size_t share(std::size_t boxes) const {
        if (weights_ <= 0) return boxes;
        const double part = std::min(1.0, weight(boxes) / weights_);
        return boxes + static_cast<std::size_t>(static_cast<double>(copies_) * part);
    }
    void take(std::size_t boxes, std::size_t used) {
        copies_ = copies_ + boxes - std::min(used, copies_ + boxes);
        weights_ -= weight(boxes);
    }

private:
    std::size_t copies_;
    double weights_;
};

}  // namespace

// The tree of one group while it grows.
class Tree {
public:
    Tree(const Seed& seed, Ground& ground)
        : seed_(seed), ground_(ground), pruner_(seed), splitter_(seed.boxes), cutter_(seed.boxes) {}

    // The root's index. `copies`: boxes that its leaves may hold beyond its own. None where the arrays have become too
    // large.
    std::optional<std::uint32_t> grow(Items items, std::size_t copies);

    std::uint32_t depth() const { return depth_; }
    const WorstPath& worst() const { return worst_; }

private:
    struct Parts {
        Split split;
        Items lower;
        Items upper;
        std::size_t copies() const { return lower.size() + upper.size(); }
    };

    // A node that is to be written, and what its leaves may hold.
    struct Place {
        std::uint32_t node = 0;
        Region region;
        std::uint32_t depth = 0;
        std::size_t copies = 0;
    };

    // Each returns how many boxes its leaves hold.
    std::size_t grow_node(const Place& place, Items items);
    std::size_t grow_parts(const Place& place, Parts parts);
    std::size_t grow_cells(const Place& place, Items items, const Cuts& cuts);
    std::size_t write_leaf(const Place& place, Items items);

    std::vector<Items> in_cells(const Items& items, const Cuts& cuts, Interval hull) const;
    std::optional<Parts> split(const Items& items, const Place& place);
    std::optional<Parts> halve(const Items& items, const Place& place);
    std::optional<Parts> split_flags(const Items& items, const Region& region) const;
    Parts part(const Items& items, Split split) const;
    void measure(const Place& place, const Items& items, const Run& run);
    std::uint32_t new_nodes(std::size_t count);
    bool is_too_large() const;

    const Seed& seed_;
    Ground& ground_;
    Pruner pruner_;
    Splitter splitter_;
    Cutter cutter_;
    std::uint32_t depth_ = 0;
    WorstPath worst_;
    bool endless_ = false;  // a leaf is longer than the data path walks: what stands at its end would never match
};

std::optional<std::uint32_t> Tree::grow(Items items, std::size_t copies) {
    const Place root{new_nodes(1), everywhere(), 0, items.size() + copies};
    grow_node(root, std::move(items));
    if (is_too_large()) return std::nullopt;
    return root.node;
}

std::uint32_t Tree::new_nodes(std::size_t count) {
    const std::size_t index = ground_.nodes_.size();
    ground_.nodes_.resize(index + (count + 1) / 2 * 2);
    return static_cast<std::uint32_t>(index);
}

bool Tree::is_too_large() const {
    return endless_ || std::max(ground_.nodes_.size(), ground_.insns_.size()) > EDGEFW_NODE_INDEX_MASK;
}

std::size_t Tree::grow_node(const Place& place, Items items) {
    depth_ = std::max(depth_, place.depth);
    pruner_.prune(items, place.region);
    if (items.size() <= kSmallLeaf || place.depth == EDGEFW_MAX_TREE_DEPTH) return write_leaf(place, std::move(items));
    if (is_too_large()) return items.size();
    const std::size_t most = std::min(place.copies, 2 * items.size());
    if (const auto cuts = cutter_.choose(items, pruner_.hull(), most)) {
        return grow_cells(place, std::move(items), *cuts);
    }
    std::optional<Parts> parts = split(items, place);
    const bool stay = !parts || parts->copies() > place.copies ||
                      (items.size() <= kLargeLeaf && !pays(items.size(), parts->copies()));
    if (stay) return write_leaf(place, std::move(items));
    items = Items();
    return grow_parts(place, std::move(*parts));
}

std::size_t Tree::grow_parts(const Place& place, Parts parts) {
    const std::uint32_t pair = new_nodes(2);
    const Split split = parts.split;
    ground_.nodes_[place.node] = {split.value, split.field << EDGEFW_NODE_FIELD_SHIFT | pair};
    const std::size_t lower = parts.lower.size();
    const std::size_t upper = parts.upper.size();
    Spare spare(place.copies - parts.copies(), weight(lower) + weight(upper));
    Place below{pair, place.region, place.depth + 1, spare.share(lower)};
    below.region[split.field].high = split.value;
    const std::size_t used = grow_node(below, std::move(parts.lower));
    spare.take(lower, used);
    below = {pair + 1, place.region, place.depth + 1, spare.share(upper)};
    below.region[split.field].low = split.value + 1;
    return used + grow_node(below, std::move(parts.upper));
}

std::vector<Items> Tree::in_cells(const Items& items, const Cuts& cuts, Interval hull) const {
    std::vector<Items> cells(cuts.cells());
    for (const std::uint32_t box : items) {
        const Interval interval = seed_.boxes.at(cuts.field, box).within(hull);
        const std::uint32_t last = cuts.cell_of(interval.high);
        for (std::uint32_t cell = cuts.cell_of(interval.low); cell <= last; ++cell)
            cells[cell].push_back(box);
    }
    return cells;
}

// Neighbours that the same boxes fill are one part, to which the nodes of all of them lead.
std::size_t Tree::grow_cells(const Place& place, Items items, const Cuts& cuts) {
    const std::uint32_t first = new_nodes(std::size_t{cuts.cells()} + 1);
    ground_.nodes_[place.node] = node_of(cuts, first);
    const Interval hull = pruner_.hull()[cuts.field];
    std::vector<Items> cells = in_cells(items, cuts, hull);
    items = Items();
    double weights = 0;
    for (const Items& cell : cells)
        weights += weight(cell.size());
    Spare spare(place.copies - cuts.copies, weights);
    std::size_t used = 0;
    for (std::uint32_t cell = 0, end = 0; cell < cuts.cells(); cell = end) {
        Interval interval = cuts.cell(cell);
        const auto fills = [&](std::uint32_t box) {
            const Interval both = {interval.low, cuts.cell(end).high};
            return seed_.boxes.at(cuts.field, box).covers(both.within(hull));
        };
        for (end = cell + 1; end < cuts.cells() && cells[end] == cells[cell]; ++end) {
            if (!std::all_of(cells[cell].begin(), cells[cell].end(), fills)) break;
            interval.high = cuts.cell(end).high;
        }
        const std::size_t boxes = cells[cell].size();
        Place below{first + cell, place.region, place.depth + 1, spare.share(boxes)};
        // A cell without boxes may lie outside the region, where no packet comes.
        if (boxes > 0) below.region[cuts.field] = interval.within(place.region[cuts.field]);
        const std::size_t here = grow_node(below, std::move(cells[cell]));
        used += here;
        spare.take(boxes, here);
        for (std::uint32_t same = cell + 1; same < end; ++same) {
            ground_.nodes_[first + same] = ground_.nodes_[first + cell];
            spare.take(boxes, 0);
        }
    }
    write_leaf({first + cuts.cells(), place.region, place.depth + 1, 0}, {});
    return used;
}

std::size_t Tree::write_leaf(const Place& place, Items items) {
    if (items.size() <= kCompared) pruner_.prune_pairs(items, place.region);
    std::vector<Candidate> candidates;
    candidates.reserve(items.size());
    for (const std::uint32_t box : items) {
        const std::uint32_t rule = seed_.boxes.rule(box);
        candidates.push_back({tests_of(seed_.boxes, box, place.region, seed_.flags_left(box, place.region)),
                              {rule, seed_.endings[rule].outcome, EDGEFW_INSN_MATCH, 0, 0, 0}});
    }
    const Run run = run_of(std::move(candidates));
    endless_ = endless_ || run.size() > EDGEFW_MAX_LONG_LEAF_STEPS;
    const std::uint32_t kind = run.size() > EDGEFW_MAX_LEAF_STEPS ? EDGEFW_NODE_LONG_LEAF : EDGEFW_NODE_LEAF;
    const std::uint32_t index = ground_.runs_.add(run);
    const std::uint32_t first = items.empty() ? UINT32_MAX : seed_.boxes.rule(items.front());
    ground_.nodes_[place.node] = {first, kind << EDGEFW_NODE_FIELD_SHIFT | (index & EDGEFW_NODE_INDEX_MASK)};
    measure(place, items, run);
    return items.size();
}

void Tree::measure(const Place& place, const Items& items, const Run& run) {
    const std::uint32_t steps = longest_path(run);
    const double cost = kGroupNanoseconds + place.depth * kLevelNanoseconds + steps * kStepNanoseconds;
    if (items.empty() || cost <= worst_.nanoseconds) return;
    const auto openers = static_cast<std::uint32_t>(seed_.endings.size()) - 1;
    std::uint32_t rules = 0;
    std::uint32_t before = UINT32_MAX;
    for (const std::uint32_t box : items) {
        const std::uint32_t rule = seed_.boxes.rule(box);
        if (rule != before || rule == openers) ++rules;
        before = rule;
    }
    worst_ = {place.depth, steps, cost, seed_.boxes.rule(items.front()), before, rules};
}

Tree::Parts Tree::part(const Items& items, Split split) const {
    Parts parts{split, {}, {}};
    const bool restricted = seed_.boxes.restricts(split.field);
    for (const std::uint32_t box : items) {
        const Interval interval = restricted ? seed_.boxes.at(split.field, box) : Interval{0, UINT32_MAX};
        if (interval.low <= split.value) parts.lower.push_back(box);
        if (interval.high > split.value) parts.upper.push_back(box);
    }
    return parts;
}

std::optional<Tree::Parts> Tree::split(const Items& items, const Place& place) {
    const std::optional<Split> best = splitter_.choose(items, place.region);
    if (!best) return items.size() > kLargeLeaf ? split_flags(items, place.region) : std::nullopt;
    Parts parts = part(items, *best);
    const auto larger = static_cast<double>(std::max(parts.lower.size(), parts.upper.size()));
    const bool peels = items.size() > kLargeLeaf && larger > kPeeled * static_cast<double>(items.size());
    if (!peels && place.depth < kDeep) return parts;
    std::optional<Parts> halves = halve(items, place);
    return halves ? std::move(halves) : std::optional(std::move(parts));
}

// Boxes that all overlap hide one another in halves, where peeled one by one they would be a tree without end. The
// halves of which least is left are taken; none where they would hold too many boxes.
std::optional<Tree::Parts> Tree::halve(const Items& items, const Place& place) {
    std::optional<Parts> best;
    std::size_t least = 0;
    for (const Split& middle : splitter_.halves(items, place.region)) {
        Parts halves = part(items, middle);
        if (halves.copies() > place.copies) continue;
        Region below = place.region;
        below[middle.field].high = middle.value;
        pruner_.prune(halves.lower, below);
        below[middle.field] = {middle.value + 1, place.region[middle.field].high};
        pruner_.prune(halves.upper, below);
        if (best && halves.copies() >= least) continue;
        least = halves.copies();
        best = std::move(halves);
    }
    return best;
}

// Where many rules differ by their TCP flags alone, only single values of the flags byte tell them apart.
std::optional<Tree::Parts> Tree::split_flags(const Items& items, const Region& region) const {
    const Interval detail = region[EDGEFW_FIELD_DETAIL];
    const bool flags = std::any_of(items.begin(), items.end(),
                                   [&](std::uint32_t box) { return !seed_.flags_left(box, region).none(); });
    if (!flags) return std::nullopt;
    // First what TCP flags can not be is cut off, then the rest is halved.
    const std::uint32_t value = detail.high > kAllFlags ? kAllFlags : detail.low + (detail.high - detail.low) / 2;
    return part(items, {EDGEFW_FIELD_DETAIL, value});
}

namespace {

// A forest of one tree.
Forest forest_of(std::uint32_t root, std::uint32_t first, const Tree& tree) {
    Forest forest;
    forest.layout.groups = 1;
    forest.layout.group[0] = {root, first};
    forest.depth = tree.depth();
    forest.worst = tree.worst();
    return forest;
}

void join(Forest& forest, const Forest& tree) {
    forest.layout.group[forest.layout.groups++] = tree.layout.group[0];
    forest.depth += tree.depth;
    if (tree.worst.rules > forest.worst.rules) {
        forest.worst.rule = tree.worst.rule;
        forest.worst.last = tree.worst.last;
        forest.worst.rules = tree.worst.rules;
    }
    forest.worst.levels += tree.worst.levels;
    forest.worst.steps += tree.worst.steps;
    forest.worst.nanoseconds += tree.worst.nanoseconds;
}

}  // namespace

// Each tree grows on a ground of its own, several at the same time.
std::optional<Forest> Ground::grow(const Seed& seed, std::size_t groups, bool copies) {
    std::vector<Items> items = groups_of(seed.boxes, groups);
    struct Own {
        std::vector<edgefw_node> nodes;
        std::vector<edgefw_insn> insns;
        Forest forest;  // of one tree; of none where the arrays have become too large
    };
    std::vector<Own> own(items.size());
    in_parallel(items.size(), [&](std::size_t i) {
        const std::uint32_t first = seed.boxes.rule(items[i].front());
        const std::size_t further = items[i].size() * kCopiesPerBox + seed.boxes.size() + kFurtherCopies;
        Ground ground(own[i].nodes, own[i].insns);
        Tree tree(seed, ground);
        const std::optional<std::uint32_t> root = tree.grow(std::move(items[i]), copies ? further : 0);
        if (root) own[i].forest = forest_of(*root, first, tree);
    });
    Forest forest;
    for (Own& tree : own) {
        edgefw_forest& layout = tree.forest.layout;
        if (layout.groups == 0 || !take_in(tree.nodes, tree.insns, layout)) return std::nullopt;
        join(forest, tree.forest);
        tree = {};
    }
    return forest;
}

bool Ground::take_in(const std::vector<edgefw_node>& nodes, const std::vector<edgefw_insn>& insns,
                     edgefw_forest& layout) {
    const auto first_node = static_cast<std::uint32_t>(nodes_.size());
    const auto first_insn = static_cast<std::uint32_t>(insns_.size());
    if (std::max(first_node + nodes.size(), first_insn + insns.size()) > EDGEFW_NODE_INDEX_MASK) return false;
    nodes_.insert(nodes_.end(), nodes.begin(), nodes.end());
    insns_.insert(insns_.end(), insns.begin(), insns.end());
    for (edgefw_node& node : std::span(nodes_).subspan(first_node))
        node.link += node.link >> EDGEFW_NODE_FIELD_SHIFT >= EDGEFW_NODE_LONG_LEAF ? first_insn : first_node;
    for (edgefw_group& group : std::span(layout.group).first(layout.groups))
        group.root += first_node;
    return true;
}

void Ground::clear(std::size_t nodes, std::size_t insns) {
    nodes_.resize(nodes);
    insns_.resize(insns);
}

// Attempts are grown at the same place, one over the other.
std::size_t Ground::cheapest(const Seed& seed) {
    const std::size_t nodes = nodes_.size();
    const std::size_t insns = insns_.size();
    double least = 0;
    std::size_t best = EDGEFW_MAX_GROUPS;
    for (const std::size_t groups : kGroupsTried) {
        const std::optional<Forest> forest = grow(seed, groups, true);
        if (!forest) break;
        const double cost = mean_cost(nodes_, insns_, forest->layout, seed.boxes);
        clear(nodes, insns);
        if (groups == kGroupsTried.front() || cost < least) {
            least = cost;
            best = groups;
        }
        if (forest->layout.groups < groups) break;  // no further group would be made
    }
    clear(nodes, insns);
    return best;
}

Result<Forest> Ground::grow(const Seed& seed) {
    const std::size_t groups = seed.boxes.size() <= kTriedBoxes ? cheapest(seed) : std::size_t{EDGEFW_MAX_GROUPS};
    const std::size_t nodes = nodes_.size();
    const std::size_t insns = insns_.size();
    // The forests of an image share its arrays. Where these would overflow, this one does without copies.
    for (const bool copies : {true, false}) {
        if (const std::optional<Forest> forest = grow(seed, groups, copies)) return *forest;
        clear(nodes, insns);
    }
    return Error{ErrorKind::kPolicy,
                 "the lists of the rules combine to more cases than fit the trees (16,777,216 tests, "
                 "EDGEFW_NODE_INDEX_MASK); join ranges, or name a set where a rule lists addresses"};
}

}  // namespace edgefw::image
