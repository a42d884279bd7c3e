// SPDX-License-Identifier: GPL-2.0-only
// read, parse, expand, check in one go.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "userspace/base/result.h"
#include "userspace/document/sources.h"
#include "userspace/policy/policy.h"
#include "userspace/profile/profile_path.h"

namespace edgefw::engine {

// The text of a policy, or where it is to be read.
struct Source {
    std::string file;                      // names it in messages; "-" without a text: standard input
    std::optional<std::string> text = {};  // absent: that of `file`
    // Those that its sets name, from where nothing is read; absent: they are read.
    std::optional<std::vector<policy::SetFile>> set_files = {};
};

struct Loaded {
    policy::Policy policy;
    document::Sources sources;
    // The must-pass and must-drop packets of its profiles (profile/packets.h).
    std::vector<policy::PolicyTest> profile_packets;
};

// All four stages. Every error of the file at once: Error{kPolicy} whose message is one "file:line:column: what; hint"
// line each.
Result<Loaded> load(const Source& source, const policy::ProfilePath& profiles);
// The policy alone.
Result<policy::Policy> load_policy(const Source& source, const policy::ProfilePath& profiles);

}  // namespace edgefw::engine
