// SPDX-License-Identifier: GPL-2.0-only
#include "userspace/kernel/summary.h"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace edgefw::kernel {
namespace {

using nlohmann::ordered_json;
using policy::Side;

// Both directions of what is kept of the shape are here: a field of it is a line in each.
ordered_json to_json(const image::ForestShape& forest) {
    return {{"groups", forest.groups},  {"depth", forest.depth}, {"levels", forest.levels}, {"steps", forest.steps},
            {"ns", forest.nanoseconds}, {"alike", forest.alike}, {"rule", forest.rule},     {"last", forest.last}};
}

void read_forest(const ordered_json& json, image::ForestShape& forest) {
    json.at("groups").get_to(forest.groups);
    json.at("depth").get_to(forest.depth);
    json.at("levels").get_to(forest.levels);
    json.at("steps").get_to(forest.steps);
    json.at("ns").get_to(forest.nanoseconds);
    json.at("alike").get_to(forest.alike);
    json.at("rule").get_to(forest.rule);
    json.at("last").get_to(forest.last);
}

// Calls `visit` with the place of each forest in a list of them.
template <typename Visit>
void for_each_forest(const Visit& visit) {
    std::size_t place = 0;
    for (std::size_t side = 0; side < EDGEFW_SIDES; ++side) {
        for (std::size_t hook = 0; hook < EDGEFW_HOOKS; ++hook) {
            for (std::size_t family = 0; family < EDGEFW_FAMILIES; ++family)
                visit(place++, side, hook, family);
        }
    }
}

ordered_json to_json(const image::Shape& shape) {
    ordered_json forests = ordered_json::array();
    for_each_forest([&](std::size_t, std::size_t side, std::size_t hook, std::size_t family) {
        forests.push_back(to_json(shape.forests[side][hook][family]));
    });
    return {{"rules", shape.rules},
            {"nodes", shape.nodes},
            {"insns", shape.insns},
            {"classes", shape.classes},
            {"forests", std::move(forests)}};
}

void read_shape(const ordered_json& json, image::Shape& shape) {
    json.at("rules").get_to(shape.rules);
    json.at("nodes").get_to(shape.nodes);
    json.at("insns").get_to(shape.insns);
    json.at("classes").get_to(shape.classes);
    for_each_forest([&](std::size_t place, std::size_t side, std::size_t hook, std::size_t family) {
        read_forest(json.at("forests").at(place), shape.forests[side][hook][family]);
    });
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
