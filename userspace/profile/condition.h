// SPDX-License-Identifier: GPL-2.0-only
// `when:` conditions of a profile: {mapping: port}, {roles: [access-edge, av-edge]}, {director: given}. All entries
// must hold; a list holds when one of its values does.
#pragma once

#include "userspace/language/diagnostics.h"
#include "userspace/language/syntax.h"
#include "userspace/profile/bindings.h"
#include "userspace/profile/profile.h"

namespace edgefw::policy {

// Reports names that are no variable of `profile` and values it cannot have.
void check_condition(const Node& condition, const Profile& profile, Diagnostics& diagnostics);

bool holds(const Node& condition, const Bindings& bindings);

// Whether a row (rule, NAT entry, constraint, packet) belongs to this use of the profile: its `when` holds, and its
// `role` is one of those chosen by the option `roles`.
bool selected(const Node& row, const Bindings& bindings);

}  // namespace edgefw::policy
