// SPDX-License-Identifier: GPL-2.0-only
#include "userspace/cli/replay_judge.h"

#include <algorithm>

#include "userspace/cli/compare.h"
#include "userspace/kernel/door.h"

namespace edgefw::cli {
namespace {

// An Ethernet and an IPv6 header: with nothing behind them it is of no connection.
constexpr std::size_t kOfNoConnection = 54;

// Room for TCP connections, as a card would get it.
std::uint32_t room_of(const policy::Policy& policy) {
    const policy::Capacity& capacity = policy.capacity;
    return std::max(
        {std::uint32_t{EDGEFW_CONNECTIONS_DEFAULT}, capacity.confirmed[EDGEFW_IPV4], capacity.confirmed[EDGEFW_IPV6]});
}

}  // namespace

Result<ReplayJudge> ReplayJudge::of(const engine::Built& built) {
    const std::uint32_t room = room_of(built.policy);
    Result<simulator::Judge> beside = simulator::Judge::of(built.compiled, room);
    if (!beside) return beside.error();
    if (const auto may_load = kernel::may_load_programs(); !may_load)
        return ReplayJudge({}, std::move(*beside), may_load.error().message);
    Result<kernel::Judge> judge = kernel::Judge::of(built.compiled, room);
    if (!judge) return judge.error();
    return ReplayJudge(std::move(*judge), std::move(*beside), "");
}

Result<ReplayJudge> ReplayJudge::in_force(const std::optional<std::string>& interface) {
    if (const auto may_load = kernel::may_load_programs(); !may_load) {
        return Error{may_load.error().kind,
                     may_load.error().message + "; a replay with --policy FILE alone needs no root"};
    }
    const Result<std::string> document = kernel::document_in_force(interface);
    if (!document) return document.error();
    if (document->empty()) return failed("no policy is in force: give one with --policy FILE, or push it first");
    const Result<engine::Built> built = build_in_force(interface, policy::Policy{});
    Result<kernel::Judge> judge =
        built ? kernel::Judge::in_force(interface, room_of(built->policy)) : kernel::Judge::in_force(interface);
    if (!judge) return judge.error();
    if (!built) return ReplayJudge(std::move(*judge), {}, "");
    Result<simulator::Judge> beside = simulator::Judge::of(built->compiled, room_of(built->policy));
    if (!beside) return beside.error();
    return ReplayJudge(std::move(*judge), std::move(*beside), "");
}

Result<std::optional<kernel::Judgement>> ReplayJudge::judge(std::uint64_t number, policy::Side side, edgefw_hook hook,
                                                            const std::vector<std::uint8_t>& frame) {
    std::optional<kernel::Judgement> by_user_space;
    if (beside_) {
        Result<kernel::Judgement> judgement = beside_->judge(side, hook, frame);
        if (!judgement) return judgement.error();
        by_user_space = std::move(*judgement);
    }
    if (!kernel_) return by_user_space;
    if (first_refused_ == 0) {
        Result<std::optional<kernel::Judgement>> judgement = kernel_->try_to_judge(side, hook, frame);
        if (!judgement || *judgement) return judgement;
    }
    if (!beside_) return std::optional<kernel::Judgement>();
    ++refused_;
    if (first_refused_ == 0 && frame.size() >= kOfNoConnection) {
        first_refused_ = number;
        refused_length_ = frame.size();
    }
    return by_user_space;
}

}  // namespace edgefw::cli
