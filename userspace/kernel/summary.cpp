// SPDX-License-Identifier: GPL-2.0-only
#include "userspace/kernel/summary.h"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace edgefw::kernel {
namespace {

using nlohmann::ordered_json;
using policy::Side;

using Trees = std::uint32_t[EDGEFW_SIDES][EDGEFW_HOOKS][EDGEFW_FAMILIES];

void read_trees(const ordered_json& json, Trees& trees) {
    for (std::size_t side = 0; side < EDGEFW_SIDES; ++side) {
        for (std::size_t hook = 0; hook < EDGEFW_HOOKS; ++hook) {
            for (std::size_t family = 0; family < EDGEFW_FAMILIES; ++family)
                json.at(side).at(hook).at(family).get_to(trees[side][hook][family]);
        }
    }
}

// Both directions of what is kept of the shape are here: a field of it is a line in each.
ordered_json to_json(const image::Shape& shape) {
    return {{"rules", shape.rules},     {"nodes", shape.nodes}, {"insns", shape.insns},
            {"classes", shape.classes}, {"depth", shape.depth}, {"groups", shape.groups}};
}

void read_shape(const ordered_json& json, image::Shape& shape) {
    json.at("rules").get_to(shape.rules);
    json.at("nodes").get_to(shape.nodes);
    json.at("insns").get_to(shape.insns);
    json.at("classes").get_to(shape.classes);
    read_trees(json.at("depth"), shape.depth);
    read_trees(json.at("groups"), shape.groups);
}

bool drops_by_default(const edgefw_config& config) {
    return std::any_of(std::begin(config.default_outcome), std::end(config.default_outcome),
                       [](std::uint32_t outcome) { return (outcome & EDGEFW_OUTCOME_PASS) == 0; });
}

}  // namespace

bool Summary::is_without_rules(Side side) const {
    const bool has_some =
        std::any_of(std::begin(rules), std::end(rules), [](std::uint32_t count) { return count > 0; });
    const auto index = static_cast<std::size_t>(side);
    return has_some && rules[index] == 0 && drops[index];
}

std::string Summary::to_text() const {
    return ordered_json{{"digest", digest}, {"rules", rules}, {"drops", drops}, {"shape", to_json(shape)}}.dump();
}

Summary summarise(const Compiled& policy) {
    Summary summary;
    summary.digest = policy.digest;
    for (const document::RuleEntry& rule : policy.listing.rules)
        ++summary.rules[static_cast<std::size_t>(rule.side)];
    for (std::size_t side = 0; side < EDGEFW_SIDES; ++side)
        summary.drops[side] = drops_by_default(policy.image.config[side]);
    summary.shape = policy.image.shape;
    return summary;
}

Result<Summary> read_summary(const std::string& text) {
    Summary summary;
    if (text.empty()) return summary;
    try {
        const ordered_json json = ordered_json::parse(text);
        json.at("digest").get_to(summary.digest);
        json.at("rules").get_to(summary.rules);
        json.at("drops").get_to(summary.drops);
        read_shape(json.at("shape"), summary.shape);
        return summary;
    } catch (const ordered_json::exception&) {
        return failed("the summary kept with the policy in force is not readable: push the policy again");
    }
}

}  // namespace edgefw::kernel
