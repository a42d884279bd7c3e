// SPDX-License-Identifier: GPL-2.0-only
// Policies as text, and their difference as text: what a person would write and read.
#pragma once

#include <gtest/gtest.h>

#include <string>

#include "userspace/difference/difference.h"
#include "userspace/engine/load.h"

namespace edgefw::test {

inline policy::Policy policy_of(const std::string& text) {
    const Result<policy::Policy> policy = engine::load_policy({"policy.yaml", text}, policy::ProfilePath{});
    EXPECT_TRUE(policy) << policy.error().message;
    return policy ? *policy : policy::Policy{};
}

inline std::string judged_text(const difference::Judged& judged) {
    return (judged.rule.empty() ? "default" : judged.rule) + " " + policy::to_text(judged.verdict) +
           (judged.nat.empty() ? "" : " via " + judged.nat) + (judged.keeps ? " keep" : "");
}

// A line for each change, and one, indented, for each of its boxes.
inline std::string text_of(const difference::Difference& difference) {
    std::string text;
    for (const difference::Change& change : difference.changes) {
        text += std::string(difference::to_text(change.kind)) + ": " + judged_text(change.from) + " -> " +
                judged_text(change.to) + "\n";
        for (const std::string& box : change.boxes)
            text += "  " + box + "\n";
        if (change.more > 0) text += "  and " + std::to_string(change.more) + " more\n";
    }
    return text;
}

inline std::string difference_text(const std::string& before, const std::string& after) {
    return text_of(difference::compare(policy_of(before), policy_of(after)));
}

}  // namespace edgefw::test
