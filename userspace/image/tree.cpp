// SPDX-License-Identifier: GPL-2.0-only
#include "userspace/image/tree.h"

#include <algorithm>
#include <array>
#include <numeric>
#include <optional>

#include "userspace/image/split.h"

namespace edgefw::image {
namespace {

using Items = std::vector<std::uint32_t>;  // boxes, in order of rule number

constexpr std::size_t kSmallLeaf = 2;   // boxes: another level costs as much as it saves
constexpr std::size_t kModestLeaf = 8;  // above this a cut may copy as many boxes as it likes
constexpr std::uint32_t kDeep = 36;     // levels; the best cuts of common rule sets end above
constexpr std::uint32_t kAllFlags = 0xff;
constexpr std::size_t kCompared = 16;  // boxes of a region that are searched for hidden ones pair by pair

// How hard to try, in order: a tree that needs more copies than allowed is given up for the next attempt.
struct Effort {
    bool grouped;
    std::uint64_t copies_per_box;
    std::uint64_t further_copies;
    std::size_t largest_leaf;  // boxes that may stay together where no cut pays
};
constexpr std::array<Effort, 3> kEfforts = {{
    {false, 4, 100000, 16},
    {true, 8, 100000, 16},
    {true, 16, 200000, 40},
}};

// A host or a small network, and none of the other family's words.
bool is_narrow(const Boxes& boxes, unsigned address, std::uint32_t box) {
    if (!boxes.restricts(address)) return false;
    const Interval first = boxes.at(address, box);
    if (first.high - first.low > 0xffff) return false;
    if (!boxes.restricts(address + 1)) return true;
    const Interval second = boxes.at(address + 1, box);
    return first.low == first.high && second.high - second.low <= 0xffff;
}

std::vector<Items> groups_of(const Boxes& boxes, bool grouped) {
    std::array<Items, EDGEFW_MAX_GROUPS> parts;
    for (std::uint32_t box = 0; box < boxes.size(); ++box) {
        const unsigned part = !grouped ? 0
                                       : (is_narrow(boxes, EDGEFW_FIELD_LOCAL, box) ? 1 : 0) +
                                             (is_narrow(boxes, EDGEFW_FIELD_REMOTE, box) ? 2 : 0);
        parts[part].push_back(box);
    }
    std::vector<Items> groups;
    for (Items& part : parts) {
        if (!part.empty()) groups.push_back(std::move(part));
    }
    std::sort(groups.begin(), groups.end(), [](const Items& a, const Items& b) { return a.front() < b.front(); });
    return groups;
}

bool holds(const FlagTests& tests, std::uint32_t flags) {
    return (flags & tests.mask) == tests.value && (tests.any_of == 0 || (flags & tests.any_of) != 0);
}

}  // namespace

// The tree of one group while it grows.
class Tree {
public:
    Tree(const Seed& seed, Ground& ground, const Effort& effort)
        : seed_(seed),
          ground_(ground),
          effort_(effort),
          splitter_(seed.boxes),
          copies_left_(effort.copies_per_box * seed.boxes.size() + effort.further_copies) {}

    // The root's index. The reason when there is none is in refusal().
    std::optional<std::uint32_t> grow(Items items);
    const std::string& refusal() const { return refusal_; }
    std::uint32_t depth() const { return depth_; }

private:
    struct Parts {
        Split split;
        Items lower;
        Items upper;
    };

    bool grow_node(std::uint32_t node, Items items, const Region& region, std::uint32_t depth);
    bool grow_children(std::uint32_t node, Parts parts, const Region& region, std::uint32_t depth);
    bool write_leaf(std::uint32_t node, const Items& items, const Region& region);
    void prune(Items& items, const Region& region) const;
    void drop_hidden(Items& items, const Region& region) const;
    std::optional<Parts> cut(const Items& items, const Region& region, std::uint32_t depth);
    std::optional<Parts> cut_flags(const Items& items, const Region& region) const;
    Parts part(const Items& items, Split split) const;
    FlagTests flags_left(std::uint32_t box, const Region& region) const;
    bool hides(std::uint32_t earlier, std::uint32_t later, const Region& region) const;
    bool fills(std::uint32_t box, const Region& region) const;
    bool refuse(const Items& items, const std::string& limit);
    std::uint32_t new_pair();

