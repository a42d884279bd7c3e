// SPDX-License-Identifier: GPL-2.0-only
// The rows of a profile (rules, NAT entries, constraints, packets), checked without values: what a use of the profile
// would stumble over only with certain options is found when the profile is read.
#pragma once

#include "userspace/language/diagnostics.h"
#include "userspace/profile/profile.h"

namespace edgefw::policy {

// Reports unknown keys, roles, variables and conditions.
void check_rows(const Profile& profile, Diagnostics& diagnostics);

// The `$names` in a packet's text, `$anyone` (an address of the document's "anywhere") among them.
struct TextReference {
    std::size_t offset = 0;  // of the `$`
    std::string name;
};
std::vector<TextReference> references_in(std::string_view text);

inline constexpr std::string_view kAnyone = "anyone";

}  // namespace edgefw::policy
