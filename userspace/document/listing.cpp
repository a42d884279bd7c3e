// SPDX-License-Identifier: GPL-2.0-only
#include "userspace/document/listing.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <string_view>

#include "userspace/policy/words.h"

namespace edgefw::document {
namespace {

using policy::Side;

// A line for each: "rule SLOT SIDE DIRECTION ACTION ID PROFILE", the profile empty where there is none, and
// "nat SLOT SIDES ID", the sides as their bits. The profile comes last: its name alone may hold a space.
constexpr std::string_view kRule = "rule";
constexpr std::string_view kNat = "nat";

// Takes what stands before the next space off `line`; all of it where there is none.
std::string_view take_word(std::string_view& line) {
    const std::size_t space = std::min(line.find(' '), line.size());
    const std::string_view word = line.substr(0, space);
    line.remove_prefix(std::min(space + 1, line.size()));
    return word;
}

template <typename Number>
std::optional<Number> number_of(std::string_view text) {
    Number number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return number;
}

bool read_rule(std::string_view line, Listing& listing) {
    const auto slot = number_of<std::uint32_t>(take_word(line));
    const auto side = policy::value_of(take_word(line), policy::kSides);
    const auto direction = policy::value_of(take_word(line), policy::kDirections);
    const auto action = policy::value_of(take_word(line), policy::kActions);
    const std::string_view id = take_word(line);
    if (!slot || !side || !direction || !action || id.empty()) return false;
    listing.rules.push_back({std::string(id), std::string(line), *side, *direction, *action, *slot});
    return true;
}

bool read_nat(std::string_view line, Listing& listing) {
    const auto slot = number_of<std::uint32_t>(take_word(line));
    const auto sides = number_of<std::uint8_t>(take_word(line));
    if (!slot || !sides || line.empty()) return false;
    listing.nat.push_back({std::string(line), *sides, *slot});
    return true;
}

}  // namespace

Slots Listing::slots() const {
    Slots slots;
    for (const RuleEntry& rule : rules) {
        if (rule.slot != 0) slots[rule.id] = rule.slot;
    }
    for (const NatEntry& entry : nat) {
        if (entry.slot != 0) slots[entry.id] = entry.slot;
    }
    return slots;
}

void Listing::set_slots(const Slots& slots) {
    const auto slot_of = [&](const std::string& id) {
        const auto found = slots.find(id);
        return found == slots.end() ? 0u : found->second;
    };
    for (RuleEntry& rule : rules)
        rule.slot = slot_of(rule.id);
    for (NatEntry& entry : nat)
        entry.slot = slot_of(entry.id);
}

bool Listing::has_rules_for(Side side) const {
    return std::any_of(rules.begin(), rules.end(), [&](const RuleEntry& rule) { return rule.side == side; });
}

std::string Listing::to_text() const {
    std::string text;
    for (const RuleEntry& rule : rules) {
        text.append(kRule).append(" ").append(std::to_string(rule.slot)).append(" ");
        text.append(policy::to_text(rule.side)).append(" ").append(policy::to_text(rule.direction)).append(" ");
        text.append(policy::to_text(rule.action)).append(" ").append(rule.id).append(" ");
        text.append(rule.profile).append("\n");
    }
    for (const NatEntry& entry : nat) {
        text.append(kNat).append(" ").append(std::to_string(entry.slot)).append(" ");
        text.append(std::to_string(entry.sides)).append(" ").append(entry.id).append("\n");
    }
    return text;
}

Listing list(const policy::Policy& policy) {
    Listing listing;
    listing.rules.reserve(policy.rules.size());
    for (const policy::Rule& rule : policy.rules)
        listing.rules.push_back({rule.id, rule.origin.profile, rule.side, rule.direction, rule.action, 0});
    for (const policy::Forward& forward : policy.forwards)
        listing.nat.push_back({forward.id, forward.sides, 0});
    for (const policy::Masquerade& masquerade : policy.masquerades)
        listing.nat.push_back({masquerade.id, policy::bit_of(masquerade.side), 0});
    return listing;
}

Result<Listing> read_listing(const std::string& text) {
    Listing listing;
    std::string_view rest = text;
    while (!rest.empty()) {
        const std::size_t end = rest.find('\n');
        std::string_view line = rest.substr(0, end);
        const std::string_view kind = take_word(line);
        const bool is_read = end != std::string_view::npos &&
                             ((kind == kRule && read_rule(line, listing)) || (kind == kNat && read_nat(line, listing)));
        if (!is_read)
            return failed("the list of rules kept with the policy in force is not readable: push the policy again");
        rest.remove_prefix(end + 1);
    }
    return listing;
}

}  // namespace edgefw::document
