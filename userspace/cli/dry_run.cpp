// SPDX-License-Identifier: GPL-2.0-only
#include "userspace/cli/dry_run.h"

#include <algorithm>
#include <map>
#include <optional>

#include "userspace/cli/compare.h"
#include "userspace/cli/dropped.h"
#include "userspace/cli/exit_code.h"
#include "userspace/document/delta.h"
#include "userspace/engine/revocation.h"
#include "userspace/kernel/door.h"
#include "userspace/kernel/opened.h"
#include "userspace/packet/notation.h"
#include "userspace/show/connections.h"
#include "userspace/show/difference.h"
#include "userspace/show/foreseen.h"

namespace edgefw::cli {
namespace {

using nlohmann::ordered_json;

// Cards whose policy came from one push, and what the new one would change of it.
struct Comparison {
    std::uint32_t generation = 0;  // of that push; 0: no policy
    std::vector<std::string> interfaces = {};
    std::string changes = {};              // as written
    std::optional<Compared> meaning = {};  // absent: of no policy, or of one that cannot be compiled again
    std::vector<kernel::Connection> revoked = {};
    std::optional<show::Foreseen> foreseen = {};  // absent: of no card, or what was recorded cannot be read

    bool changes_packets() const { return !meaning || !meaning->difference.is_none(); }
};

// The cards that a push is for, by the policy that they are under; one without cards where nothing is attached.
Result<std::vector<Comparison>> cards_by_generation(const std::optional<std::string>& interface) {
    const Result<std::uint32_t> newest = kernel::generation_in_force();
    if (!newest) return newest.error();
    const Result<kernel::Status> status = kernel::status(false);
    if (!status && *newest == 0 && !interface) return std::vector{Comparison{}};
    if (!status) return status.error();
    std::map<std::uint32_t, Comparison> groups;
    for (const kernel::CardStatus& entry : status->cards) {
        if (interface && *interface != entry.card.interface) continue;
        Comparison& group = groups[entry.pushed_as()];
        group.generation = entry.pushed_as();
        group.interfaces.push_back(entry.card.interface);
    }
    std::vector<Comparison> all;
    for (auto& [generation, group] : groups)
        all.push_back(std::move(group));
    if (all.empty()) all.emplace_back();
    return all;
}

// The programs of the new policy, loaded when something is to be judged.
class NewJudge {
public:
    explicit NewJudge(const kernel::Compiled& policy) : policy_(policy) {}

