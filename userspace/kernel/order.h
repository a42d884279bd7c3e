// SPDX-License-Identifier: GPL-2.0-only
// Who runs before edgefw at the hooks of a card. edgefw comes first when it attaches; whoever attaches later may ask
// the kernel for the place before it, and a link cannot be moved.
#pragma once

#include <string>
#include <vector>

#include "userspace/kernel/card_state.h"
#include "userspace/kernel/types.h"

namespace edgefw::kernel {

// Returns the programs of others that run before edgefw at either hook of the card, in the order in which they run. The
// program of a closed card is edgefw's and not among them. An XDP hook has one program, so nothing runs before it. A
// name is empty where the caller may not look at programs of others.
std::vector<Forerunner> forerunners(const edgefw_card& card, const std::string& card_directory);

// Puts edgefw before all others at the tcx hooks of a card where it is not. For a moment both links judge, so no packet
// passes unjudged; what is judged twice then may drop. Needs the lock. Fails where a filter of clsact is in the way:
// its place is its owner's.
Result<Ok> move_first(const CardState& state, const ActiveMaps& active);

// What a move_first() that was killed has left of a card: its second link, which judges every packet once more. Needs
// the lock.
void remove_unfinished_move(const std::string& card_directory);

}  // namespace edgefw::kernel
