// SPDX-License-Identifier: GPL-2.0-only
// Where profiles are looked for.
#pragma once

#include <string>
#include <vector>

namespace edgefw::policy {

// Where `use:` and `profile` look for NAME.yaml, first hit wins: --profiles DIRs, the repository's profiles when run
// from the build folder, /etc/edgefw/profiles, /usr/share/edgefw/profiles and the install prefix's share.
struct ProfilePath {
    std::vector<std::string> folders;
    static ProfilePath standard(const std::vector<std::string>& extra = {});
};

}  // namespace edgefw::policy
