// SPDX-License-Identifier: GPL-2.0-only
// The policy's own tests: packets that are judged, and the judgement compared with what was expected.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "userspace/base/result.h"
#include "userspace/kernel/types.h"
#include "userspace/packet/notation.h"
#include "userspace/policy/policy.h"

namespace edgefw::engine {

// "pass, rule web, reason rule"
std::string outcome_text(const kernel::Judgement& judgement);

// The frame of a packet, judged by the real programs.
using JudgePacket = std::function<Result<kernel::Judgement>(const packet::Packet&)>;

// The packets of the tests, in order. kPolicy, with one line for each that is none.
Result<std::vector<packet::Packet>> packets_of(const std::vector<policy::PolicyTest>& tests);

// Judges the tests in order and compares. kPolicy, with one line for each that fails; what the kernel refused as it is.
Result<Ok> run_tests(const std::vector<policy::PolicyTest>& tests, const JudgePacket& judge);

}  // namespace edgefw::engine
