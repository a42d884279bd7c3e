// SPDX-License-Identifier: GPL-2.0-only
// From what a program wrote down of its decision to a judgement with names.
#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>

#include "maps/decision.h"
#include "userspace/image/plan.h"
#include "userspace/kernel/types.h"

namespace edgefw::kernel {

// The ids of rules, NAT entries and built-in rules, by counter slot.
class SlotNames {
public:
    explicit SlotNames(const image::Slots& slots);

    std::string id_of(std::uint32_t slot) const;  // empty: nobody has it
    // All but the frame.
    Judgement judgement_of(const edgefw_decision& decision) const;

private:
    std::unordered_map<std::uint32_t, std::string> ids_;
};

}  // namespace edgefw::kernel
