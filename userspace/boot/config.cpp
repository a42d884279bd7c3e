// SPDX-License-Identifier: GPL-2.0-only
#include "userspace/boot/config.h"

#include <sys/stat.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <string_view>

#include "maps/card.h"
#include "maps/closed.h"
#include "userspace/language/addresses.h"
#include "userspace/language/diagnostics.h"
#include "userspace/language/fields.h"
#include "userspace/language/parse.h"
#include "userspace/language/read.h"
#include "userspace/language/values.h"

namespace edgefw::boot {
namespace {

using kernel::Egress;
using kernel::ReceivedMode;
using policy::Diagnostics;
using policy::Fields;
using policy::Node;
using policy::Word;

constexpr std::array<Word<OnFailure>, 2> kOnFailure{{{"open", OnFailure::kOpen}, {"closed", OnFailure::kClosed}}};
constexpr std::array<Word<ReceivedMode>, 4> kModes{{{"auto", ReceivedMode::kAuto},
                                                    {"native", ReceivedMode::kNative},
                                                    {"generic", ReceivedMode::kGeneric},
                                                    {"tc", ReceivedMode::kTc}}};
constexpr std::array<Word<Egress>, 3> kEgress{
    {{"auto", Egress::kAuto}, {"tcx", Egress::kTcx}, {"clsact", Egress::kClsact}}};

constexpr auto kKeys = std::to_array<std::string_view>({"on_boot_failure", "ssh_from", "ssh_port", "policy", "cards"});
constexpr auto kCardKeys = std::to_array<std::string_view>({"policy", "side", "mode", "egress"});

// Puts the word that is found into `to`; an unknown one leaves it.
template <typename T, std::size_t kCount>
void take_word(const Fields& fields, std::string_view key, T& to, const std::array<Word<T>, kCount>& words,
               std::string_view what, Diagnostics& diagnostics) {
    const Node* node = fields.find(key);
    if (node != nullptr) to = policy::read_word(*node, words, what, diagnostics).value_or(to);
}

void take_policy(const Fields& fields, Config& config, Diagnostics& diagnostics) {
    const Node* node = fields.find("policy");
    if (node == nullptr) return;
    const std::string file = policy::read_text(*node, "`policy:`", diagnostics);
    if (file.starts_with('/')) {
        config.policy = file;
    } else if (node->is_scalar()) {
        diagnostics.error(*node, "'" + file + "' is no full path; write /etc/edgefw/" +
                                     (file.empty() ? std::string("policy.yaml") : file));
    }
}

void take_networks(const Node& node, Config& config, Diagnostics& diagnostics) {
    for (const Node& item : policy::one_or_several(node)) {
        const auto range = policy::read_address_range(item, diagnostics);
        if (!range) continue;
        const std::vector<Prefix> prefixes = range->prefixes();
        if (config.closed.ssh_from.size() + prefixes.size() > EDGEFW_CLOSED_NETWORKS) {
            diagnostics.error(item, "`ssh_from:` has room for " + std::to_string(EDGEFW_CLOSED_NETWORKS) +
                                        " networks; write larger ones");
            return;
        }
        config.closed.ssh_from.insert(config.closed.ssh_from.end(), prefixes.begin(), prefixes.end());
    }
}

void take_card(const Node& node, Config& config, Diagnostics& diagnostics) {
    if (node.kind == Node::Kind::kNull) return;
    const Fields fields(node, kCardKeys, "a card", diagnostics);
    take_policy(fields, config, diagnostics);
    take_word(fields, "side", config.side, policy::kSides, "a side", diagnostics);
    take_word(fields, "mode", config.mode, kModes, "a mode", diagnostics);
    take_word(fields, "egress", config.egress, kEgress, "an egress hook", diagnostics);
}

// Reads the entries of other cards, too, so that a slip in one of them is said at once and not at that card's turn.
void take_cards(const Node& node, const std::string& interface, Config& config, Diagnostics& diagnostics) {
    if (!node.is_map()) {
        diagnostics.error(
            node, "`cards:` is a mapping of a card's name to what it is told, this is " + policy::describe(node));
        return;
    }
    for (std::size_t i = 0; i + 1 < node.items.size(); i += 2) {
        const Node& name = node.items[i];
        if (name.text.empty() || name.text.size() >= EDGEFW_INTERFACE_NAME)
            diagnostics.error(name, policy::describe(name) + " is no name of a card");
        Config of_another;
        take_card(node.items[i + 1], name.text == interface ? config : of_another, diagnostics);
    }
}

}  // namespace

Loaded parse(const std::string& text, const std::string& file, const std::string& interface) {
    Loaded loaded;
    Config& config = loaded.config;
    Diagnostics diagnostics;
    const policy::Syntax syntax = policy::parse(text, file, diagnostics);
    if (diagnostics.ok() && syntax.root.kind != Node::Kind::kNull) {
        const Fields fields(syntax.root, kKeys, "boot.conf", diagnostics);
        take_word(fields, "on_boot_failure", config.on_failure, kOnFailure, "a value of on_boot_failure", diagnostics);
        take_policy(fields, config, diagnostics);
        if (const Node* port = fields.find("ssh_port"))
            config.closed.ssh_port = static_cast<std::uint16_t>(
                policy::read_number(*port, {1, 65535}, "a port", diagnostics).value_or(config.closed.ssh_port));
        if (const Node* from = fields.find("ssh_from")) take_networks(*from, config, diagnostics);
        if (const Node* cards = fields.find("cards")) take_cards(*cards, interface, config, diagnostics);
    }
    if (!diagnostics.ok()) loaded.error = diagnostics.to_error(file);
    return loaded;
}

Loaded load(const std::string& file, const std::string& interface) {
    struct stat about = {};
    if (stat(file.c_str(), &about) != 0 && errno == ENOENT) return {};
    const Result<std::string> text = policy::read_regular(file);
    if (!text) return {{}, text.error()};
    return parse(*text, file, interface);
}

}  // namespace edgefw::boot
