// SPDX-License-Identifier: GPL-2.0-only
// A judgement as `edgefw explain` prints it.
#pragma once

#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "userspace/base/result.h"
#include "userspace/kernel/types.h"
#include "userspace/packet/notation.h"
#include "userspace/policy/policy.h"

namespace edgefw::show {

// One line, {"packet", "verdict", "rule", "reason"} and, where a NAT entry translated, "nat", "rules_see", "leaves_as".
// `text` is the packet as its author wrote it, so that answers can be joined with questions.
std::string judgement_json(std::string_view text, const packet::Packet& packet, const kernel::Judgement& judgement);
// The packet, below it what became of it and, where a forward translated it, it passed and its frame was kept, what
// left.
std::string judgement_text(std::string_view text, const packet::Packet& packet, const kernel::Judgement& judgement);

}  // namespace edgefw::show
