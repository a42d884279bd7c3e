// SPDX-License-Identifier: GPL-2.0-only
// Closed cards (maps/closed.h): two filters at clsact, of which nothing is written down anywhere. They hold without
// bpffs, and as long as the card is there.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "maps/closed.h"  // the skeleton names its struct
#include "userspace/base/result.h"
#include "userspace/kernel/program.h"
#include "userspace/kernel/types.h"

namespace edgefw::kernel {

// The pair that closes a card.
Result<ProgramPair> load_closed(edgefw_link_layer link_layer, const ClosedRules& rules);

// Whether one of the two filters is on this card; OWN_QDISC: the qdisc was made for them, and is to go with them.
enum class Closure { kNone, kClosed, kClosedOwnQdisc };
Closure closure_of(int ifindex);

// Ids of the programs that close this card.
std::vector<std::uint32_t> closing_programs(int ifindex);

// Takes both off, the received one last. Nothing is there: Ok. A qdisc that was made for them goes too where no filter
// is left on it.
Result<Ok> open_up(int ifindex);

}  // namespace edgefw::kernel
