// SPDX-License-Identifier: GPL-2.0-only
#include "userspace/engine/load.h"

#include <set>

#include "userspace/base/sha256.h"
#include "userspace/check/check.h"
#include "userspace/language/parse.h"
#include "userspace/language/read.h"
#include "userspace/profile/expand.h"
#include "userspace/profile/profile_path.h"

namespace edgefw::engine {
namespace {

using namespace policy;

// All that the rules came from: the file, then each profile that it uses, once, in the order of their first use.
std::string sources(const std::string& text, const Expansion& expansion) {
    std::string all = text;
    std::set<const Profile*> seen;
    for (const ProfileUse& use : expansion.uses) {
        if (seen.insert(use.profile.get()).second) all += use.profile->text;
    }
    return all;
}

}  // namespace

Result<Policy> load(const std::string& file, const ProfilePath& profiles) {
    const auto text = read(file);
    if (!text) return text.error();
    return load_text(*text, file, profiles);
}

Result<Policy> load_text(const std::string& text, const std::string& file, const ProfilePath& profiles) {
    Diagnostics diagnostics;
    const Syntax syntax = parse(text, file, diagnostics);
    // Without a tree (a YAML syntax error) there is nothing to say about its content.
    const bool has_content = syntax.root.kind != Node::Kind::kNull;
    if (!has_content && diagnostics.ok()) {
        diagnostics.error(
            syntax.root,
            "the file is empty; the smallest policy is `version: 1`, which drops all but the built-in rules");
    }
    if (!has_content) return diagnostics.to_error(file);
    const Expansion expansion = expand(syntax.root, profiles, diagnostics);
    Policy policy = check(syntax.root, expansion, diagnostics);
    if (!diagnostics.ok()) return diagnostics.to_error(file);
    auto digest = sha256(sources(text, expansion));
    if (!digest) return digest.error();
    policy.file = file;
    policy.digest = *digest;
    policy.warnings = diagnostics.warnings(file);
    return policy;
}

}  // namespace edgefw::engine
