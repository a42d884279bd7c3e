// SPDX-License-Identifier: GPL-2.0-only
#include "userspace/cli/history.h"

#include <algorithm>

#include "userspace/cli/build.h"
#include "userspace/cli/exit_code.h"
#include "userspace/cli/record.h"
#include "userspace/cli/refresh.h"
#include "userspace/kernel/door.h"
#include "userspace/language/read.h"
#include "userspace/show/history.h"

namespace edgefw::cli {
namespace {

struct History {
    history::Folder folder;
    history::Contents contents;
};

Result<History> read_history(Context& context) {
    const auto place = history::place();
    if (!place) return place.error();
    auto folder = history::Folder::look(*place);
    if (!folder) return folder.error();
    history::Contents contents = folder->list();
    for (const std::string& line : contents.skipped)
        context.log.warn("warning: {}", line);
    return History{std::move(*folder), std::move(contents)};
}

// What was put in force by who did not live to write it down is what a rollback goes back from.
void write_down_in_force(Context& context) {
    const std::vector<history::CardInForce> cards = cards_in_force();
    if (std::all_of(cards.begin(), cards.end(), [](const auto& card) { return card.generation == 0; })) return;
    Recorder recorder(context);
    recorder.begin();
}

std::string numbers_text(const std::vector<history::Facts>& entries) {
    std::string text;
    for (const history::Facts& entry : entries)
        text += (text.empty() ? "" : ", ") + std::to_string(entry.number);
    return text.empty() ? "it is empty" : "there are " + text;
}

Result<history::Facts> wanted(const RollbackOptions& options, const std::vector<history::Facts>& entries) {
    std::vector<history::CardInForce> cards = cards_in_force();
    if (options.entry == 0) {
        if (!options.interface.empty())
            std::erase_if(cards, [&](const auto& card) { return card.interface != options.interface; });
        return history::rollback_of(entries, cards, boot_id());
    }
    const auto found = std::find_if(entries.begin(), entries.end(),
                                    [&](const history::Facts& entry) { return entry.number == options.entry; });
    if (found == entries.end())
        return failed("the history has no entry " + std::to_string(options.entry) + ": " + numbers_text(entries));
    return *found;
}

// The policy as it was, and, to be asked for, with new addresses of its hosts.
Result<engine::Built> build_entry(const history::Entry& entry, Context& context, bool asks) {
    engine::World world = world_of(context);
    world.profiles = {{}, entry.sources.profiles};
    if (!asks) {
        world.resolve = [&entry](policy::Policy& policy) -> Result<Ok> {
            engine::give_addresses(policy, entry.hosts);
            return Ok{};
        };
    }
    Result<engine::Built> built =
        engine::build({entry.sources.file, entry.sources.text, entry.sources.set_files}, world);
    if (!built) return built.error();
    if (auto done = run_policy_tests(*built, context); !done) return done.error();
    return built;
}

// Who pushes by the file alone would bring back what was taken back.
void warn_of_file(const history::Entry& entry, Context& context) {
    if (entry.facts.file == "-") return;
    const auto text = policy::read_regular(entry.facts.file);
    if (text && *text != entry.sources.text)
        context.log.warn(
            "warning: {} holds another policy now, and `serve` and the next boot push that: edgefw show --source > "
            "FILE",
            entry.facts.file);
}

// An entry of one card alone is for that card again.
std::string card_of(const RollbackOptions& options, const history::Facts& facts) {
    if (!options.interface.empty() || options.entry == 0) return options.interface;
    return facts.one_card && !facts.cards.empty() ? facts.cards.front() : "";
}

}  // namespace

Result<Ok> run(const HistoryOptions&, Context& context) {
    const Result<History> history = read_history(context);
    if (!history) return history.error();
    const std::vector<history::CardInForce> cards = cards_in_force();
    const std::string boot = boot_id();
    std::vector<show::HistoryRow> rows;
    for (const history::Facts& entry : history->contents.entries) {
        show::HistoryRow row{entry};
        for (const history::CardInForce& card : cards) {
            const history::Facts* in_force = find_in_force(history->contents.entries, card, boot);
            if (in_force != nullptr && in_force->number == entry.number) row.in_force.push_back(card.interface);
        }
        rows.push_back(std::move(row));
    }
    if (context.options.json)
        context.out.write(show::history_json(rows).dump(2) + "\n");
    else if (rows.empty())
        context.out.write("no policy was put in force yet, or nobody wrote it down\n");
    else
        context.out.write(show::history_text(rows, context.out.width()));
    return Ok{};
}

namespace {

// What waits to be confirmed is taken back by the data path's own fallback, which is ready.
Result<Ok> take_back(Context& context) {
    const Result<std::uint32_t> generation = kernel::fall_back();
    if (!generation) return generation.error();
    if (context.options.json)
        context.out.write(nlohmann::ordered_json{{"generation", *generation}}.dump(2) + "\n");
    else
        context.out.write("the push that waited to be confirmed is taken back: generation " +
                          std::to_string(*generation) + " has the policy before it\n");
    return Ok{};
}

}  // namespace

Result<int> run(const RollbackOptions& options, Context& context) {
    const Result<kernel::Terms> terms = terms_of(options.terms);
    if (!terms) return terms.error();
    const Result<kernel::Standing> standing = kernel::standing();
    if (!standing) return standing.error();
    const bool is_plain = options.entry == 0 && options.interface.empty() && !options.dry_run.wanted;
    if (is_plain && standing->waiting && !terms->replaces) {
        if (auto done = take_back(context); !done) return done.error();
        return kDone;
    }
    write_down_in_force(context);
    const Result<History> history = read_history(context);
    if (!history) return history.error();
    const Result<history::Facts> facts = wanted(options, history->contents.entries);
    if (!facts) return facts.error();
    const Result<history::Entry> entry = history->folder.read(facts->number);
    if (!entry) return entry.error();
    const Result<engine::Built> built = build_entry(*entry, context, false);
    if (!built) return built.error();
    const std::string interface = card_of(options, *facts);
    const PushTarget target{
        .interface = interface, .from = facts->number, .terms = *terms, .may_end_sessions = options.force};
    if (options.dry_run.wanted) {
        warn_of_sessions(*built, target, context);
        return dry_run(*built, interface, options.dry_run, context);
    }
    if (auto done = push(*built, target, context); !done) return done.error();
    warn_of_file(*entry, context);
    if (built->policy.hosts.empty() || terms->confirm_within != 0) return kDone;
    context.out.flush();
    const Result<bool> needs_push = ask_behind(context);
    if (!needs_push) return needs_push.error();
    if (!*needs_push) return kDone;
    const Result<engine::Built> answered = build_entry(*entry, context, true);
    if (!answered) return answered.error();
    if (auto done = push(*answered, target, context); !done) return done.error();
    return kDone;
}

}  // namespace edgefw::cli
