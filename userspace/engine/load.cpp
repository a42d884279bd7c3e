// SPDX-License-Identifier: GPL-2.0-only
#include "userspace/engine/load.h"

#include <set>

#include "userspace/base/utf8.h"
#include "userspace/check/check.h"
#include "userspace/language/parse.h"
#include "userspace/language/read.h"
#include "userspace/language/set_files.h"
#include "userspace/profile/expand.h"
#include "userspace/profile/packets.h"

namespace edgefw::engine {
namespace {

using namespace policy;

document::Sources sources_of(const std::string& file, const std::string& text, const Expansion& expansion,
                             std::vector<SetFile> set_files) {
    document::Sources sources{file, text, {}, std::move(set_files)};
    std::set<const Profile*> seen;
    for (const ProfileUse& use : expansion.uses) {
        const Profile& profile = *use.profile;
        if (seen.insert(&profile).second)
            sources.profiles.push_back({profile.name, *profile.syntax.file, profile.text});
    }
    return sources;
}

Result<Loaded> load_text(const std::string& text, const Source& source, const ProfilePath& profiles) {
    const std::string& file = source.file;
    Diagnostics diagnostics;
    const Syntax syntax = parse_policy(text, file, diagnostics);
    // Without a tree (a YAML syntax error) there is nothing to say about its content.
    const bool has_content = syntax.root.kind != Node::Kind::kNull;
    if (!has_content && diagnostics.ok()) {
        diagnostics.error(
            syntax.root,
            "the file is empty; the smallest policy is `version: 1`, which drops all but the built-in rules");
    }
    if (!has_content) return diagnostics.to_error(file);
    const Expansion expansion = expand(syntax.root, profiles, diagnostics);
    std::vector<SetFile> set_files = read_set_files(syntax.root, file, source.set_files, diagnostics);
    Policy policy = check(syntax.root, expansion, set_files, diagnostics);
    if (!diagnostics.ok()) return diagnostics.to_error(file);
    document::Sources sources = sources_of(file, text, expansion, std::move(set_files));
    auto digest = sources.digest();
    if (!digest) return digest.error();
    policy.file = file;
    policy.digest = *digest;
    policy.warnings = diagnostics.warnings(file);
    std::vector<PolicyTest> packets = profile_packets(expansion, policy.sets);
    return Loaded{std::move(policy), std::move(sources), std::move(packets)};
}

}  // namespace

Result<Loaded> load(const Source& source, const ProfilePath& profiles) {
    // The name is kept with the policy, and printed as JSON.
    if (!is_utf8(source.file)) return failed("the name of the policy file is no UTF-8; give it another one");
    if (source.text) return load_text(*source.text, source, profiles);
    const auto text = read(source.file);
    if (!text) return text.error();
    return load_text(*text, source, profiles);
}

Result<Policy> load_policy(const Source& source, const ProfilePath& profiles) {
    Result<Loaded> loaded = load(source, profiles);
    if (!loaded) return loaded.error();
    return std::move(loaded->policy);
}

}  // namespace edgefw::engine
