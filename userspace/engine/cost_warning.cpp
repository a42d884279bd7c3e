// SPDX-License-Identifier: GPL-2.0-only
#include "userspace/engine/cost_warning.h"

#include <algorithm>

namespace edgefw::engine {
namespace {

constexpr std::uint32_t kManyAlike = 30;  // rules in one leaf: what they overlap in is what takes the time

std::string place_of(const policy::Policy& policy, const std::string& rule) {
    const auto found = std::find_if(policy.rules.begin(), policy.rules.end(),
                                    [&](const policy::Rule& other) { return other.id == rule; });
    return (found == policy.rules.end() ? policy.file : found->where.to_text()) + ": ";
}

std::string warning_of(const policy::Policy& policy, const image::ForestShape& forest, const std::string& where) {
    const std::string cost =
        "this policy costs up to " + std::to_string(forest.nanoseconds) + " ns a packet (" + where + "), because ";
    if (forest.alike < kManyAlike) {
        return policy.file + ": " + cost + "its rules take " + std::to_string(forest.groups) +
               (forest.groups == 1 ? " tree of " : " trees of ") + std::to_string(forest.depth) + " levels together";
    }
    const std::string advice =
        " overlap so that no tree parts them; join networks or ranges that are used alike (docs/classifier.md)";
    // A SYN that no rule passes may belong to a connection that a rule of the other direction opens.
    if (forest.rule.empty())
        return policy.file + ": " + cost + std::to_string(forest.alike) + " cases of the other direction's rules" +
               advice;
    // The last ones of a leaf may be openers of the other direction, too.
    const std::string last = forest.last.empty() ? " on" : " to " + forest.last;
    return place_of(policy, forest.rule) + cost + std::to_string(forest.alike) + " rules, from " + forest.rule + last +
           "," + advice;
}

}  // namespace

std::vector<std::string> cost_warnings(const policy::Policy& policy, const image::Shape& shape) {
    constexpr const char* kHooks[EDGEFW_HOOKS] = {"received", "sent"};
    constexpr const char* kFamilies[EDGEFW_FAMILIES] = {"IPv4", "IPv6"};
    std::vector<std::string> warnings;
    for (std::size_t side = 0; side < EDGEFW_SIDES; ++side) {
        for (std::size_t hook = 0; hook < EDGEFW_HOOKS; ++hook) {
            for (std::size_t family = 0; family < EDGEFW_FAMILIES; ++family) {
                const image::ForestShape& forest = shape.forests[side][hook][family];
                if (forest.nanoseconds <= kSlowNanoseconds) continue;
                const std::string where = std::string(policy::to_text(static_cast<policy::Side>(side))) + ", " +
                                          kHooks[hook] + ", " + kFamilies[family];
                warnings.push_back(warning_of(policy, forest, where));
            }
        }
    }
    return warnings;
}

}  // namespace edgefw::engine
