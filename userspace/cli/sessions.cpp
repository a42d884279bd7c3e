// SPDX-License-Identifier: GPL-2.0-only
#include "userspace/cli/sessions.h"

#include <algorithm>
#include <optional>
#include <vector>

#include "userspace/engine/sessions.h"
#include "userspace/kernel/door.h"
#include "userspace/kernel/netlink.h"

namespace edgefw::cli {
namespace {

// Entries of the tables that the judge has of its own: a session needs one.
constexpr std::uint32_t kEntries = 1024;

struct Target {
    std::string interface;
    int ifindex = 0;
    policy::Side side = policy::Side::kExternal;
    bool is_new = false;
    bool adopts = false;
};

std::vector<engine::SessionOnCard> sessions_on(const std::vector<Target>& targets, kernel::SessionLook look) {
    std::vector<engine::SessionOnCard> found;
    for (const kernel::Session& session : kernel::sessions(look)) {
        const std::vector<int> cards = kernel::cards_towards(session.ends);
        for (const Target& target : targets) {
            engine::SessionOnCard on{session, target.interface, target.side, {}, target.adopts};
            if (!target.is_new) {
                const auto opener = kernel::opener_of(target.interface, session.ends);
                if (opener) on.opener = *opener;
            }
            const bool leaves_by_it = std::find(cards.begin(), cards.end(), target.ifindex) != cards.end();
            if (leaves_by_it || on.opener) found.push_back(std::move(on));
        }
    }
    return found;
}

Error refusal(const engine::SessionOnCard& on, const std::string& why, std::size_t more, bool is_new,
              kernel::SessionLook look) {
    std::string text = is_new ? "attach --policy would end " : "this policy would end ";
    text += on.session.own ? "your SSH session " : "the SSH session ";
    text += on.session.ends.to_text() + " on " + on.interface + " (" + why + ")";
    if (more != 0) text += " and " + std::to_string(more) + " more";
    if (is_new)
        return failed(text +
                      ": a card that is attached with a policy adopts no connection; attach it without --policy "
                      "and then push, or use --force");
    return failed(text + (look == kernel::SessionLook::kPort
                              ? "; it is pushed, because the file says so"
                              : "; add a rule that passes it, push with --confirm 60s, or use --force"));
}

engine::SessionJudge by(kernel::Judge& judge) {
    return {[&judge](policy::Side side, edgefw_hook hook, const std::vector<std::uint8_t>& frame) {
                return judge.judge(side, hook, frame);
            },
            [&judge] { return judge.forget(); }};
}

// Whether no packet of the session passes today either: a policy that ended it before may be followed by any other.
bool is_dead(const engine::SessionOnCard& on) {
    auto judge = kernel::Judge::in_force(on.interface, kEntries);
    if (!judge) return false;
    const auto ends = engine::ends_session(on, by(*judge));
    return ends && *ends;
}

Result<Ok> check(const kernel::Compiled& policy, const std::vector<Target>& targets, kernel::SessionLook look) {
    if (targets.empty()) return Ok{};
    const std::vector<engine::SessionOnCard> sessions = sessions_on(targets, look);
    if (sessions.empty()) return Ok{};
    Result<kernel::Judge> judge = kernel::Judge::of(policy, kEntries);
    if (!judge) return judge.error();
    const bool is_new = targets.front().is_new;
    const engine::SessionOnCard* first = nullptr;
    std::string why;
    std::vector<kernel::TcpEnds> more;
    for (const engine::SessionOnCard& on : sessions) {
        const auto ends = engine::ends_session(on, by(*judge));
        if (!ends) return ends.error();
        if (!*ends || (!is_new && is_dead(on))) continue;
        if (first == nullptr) {
            first = &on;
            why = **ends;
        } else if (on.session.ends != first->session.ends &&
                   std::find(more.begin(), more.end(), on.session.ends) == more.end()) {
            more.push_back(on.session.ends);
        }
    }
    if (first == nullptr) return Ok{};
    return refusal(*first, why, more.size(), is_new, look);
}

}  // namespace

Result<Ok> spares_sessions(const kernel::Compiled& policy, std::uint32_t adopt, const std::string& interface,
                           kernel::SessionLook look) {
    std::vector<Target> targets;
    const auto status = kernel::status(false);
    if (!status) {
        // Of another version, perhaps, and about to be taken over: their connections are judged anew.
        const auto hooked = kernel::hooked_cards();
        if (!hooked) return Ok{};  // the push says why
        for (const kernel::HookedCard& card : *hooked)
            targets.push_back({card.interface, card.ifindex, card.side, false, adopt != 0});
        return check(policy, targets, look);
    }
    for (const kernel::CardStatus& entry : status->cards) {
        const kernel::Card& card = entry.card;
        if (!interface.empty() && card.interface != interface) continue;
        const bool adopts = adopt != 0 && (card.generation == 0 || card.adopts != 0);
        targets.push_back({card.interface, card.ifindex, card.side, false, adopts});
    }
    return check(policy, targets, look);
}

Result<Ok> spares_sessions_of_newcomer(const kernel::Compiled& policy, const std::string& interface,
                                       policy::Side side) {
    const auto card = kernel::find_interface(interface);
    if (!card) return Ok{};  // the attach says why
    return check(policy, {{interface, card->index, side, true, false}}, kernel::SessionLook::kSshd);
}

}  // namespace edgefw::cli