    const Seed& seed_;
    Ground& ground_;
    const Effort& effort_;
    Splitter splitter_;
    std::uint64_t copies_left_;
    std::uint32_t depth_ = 0;
    std::string refusal_;
};

namespace {

// A level costs about as much as one test. Expected tests saved: the boxes less the mean of both parts.
bool pays(std::size_t boxes, std::size_t copies) {
    const bool saves = copies + 3 <= 2 * boxes;
    const bool modest = boxes > kModestLeaf || 2 * copies <= 3 * boxes;
    return saves && modest;
}

}  // namespace

std::optional<std::uint32_t> Tree::grow(Items items) {
    const std::uint32_t root = new_pair();
    if (!grow_node(root, std::move(items), everywhere(), 0)) return std::nullopt;
    return root;
}

std::uint32_t Tree::new_pair() {
    const std::size_t index = ground_.nodes_.size();
    ground_.nodes_.resize(index + 2);
    return static_cast<std::uint32_t>(index);
}

bool Tree::grow_node(std::uint32_t node, Items items, const Region& region, std::uint32_t depth) {
    depth_ = std::max(depth_, depth);
    prune(items, region);
    std::optional<Parts> parts;
    if (items.size() > kSmallLeaf) parts = cut(items, region, depth);
    if (!parts) drop_hidden(items, region);  // alike in every field: few are left
    const bool stay = !parts || (items.size() <= effort_.largest_leaf &&
                                 !pays(items.size(), parts->lower.size() + parts->upper.size()));
    if (stay) {
        if (write_leaf(node, items, region)) return refusal_.empty();
        if (!parts) parts = cut_flags(items, region);
        if (!parts) {
            return refuse(items, "more than " + std::to_string(EDGEFW_MAX_LEAF_STEPS) +
                                     " tests on the same packets (EDGEFW_MAX_LEAF_STEPS)");
        }
    }
    if (depth == EDGEFW_MAX_TREE_DEPTH) {
        return refuse(
            items, "a tree of more than " + std::to_string(EDGEFW_MAX_TREE_DEPTH) + " levels (EDGEFW_MAX_TREE_DEPTH)");
    }
    items = {};
    return grow_children(node, std::move(*parts), region, depth);
}

bool Tree::grow_children(std::uint32_t node, Parts parts, const Region& region, std::uint32_t depth) {
    const std::uint32_t pair = new_pair();
    if (pair + 1 > EDGEFW_NODE_INDEX_MASK) {
        return refuse(parts.lower.empty() ? parts.upper : parts.lower,
                      "a tree of more than 16,777,216 nodes (EDGEFW_NODE_INDEX_MASK)");
    }
    const Split split = parts.split;
    ground_.nodes_[node] = {split.value, split.field << EDGEFW_NODE_FIELD_SHIFT | pair};
    Region half = region;
    half[split.field].high = split.value;
    if (!grow_node(pair, std::move(parts.lower), half, depth + 1)) return false;
    half[split.field] = {split.value + 1, region[split.field].high};
    return grow_node(pair + 1, std::move(parts.upper), half, depth + 1);
}

// False when the run would be too long to walk; a refusal is remembered.
bool Tree::write_leaf(std::uint32_t node, const Items& items, const Region& region) {
    std::vector<Candidate> candidates;
    candidates.reserve(items.size());
    for (const std::uint32_t box : items) {
        const std::uint32_t rule = seed_.boxes.rule(box);
        candidates.push_back({tests_of(seed_.boxes, box, region, flags_left(box, region)),
                              {rule, seed_.endings[rule].outcome, EDGEFW_INSN_MATCH, 0, 0, 0}});
    }
    const Run run = run_of(std::move(candidates));
    if (run.size() > EDGEFW_MAX_LEAF_STEPS) return false;
    const std::uint32_t index = ground_.runs_.add(run);
    if (index > EDGEFW_NODE_INDEX_MASK || items.size() > copies_left_) {
        refuse(items, "too many overlaps to sort apart; join networks or ranges that are used alike");
        return true;
    }
    copies_left_ -= items.size();
    const std::uint32_t first = items.empty() ? UINT32_MAX : seed_.boxes.rule(items.front());
    ground_.nodes_[node] = {first, EDGEFW_NODE_LEAF << EDGEFW_NODE_FIELD_SHIFT | index};
    return true;
}

// Drops what can not match in `region`: boxes whose flags are not the region's, and boxes hidden by an earlier one.
void Tree::prune(Items& items, const Region& region) const {
    const Interval detail = region[EDGEFW_FIELD_DETAIL];
    if (detail.low == detail.high || detail.low > kAllFlags) {
        std::erase_if(items, [&](std::uint32_t box) {
            const FlagTests& flags = seed_.endings[seed_.boxes.rule(box)].flags;
            return !flags.none() && (detail.low > kAllFlags || !holds(flags, detail.low));
        });
    }
    const auto last = std::find_if(items.begin(), items.end(), [&](std::uint32_t box) { return fills(box, region); });
    if (last != items.end()) items.erase(last + 1, items.end());
    if (items.size() <= kCompared) drop_hidden(items, region);
}

void Tree::drop_hidden(Items& items, const Region& region) const {
    std::size_t kept = 0;
    for (const std::uint32_t box : items) {
        const bool hidden = std::any_of(items.begin(), items.begin() + static_cast<std::ptrdiff_t>(kept),
                                        [&](std::uint32_t earlier) { return hides(earlier, box, region); });
        if (!hidden) items[kept++] = box;
    }
    items.resize(kept);
}

FlagTests Tree::flags_left(std::uint32_t box, const Region& region) const {
    const Interval detail = region[EDGEFW_FIELD_DETAIL];
    if (detail.low == detail.high) return {};  // prune() has judged them
    return seed_.endings[seed_.boxes.rule(box)].flags;
}

bool Tree::fills(std::uint32_t box, const Region& region) const {
    const std::vector<unsigned>& fields = seed_.boxes.fields();
    return std::all_of(fields.begin(), fields.end(),
                       [&](unsigned field) { return seed_.boxes.at(field, box).covers(region[field]); }) &&
           flags_left(box, region).none();
}

bool Tree::hides(std::uint32_t earlier, std::uint32_t later, const Region& region) const {
    const FlagTests flags = flags_left(earlier, region);
    if (!flags.none() && flags != flags_left(later, region)) return false;
    const std::vector<unsigned>& fields = seed_.boxes.fields();
    return std::all_of(fields.begin(), fields.end(), [&](unsigned field) {
        const Interval inside = seed_.boxes.at(field, later).within(region[field]);
        return seed_.boxes.at(field, earlier).covers(inside);
    });
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

std::optional<Tree::Parts> Tree::cut(const Items& items, const Region& region, std::uint32_t depth) {
    const std::optional<Split> split = depth < kDeep ? splitter_.choose(items, region) : splitter_.halve(items, region);
    if (!split) return std::nullopt;
    return part(items, *split);
}

// Where many rules differ by their TCP flags alone, only single values of the flags byte tell them apart.
std::optional<Tree::Parts> Tree::cut_flags(const Items& items, const Region& region) const {
    const Interval detail = region[EDGEFW_FIELD_DETAIL];
    const bool flags =
        std::any_of(items.begin(), items.end(), [&](std::uint32_t box) { return !flags_left(box, region).none(); });
    if (!flags) return std::nullopt;
    // First what TCP flags can not be is cut off, then the rest is halved.
    const std::uint32_t value = detail.high > kAllFlags ? kAllFlags : detail.low + (detail.high - detail.low) / 2;
    return part(items, {EDGEFW_FIELD_DETAIL, value});
}

bool Tree::refuse(const Items& items, const std::string& limit) {
    const std::uint32_t rule = items.empty() ? 0 : seed_.boxes.rule(items.front());
    const std::string& id = seed_.ids[std::min<std::size_t>(rule, seed_.ids.size() - 1)];
    refusal_ = "rule " + id + " and those that overlap it need " + limit;
    return false;
}

Result<Forest> Ground::grow(const Seed& seed) {
    std::string refusal;
    const std::size_t nodes = nodes_.size();
    const std::size_t tests = insns_.size();
    for (const Effort& effort : kEfforts) {
        nodes_.resize(nodes);
        insns_.resize(tests);
        refusal.clear();
        Forest forest;
        for (Items& group : groups_of(seed.boxes, effort.grouped)) {
            const std::uint32_t first = seed.boxes.rule(group.front());
            Tree tree(seed, *this, effort);
            const std::optional<std::uint32_t> root = tree.grow(std::move(group));
            refusal = tree.refusal();
            if (!root) break;
            forest.layout.group[forest.layout.groups++] = {*root, first};
            forest.depth += tree.depth();
        }
        if (refusal.empty()) return forest;
    }
    return Error{ErrorKind::kPolicy, refusal};
}

}  // namespace edgefw::image
