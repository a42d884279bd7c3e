// SPDX-License-Identifier: GPL-2.0-only
// Policies that use one profile in every way its options allow, with made-up values: what its own packets are judged
// under where no user's policy is at hand.
#pragma once

#include <string>
#include <vector>

#include "userspace/profile/profile.h"

namespace edgefw::policy {

// Texts of policies. With the variables that must be given alone, and with all of them; with the options as they are by
// default, with each one changed, and as each row asks for them.
std::vector<std::string> sample_policies(const Profile& profile);

// Made-up addresses for the hosts that a sample names.
void give_sample_addresses(std::vector<Host>& hosts);

}  // namespace edgefw::policy
