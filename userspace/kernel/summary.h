// SPDX-License-Identifier: GPL-2.0-only
// What `status` says of a generation: kept with it in a few hundred bytes, so that nobody reads a document for it.
#pragma once

#include <cstdint>
#include <string>

#include "userspace/base/result.h"
#include "userspace/image/image.h"
#include "userspace/kernel/types.h"

namespace edgefw::kernel {

struct Summary {
    std::string digest;                      // of the policy; empty: none is in force
    std::uint32_t rules[EDGEFW_SIDES] = {};  // how many are for that side's cards
    bool drops[EDGEFW_SIDES] = {};           // the default of the side drops in a direction at least
    image::Shape shape;

    // All rules are for the other side, and what this one gets drops.
    bool is_without_rules(policy::Side side) const;
    std::string to_text() const;
};

Summary summarise(const Compiled& policy);

// What Summary::to_text() wrote. `text` empty: no policy is in force. Fails (kFailed) on anything else.
Result<Summary> read_summary(const std::string& text);

}  // namespace edgefw::kernel
