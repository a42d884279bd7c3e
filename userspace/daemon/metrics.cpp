// SPDX-License-Identifier: GPL-2.0-only
#include "userspace/daemon/metrics.h"

#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

#include "userspace/policy/policy.h"
#include "userspace/policy/reasons.h"
#include "userspace/show/hooks.h"

namespace edgefw::daemon {
namespace {

using kernel::CardCounters;
using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;
using Labels = std::vector<ClientMetric::Label>;
using Families = std::vector<MetricFamily>;
using Catalogues = std::map<std::string, Catalogue>;

Catalogue catalogue_of(const CardCounters& card) {
    const std::string side = policy::to_text(card.card.side);
    Catalogue catalogue{card.listing, {}, {}};
    const auto add_rule = [&](const document::RuleEntry& rule) {
        catalogue.rules.push_back({rule.slot,
                                   {{"interface", card.card.interface},
                                    {"side", side},
                                    {"direction", policy::to_text(rule.direction)},
                                    {"rule", rule.id},
                                    {"profile", rule.profile},
                                    {"action", policy::to_text(rule.action)}}});
    };
    for (const document::RuleEntry& rule : card.listing->rules) {
        if (rule.side == card.card.side) add_rule(rule);
    }
    std::uint32_t slot = EDGEFW_SLOT_FIRST_BUILTIN;
    for (std::size_t i = 0; i < policy::kBuiltinIds.size(); ++i) {
        const bool drops = policy::kBuiltinVerdicts[i] == policy::ReasonVerdict::kDROP;
        add_rule({policy::kBuiltinIds[i], "", card.card.side, policy::Direction::kBoth,
                  drops ? policy::Action::kDrop : policy::Action::kPass, slot++});
    }
    for (const document::NatEntry& entry : card.listing->nat) {
        if (!entry.is_on(card.card.side)) continue;
        catalogue.nat.push_back({entry.slot, {{"interface", card.card.interface}, {"nat", entry.id}}});
    }
    return catalogue;
}

// Brings the catalogues up to date; a card that is gone takes its own along.
void refresh(Catalogues& catalogues, const std::vector<CardCounters>& cards) {
    Catalogues fresh;
    for (const CardCounters& card : cards) {
        const auto known = catalogues.find(card.card.interface);
        if (known != catalogues.end() && known->second.listing == card.listing) {
            fresh.insert(catalogues.extract(known));
            continue;
        }
        fresh.emplace(card.card.interface, catalogue_of(card));
    }
    catalogues = std::move(fresh);
}

void add(MetricFamily& family, const Labels& labels, double value) {
    ClientMetric metric;
    metric.label = labels;
    (family.type == MetricType::Counter ? metric.counter.value : metric.gauge.value) = value;
    family.metric.push_back(std::move(metric));
}

// The same word is of the opener here and of each packet there: no query may add the two up.
constexpr const char* kOpenersDirection =
    " `direction` is the rule's: of what opens a connection, whose packets both ways count here.";
constexpr const char* kPacketsDirection = " `direction` is that of each packet, whoever opened its connection.";

// The three counters of what has a slot: rules, NAT entries.
void add_slots(Families& families, const std::string& noun, const std::string& labels,
               const std::vector<CardCounters>& cards,
               const std::vector<const std::vector<Catalogue::Series>*>& series) {
    const auto family = [&](const std::string& what, const std::string& help) {
        return MetricFamily{
            "edgefw_" + noun + "_" + what + "_total", help + ", by " + noun + "." + labels, MetricType::Counter, {}};
    };
    MetricFamily packets = family("packets", "Frames on the wire");
    MetricFamily bytes = family("bytes", "Bytes of those frames, without FCS");
    MetricFamily connections = family("connections", "Connections opened");
    for (std::size_t i = 0; i < cards.size(); ++i) {
        for (const Catalogue::Series& one : *series[i]) {
            const edgefw_counter counter = cards[i].at(one.slot);
            add(packets, one.labels, static_cast<double>(counter.packets));
            add(bytes, one.labels, static_cast<double>(counter.bytes));
            add(connections, one.labels, static_cast<double>(counter.connections));
        }
    }
    families.push_back(std::move(packets));
    families.push_back(std::move(bytes));
    families.push_back(std::move(connections));
}

void add_rules_and_nat(Families& families, const std::vector<CardCounters>& cards, const Catalogues& catalogues) {
    std::vector<const std::vector<Catalogue::Series>*> rules;
    std::vector<const std::vector<Catalogue::Series>*> nat;
    for (const CardCounters& card : cards) {
        const Catalogue& catalogue = catalogues.at(card.card.interface);
        rules.push_back(&catalogue.rules);
        nat.push_back(&catalogue.nat);
    }
    add_slots(families, "rule", kOpenersDirection, cards, rules);
    add_slots(families, "nat", "", cards, nat);
}

// The series of one card, hook and verdict. A combination the data path does not make is left out, unless it was seen.
void add_reasons_of(const CardCounters& card, edgefw_hook hook, int verdict,
                    std::pair<MetricFamily&, MetricFamily&> packets_and_bytes) {
    for (std::size_t reason = 0; reason < policy::kReasons.size(); ++reason) {
        const edgefw_reason_counter& counter = card.reasons[hook][verdict][reason];
        if (counter.packets == 0 && !policy::kReasons[reason].goes_with(verdict)) continue;
        const Labels labels{{"interface", card.card.interface},
                            {"side", policy::to_text(card.card.side)},
                            {"direction", policy::to_text(policy::direction_of(card.card.side, hook))},
                            {"reason", policy::kReasons[reason].name},
                            {"verdict", verdict == EDGEFW_PASS ? "pass" : "drop"}};
        add(packets_and_bytes.first, labels, static_cast<double>(counter.packets));
        add(packets_and_bytes.second, labels, static_cast<double>(counter.bytes));
    }
}

void add_reasons(Families& families, const std::vector<CardCounters>& cards) {
    MetricFamily packets{
        "edgefw_reason_packets_total",
        std::string("Frames by the reason they ended with; their sum is the frames seen.") + kPacketsDirection,
        MetricType::Counter,
        {}};
    MetricFamily bytes{"edgefw_reason_bytes_total",
                       std::string("Bytes of those frames, without FCS.") + kPacketsDirection,
                       MetricType::Counter,
                       {}};
    for (const CardCounters& card : cards) {
        for (const edgefw_hook hook : {EDGEFW_RECEIVED, EDGEFW_SENT}) {
            for (const int verdict : {EDGEFW_PASS, EDGEFW_DROP}) {
                add_reasons_of(card, hook, verdict, {packets, bytes});
            }
        }
    }
    families.push_back(std::move(packets));
    families.push_back(std::move(bytes));
}

void add_status(Families& families, const Snapshot& snapshot) {
    MetricFamily generation{
        "edgefw_generation", "Policy generation in force on the card; 0: none was pushed.", MetricType::Gauge, {}};
    MetricFamily entries{"edgefw_map_entries", "Entries in a table.", MetricType::Gauge, {}};
    MetricFamily capacity{"edgefw_map_capacity", "Entries a table can hold.", MetricType::Gauge, {}};
    const std::tuple<const char*, const char*, std::uint64_t kernel::Turnover::*> turnovers[] = {
        {"inserted", "Connections that were entered in a table.", &kernel::Turnover::inserted},
        {"removed", "Connections that ended, moved to another table, or gave way to a later one between the same ends.",
         &kernel::Turnover::removed},
        {"recycled",
         "Connections whose place another one took, or that did not fit after a push. Expired ones count as well: a "
         "table forgets them only when it needs their place.",
         &kernel::Turnover::recycled},
        {"refused",
         "Connections that the kernel could not store. Of half-open ones the packet was dropped with reason "
         "connection-table; one that could not be confirmed stays half open.",
         &kernel::Turnover::refused},
    };
    Families turnover;
    for (const auto& [name, help, member] : turnovers)
        turnover.push_back({std::string("edgefw_map_") + name + "_total", help, MetricType::Counter, {}});
    for (const CardCounters& card : snapshot.cards) {
        add(generation, {{"interface", card.card.interface}}, card.card.generation);
    }
    for (const kernel::CardStatus& card : snapshot.status) {
        for (const kernel::Occupancy& map : card.maps) {
            const Labels labels{{"interface", card.card.interface}, {"map", map.map}};
            add(entries, labels, static_cast<double>(map.entries));
            add(capacity, labels, static_cast<double>(map.capacity));
            if (!map.turnover) continue;
            for (std::size_t i = 0; i < turnover.size(); ++i)
                add(turnover[i], labels, static_cast<double>((*map.turnover).*std::get<2>(turnovers[i])));
        }
    }
    families.push_back(std::move(generation));
    families.push_back(std::move(entries));
    families.push_back(std::move(capacity));
    for (MetricFamily& family : turnover)
        families.push_back(std::move(family));
}

void add_closed(Families& families, const std::vector<kernel::ClosedCard>& cards) {
    MetricFamily is_closed{"edgefw_interface_closed",
                           "1: the card passes nearly nothing until its policy is in force (docs/operations.md).",
                           MetricType::Gauge,
                           {}};
    MetricFamily packets{"edgefw_closed_packets_total", "Frames that a closed card saw.", MetricType::Counter, {}};
    for (const kernel::ClosedCard& card : cards) {
        add(is_closed, {{"interface", card.interface}}, 1);
        for (const edgefw_hook hook : {EDGEFW_RECEIVED, EDGEFW_SENT}) {
            const char* name = show::to_text(hook);
            const auto& counts = card.counts[hook];
            if (!counts) continue;
            add(packets, {{"interface", card.interface}, {"hook", name}, {"verdict", "pass"}},
                static_cast<double>(counts->passed));
            add(packets, {{"interface", card.interface}, {"hook", name}, {"verdict", "drop"}},
                static_cast<double>(counts->dropped));
        }
    }
    families.push_back(std::move(is_closed));
    families.push_back(std::move(packets));
}

void add_forerunners(Families& families, const std::vector<kernel::CardCounters>& cards) {
    MetricFamily family{
        "edgefw_forerunners",
        "Programs of others that run before edgefw on the card's hooks: what they let pass is not seen.",
        MetricType::Gauge,
        {}};
    for (const kernel::CardCounters& card : cards)
        add(family, {{"interface", card.card.interface}}, static_cast<double>(card.card.forerunners.size()));
    families.push_back(std::move(family));
}

void add_hooks(Families& families, const std::vector<kernel::HookedCard>& cards) {
    MetricFamily family{"edgefw_hook_attached",
                        "Whether a hook of a card that should be attached holds; 0: what passes there is not judged.",
                        MetricType::Gauge,
                        {}};
    for (const kernel::HookedCard& card : cards) {
        for (const edgefw_hook hook : {EDGEFW_RECEIVED, EDGEFW_SENT})
            add(family, {{"interface", card.interface}, {"hook", show::to_text(hook)}}, card.holds[hook] ? 1 : 0);
    }
    families.push_back(std::move(family));
}

void add_pushes(Families& families, const PushResults& pushes) {
    MetricFamily total{"edgefw_push_total", "Pushes of the watched policy file, by result.", MetricType::Counter, {}};
    add(total, {{"result", "ok"}}, static_cast<double>(pushes.ok));
    add(total, {{"result", "rejected"}}, static_cast<double>(pushes.rejected));
    add(total, {{"result", "failed"}}, static_cast<double>(pushes.failed));
    MetricFamily success{"edgefw_policy_last_push_success",
                         "Whether the last push of the watched file succeeded.",
                         MetricType::Gauge,
                         {}};
    add(success, {}, pushes.last_succeeded ? 1 : 0);
    MetricFamily errors{
        "edgefw_policy_errors", "Errors in the watched policy file as it is now.", MetricType::Gauge, {}};
    add(errors, {}, static_cast<double>(pushes.policy_errors));
    families.push_back(std::move(total));
    families.push_back(std::move(success));
    families.push_back(std::move(errors));
}

void add_hosts(Families& families, const std::vector<daemon::HostState>& hosts) {
    MetricFamily addresses{"edgefw_host_addresses",
                           "Addresses of a host that rules name; with 0 they match nothing.",
                           MetricType::Gauge,
                           {}};
    MetricFamily resolved{"edgefw_host_resolved_timestamp_seconds",
                          "When the host's addresses were found, seconds since 1970; 0: never.",
                          MetricType::Gauge,
                          {}};
    MetricFamily answered{"edgefw_host_last_question_answered",
                          "Whether the last question for the host had an answer; else it keeps what it had.",
                          MetricType::Gauge,
                          {}};
    MetricFamily changes{"edgefw_host_changes_total", "Times the host's addresses changed.", MetricType::Counter, {}};
    MetricFamily failures{
        "edgefw_host_failures_total", "Questions for the host without an answer.", MetricType::Counter, {}};
    for (const daemon::HostState& host : hosts) {
        const Labels labels{{"host", host.name}};
        add(addresses, labels, static_cast<double>(host.addresses));
        add(resolved, labels, static_cast<double>(host.resolved));
        add(answered, labels, host.answered ? 1 : 0);
        add(changes, labels, static_cast<double>(host.changes));
        add(failures, labels, static_cast<double>(host.failures));
    }
    for (MetricFamily* family : {&addresses, &resolved, &answered, &changes, &failures})
        families.push_back(std::move(*family));
}

void add_process(Families& families, const Snapshot& snapshot) {
    MetricFamily build{"edgefw_build_info", "Version of edgefw and of its map layout.", MetricType::Gauge, {}};
    add(build, {{"version", snapshot.version}, {"abi", std::to_string(EDGEFW_ABI_VERSION)}}, 1);
    MetricFamily complete{
        "edgefw_scrape_success", "Whether the kernel could be read for this scrape.", MetricType::Gauge, {}};
    add(complete, {}, snapshot.complete ? 1 : 0);
    families.push_back(std::move(build));
    families.push_back(std::move(complete));
}

}  // namespace

Result<std::string> Metrics::render(const Snapshot& snapshot) {
    refresh(catalogues_, snapshot.cards);
    Families families;
    add_rules_and_nat(families, snapshot.cards, catalogues_);
    add_reasons(families, snapshot.cards);
    add_status(families, snapshot);
    if (!snapshot.closed.empty()) add_closed(families, snapshot.closed);
    if (!snapshot.hooked.empty()) add_hooks(families, snapshot.hooked);
    if (!snapshot.cards.empty()) add_forerunners(families, snapshot.cards);
    if (!snapshot.hosts.empty()) add_hosts(families, snapshot.hosts);
    if (snapshot.pushes) add_pushes(families, *snapshot.pushes);
    add_process(families, snapshot);
    return prometheus::TextSerializer().Serialize(families);
}

}  // namespace edgefw::daemon
