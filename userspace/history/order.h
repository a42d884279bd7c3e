// SPDX-License-Identifier: GPL-2.0-only
// What the entries of a history say of each other: which are in force, what was before them, which can go.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "userspace/base/result.h"
#include "userspace/history/entry.h"

namespace edgefw::history {

// So many are kept, and beside them those in force and what was before these.
inline constexpr std::size_t kKept = 10;

// What is in force on a card.
struct CardInForce {
    std::string interface;
    std::uint32_t generation = 0;  // 0: no policy
    std::string digest;
    bool fell_back =
        false;  // it is an older policy under a new generation, because the push before it was not confirmed
};

// `entries` are newest first, everywhere here.

// The entry of what is in force on a card, of this boot; nullptr: it is not in the history.
const Facts* find_in_force(const std::vector<Facts>& entries, const CardInForce& card, const std::string& boot);

// What a rollback of a card goes back to: the newest entry that is older than `current`, was in force on the card and
// is another policy. What a rollback has put in force stands where the entry stands that it was made of: so a second
// one goes further back. nullptr: there is none.
const Facts* find_before(const std::vector<Facts>& entries, const Facts& current, const std::string& interface);

// What a rollback without a number takes, of all cards under a policy: kFailed, with what to do, where nothing of
// theirs is in the history, or they were under different policies before.
Result<Facts> rollback_of(const std::vector<Facts>& entries, const std::vector<CardInForce>& cards,
                          const std::string& boot);

// The numbers that can go, so that kKept are left, the oldest first. Those in force on `cards` and what was before them
// stay. `numbers`: of all files, ascending, also those that cannot be read.
std::vector<std::uint64_t> superfluous(const std::vector<std::uint64_t>& numbers, const std::vector<Facts>& entries,
                                       const std::vector<CardInForce>& cards, const std::string& boot);

}  // namespace edgefw::history
