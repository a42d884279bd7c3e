// SPDX-License-Identifier: GPL-2.0-only
#include "userspace/engine/replay.h"

#include <future>

namespace edgefw::engine {
namespace {

using difference::Judged;
using kernel::Judgement;

bool agree(const Judged& judged, const Judgement& judgement) {
    if (judged.verdict != judgement.verdict || judged.rule != judgement.rule) return false;
    // What drops is not translated, whichever entry the program found for it.
    return judged.verdict == policy::Action::kDrop || judged.nat == judgement.nat;
}

Result<Ok> compare(const Judged& judged, const packet::Packet& packet, const JudgePacket& judge, const char* which) {
    const Result<Judgement> judgement = judge(packet);
    if (!judgement) return judgement.error();
    if (agree(judged, *judgement)) return Ok{};
    return failed("the difference is not right: of " + packet.to_text() + " it says " +
                  policy::to_text(judged.verdict) + (judged.rule.empty() ? ", default" : ", rule " + judged.rule) +
                  " for the policy " + which + ", whose programs say " + outcome_text(*judgement) +
                  "; trust neither, and report both policies");
}

Result<Ok> replay(const difference::Difference& difference, Judged difference::Change::*judged,
                  const JudgePacket& judge, const char* which) {
    for (const difference::Change& change : difference.changes) {
        if (!change.witness) continue;
        if (auto done = compare(change.*judged, *change.witness, judge, which); !done) return done;
    }
    return Ok{};
}

}  // namespace

Result<Ok> replay(const difference::Difference& difference, const JudgePacket& before, const JudgePacket& after) {
    auto old_one = std::async(std::launch::async | std::launch::deferred,
                              [&] { return replay(difference, &difference::Change::from, before, "before"); });
    const Result<Ok> is_right = replay(difference, &difference::Change::to, after, "after");
    const Result<Ok> was_right = old_one.get();
    return was_right ? is_right : was_right;
}

}  // namespace edgefw::engine
