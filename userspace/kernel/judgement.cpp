// SPDX-License-Identifier: GPL-2.0-only
#include "userspace/kernel/judgement.h"

#include <arpa/inet.h>

#include <cstring>

#include "maps/builtins.h"
#include "maps/limits.h"
#include "userspace/policy/reasons.h"

namespace edgefw::kernel {

SlotNames::SlotNames(const image::Slots& slots) {
    for (std::uint32_t i = 0; i < EDGEFW_BUILTIN_COUNT; i++)
        ids_[EDGEFW_SLOT_FIRST_BUILTIN + i] = policy::kBuiltinIds[i];
    for (const auto& [id, slot] : slots)
        ids_[slot] = id;
}

std::string SlotNames::id_of(std::uint32_t slot) const {
    const auto found = ids_.find(slot);
    return found == ids_.end() ? std::string() : found->second;
}

Judgement SlotNames::judgement_of(const edgefw_decision& decision) const {
    Judgement judgement;
    judgement.verdict = decision.verdict == EDGEFW_PASS ? policy::Action::kPass : policy::Action::kDrop;
    judgement.reason = static_cast<edgefw_reason>(decision.reason);
    judgement.slot = decision.slot;
    judgement.rule = id_of(decision.slot);
    judgement.nat = id_of(decision.nat);
    if (decision.nat != 0) {
        std::uint8_t local[sizeof(decision.local)];
        std::memcpy(local, &decision.local, sizeof(local));
        judgement.local = Address::from_bytes(Family::kIpv4, local);
        judgement.local_port = ntohs(decision.local_port);
    }
    return judgement;
}

}  // namespace edgefw::kernel
