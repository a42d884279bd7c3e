// SPDX-License-Identifier: GPL-2.0-only
// compile: Policy -> Image.
#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <optional>

#include "userspace/base/parallel.h"
#include "userspace/image/classes.h"
#include "userspace/image/compile.h"
#include "userspace/image/config.h"
#include "userspace/image/forwards.h"
#include "userspace/image/masquerades.h"
#include "userspace/image/rules.h"
#include "userspace/image/tree.h"

namespace edgefw::image {
namespace {

using policy::Policy;
using policy::Side;

constexpr std::array<Side, EDGEFW_SIDES> kSides = {Side::kExternal, Side::kInternal};
constexpr std::array<edgefw_hook, EDGEFW_HOOKS> kHooks = {EDGEFW_RECEIVED, EDGEFW_SENT};
constexpr std::array<Family, EDGEFW_FAMILIES> kFamilies = {Family::kIpv4, Family::kIpv6};

// Cases of the rules, as boxes: of all rules of one direction, and of the openers of the other one. So many take 1 GB.
constexpr std::size_t kMostCases = 6'000'000;
constexpr std::size_t kMostAskingCases = std::size_t{1} << 20;

Error too_many_cases(const std::string& rule, std::size_t cases) {
    return {
        ErrorKind::kPolicy,
        "the sets and lists of the rules combine to more than " + std::to_string(kMostCases) + " cases, those of '" +
            rule + "' alone to " + std::to_string(cases) +
            ": each port of a list is a case, and each part that prefixes of one set have in common with members of "
            "others, on both sides of a rule; join ranges of ports, or give wide prefixes sets of their own"};
}

// How large a box is: the bits that its intervals leave open.
unsigned open_bits(const Region& region) {
    unsigned bits = 0;
    for (const Interval interval : region)
        bits += static_cast<unsigned>(std::bit_width(interval.high - interval.low));
    return bits;
}

// The packets that one forest judges. Without a family: frames that are not IP.
struct Plot {
    Side side;
    edgefw_hook hook;
    std::optional<Family> family;
};

std::vector<Plot> all_plots() {
    std::vector<Plot> plots;
    for (const Side side : kSides) {
        for (const edgefw_hook hook : kHooks) {
            for (const Family family : kFamilies)
                plots.push_back({side, hook, family});
            plots.push_back({side, hook, std::nullopt});
        }
    }
    return plots;
}

struct Grown {
    Forest forest;
    std::uint32_t outcome = 0;  // what the default does then
};

class Compiler {
public:
    explicit Compiler(const Policy& policy) : policy_(policy), ground_(image_.nodes, image_.insns) {}

    Result<Image> compile() {
        name();
        image_.capacity = policy_.capacity;
        const bool records = policy_.records_drops || std::any_of(policy_.rules.begin(), policy_.rules.end(),
                                                                  [](const policy::Rule& rule) { return rule.log; });
        if (!records) image_.capacity.record_bytes = 0;  // what was recorded stays readable
        std::copy(std::begin(policy_.timeout), std::end(policy_.timeout), std::begin(image_.timeout_seconds));
        if (Result<Ok> done = classify_addresses(); !done) return done.error();
        for (const Side side : kSides)
            image_.config[static_cast<std::size_t>(side)] = config_of(policy_, side);
        if (Result<Ok> done = plant(); !done) return done.error();
        if (Result<Ok> done = translate(); !done) return done.error();
        measure();
        return std::move(image_);
    }

private:
    void name();
    Result<Ok> classify_addresses();
    Result<std::vector<Ends>> ends_of_rules(Family family);
    Result<Ok> plant();
    const Ends& ends_of(Family family, std::uint32_t rule) const {
        return ends_[static_cast<std::size_t>(family)][rule];
    }
    const Classes& classes_of(Family family) const { return classes_[static_cast<std::size_t>(family)]; }
    Result<Boxes> boxes_of(const Plot& plot) const;
    Result<Boxes> with_asking_boxes(Boxes boxes, const Plot& plot) const;
    Result<Grown> grow(const Plot& plot, Ground& ground) const;
    Result<Grown> grown_from(const Boxes& boxes, std::uint32_t outcome, Ground& ground) const;
    void configure(const Plot& plot, const Grown& grown);
    ForestShape shape_of(const Forest& forest) const;
    std::uint32_t uses_of(const Boxes& boxes, std::uint32_t default_outcome) const;
    Result<Ok> translate();
    void measure();

