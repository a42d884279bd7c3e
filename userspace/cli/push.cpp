// SPDX-License-Identifier: GPL-2.0-only
#include "userspace/cli/push.h"

#include "userspace/base/duration.h"
#include "userspace/cli/build.h"
#include "userspace/cli/exit_code.h"
#include "userspace/cli/record.h"
#include "userspace/cli/refresh.h"
#include "userspace/cli/sessions.h"
#include "userspace/cli/wait.h"
#include "userspace/cli/warnings.h"
#include "userspace/image/image.h"
#include "userspace/kernel/door.h"
#include "userspace/show/shadow.h"
#include "userspace/show/status.h"

namespace edgefw::cli {
namespace {

using nlohmann::ordered_json;

std::optional<std::string> named(const std::string& interface) {
    if (interface.empty()) return std::nullopt;
    return interface;
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

void warn_of_sessions(const engine::Built& built, const PushTarget& target, Context& context) {
    if (const auto spared = spares(built, target); !spared)
        context.log.warn("warning: a push would be refused: {}", spared.error().message);
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

// The policy in force goes on as another generation.
Result<int> print_shadow(std::uint32_t generation, const PushOptions& options, Context& context) {
    const auto shadows = kernel::shadows(named(options.interface));
    if (!shadows) return shadows.error();
    if (context.options.json) {
        ordered_json json = show::shadows_json(*shadows);
        json["generation"] = generation;
        context.out.write(json.dump(2) + "\n");
        return kDone;
    }
    std::string cards;
    for (const kernel::CardShadow& shadow : *shadows)
        cards += (cards.empty() ? "" : ", ") + shadow.interface;
    if (cards.empty())
        context.out.write("the shadow has ended; what is in force stays\n");
    else
        context.out.write((options.policy == "-" ? "standard input" : options.policy) + " is the shadow of " + cards +
                          " and decides nothing; what is in force stays\n"
                          "what it would decide otherwise: edgefw counters --shadow, edgefw drops --shadow\n");
    return kDone;
}

// A shadow has no NAT of its own: of what another one would translate it says little.
void warn_of_nat(const engine::Built& built, const PushOptions& options, Context& context) {
    const auto in_force = kernel::document_in_force(named(options.interface));
    if (!in_force) return;
    const auto nat_of = [](const std::string& text) {
        const auto json = ordered_json::parse(text, nullptr, false);
        return json.is_object() && json.contains("nat") ? json["nat"].dump() : std::string("[]");
    };
    if (nat_of(*in_force) == nat_of(built.compiled.document)) return;
    context.log.warn(
        "warning: its NAT entries are not those in force, and a shadow asks rules alone: packets are asked about as "
        "the NAT in force translates them; `edgefw push --dry-run {}` compares NAT, too",
        options.policy);
}

Result<int> push_shadow(const PushOptions& options, Context& context) {
    const Result<engine::Built> built = build_and_test({options.policy}, context);
    if (!built) return built.error();
    warn_of_nat(*built, options, context);
    const Result<std::uint32_t> generation = kernel::begin_shadow(built->compiled, named(options.interface));
    if (!generation) return generation.error();
    return print_shadow(*generation, options, context);
}

Result<int> end_shadow(const PushOptions& options, Context& context) {
    const Result<std::uint32_t> generation = kernel::end_shadow(named(options.interface));
    if (!generation) return generation.error();
    return print_shadow(*generation, options, context);
}

Result<int> run(const PushOptions& options, Context& context) {
    if (options.end_shadow) return end_shadow(options, context);
    if (options.shadow) return push_shadow(options, context);
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
    if (options.dry_run.wanted) {
        warn_of_sessions(*built, target, context);
        return dry_run(*built, options.interface, options.dry_run, context);
    }
    if (options.upgrade) {
        if (auto spared = spares(*built, target); !spared) return spared.error();
        target.may_end_sessions = true;  // asked before, and the policy is in force from here on
        const Result<Ok> taken_over = take_over(built->compiled, context);
        if (!taken_over) return taken_over.error();
    }
    target.terms = *terms;
    if (auto done = push(*built, target, context); !done) return done.error();
    if (built->policy.hosts.empty() || waits) return kDone;
    context.out.flush();
    const Result<bool> needs_push = ask_behind(context);
    if (!needs_push) return needs_push.error();
    if (!*needs_push || options.policy == "-") return kDone;
    const Result<engine::Built> answered = build_and_test({options.policy}, context);
    if (!answered) return answered.error();
    if (auto done = push(*answered, target, context); !done) return done.error();
    return kDone;
}

}  // namespace edgefw::cli
