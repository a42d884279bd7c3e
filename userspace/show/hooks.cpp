// SPDX-License-Identifier: GPL-2.0-only
#include "userspace/show/hooks.h"

#include "userspace/policy/policy.h"

namespace edgefw::show {
namespace {

// What is lost, and what that means.
std::string loss_text(const kernel::HookedCard& card) {
    if (card.holds[EDGEFW_RECEIVED]) return "its sending hook is lost, and what it sends passes unjudged";
    if (card.holds[EDGEFW_SENT]) return "its receiving hook is lost, and what it receives passes unjudged";
    return "both its hooks are lost, and everything passes unjudged";
}

std::string unfinished_line(const kernel::HookedCard& card) {
    return card.interface + " is half attached: an attach or a detach was killed, and its " +
           (card.holds[EDGEFW_SENT] ? "sending" : "receiving") + " hook alone is in force; `edgefw detach " +
           card.interface + "` takes it off";
}

std::vector<std::string> forerunner_lines(const std::string& interface, kernel::Egress egress,
                                          const std::vector<kernel::Forerunner>& forerunners) {
    std::vector<std::string> lines;
    for (const kernel::Forerunner& program : forerunners) {
        const std::string what = program.id == 0 ? "a filter" : "program " + std::to_string(program.id);
        const bool is_tcx = program.hook.starts_with("tcx") && egress == kernel::Egress::kTcx;
        const std::string mend = is_tcx ? "`edgefw attach --first " + interface + "` puts edgefw first"
                                        : "remove it, or give it a place behind edgefw's";
        lines.push_back(interface + ": " + what + (program.name.empty() ? "" : " (" + program.name + ")") +
                        " runs before edgefw at " + program.hook + ", and what it lets pass edgefw never sees; " +
                        mend);
    }
    return lines;
}

}  // namespace

const char* to_text(edgefw_hook hook) {
    return hook == EDGEFW_RECEIVED ? "received" : "sent";
}

std::string loss_line(const kernel::HookedCard& card) {
    if (card.is_filtering()) return "";
    if (card.is_unfinished) return unfinished_line(card);
    if (card.is_pinned) {
        return card.interface + ": " + loss_text(card) + "; `edgefw attach --again " + card.interface +
               "` puts back what is lost";
    }
    const std::string side = card.side == policy::Side::kInternal ? " --side internal" : "";
    return card.interface + ": " + loss_text(card) + ", and what was pinned of it is gone, too; `edgefw attach " +
           card.interface + side + " --policy FILE` attaches it anew, `edgefw detach " + card.interface +
           "` forgets it";
}

std::vector<std::string> loss_lines(const std::vector<kernel::HookedCard>& cards) {
    std::vector<std::string> lines;
    for (const kernel::HookedCard& card : cards) {
        const std::string line = loss_line(card);
        if (!line.empty()) lines.push_back((card.is_unfinished ? "HALF ATTACHED: " : "NOT FILTERING: ") + line);
    }
    return lines;
}

std::vector<std::string> forerunner_lines(const kernel::Card& card) {
    return forerunner_lines(card.interface, card.egress, card.forerunners);
}

std::vector<std::string> forerunner_lines(const kernel::HookedCard& card) {
    return forerunner_lines(card.interface, card.egress, card.forerunners);
}

}  // namespace edgefw::show
