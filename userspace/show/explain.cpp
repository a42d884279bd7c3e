// SPDX-License-Identifier: GPL-2.0-only
#include "userspace/show/explain.h"

#include "userspace/engine/policy_tests.h"
#include "userspace/policy/reasons.h"

namespace edgefw::show {
namespace {

using kernel::Judgement;

packet::Packet seen(const packet::Packet& packet, const Judgement& judgement) {
    return packet::with_local_end(packet, judgement.local, judgement.local_port);
}

bool leaves(const Judgement& judgement) {
    return judgement.verdict == policy::Action::kPass && !judgement.frame.empty();
}

}  // namespace

std::string judgement_json(std::string_view text, const packet::Packet& packet, const Judgement& judgement) {
    nlohmann::ordered_json line{
        {"packet", text},
        {"verdict", policy::to_text(judgement.verdict)},
        {"rule", judgement.rule.empty() ? nlohmann::ordered_json() : nlohmann::ordered_json(judgement.rule)},
        {"reason", policy::to_text(judgement.reason)}};
    if (!judgement.nat.empty()) {
        line["nat"] = judgement.nat;
        line["rules_see"] = seen(packet, judgement).to_text();
        if (leaves(judgement)) line["leaves_as"] = packet::with_ends_of(packet, judgement.frame).to_text();
    }
    return line.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
}

std::string judgement_text(std::string_view text, const packet::Packet& packet, const Judgement& judgement) {
    std::string lines = std::string(text) + "\n  " + engine::outcome_text(judgement) + "\n";
    if (judgement.nat.empty()) return lines;
    lines += "  nat " + judgement.nat + ", the rules see " + seen(packet, judgement).to_text() + "\n";
    if (leaves(judgement)) lines += "  leaves as " + packet::with_ends_of(packet, judgement.frame).to_text() + "\n";
    return lines;
}

}  // namespace edgefw::show
