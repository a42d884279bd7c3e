// SPDX-License-Identifier: GPL-2.0-only
#include "userspace/cli/push.h"

#include <map>

#include "userspace/base/duration.h"
#include "userspace/cli/build.h"
#include "userspace/cli/record.h"
#include "userspace/cli/refresh.h"
#include "userspace/cli/sessions.h"
#include "userspace/cli/wait.h"
#include "userspace/cli/warnings.h"
#include "userspace/document/delta.h"
#include "userspace/image/image.h"
#include "userspace/kernel/door.h"
#include "userspace/show/status.h"

namespace edgefw::cli {
namespace {

using nlohmann::ordered_json;

std::optional<std::string> named(const std::string& interface) {
    if (interface.empty()) return std::nullopt;
    return interface;
}

// Cards under one generation, and what the push would change of it.
struct Comparison {
    std::uint32_t generation = 0;  // 0: no policy
    std::vector<std::string> interfaces = {};
    std::string changes = {};
};

// The cards that a push is for, by the policy that they are under; one without cards where nothing is attached.
Result<std::vector<Comparison>> cards_by_generation(const std::optional<std::string>& interface) {
    const Result<std::uint32_t> newest = kernel::generation_in_force();
    if (!newest) return newest.error();
    if (*newest == 0 && !interface) return std::vector{Comparison{}};
    const Result<kernel::Status> status = kernel::status(false);
    if (!status) return status.error();
    std::map<std::uint32_t, Comparison> groups;
    for (const kernel::CardStatus& entry : status->cards) {
        if (interface && *interface != entry.card.interface) continue;
        Comparison& group = groups[entry.card.generation];
        group.generation = entry.card.generation;
        group.interfaces.push_back(entry.card.interface);
    }
    std::vector<Comparison> all;
    for (auto& [generation, group] : groups)
        all.push_back(std::move(group));
    if (all.empty()) all.emplace_back();
    return all;
}

Result<Ok> compare(Comparison& group, const std::optional<std::string>& interface, const std::string& document) {
    std::optional<std::string> card = interface;
    if (!card && !group.interfaces.empty()) card = group.interfaces.front();
    Result<std::string> in_force = std::string();
    if (card) in_force = kernel::document_in_force(card);
    if (!in_force) return in_force.error();
    group.changes = document::delta_text(*in_force, document);
    return Ok{};
}

std::string heading(const Comparison& group) {
    std::string cards;
    for (const std::string& interface : group.interfaces)
        cards += (cards.empty() ? "" : ", ") + interface;
    return cards +
           (group.generation == 0 ? ", under no policy" : ", under generation " + std::to_string(group.generation));
}

// Headed where cards are under different policies: then no text is true of all.
std::string text_of(const std::vector<Comparison>& groups) {
    if (groups.size() == 1) return groups.front().changes;
    std::string text;
    for (const Comparison& group : groups)
        text += (text.empty() ? "" : "\n") + heading(group) + ":\n" + group.changes;
    return text;
}

Result<Ok> take_over(const kernel::Compiled& policy, Context& context) {
    const Result<std::vector<std::string>> taken = kernel::upgrade(policy);
    if (!taken) return taken.error();
    for (const std::string& interface : *taken)
        context.log.warn(
            "warning: {} was attached by another version of edgefw: its counters begin at 0, its connections "
            "are judged anew",
            interface);
    return Ok{};
}

ordered_json waiting_json(const kernel::Waiting& push) {
    return {{"seconds_left", push.seconds_left}, {"fallback", push.fallback}};
}

Result<Ok> spares(const engine::Built& built, const PushTarget& target) {
    // A lock-out that heals by itself is no lock-out.
    if (target.may_end_sessions || target.terms.confirm_within != 0) return Ok{};
    return spares_sessions(built.compiled, built.policy.adopt, target.interface, kernel::SessionLook::kSshd);
}

void print(const kernel::PushReport& report, Context& context) {
    if (context.options.json) {
        ordered_json interfaces = ordered_json::array();
        for (const kernel::Card& card : report.cards)
            interfaces.push_back(show::card_json(card));
        ordered_json json = {{"generation", report.generation}, {"interfaces", interfaces}};
        if (report.waiting) json["waits"] = waiting_json(*report.waiting);
        context.out.write(json.dump(2) + "\n");
        return;
    }
    std::string cards;
    for (const kernel::Card& card : report.cards) {
        cards += (cards.empty() ? "" : ", ") + show::card_text(card);
    }
    context.out.write("generation " + std::to_string(report.generation) + " is in force on " + cards + "\n");
    if (!report.waiting) return;
    context.out.write("it falls back in " + std::to_string(report.waiting->seconds_left) +
                      " s to the policy before it, unless it is confirmed: edgefw confirm\n");
}

// The result is the word when the push waits no more; what is printed before is how it stands meanwhile.
Result<Ok> wait(const kernel::Waiting& waiting, Context& context) {
    context.out.flush();
    const Result<Ok> kept = wait_for_confirmation(waiting);
    if (!kept) return kept;
    if (!context.options.json)
        context.out.write("generation " + std::to_string(waiting.generation) + " is confirmed\n");
    return Ok{};
}

}  // namespace

Result<Ok> dry_run(const engine::Built& built, const PushTarget& target, Context& context) {
    const std::optional<std::string> interface = named(target.interface);
    if (const auto spared = spares(built, target); !spared)
        context.log.warn("warning: a push would be refused: {}", spared.error().message);
    Result<std::vector<Comparison>> groups = cards_by_generation(interface);
    if (!groups) return groups.error();
    ordered_json compared = ordered_json::array();
    for (Comparison& group : *groups) {
        if (auto done = compare(group, interface, built.compiled.document); !done) return done.error();
        compared.push_back(
            {{"generation", group.generation}, {"interfaces", group.interfaces}, {"changes", group.changes}});
    }
    const std::string text = text_of(*groups);
    if (context.options.json) {
        const ordered_json json{{"digest", built.policy.digest}, {"changes", text}, {"compared", compared}};
        context.out.write(json.dump(2) + "\n");
    } else {
        context.out.write(text);
    }
    return Ok{};
}

Result<Ok> push(const engine::Built& built, const PushTarget& target, Context& context) {
    if (auto spared = spares(built, target); !spared) return spared;
    Recorder recorder(context);
    recorder.begin();
    const Result<kernel::PushReport> report = kernel::push(built.compiled, named(target.interface), target.terms);
    if (!report) return report.error();
    InForce in_force{report->generation, {}, !target.interface.empty(), target.from};
    for (const kernel::Card& card : report->cards)
        in_force.cards.push_back(card.interface);
    recorder.end(built.policy, built.compiled.sources, in_force);
    if (!report->warning.empty()) context.log.warn("warning: {}", report->warning);
    for (const kernel::Card& card : report->cards)
        warn_of(card, context);
    warn_of(report->hooked, context);
    print(*report, context);
    return report->waiting ? wait(*report->waiting, context) : Ok{};
}

// The longest that a push may wait: who goes home meanwhile finds the policy before in force.
constexpr std::uint32_t kLongestWait = 86400;

Result<kernel::Terms> terms_of(const PushTerms& asked) {
    kernel::Terms terms;
    terms.replaces = asked.replace;
    if (asked.confirm.empty()) return terms;
    const auto seconds = read_duration(asked.confirm, kLongestWait);
    if (!seconds || *seconds == 0)
        return Error{ErrorKind::kUsage,
                     "--confirm " + asked.confirm + ": give a time from 1s to 24h to confirm it in, as in 60s, 5m"};
    terms.confirm_within = *seconds;
    return terms;
}

Result<Ok> run(const PushOptions& options, Context& context) {
    const Result<kernel::Terms> terms = terms_of(options.terms);
    if (!terms) return terms.error();
    if (options.upgrade && terms->confirm_within != 0)
        return Error{
            ErrorKind::kUsage,
            "--confirm and --upgrade exclude each other: there is nothing to fall back to on a card of another "
            "version; first push --upgrade the policy that is in force"};
    // What is in force does for now: nobody waits for the DNS to block an attacker. What is to be confirmed is whole.
    const bool waits = terms->confirm_within != 0;
    const Result<engine::Built> built =
        build_and_test({options.policy}, context, waits ? Wanted::kAnswers : Wanted::kInForce);
    if (!built) return built.error();
    PushTarget target{.interface = options.interface, .may_end_sessions = options.force};
    if (options.dry_run) return dry_run(*built, target, context);
    if (options.upgrade) {
        if (auto spared = spares(*built, target); !spared) return spared;
        target.may_end_sessions = true;  // asked before, and the policy is in force from here on
        const Result<Ok> taken_over = take_over(built->compiled, context);
        if (!taken_over) return taken_over;
    }
    target.terms = *terms;
    if (auto done = push(*built, target, context); !done) return done;
    if (built->policy.hosts.empty() || waits) return Ok{};
    context.out.flush();
    const Result<bool> needs_push = ask_behind(context);
    if (!needs_push) return needs_push.error();
    if (!*needs_push || options.policy == "-") return Ok{};
    const Result<engine::Built> answered = build_and_test({options.policy}, context);
    if (!answered) return answered.error();
    return push(*answered, target, context);
}

}  // namespace edgefw::cli
