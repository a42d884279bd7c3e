// SPDX-License-Identifier: GPL-2.0-only
// resize: the connections of a card come over to tables of another size, while packets go on.
//
//   1. CardState::resize() makes the new tables; the programs loaded next use them, and fetch what they do not find
//      there from the older ones (bpf/connection/carry_over.h). Until the flip nothing has changed.
//   2. The flip: each packet finds its connection, in the new tables or through them in the older ones.
//   3. bring_over() waits until no program of before is running, moves what nobody has fetched, and puts programs in
//      the place of those in force that no longer ask the older tables, which then go.
//
// Killed between 2 and 3, the card goes on as after 2; the next push does 3.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "userspace/base/result.h"
#include "userspace/kernel/card_state.h"
#include "userspace/kernel/generation.h"

namespace edgefw::kernel {

// Moves one connection to the new table, while packets may fetch it and end it; `key` as the older table has it. At no
// time is a live connection in neither. Does nothing where the older table does not have it.
Result<Ok> bring_one(const ConnectionTable& table, const std::vector<std::uint8_t>& key);

// A bank that packets can come to, and what its programs are under.
struct BankInUse {
    std::uint32_t bank = 0;
    std::uint32_t number = 0;
    const Generation* generation = nullptr;  // nullptr: no policy
};

// Step 3. `banks`: the active one, then its fallback, if there is one. Does nothing where nothing comes over. Where a
// new table is too small it keeps the connections seen last, and the line that is returned says how many did not fit;
// empty: all did. Needs the lock. When it fails step 2 stays in force.
Result<std::string> bring_over(CardState& card, const std::vector<BankInUse>& banks);

}  // namespace edgefw::kernel