    const Policy& policy_;
    Image image_;
    Ground ground_;
    std::vector<Ending> endings_;  // of the rules, and EDGEFW_OUTCOME_ASK behind them
    std::array<Classes, EDGEFW_FAMILIES> classes_ = {Classes(Family::kIpv4), Classes(Family::kIpv6)};
    std::array<std::vector<Ends>, EDGEFW_FAMILIES> ends_;  // [family][rule]
};

void Compiler::name() {
    for (std::uint32_t number = 0; number < policy_.rules.size(); ++number) {
        const policy::Rule& rule = policy_.rules[number];
        image_.rule_ids.push_back(rule.id);
        endings_.push_back(ending_of(rule, number));
    }
    endings_.push_back({EDGEFW_OUTCOME_ASK, {}});
    image_.hosts = policy_.hosts;
    for (const policy::Forward& forward : policy_.forwards)
        image_.nat_ids.push_back(forward.id);
    for (const policy::Masquerade& masquerade : policy_.masquerades)
        image_.nat_ids.push_back(masquerade.id);
}

Result<Ok> Compiler::classify_addresses() {
    for (const Family family : kFamilies) {
        const auto index = static_cast<std::size_t>(family);
        Result<std::vector<Ends>> ends = ends_of_rules(family);
        if (!ends) return ends.error();
        if (Result<Ok> done = classes_[index].number(); !done) return done.error();
        ends_[index] = std::move(*ends);
        image_.classes[index] = classes_[index].prefixes();
        image_.meanings[index] = classes_[index].meanings();
    }
    return Ok{};
}

Result<std::vector<Ends>> Compiler::ends_of_rules(Family family) {
    Names names;
    for (const policy::Set& set : policy_.sets)
        names.sets.emplace(set.name, &set);
    for (const policy::Host& host : policy_.hosts)
        names.hosts.emplace(host.name, &host);
    const Ends never{End{false, {}, {}}, End{}};
    std::vector<Ends> ends;
    for (const policy::Rule& rule : policy_.rules) {
        if (!applies(rule, family)) {
            ends.push_back(never);
            continue;
        }
        Result<Ends> found = image::ends_of(rule, family, names, classes_[static_cast<std::size_t>(family)]);
        if (!found) return found.error();
        ends.push_back(std::move(*found));
    }
    return ends;
}

// The boxes of the rules that look at these packets. Fails where lists combine to too many.
Result<Boxes> Compiler::boxes_of(const Plot& plot) const {
    struct Most {
        std::uint32_t rule = 0;
        std::size_t cases = 0;
    };
    Boxes boxes;
    Most most;
    for (std::uint32_t number = 0; number < policy_.rules.size(); ++number) {
        const policy::Rule& rule = policy_.rules[number];
        if (!applies(rule, plot.side, plot.hook)) continue;
        if (!plot.family) {
            add_link_boxes(rule, number, boxes);
            continue;
        }
        const Result<std::vector<Region>> regions =
            image::boxes_of(rule, ends_of(*plot.family, number), classes_of(*plot.family));
        if (!regions) return regions.error();
        for (const Region& region : *regions)
            boxes.add(number, region);
        if (regions->size() > most.cases) most = {number, regions->size()};
        if (boxes.size() > kMostCases) return too_many_cases(policy_.rules[most.rule].id, most.cases);
    }
    return boxes;
}

// With the openers of the other direction behind the rules, large ones first: all mean the same, and a small one within
// a large one is hidden then. Fails where that makes too many boxes.
Result<Boxes> Compiler::with_asking_boxes(Boxes boxes, const Plot& plot) const {
    const auto last = static_cast<std::uint32_t>(policy_.rules.size());
    const edgefw_hook other = plot.hook == EDGEFW_RECEIVED ? EDGEFW_SENT : EDGEFW_RECEIVED;
    std::vector<std::pair<unsigned, Region>> asking;
    for (std::uint32_t number = 0; number < last; ++number) {
        const policy::Rule& rule = policy_.rules[number];
        if (!applies(rule, plot.side, other) || !opens_tcp(rule)) continue;
        const Result<std::vector<Region>> regions =
            asking_boxes_of(rule, ends_of(*plot.family, number), classes_of(*plot.family), boxes);
        if (!regions) return regions.error();
        for (const Region& region : *regions)
            asking.emplace_back(open_bits(region), region);
        if (asking.size() > kMostAskingCases) return Error{ErrorKind::kPolicy, "the openers are too many"};
    }
    std::stable_sort(asking.begin(), asking.end(), [](const auto& a, const auto& b) { return a.first > b.first; });
    for (const auto& [open, region] : asking)
        boxes.add(last, region);
    return boxes;
}

// Where the openers of the other direction do not fit in, every SYN that drops by default asks.
Result<Grown> Compiler::grow(const Plot& plot, Ground& ground) const {
    const Result<Boxes> boxes = boxes_of(plot);
    if (!boxes) return boxes.error();
    if (!plot.family) return grown_from(*boxes, 0, ground);
    std::uint32_t outcome = image_.config[static_cast<std::size_t>(plot.side)].default_outcome[plot.hook];
    if ((outcome & (EDGEFW_OUTCOME_PASS | EDGEFW_OUTCOME_ASK)) == 0) {
        if (const Result<Boxes> asking = with_asking_boxes(*boxes, plot)) {
            Result<Grown> grown = grown_from(*asking, outcome, ground);
            if (grown) return grown;
        }
        outcome |= EDGEFW_OUTCOME_ASK;
    }
    return grown_from(*boxes, outcome, ground);
}

Result<Grown> Compiler::grown_from(const Boxes& boxes, std::uint32_t outcome, Ground& ground) const {
    Result<Forest> forest = ground.grow({boxes, endings_});
    if (!forest) return forest.error();
    forest->layout.uses = uses_of(boxes, outcome);
    return Grown{*forest, outcome};
}

std::uint32_t Compiler::uses_of(const Boxes& boxes, std::uint32_t default_outcome) const {
    std::uint32_t uses = 0;
    if (boxes.restricts(EDGEFW_FIELD_LOCAL_CLASS)) uses |= EDGEFW_USES_LOCAL_CLASS;
    if (boxes.restricts(EDGEFW_FIELD_REMOTE_CLASS)) uses |= EDGEFW_USES_REMOTE_CLASS;
    std::uint32_t outcomes = default_outcome;
    for (std::uint32_t box = 0; box < boxes.size(); ++box)
        outcomes |= endings_[boxes.rule(box)].outcome & ~EDGEFW_OUTCOME_SLOT_MASK;
    if ((outcomes & EDGEFW_OUTCOME_KEEP) != 0) uses |= EDGEFW_USES_KEEP;
    return uses;
}

// Forests grow on grounds of their own, at the same time. They come into the image in one order: so a policy has one
// image, whatever the threads did.
Result<Ok> Compiler::plant() {
    struct Own {
        std::vector<edgefw_node> nodes;
        std::vector<edgefw_insn> insns;
        Result<Grown> grown = Grown{};
    };
    const std::vector<Plot> plots = all_plots();
    std::vector<Own> own(plots.size());
    in_parallel(plots.size(), [&](std::size_t i) {
        Ground ground(own[i].nodes, own[i].insns);
        own[i].grown = grow(plots[i], ground);
    });
    for (std::size_t i = 0; i < plots.size(); ++i) {
        Own& here = own[i];
        // Where all of them do not fit beside each other, the last ones do without copies.
        if (here.grown && !ground_.take_in(here.nodes, here.insns, here.grown->forest.layout))
            here.grown = grow(plots[i], ground_);
        if (!here.grown) return here.grown.error();
        configure(plots[i], *here.grown);
        here = {};
    }
    image_.nodes.shrink_to_fit();
    image_.insns.shrink_to_fit();
    return Ok{};
}

void Compiler::configure(const Plot& plot, const Grown& grown) {
    const auto side = static_cast<std::size_t>(plot.side);
    const Forest& forest = grown.forest;
    edgefw_config& config = image_.config[side];
    if (!plot.family) {
        config.link_forest[plot.hook] = forest.layout;
        config.link_forest[plot.hook].uses = 0;
        return;
    }
    const auto family = static_cast<std::size_t>(*plot.family);
    config.forest[plot.hook][family] = forest.layout;
    config.default_outcome[plot.hook] |= grown.outcome & EDGEFW_OUTCOME_ASK;
    if ((forest.layout.uses & EDGEFW_USES_KEEP) != 0) config.keeps_state = 1;
    if ((forest.layout.uses & (EDGEFW_USES_LOCAL_CLASS | EDGEFW_USES_REMOTE_CLASS)) != 0)
        configure_classes(classes_[family], config);
    image_.shape.forests[side][plot.hook][family] = shape_of(forest);
}

ForestShape Compiler::shape_of(const Forest& forest) const {
    const WorstPath& worst = forest.worst;
    // Behind the last rule are the openers of the other direction: no rule of this one.
    const auto id_of = [&](std::uint32_t rule) {
        return rule < image_.rule_ids.size() ? image_.rule_ids[rule] : std::string();
    };
    return {forest.layout.groups,
            forest.depth,
            worst.levels,
            worst.steps,
            static_cast<std::uint32_t>(std::lround(worst.nanoseconds)),
            worst.rules,
            id_of(worst.rule),
            id_of(worst.last)};
}

Result<Ok> Compiler::translate() {
    std::vector<edgefw_forward> entries;
    std::uint16_t slot = 0;
    for (const policy::Forward& forward : policy_.forwards) {
        const auto of_ports = forward_entries(forward, slot++);
        entries.insert(entries.end(), of_ports.begin(), of_ports.end());
    }
    for (const policy::Masquerade& masquerade : policy_.masquerades) {
        const auto of_networks = masquerade_entries(masquerade, slot++);
        image_.masquerades.insert(image_.masquerades.end(), of_networks.begin(), of_networks.end());
    }
    let_first_open(entries);
    return lay_out_forwards(image_, entries);
}

void Compiler::measure() {
    image_.shape.rules = static_cast<std::uint32_t>(policy_.rules.size());
    image_.shape.nodes = static_cast<std::uint32_t>(image_.nodes.size());
    image_.shape.insns = static_cast<std::uint32_t>(image_.insns.size());
    image_.shape.classes = classes_[EDGEFW_IPV4].count() + classes_[EDGEFW_IPV6].count();
}

}  // namespace

Result<Image> compile(const policy::Policy& policy) {
    return Compiler(policy).compile();
}

}  // namespace edgefw::image
