// SPDX-License-Identifier: GPL-2.0-only
#include "userspace/engine/sessions.h"

#include "userspace/engine/policy_tests.h"
#include "userspace/packet/notation.h"

namespace edgefw::engine {
namespace {

constexpr std::uint8_t kSyn = 0x02, kAck = 0x10;

edgefw_hook other(edgefw_hook hook) {
    return hook == EDGEFW_RECEIVED ? EDGEFW_SENT : EDGEFW_RECEIVED;
}

// A segment of the session as it is on the wire at that hook: received it comes from the other end.
std::vector<std::uint8_t> segment(const SessionOnCard& on, edgefw_hook hook, std::uint8_t flags) {
    const kernel::TcpEnds& ends = on.session.ends;
    packet::Packet packet;
    packet.side = on.side;
    packet.direction = policy::Direction::kInbound;
    if (packet.hook() != hook) packet.direction = policy::Direction::kOutbound;
    packet.protocol = 6;
    packet.source = ends.remote;
    packet.source_port = ends.remote_port;
    packet.destination = ends.local;
    packet.destination_port = ends.local_port;
    if (hook == EDGEFW_SENT) {
        std::swap(packet.source, packet.destination);
        std::swap(packet.source_port, packet.destination_port);
    }
    packet.tcp_flags = flags;
    return packet::frame(packet);
}

struct Step {
    edgefw_hook hook;
    std::uint8_t flags;
};

// The first of these segments that does not pass as it is; nothing: all do.
Result<std::optional<std::string>> first_refused(const SessionOnCard& on, const std::vector<Step>& steps,
                                                 const SessionJudge& judge) {
    if (auto forgotten = judge.forget(); !forgotten) return forgotten.error();
    const kernel::TcpEnds& ends = on.session.ends;
    for (const Step& step : steps) {
        const auto judgement = judge.judge(on.side, step.hook, segment(on, step.hook, step.flags));
        if (!judgement) return judgement.error();
        if (judgement->verdict == policy::Action::kDrop) return std::optional(outcome_text(*judgement));
        // It would be somebody else's: a NAT entry has taken the address, or the port.
        if (!judgement->nat.empty() && (judgement->local != ends.local || judgement->local_port != ends.local_port))
            return std::optional("nat " + judgement->nat + " would translate it");
    }
    return std::optional<std::string>();
}

Result<std::optional<std::string>> opened_from(const SessionOnCard& on, edgefw_hook opener, const SessionJudge& judge) {
    return first_refused(on, {{opener, kSyn}, {other(opener), kSyn | kAck}, {opener, kAck}}, judge);
}

}  // namespace

Result<std::optional<std::string>> ends_session(const SessionOnCard& on, const SessionJudge& judge) {
    if (!on.opener && !on.adopts) return first_refused(on, {{EDGEFW_RECEIVED, kAck}, {EDGEFW_SENT, kAck}}, judge);
    const edgefw_hook opener = on.opener.value_or(EDGEFW_RECEIVED);
    auto refused = opened_from(on, opener, judge);
    // What was seen first in mid-stream may have come from either end.
    const bool either = on.adopts || (!on.opener && !on.session.accepted);
    if (!refused || !*refused || !either) return refused;
    const auto turned = opened_from(on, other(opener), judge);
    if (!turned) return turned;
    return *turned ? refused : turned;
}

}  // namespace edgefw::engine
