// SPDX-License-Identifier: GPL-2.0-only
// Whether a policy would end the sessions by which somebody is logged in to this machine.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "userspace/base/result.h"
#include "userspace/kernel/sessions.h"
#include "userspace/kernel/types.h"

namespace edgefw::engine {

// A session on a card that its packets pass, and what will be known of it when the policy comes into force there.
struct SessionOnCard {
    kernel::Session session;
    std::string interface;
    policy::Side side = policy::Side::kExternal;
    // Where its opener is seen, of a connection that the card has in its tables; nothing: it has not.
    std::optional<edgefw_hook> opener = {};
    bool adopts = false;  // the card will adopt TCP in mid-stream under the policy
};

// Judges a frame by the policy; `forget` empties what the judge remembers of earlier ones.
struct SessionJudge {
    std::function<Result<kernel::Judgement>(policy::Side, edgefw_hook, const std::vector<std::uint8_t>& frame)> judge;
    std::function<Result<Ok>()> forget;
};

// Nothing: the session goes on. Else what the policy decides about it: "drop, reason default". Its connection is judged
// again as a SYN of its opener, or as one of either end where nobody knows who opened it; what is not in the card's
// tables and is not adopted is judged as it is, in mid-stream.
Result<std::optional<std::string>> ends_session(const SessionOnCard& session, const SessionJudge& judge);

}  // namespace edgefw::engine
