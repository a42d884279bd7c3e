// SPDX-License-Identifier: GPL-2.0-only
// maps/reasons.h and maps/builtins.h as tables, for what prints and exports them.
#pragma once

#include <array>
#include <string_view>

#include "maps/builtins.h"
#include "maps/counters.h"
#include "maps/limits.h"
#include "maps/reasons.h"

namespace edgefw::policy {

enum class ReasonVerdict { kPASS, kDROP, kEITHER };  // the words of EDGEFW_REASONS

struct Reason {
    const char* name;
    ReasonVerdict verdict;

    // Whether the data path can end a packet so. `verdict` is an enum edgefw_verdict.
    bool goes_with(int end) const {
        if (verdict == ReasonVerdict::kEITHER) return true;
        return (verdict == ReasonVerdict::kPASS) == (end == EDGEFW_PASS);
    }
};

#define EDGEFW_POLICY_REASON(identifier, name, verdict, sentence) Reason{name, ReasonVerdict::k##verdict},
inline constexpr std::array<Reason, EDGEFW_REASON_COUNT> kReasons{{EDGEFW_REASONS(EDGEFW_POLICY_REASON)}};
#undef EDGEFW_POLICY_REASON
#define EDGEFW_POLICY_REASON(identifier, name, verdict, sentence) name,
inline constexpr std::array<std::string_view, EDGEFW_REASON_COUNT> kReasonNames{EDGEFW_REASONS(EDGEFW_POLICY_REASON)};
#undef EDGEFW_POLICY_REASON

#define EDGEFW_POLICY_BUILTIN(identifier, key, id, verdict, sentence) id,
inline constexpr std::array<const char*, EDGEFW_BUILTIN_COUNT> kBuiltinIds{EDGEFW_BUILTINS(EDGEFW_POLICY_BUILTIN)};
#undef EDGEFW_POLICY_BUILTIN
#define EDGEFW_POLICY_BUILTIN(identifier, key, id, verdict, sentence) ReasonVerdict::k##verdict,
inline constexpr std::array<ReasonVerdict, EDGEFW_BUILTIN_COUNT> kBuiltinVerdicts{
    {EDGEFW_BUILTINS(EDGEFW_POLICY_BUILTIN)}};
#undef EDGEFW_POLICY_BUILTIN

// The name of a reason; "unknown" for a number that is none.
inline const char* to_text(edgefw_reason reason) {
    const auto index = static_cast<std::size_t>(reason);
    return index < kReasons.size() ? kReasons[index].name : "unknown";
}

}  // namespace edgefw::policy
