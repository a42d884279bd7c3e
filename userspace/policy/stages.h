// SPDX-License-Identifier: GPL-2.0-only
// The stages before compile, in order: read, parse, expand, check. Each is a pure function of its arguments (read and
// profile lookup touch the file system, nothing else).
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "userspace/base/result.h"
#include "userspace/policy/policy.h"

namespace edgefw::policy {

// Where `use:` and `profile` look for NAME.yaml, first hit wins: --profiles DIRs, the repository's profiles when run
// from the build folder, /etc/edgefw/profiles, /usr/share/edgefw/profiles and the install prefix's share.
struct ProfilePath {
    std::vector<std::string> folders;
    static ProfilePath standard(const std::vector<std::string>& extra = {});
};

// All four stages. Every error of the file at once: Error{kPolicy} whose message is one "file:line:column: what; hint"
// line each. `file` "-" reads standard input.
Result<Policy> load(const std::string& file, const ProfilePath& profiles);
Result<Policy> load_text(const std::string& text, const std::string& file, const ProfilePath& profiles);

// The policy of a card that was attached without one: everything passes (the image is not armed).
Policy pass_everything();

// `show --json`: {"rules": [...], "nat": [...], "defaults": {...}, "builtins": [...], "sets": [...], "hosts": [...],
// "digest", "file"}, keys as in docs/policy.md. The text of `show` is made from this document alone (observe/show.h),
// because the one in force is kept with its generation.
nlohmann::ordered_json show(const Policy& policy);

// One entry of "hosts": name, addresses, resolved (seconds since 1970, or null), ttl, problem (text or null).
nlohmann::ordered_json to_json(const Host& host);

}  // namespace edgefw::policy
