// SPDX-License-Identifier: GPL-2.0-only
// Policies in a few lines, for tables of text.
#pragma once

#include <gtest/gtest.h>

#include <string>

#include "userspace/document/document.h"
#include "userspace/engine/load.h"
#include "userspace/profile/profile_path.h"

namespace edgefw::policy::testing {

// The profiles of the repository.
inline ProfilePath shipped_profiles() {
    return {{EDGEFW_SOURCE_DIR "/profiles"}};
}

// "version: 1" before `text`, which starts at line 2 of the file "p".
inline Result<Policy> load_lines(const std::string& text) {
    return engine::load_policy({"p", "version: 1\n" + text}, shipped_profiles());
}

// The errors; "" where there are none.
inline std::string errors_of(const std::string& text) {
    const auto policy = load_lines(text);
    return policy ? "" : policy.error().message;
}

// A good rule whose `rest` is more keys of its flow mapping: "protocol: tcp, local_port: 22".
inline std::string one_rule(const std::string& rest, const std::string& action = "pass") {
    return "rules:\n- { name: r, side: external, action: " + action + (rest.empty() ? "" : ", " + rest) + " }\n";
}

// As `show` prints the one rule.
inline nlohmann::ordered_json shown_rule(const std::string& rest, const std::string& action = "pass") {
    const auto policy = load_lines(one_rule(rest, action));
    if (!policy) {
        ADD_FAILURE() << policy.error().message;
        return {};
    }
    return document::write(*policy)["rules"][0];
}

}  // namespace edgefw::policy::testing
