// SPDX-License-Identifier: GPL-2.0-only
#include "userspace/engine/tally.h"

#include "userspace/engine/policy_tests.h"

namespace edgefw::engine {
namespace {

constexpr const char* kOtherEnd = " with another local end";

// By the same entry: which of them it is tells the rest.
bool translates_otherwise(const kernel::Judgement& before, const kernel::Judgement& after) {
    return !before.nat.empty() && before.nat == after.nat &&
           (before.local != after.local || before.local_port != after.local_port);
}

// What drops is not translated, whichever entry was found for it.
bool is_another_packet(const Outcome& before, const Outcome& after) {
    return before.verdict != after.verdict || (after.verdict == policy::Action::kPass && before.nat != after.nat);
}

bool is_unexpected(const CountedPacket& packet, const std::vector<Outcome>& outcomes) {
    if (outcomes.size() == 2) return is_another_packet(outcomes[0], outcomes[1]);
    return outcomes[0].verdict != packet.verdict.value_or(policy::Action::kPass);
}

void add_to(Amount& amount, std::uint64_t bytes) {
    ++amount.packets;
    amount.bytes += bytes;
}

}  // namespace

Outcome Outcome::of(const kernel::Judgement& judgement) {
    return {judgement.verdict, judgement.reason, judgement.rule, judgement.nat};
}

std::string Outcome::to_text() const {
    kernel::Judgement judgement;
    judgement.verdict = verdict;
    judgement.reason = reason;
    judgement.rule = rule;
    return outcome_text(judgement) + (nat.empty() ? "" : ", nat " + nat);
}

void Tally::add(const CountedPacket& packet, std::span<const kernel::Judgement> judgements) {
    ++judged_;
    with_verdict_ += packet.verdict ? 1 : 0;
    std::vector<Outcome> outcomes;
    outcomes.reserve(judgements.size());
    for (std::size_t i = 0; i < judgements.size(); ++i) {
        outcomes.push_back(Outcome::of(judgements[i]));
        add_to(counts_[i][{packet.direction, outcomes.back()}], packet.bytes);
    }
    if (judgements.size() == 2) {
        if (translates_otherwise(judgements[0], judgements[1])) outcomes[1].nat += kOtherEnd;
        if (outcomes[0] != outcomes[1]) count_change(packet, outcomes[0], outcomes[1]);
    }
    if (!is_unexpected(packet, outcomes) || ++unexpected_ > kMostListed) return;
    listed_.push_back({packet.number, packet.text(), std::move(outcomes), packet.verdict});
}

void Tally::count_change(const CountedPacket& packet, const Outcome& before, const Outcome& after) {
    Change& change = changes_[{packet.direction, before, after}];
    if (change.amount.packets == 0) {
        change.first = packet.number;
        change.text = packet.text();
    }
    add_to(change.amount, packet.bytes);
}

void Tally::leave_out(std::uint64_t number, const std::string& why) {
    NotJudged& entry = not_judged_[why];
    if (++entry.packets <= kMostListed) entry.first.push_back(number);
}

}  // namespace edgefw::engine
