// SPDX-License-Identifier: GPL-2.0-only
// What `edgefw doctor` makes of what it read of a host: one finding a fact, with what to do where something is wrong.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "userspace/kernel/cards.h"
#include "userspace/kernel/features.h"
#include "userspace/kernel/platform.h"
#include "userspace/kernel/types.h"

namespace edgefw::show {

// /etc/edgefw/boot.conf.
struct BootFacts {
    bool is_there = false;
    std::string error;  // what is wrong with it; empty: nothing
    bool closes = true;
    std::size_t networks = 0;  // that may come by SSH to a closed card
};

struct Facts {
    BootFacts boot;
    kernel::Platform platform;
    kernel::Features features;
    kernel::NetworkFacts network;
    std::vector<kernel::CardFacts> cards;
    std::optional<Error> programs_refused;  // edgefw's own programs: what the kernel says to them; none: it takes them
    std::optional<Error> state_refused;     // what stands against reading what is attached
    std::string card;                       // the one that was asked about; empty: all
};

// kFail: `attach` cannot work. kWarn: it works, and something is likely wrong. kNote: worth knowing.
enum class Severity { kOk, kNote, kWarn, kFail };

const char* to_text(Severity severity);

struct Finding {
    std::string id;  // "bpffs.mounted", "card.eth0.native": stays the same from version to version
    Severity severity = Severity::kOk;
    std::string text;
    std::string remedy = {};  // a command, or what else to do; empty: nothing
    bool is_unread = false;   // this caller may not see it: root may
    bool is_feature = false;  // of kernel::kFeatureNotes: many that are all well take one line of text
};

// In the order to read them: the kernel, what lies on it, NAT, the cards.
std::vector<Finding> diagnose(const Facts& facts);

// The part about cards.
std::vector<Finding> diagnose_cards(const Facts& facts);

}  // namespace edgefw::show
