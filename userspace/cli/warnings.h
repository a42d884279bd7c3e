// SPDX-License-Identifier: GPL-2.0-only
// What attach, push and boot say of a card that does not do all it could.
#pragma once

#include <vector>

#include "userspace/cli/context.h"
#include "userspace/kernel/types.h"

namespace edgefw::cli {

void warn_of(const kernel::Card& card, Context& context);
// Warns of the hooks that cards have lost.
void warn_of(const std::vector<kernel::HookedCard>& cards, Context& context);

}  // namespace edgefw::cli
