// SPDX-License-Identifier: GPL-2.0-only
#include "userspace/daemon/metrics.h"

#include <charconv>
#include <initializer_list>
#include <string_view>
#include <tuple>
#include <utility>

#include "userspace/policy/policy.h"
#include "userspace/policy/reasons.h"
#include "userspace/policy/words.h"
#include "userspace/show/hooks.h"

namespace edgefw::daemon {
namespace {

using kernel::CardCounters;
using Label = std::pair<std::string_view, std::string_view>;
using Labels = std::initializer_list<Label>;

enum class Type { kCounter, kGauge };

// The value of a label, as it stands between the quotes.
void append_escaped(std::string& text, std::string_view value) {
    for (const char c : value) {
        if (c == '\\')
            text += "\\\\";
        else if (c == '"')
            text += "\\\"";
        else if (c == '\n')
            text += "\\n";
        else
            text += c;
    }
}

void append_number(std::string& text, std::uint64_t number) {
    char digits[20];
    const auto end = std::to_chars(digits, digits + sizeof(digits), number).ptr;
    text.append(digits, end);
}

// One metric: its head, then a line for each series.
class Family {
public:
    // `help` is one line without a backslash.
    Family(std::string name, std::string_view help, Type type) : name_(std::move(name)) {
        text_.append("# HELP ").append(name_).append(" ").append(help).append("\n# TYPE ").append(name_);
        text_.append(type == Type::kCounter ? " counter\n" : " gauge\n");
    }

    void add(Labels labels, std::uint64_t value) {
        text_ += name_;
        char before = '{';
        for (const auto& [name, text] : labels) {
            text_.append(1, before).append(name).append("=\"");
            append_escaped(text_, text);
            text_ += '"';
            before = ',';
        }
        text_ += labels.size() == 0 ? " " : "} ";
        append_number(text_, value);
        text_ += '\n';
    }

    const std::string& name() const { return name_; }
    const std::string& text() const { return text_; }

private:
    std::string name_;
    std::string text_;
};

using Value = decltype(edgefw_counter::packets) edgefw_counter::*;

// A text, then one counter of a card's rules or of its NAT entries, a line each.
struct Section {
    enum class Rows { kNone, kRules, kNat };

    std::string text;
    Rows rows = Rows::kNone;
    const CardCounters* card = nullptr;
    Value value = nullptr;
    std::string begin = {};  // of each line, up to the first label that differs
};

// The same word is of the opener here and of each packet there: no query may add the two up.
constexpr const char* kOpenersDirection =
    " `direction` is the rule's: of what opens a connection, whose packets both ways count here.";
constexpr const char* kPacketsDirection = " `direction` is that of each packet, whoever opened its connection.";

class MetricsBody : public Body {
public:
    MetricsBody(Snapshot snapshot, Exported exported);

    std::string read(Place& place) const override;

private:
    void add_text(const Family& family) { sections_.push_back({family.text()}); }
    void add_slots(const std::string& noun, const std::string& labels, Section::Rows rows);
    void add_reasons();
    void add_generations();
    void add_tables();
    void add_closed();
    void add_hooks();
    void add_forerunners();
    void add_hosts();
    void add_pushes();
    void add_process();
    void append_row(const Section& section, std::size_t row, std::string& text) const;
    void append_rule(const Section& section, std::size_t row, std::string& text) const;
    void append_nat(const Section& section, std::size_t row, std::string& text) const;
    std::size_t rows_of(const Section& section) const;
    bool is_left_out(const edgefw_counter& counter) const {
        return exported_ == Exported::kCounted && counter.packets == 0;
    }