    Result<kernel::Judge*> get() {
        constexpr std::uint32_t kConnections = 64;  // a table holds one packet's connection at most
        if (!judge_) {
            Result<kernel::Judge> made = kernel::Judge::of(policy_, kConnections);
            if (!made) return made.error();
            judge_.emplace(std::move(*made));
        }
        return &*judge_;
    }

private:
    const kernel::Compiled& policy_;
    std::optional<kernel::Judge> judge_;
};

// The connections of the group's cards that the push would end.
Result<Ok> find_revoked(Comparison& group, const engine::Built& built, NewJudge& judge) {
    std::vector<kernel::OpenedConnection> all;
    for (const std::string& interface : group.interfaces) {
        const Result<std::vector<kernel::OpenedConnection>> some = kernel::opened_connections(interface);
        if (!some) return some.error();
        all.insert(all.end(), some->begin(), some->end());
    }
    if (all.empty()) return Ok{};
    const Result<kernel::Judge*> loaded = judge.get();
    if (!loaded) return loaded.error();
    kernel::Judge& programs = **loaded;
    Result<std::vector<kernel::Connection>> revoked =
        engine::revoked_by(built.policy, all, [&programs](const packet::Packet& packet) -> Result<kernel::Judgement> {
            if (auto done = programs.forget(); !done) return done.error();
            return programs.judge(packet.side, packet.hook(), packet::frame(packet));
        });
    if (!revoked) return revoked.error();
    group.revoked = std::move(*revoked);
    // What an earlier push has revoked, and is kept, lets nothing pass already.
    std::erase_if(group.revoked, [](const kernel::Connection& connection) { return connection.revoked; });
    return Ok{};
}

constexpr std::uint64_t kMinutes = 10;  // that the look at recorded drops goes back

// The flows that dropped on the card, each with what the new policy would do.
Result<std::vector<show::DropRow>> dropped_on(const std::string& interface, NewJudge& judge) {
    Result<std::vector<kernel::CardDrops>> cards = kernel::drops(interface, kMinutes * 60'000);
    if (!cards) return cards.error();
    std::vector<show::DropRow> rows;
    for (kernel::CardDrops& card : *cards) {
        for (kernel::Drop& drop : card.drops) {
            if (!drop.is_shadow && drop.verdict == policy::Action::kDrop) rows.push_back(show::row_of(std::move(drop)));
        }
    }
    rows = show::grouped(std::move(rows));
    if (rows.empty()) return rows;
    const Result<kernel::Judge*> loaded = judge.get();
    if (!loaded) return loaded.error();
    for (show::DropRow& row : rows)
        row.now = judge_again(**loaded, row);
    return rows;
}

// The connections that the rules in force have opened on the card, added to `opened`.
Result<Ok> count_opened(const std::string& interface, std::map<std::string, std::uint64_t>& opened) {
    const Result<std::vector<kernel::CardCounters>> cards = kernel::counters(interface);
    if (!cards) return cards.error();
    for (const kernel::CardCounters& card : *cards) {
        for (const document::RuleEntry& rule : card.listing->rules)
            opened[rule.id] += card.at(rule.slot).connections;
    }
    return Ok{};
}

Result<show::Foreseen> foresee(const Comparison& group, NewJudge& judge) {
    std::vector<show::DropRow> dropped;
    std::map<std::string, std::uint64_t> opened;
    for (const std::string& interface : group.interfaces) {
        Result<std::vector<show::DropRow>> rows = dropped_on(interface, judge);
        if (!rows) return rows.error();
        std::move(rows->begin(), rows->end(), std::back_inserter(dropped));
        if (auto done = count_opened(interface, opened); !done) return done.error();
    }
    show::Foreseen foreseen{show::that_would_pass(std::move(dropped))};
    if (group.meaning) foreseen.openers = show::openers_that_drop(group.meaning->difference, opened);
    return foreseen;
}

Result<Ok> compare(Comparison& group, const std::optional<std::string>& interface, const engine::Built& built,
                   NewJudge& judge, Context& context) {
    std::optional<std::string> card = interface;
    if (!card && !group.interfaces.empty()) card = group.interfaces.front();
    Result<std::string> in_force = std::string();
    if (card) in_force = kernel::document_in_force(card);
    if (!in_force) return in_force.error();
    group.changes = document::delta_text(*in_force, built.compiled.document);
    if (auto done = find_revoked(group, built, judge); !done) return done;
    if (group.generation == 0) return Ok{};
    const Result<engine::Built> before = build_in_force(card, built.policy);
    if (!before) {
        context.log.warn("warning: not compared by meaning, only as written: {}", before.error().message);
        return Ok{};
    }
    Result<Compared> compared = cli::compare(*before, built);
    if (!compared) return compared.error();
    group.meaning = std::move(*compared);
    return Ok{};
}

// What was recorded is no more than a help: a dry run that cannot read it says so, and all else.
void foresee(Comparison& group, NewJudge& judge, Context& context) {
    if (group.interfaces.empty()) return;
    Result<show::Foreseen> foreseen = foresee(group, judge);
    if (foreseen)
        group.foreseen = std::move(*foreseen);
    else
        context.log.warn("warning: recorded drops and counters were not looked at: {}", foreseen.error().message);
}

std::string heading(const Comparison& group) {
    std::string cards;
    for (const std::string& interface : group.interfaces)
        cards += (cards.empty() ? "" : ", ") + interface;
    return cards +
           (group.generation == 0 ? ", under no policy" : ", under generation " + std::to_string(group.generation));
}

std::string revoked_text(const Comparison& group, bool list, std::size_t width) {
    const std::size_t count = group.revoked.size();
    std::string text = std::to_string(count) + (count == 1 ? " connection" : " connections") + " would be revoked";
    if (count == 0 || !list) return text + (count == 0 ? "\n" : "; --list names them\n");
    return text + ":\n" + show::connections_text(group.revoked, width);
}

// What the policy means comes first, then what becomes of connections, then what is written otherwise.
std::string text_of(const Comparison& group, bool list, std::size_t width) {
    std::string text;
    if (group.meaning)
        text = show::difference_text(group.meaning->difference, group.meaning->replayed);
    else if (group.generation == 0)
        text = "no policy is in force: every packet passes until the push\n";
    if (!group.interfaces.empty()) text += "\n" + revoked_text(group, list, width);
    if (group.foreseen) text += show::foreseen_text(*group.foreseen, kMinutes);
    if (group.changes != "no change\n") text += "\nas written:\n" + group.changes;
    return text;
}

// Headed where cards are under different policies: then no text is true of all.
std::string text_of(const std::vector<Comparison>& groups, bool list, std::size_t width) {
    if (groups.size() == 1) return text_of(groups.front(), list, width);
    std::string text = "the cards are under " + std::to_string(groups.size()) + " policies\n";
    for (const Comparison& group : groups)
        text += "\n" + heading(group) + ":\n" + text_of(group, list, width);
    return text;
}

// As written; headed likewise.
std::string changes_of(const std::vector<Comparison>& groups) {
    if (groups.size() == 1) return groups.front().changes;
    std::string text;
    for (const Comparison& group : groups)
        text += (text.empty() ? "" : "\n") + heading(group) + ":\n" + group.changes;
    return text;
}

ordered_json json_of(const Comparison& group, bool list) {
    ordered_json json{{"generation", group.generation}, {"interfaces", group.interfaces},  {"changes", group.changes},
                      {"difference", nullptr},          {"revoked", group.revoked.size()}, {"recent", nullptr}};
    if (group.meaning) json["difference"] = show::difference_json(group.meaning->difference, group.meaning->replayed);
    if (group.foreseen) json["recent"] = show::foreseen_json(*group.foreseen, kMinutes);
    if (list) json.update(show::connections_json(group.revoked));
    return json;
}

}  // namespace

Result<int> dry_run(const engine::Built& built, const std::string& card, const DryRunOptions& options,
                    Context& context) {
    const std::optional<std::string> interface = card.empty() ? std::nullopt : std::optional<std::string>(card);
    Result<std::vector<Comparison>> groups = cards_by_generation(interface);
    if (!groups) return groups.error();
    ordered_json compared = ordered_json::array();
    NewJudge judge(built.compiled);
    for (Comparison& group : *groups) {
        if (auto done = compare(group, interface, built, judge, context); !done) return done.error();
        foresee(group, judge, context);
        compared.push_back(json_of(group, options.list));
    }
    if (context.options.json) {
        const ordered_json json{
            {"digest", built.policy.digest}, {"changes", changes_of(*groups)}, {"compared", compared}};
        context.out.write(json.dump(2) + "\n");
    } else {
        context.out.write(text_of(*groups, options.list, context.out.width()));
    }
    const bool changes_packets =
        std::any_of(groups->begin(), groups->end(), [](const Comparison& group) { return group.changes_packets(); });
    return options.exit_code && changes_packets ? kDiffer : kDone;
}

}  // namespace edgefw::cli
