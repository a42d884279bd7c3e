// SPDX-License-Identifier: GPL-2.0-only
// Hosts by name after a push: asked again, and moved in the tables in force.
#pragma once

#include <memory>

#include "userspace/cli/context.h"
#include "userspace/daemon/refresh.h"
#include "userspace/names/resolver.h"

namespace edgefw::cli {

// What keeps the hosts in force true, by this resolver.
daemon::Refresh refresh_of(const std::shared_ptr<names::Resolver>& resolver, names::Fixed fixed,
                           daemon::Refresh::Bounds bounds);

// What a push has left for later: asks for the hosts in force whose answers have run out or never came, and moves what
// changed. True: only a push that asks first can bring the answers into force.
Result<bool> ask_behind(Context& context);

}  // namespace edgefw::cli