    const Snapshot snapshot_;
    const Exported exported_;
    std::vector<Section> sections_;
};

MetricsBody::MetricsBody(Snapshot snapshot, Exported exported) : snapshot_(std::move(snapshot)), exported_(exported) {
    add_slots("rule", kOpenersDirection, Section::Rows::kRules);
    add_slots("nat", "", Section::Rows::kNat);
    add_reasons();
    add_generations();
    add_tables();
    if (!snapshot_.closed.empty()) add_closed();
    if (!snapshot_.hooked.empty()) add_hooks();
    if (!snapshot_.cards.empty()) add_forerunners();
    if (!snapshot_.hosts.empty()) add_hosts();
    if (snapshot_.pushes) add_pushes();
    add_process();
}

std::string MetricsBody::read(Place& place) const {
    std::string text;
    for (; place.section < sections_.size(); ++place.section, place.row = 0) {
        const Section& section = sections_[place.section];
        if (place.row == 0) text += section.text;
        for (const std::size_t rows = rows_of(section); place.row < rows;) {
            append_row(section, place.row++, text);
            if (text.size() >= kPieceBytes) return text;
        }
    }
    return text;
}

std::size_t MetricsBody::rows_of(const Section& section) const {
    if (section.rows == Section::Rows::kNone) return 0;
    const document::Listing& listing = *section.card->listing;
    return section.rows == Section::Rows::kNat ? listing.nat.size() : listing.rules.size() + policy::kBuiltinIds.size();
}

void MetricsBody::append_row(const Section& section, std::size_t row, std::string& text) const {
    section.rows == Section::Rows::kNat ? append_nat(section, row, text) : append_rule(section, row, text);
}

void append_rule_line(const Section& section, policy::Direction direction, std::string_view id,
                      std::string_view profile, policy::Action action, std::uint64_t value, std::string& text) {
    text.append(section.begin).append(policy::to_text(direction)).append("\",rule=\"");
    append_escaped(text, id);
    text += "\",profile=\"";
    append_escaped(text, profile);
    text.append("\",action=\"").append(policy::to_text(action)).append("\"} ");
    append_number(text, value);
    text += '\n';
}

// Those of the card's side, then the built-in ones.
void MetricsBody::append_rule(const Section& section, std::size_t row, std::string& text) const {
    const std::vector<document::RuleEntry>& rules = section.card->listing->rules;
    if (row < rules.size()) {
        const document::RuleEntry& rule = rules[row];
        const edgefw_counter counter = section.card->at(rule.slot);
        if (rule.side != section.card->card.side || is_left_out(counter)) return;
        append_rule_line(section, rule.direction, rule.id, rule.profile, rule.action, counter.*section.value, text);
        return;
    }
    const std::size_t builtin = row - rules.size();
    const bool drops = policy::kBuiltinVerdicts[builtin] == policy::ReasonVerdict::kDROP;
    const auto slot = static_cast<std::uint32_t>(EDGEFW_SLOT_FIRST_BUILTIN + builtin);
    append_rule_line(section, policy::Direction::kBoth, policy::kBuiltinIds[builtin], "",
                     drops ? policy::Action::kDrop : policy::Action::kPass, section.card->at(slot).*section.value,
                     text);
}

void MetricsBody::append_nat(const Section& section, std::size_t row, std::string& text) const {
    const document::NatEntry& entry = section.card->listing->nat[row];
    const edgefw_counter counter = section.card->at(entry.slot);
    if (!entry.is_on(section.card->card.side) || is_left_out(counter)) return;
    append_escaped(text.append(section.begin), entry.id);
    text += "\"} ";
    append_number(text, counter.*section.value);
    text += '\n';
}

// The three counters of what has a slot: rules, NAT entries.
void MetricsBody::add_slots(const std::string& noun, const std::string& labels, Section::Rows rows) {
    const std::tuple<const char*, const char*, Value> counters[] = {
        {"packets", "Frames on the wire", &edgefw_counter::packets},
        {"bytes", "Bytes of those frames, without FCS", &edgefw_counter::bytes},
        {"connections", "Connections opened", &edgefw_counter::connections},
    };
    for (const auto& [what, help, value] : counters) {
        const Family family("edgefw_" + noun + "_" + what + "_total", std::string(help) + ", by " + noun + "." + labels,
                            Type::kCounter);
        add_text(family);
        for (const CardCounters& card : snapshot_.cards) {
            Section section{"", rows, &card, value};
            section.begin = family.name() + "{interface=\"";
            append_escaped(section.begin, card.card.interface);
            if (rows == Section::Rows::kNat)
                section.begin += "\",nat=\"";
            else
                section.begin += std::string("\",side=\"") + policy::to_text(card.card.side) + "\",direction=\"";
            sections_.push_back(std::move(section));
        }
    }
}

// The series of one card, hook and verdict. A combination the data path does not make is left out, unless it was seen.
void add_reasons_of(const CardCounters& card, edgefw_hook hook, int verdict, Family& packets, Family& bytes) {
    for (std::size_t reason = 0; reason < policy::kReasons.size(); ++reason) {
        const edgefw_reason_counter& counter = card.reasons[hook][verdict][reason];
        if (counter.packets == 0 && !policy::kReasons[reason].goes_with(verdict)) continue;
        const auto add = [&](Family& family, std::uint64_t value) {
            family.add({{"interface", card.card.interface},
                        {"side", policy::to_text(card.card.side)},
                        {"direction", policy::to_text(policy::direction_of(card.card.side, hook))},
                        {"reason", policy::kReasons[reason].name},
                        {"verdict", verdict == EDGEFW_PASS ? "pass" : "drop"}},
                       value);
        };
        add(packets, counter.packets);
        add(bytes, counter.bytes);
    }
}

void MetricsBody::add_reasons() {
    Family packets(
        "edgefw_reason_packets_total",
        std::string("Frames by the reason they ended with; their sum is the frames seen.") + kPacketsDirection,
        Type::kCounter);
    Family bytes("edgefw_reason_bytes_total", std::string("Bytes of those frames, without FCS.") + kPacketsDirection,
                 Type::kCounter);
    for (const CardCounters& card : snapshot_.cards) {
        for (const edgefw_hook hook : {EDGEFW_RECEIVED, EDGEFW_SENT}) {
            for (const int verdict : {EDGEFW_PASS, EDGEFW_DROP})
                add_reasons_of(card, hook, verdict, packets, bytes);
        }
    }
    add_text(packets);
    add_text(bytes);
}

void MetricsBody::add_generations() {
    Family generation("edgefw_generation", "Policy generation in force on the card; 0: none was pushed.", Type::kGauge);
    for (const CardCounters& card : snapshot_.cards)
        generation.add({{"interface", card.card.interface}}, card.card.generation);
    add_text(generation);
    const auto& waiting = snapshot_.standing.waiting;
    Family waits("edgefw_push_waits_seconds",
                 "Until the policy in force falls back to the one before, unless it is confirmed; 0: it stays.",
                 Type::kGauge);
    waits.add({}, waiting ? waiting->seconds_left : 0);
    add_text(waits);
    Family fell_back("edgefw_push_fell_back",
                     "1: the last push was not confirmed, and the policy before it is in force.", Type::kGauge);
    fell_back.add({}, snapshot_.standing.fell_back ? 1 : 0);
    add_text(fell_back);
    Family asked("edgefw_shadow_asked_total", "Packets and connections that the card's shadow was asked about.",
                 Type::kCounter);
    Family different("edgefw_shadow_different_total", "Those that it would decide otherwise than the policy in force.",
                     Type::kCounter);
    for (const kernel::CardStatus& card : snapshot_.status) {
        if (!card.shadow) continue;
        asked.add({{"interface", card.card.interface}}, card.shadow->asked);
        different.add({{"interface", card.card.interface}}, card.shadow->different);
    }
    add_text(asked);
    add_text(different);
}

void MetricsBody::add_tables() {
    Family entries("edgefw_map_entries", "Entries in a table.", Type::kGauge);
    Family capacity("edgefw_map_capacity", "Entries a table can hold.", Type::kGauge);
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
    std::vector<Family> turnover;
    for (const auto& [name, help, member] : turnovers)
        turnover.emplace_back(std::string("edgefw_map_") + name + "_total", help, Type::kCounter);
    for (const kernel::CardStatus& card : snapshot_.status) {
        for (const kernel::Occupancy& map : card.maps) {
            entries.add({{"interface", card.card.interface}, {"map", map.map}}, map.entries);
            capacity.add({{"interface", card.card.interface}, {"map", map.map}}, map.capacity);
            if (!map.turnover) continue;
            for (std::size_t i = 0; i < turnover.size(); ++i) {
                turnover[i].add({{"interface", card.card.interface}, {"map", map.map}},
                                (*map.turnover).*std::get<2>(turnovers[i]));
            }
        }
    }
    add_text(entries);
    add_text(capacity);
    for (const Family& family : turnover)
        add_text(family);
}

void MetricsBody::add_closed() {
    Family is_closed("edgefw_interface_closed",
                     "1: the card passes nearly nothing until its policy is in force (docs/operations.md).",
                     Type::kGauge);
    Family packets("edgefw_closed_packets_total", "Frames that a closed card saw.", Type::kCounter);
    for (const kernel::ClosedCard& card : snapshot_.closed) {
        is_closed.add({{"interface", card.interface}}, 1);
        for (const edgefw_hook hook : {EDGEFW_RECEIVED, EDGEFW_SENT}) {
            const char* name = show::to_text(hook);
            const auto& counts = card.counts[hook];
            if (!counts) continue;
            packets.add({{"interface", card.interface}, {"hook", name}, {"verdict", "pass"}}, counts->passed);
            packets.add({{"interface", card.interface}, {"hook", name}, {"verdict", "drop"}}, counts->dropped);
        }
    }
    add_text(is_closed);
    add_text(packets);
}

void MetricsBody::add_hooks() {
    Family family("edgefw_hook_attached",
                  "Whether a hook of a card that should be attached holds; 0: what passes there is not judged.",
                  Type::kGauge);
    for (const kernel::HookedCard& card : snapshot_.hooked) {
        for (const edgefw_hook hook : {EDGEFW_RECEIVED, EDGEFW_SENT})
            family.add({{"interface", card.interface}, {"hook", show::to_text(hook)}}, card.holds[hook] ? 1 : 0);
    }
    add_text(family);
}

void MetricsBody::add_forerunners() {
    Family family("edgefw_forerunners",
                  "Programs of others that run before edgefw on the card's hooks: what they let pass is not seen.",
                  Type::kGauge);
    for (const CardCounters& card : snapshot_.cards)
        family.add({{"interface", card.card.interface}}, card.card.forerunners.size());
    add_text(family);
}

void MetricsBody::add_hosts() {
    Family addresses("edgefw_host_addresses", "Addresses of a host that rules name; with 0 they match nothing.",
                     Type::kGauge);
    Family resolved("edgefw_host_resolved_timestamp_seconds",
                    "When the host's addresses were found, seconds since 1970; 0: never.", Type::kGauge);
    Family answered("edgefw_host_last_question_answered",
                    "Whether the last question for the host had an answer; else it keeps what it had.", Type::kGauge);
    Family changes("edgefw_host_changes_total", "Times the host's addresses changed.", Type::kCounter);
    Family failures("edgefw_host_failures_total", "Questions for the host without an answer.", Type::kCounter);
    for (const HostState& host : snapshot_.hosts) {
        addresses.add({{"host", host.name}}, host.addresses);
        resolved.add({{"host", host.name}}, static_cast<std::uint64_t>(host.resolved));
        answered.add({{"host", host.name}}, host.answered ? 1 : 0);
        changes.add({{"host", host.name}}, host.changes);
        failures.add({{"host", host.name}}, host.failures);
    }
    for (const Family* family : {&addresses, &resolved, &answered, &changes, &failures})
        add_text(*family);
}

void MetricsBody::add_pushes() {
    const PushResults& pushes = *snapshot_.pushes;
    Family total("edgefw_push_total", "Pushes of the watched policy file, by result.", Type::kCounter);
    total.add({{"result", "ok"}}, pushes.ok);
    total.add({{"result", "rejected"}}, pushes.rejected);
    total.add({{"result", "failed"}}, pushes.failed);
    Family success("edgefw_policy_last_push_success", "Whether the last push of the watched file succeeded.",
                   Type::kGauge);
    success.add({}, pushes.last_succeeded ? 1 : 0);
    Family errors("edgefw_policy_errors", "Errors in the watched policy file as it is now.", Type::kGauge);
    errors.add({}, pushes.policy_errors);
    for (const Family* family : {&total, &success, &errors})
        add_text(*family);
}

void MetricsBody::add_process() {
    Family build("edgefw_build_info", "Version of edgefw and of its map layout.", Type::kGauge);
    build.add({{"version", snapshot_.version}, {"abi", std::to_string(EDGEFW_ABI_VERSION)}}, 1);
    Family complete("edgefw_scrape_success", "Whether the kernel could be read for this scrape.", Type::kGauge);
    complete.add({}, snapshot_.complete ? 1 : 0);
    add_text(build);
    add_text(complete);
}

}  // namespace

std::shared_ptr<const Body> render(Snapshot snapshot, Exported exported) {
    return std::make_shared<const MetricsBody>(std::move(snapshot), exported);
}

}  // namespace edgefw::daemon
