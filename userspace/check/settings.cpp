// SPDX-License-Identifier: GPL-2.0-only
#include "userspace/check/settings.h"

#include <algorithm>
#include <array>
#include <cctype>

#include "userspace/base/duration.h"
#include "userspace/language/addresses.h"
#include "userspace/language/fields.h"
#include "userspace/language/keys.h"
#include "userspace/language/states.h"
#include "userspace/language/suggest.h"
#include "userspace/language/values.h"

namespace edgefw::policy {
namespace {

constexpr auto kSideNames = texts_of(kSides);
constexpr auto kDirectionNames = std::to_array<std::string_view>({"inbound", "outbound"});

#define BUILTIN_KEY(identifier, key, id, verdict, sentence) key,
constexpr auto kBuiltinKeys = std::to_array<std::string_view>({EDGEFW_BUILTINS(BUILTIN_KEY)});
#undef BUILTIN_KEY

// The longest timeout, in seconds. In jiffies of the fastest clock (1000 a second) it fits the 32 bits that the data
// path has for it.
constexpr std::uint32_t kMaxTimeout = 1'000'000;
constexpr std::uint32_t kLongestGrace = 86400;  // seconds

constexpr auto kCapacityKeys = std::to_array<std::string_view>({"confirmed", "datagrams", "half_open"});
constexpr auto kNamesKeys = std::to_array<std::string_view>({"keep"});
constexpr auto kRecordKeys = std::to_array<std::string_view>({"drops", "bytes"});
constexpr auto kFamilyKeys = std::to_array<std::string_view>({"ipv4", "ipv6"});

void check_version(const Node& root, Diagnostics& diagnostics) {
    const Node* version = root.find("version");
    if (version == nullptr) {
        diagnostics.error(root, "a policy needs `version: 1`");
    } else if (!version->is_scalar() || version->text != "1") {
        diagnostics.error(*version, "version " + describe(*version) + " is not known here; write 1");
    }
}

void check_side_default(const Node& node, Action (&defaults)[2], Diagnostics& diagnostics) {
    if (!node.is_map()) {
        const auto action = read_word(node, kActions, "an action", diagnostics);
        std::fill(std::begin(defaults), std::end(defaults), action.value_or(Action::kDrop));
        return;
    }
    const Fields fields(node, kDirectionNames, "the default of a side", diagnostics);
    for (std::size_t i = 0; i < kDirectionNames.size(); ++i) {
        const Node* action = fields.find(kDirectionNames[i]);
        if (action == nullptr) continue;
        defaults[i] = read_word(*action, kActions, "an action", diagnostics).value_or(Action::kDrop);
    }
}

void check_default(const Node& node, Policy& policy, Diagnostics& diagnostics) {
    if (!node.is_map()) {
        const auto action = read_word(node, kActions, "an action", diagnostics);
        for (auto& side : policy.defaults)
            std::fill(std::begin(side), std::end(side), action.value_or(Action::kDrop));
        return;
    }
    const Fields fields(node, kSideNames, "`default:`", diagnostics);
    for (std::size_t side = 0; side < kSideNames.size(); ++side) {
        const Node* value = fields.find(kSideNames[side]);
        if (value != nullptr) check_side_default(*value, policy.defaults[side], diagnostics);
    }
}

void check_builtins(const Node& node, Policy& policy, Diagnostics& diagnostics) {
    const Fields fields(node, kBuiltinKeys, "`builtins:`", diagnostics);
    for (std::size_t i = 0; i < kBuiltinKeys.size(); ++i) {
        const Node* value = fields.find(kBuiltinKeys[i]);
        if (value == nullptr) continue;
        const bool on = read_word(*value, kSwitches, "a switch", diagnostics).value_or(true);
        if (!on) policy.builtins &= ~(1u << i);
    }
}

void check_timeouts(const Node& node, Policy& policy, Diagnostics& diagnostics) {
    std::vector<std::string_view> keys(kStateNames.begin(), kStateNames.end());
    keys.erase(std::unique(keys.begin(), keys.end()), keys.end());
    const Fields fields(node, keys, "`timeouts:`", diagnostics);
    for (const std::string_view key : keys) {
        const Node* value = fields.find(key);
        const auto seconds =
            value == nullptr ? std::nullopt : read_number(*value, {1, kMaxTimeout}, "a number of seconds", diagnostics);
        for (std::size_t state = 0; seconds && state < kStateNames.size(); ++state) {
            if (kStateNames[state] == key) policy.timeout[state] = *seconds;
        }
    }
}

// One number for both families, or one of each.
void check_capacity(const Node& node, std::string_view what, std::uint32_t (&capacity)[EDGEFW_FAMILIES],
                    Diagnostics& diagnostics) {
    const auto entries = [&](const Node& number) {
        return read_number(number, {EDGEFW_CONNECTIONS_MIN, EDGEFW_CONNECTIONS_MAX}, "a number of connections",
                           diagnostics);
    };
    if (!node.is_map()) {
        if (const auto both = entries(node)) std::fill(std::begin(capacity), std::end(capacity), *both);
        return;
    }
    const Fields fields(node, kFamilyKeys, what, diagnostics);
    for (std::size_t family = 0; family < kFamilyKeys.size(); ++family) {
        const Node* number = fields.find(kFamilyKeys[family]);
        if (number == nullptr) continue;
        if (const auto one = entries(*number)) capacity[family] = *one;
    }
}

void check_connections(const Node& node, Policy& policy, Diagnostics& diagnostics) {
    const Fields fields(node, kCapacityKeys, "`connections:`", diagnostics);
    if (const Node* confirmed = fields.find("confirmed"))
        check_capacity(*confirmed, "`confirmed:`", policy.capacity.confirmed, diagnostics);
    if (const Node* datagrams = fields.find("datagrams"))
        check_capacity(*datagrams, "`datagrams:`", policy.capacity.datagrams, diagnostics);
    if (const Node* half_open = fields.find("half_open"))
        check_capacity(*half_open, "`half_open:`", policy.capacity.half_open, diagnostics);
}

void check_record(const Node& node, Policy& policy, Diagnostics& diagnostics) {
    const Fields fields(node, kRecordKeys, "`record:`", diagnostics);
    if (const Node* drops = fields.find("drops"))
        policy.records_drops = read_word(*drops, kSwitches, "a switch", diagnostics).value_or(true);
    const Node* bytes = fields.find("bytes");
    if (bytes == nullptr) return;
    const auto number = read_number(*bytes, {EDGEFW_RECORD_BYTES_MIN, EDGEFW_RECORD_BYTES_MAX},
                                    "a number of bytes for each processor", diagnostics);
    if (number) policy.capacity.record_bytes = *number;
}

void check_adopt(const Node& node, Policy& policy, Diagnostics& diagnostics) {
    const auto seconds = read_number(node, {0, kMaxTimeout}, "a number of seconds, 0 for none", diagnostics);
    if (seconds) policy.adopt = *seconds;
}

// A number of seconds, or one with its unit: 90, 90s, 10m, 2h.
std::optional<std::uint32_t> duration_of(const Node& node, std::uint32_t longest, Diagnostics& diagnostics) {
    const auto seconds = read_duration(node.is_scalar() ? node.text : "", longest);
    if (!seconds) {
        diagnostics.error(node, describe(node) + " is not a time; write seconds, or as in 90s, 10m, 2h, up to " +
                                    std::to_string(longest) + " seconds");
    }
    return seconds;
}

void check_rollback_grace(const Node& node, Policy& policy, Diagnostics& diagnostics) {
    if (const auto seconds = duration_of(node, kLongestGrace, diagnostics)) policy.rollback_grace = *seconds;
}

void check_names(const Node& node, Policy& policy, Diagnostics& diagnostics) {
    const Fields fields(node, kNamesKeys, "`names:`", diagnostics);
    const Node* keep = fields.find("keep");
    if (keep == nullptr) return;
    if (const auto seconds = duration_of(*keep, kMaxTimeout, diagnostics)) policy.names_keep = *seconds;
}

bool is_set_name(const std::string& name) {
    const auto is_plain = [](unsigned char c) {
        return c < 0x80 && (std::isalnum(c) != 0 || c == '.' || c == '_' || c == '-');
    };
    return !name.empty() && std::all_of(name.begin(), name.end(), is_plain);
}

void add_members(const Node& members, Set& set, Diagnostics& diagnostics) {
    if (members.kind == Node::Kind::kNull) return;
    for (const Node& member : one_or_several(members)) {
        if (const auto range = read_address_range(member, diagnostics)) set.members.push_back(*range);
    }
}

// `{ file: NAME, members: [...] }`. A file that could not be read is not among `files`, and was reported.
void add_file_and_members(const Node& node, const std::vector<SetFile>& files, Set& set, Diagnostics& diagnostics) {
    const Fields fields(node, kSetKeys, "a set", diagnostics);
    if (const Node* members = fields.find("members")) add_members(*members, set, diagnostics);
    const Node* name = fields.need("file");
    if (name == nullptr) return;
    if (!is_file_name(*name)) {
        diagnostics.error(*name, describe(*name) + " is not the name of a file; write one, `file: blocklist.txt`");
        return;
    }
    for (const SetFile& file : files) {
        if (file.name != name->text) continue;
        const std::vector<AddressRange> found = read_members(file, diagnostics);
        if (found.empty()) diagnostics.warning(name->where(), "the file " + describe(*name) + " holds no address");
        set.members.insert(set.members.end(), found.begin(), found.end());
    }
}

void check_set(const Node& name, const Node& content, const std::vector<SetFile>& files, Policy& policy,
               Diagnostics& diagnostics) {
    if (!is_set_name(name.text)) {
        diagnostics.error(name, describe(name) + " is not a name of a set; write letters, digits, '.', '_' and '-'");
    }
    Set set{name.text, {}, name.where()};
    if (content.is_map())
        add_file_and_members(content, files, set, diagnostics);
    else
        add_members(content, set, diagnostics);
    set.members = merge(std::move(set.members));
    policy.sets.push_back(std::move(set));
}

void check_sets(const Node& node, const std::vector<SetFile>& files, Policy& policy, Diagnostics& diagnostics) {
    if (!node.is_map()) {
        diagnostics.error(node, "`sets:` is a mapping of name to addresses, this is " + describe(node));
        return;
    }
    for (std::size_t i = 0; i < node.items.size(); i += 2) {
        check_set(node.items[i], node.items[i + 1], files, policy, diagnostics);
    }
}

}  // namespace

void set_default_timeouts(Policy& policy) {
    std::copy(std::begin(kStateSeconds), std::end(kStateSeconds), std::begin(policy.timeout));
}

void check_settings(const Node& root, const std::vector<SetFile>& files, Policy& policy, Diagnostics& diagnostics) {
    check_version(root, diagnostics);
    set_default_timeouts(policy);
    const auto section = [&](std::string_view key) -> const Node* {
        const Node* node = root.find(key);
        return node == nullptr || node->kind == Node::Kind::kNull ? nullptr : node;
    };
    if (const Node* node = section("default")) check_default(*node, policy, diagnostics);
    if (const Node* node = section("builtins")) check_builtins(*node, policy, diagnostics);
    if (const Node* node = section("timeouts")) check_timeouts(*node, policy, diagnostics);
    if (const Node* node = section("connections")) check_connections(*node, policy, diagnostics);
    if (const Node* node = section("adopt")) check_adopt(*node, policy, diagnostics);
    if (const Node* node = section("rollback_grace")) check_rollback_grace(*node, policy, diagnostics);
    if (const Node* node = section("record")) check_record(*node, policy, diagnostics);
    if (const Node* node = section("names")) check_names(*node, policy, diagnostics);
    if (const Node* node = section("sets")) check_sets(*node, files, policy, diagnostics);
}

Policy pass_everything() {
    Policy policy;
    set_default_timeouts(policy);
    for (auto& side : policy.defaults) {
        for (Action& action : side)
            action = Action::kPass;
    }
    return policy;
}

}  // namespace edgefw::policy
