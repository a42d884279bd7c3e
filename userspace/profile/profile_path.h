// SPDX-License-Identifier: GPL-2.0-only
// Where profiles are looked for.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "userspace/base/result.h"

namespace edgefw::policy {

struct ProfileText {
    std::string name;
    std::string file;  // it was read from
    std::string text;
};

// Where `use:` and `profile` look for NAME.yaml, first hit wins: texts that are at hand (of a policy in force), then
// --profiles DIRs, the repository's profiles when run from the build folder, /etc/edgefw/profiles,
// /usr/share/edgefw/profiles and the install prefix's share.
struct ProfilePath {
    std::vector<std::string> folders = {};
    std::vector<ProfileText> texts = {};

    static ProfilePath standard(const std::vector<std::string>& extra = {});
};

// The first hit; nothing: there is none (or the name is not one). Fails where the file cannot be read.
Result<std::optional<ProfileText>> read_profile(const std::string& name, const ProfilePath& profiles);

// Names of all profiles the path offers, sorted.
std::vector<std::string> profile_names(const ProfilePath& profiles);

// The file of `name`; empty: there is none (or the name is not one).
std::string profile_file(const std::string& name, const ProfilePath& profiles);

}  // namespace edgefw::policy
