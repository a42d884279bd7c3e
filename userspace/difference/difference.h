// SPDX-License-Identifier: GPL-2.0-only
// The difference between what two policies mean: which packets change verdict, rule or translation. Exact, and of
// everything that a packet of the notation can be (docs/commands.md, "diff").
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "maps/builtins.h"
#include "userspace/difference/area.h"
#include "userspace/packet/notation.h"
#include "userspace/policy/policy.h"

namespace edgefw::difference {

struct Limits {
    std::chrono::milliseconds time{7000};
    std::size_t boxes = 300'000;
};

// What a policy does with packets, and by what.
struct Judged {
    policy::Action verdict = policy::Action::kDrop;
    std::string rule;    // id; "builtin/..."; empty: the default
    bool keeps = false;  // it opens a connection; told of Kind::kState alone
    std::string nat;     // id of the entry that translates it; empty: none

    auto operator<=>(const Judged&) const = default;
};

enum class Kind : std::uint8_t { kNarrowed, kWidened, kRetranslated, kState, kRule };

const char* to_text(Kind kind);  // "narrowed": now drops; "widened": now passes; "retranslated", "state", "rule"

constexpr std::size_t kMostBoxes = 20;  // that are written of one change

struct Change {
    Kind kind = Kind::kRule;
    Judged from;
    Judged to;
    std::vector<std::string> boxes = {};         // in packet notation, as the packets are on the wire; the widest first
    std::size_t more = 0;                        // further ones
    std::optional<packet::Packet> witness = {};  // a packet of theirs; none: notation has none
    long double width = 0;                       // about the logarithm of the packets of the widest box
};

struct Difference {
    std::vector<Change> changes = {};  // those of verdicts first, and of a kind the widest
    bool is_complete = true;           // false: there may be more than `changes`
    std::vector<edgefw_builtin> turned_on = {};
    std::vector<edgefw_builtin> turned_off = {};
    std::vector<std::pair<std::string, std::string>> renamed = {};      // rules that mean the same
    std::vector<std::pair<std::string, std::string>> renamed_nat = {};  // NAT entries, likewise
    std::size_t moved = 0;                                              // rules that mean the same and stand elsewhere
    std::vector<std::string> settings = {};                             // that change no packet's verdict; a line each

    // Whether every packet that is of no connection has the same verdict, rule and translation.
    bool is_none() const { return changes.empty() && is_complete && turned_on.empty() && turned_off.empty(); }
};

// All packets of one change, in disjoint areas as they are on the wire.
struct Changed {
    Kind kind = Kind::kRule;
    Judged from;
    Judged to;
    std::vector<Area> areas = {};                // the widest first
    std::optional<packet::Packet> witness = {};  // as in Change
};

struct Exact {
    std::vector<Changed> changed = {};
    bool is_complete = true;
};

// Both are pure. Hosts by name are the addresses that they have in each policy.
Exact compare_exactly(const policy::Policy& before, const policy::Policy& after, const Limits& limits = {});
Difference compare(const policy::Policy& before, const policy::Policy& after, const Limits& limits = {});

}  // namespace edgefw::difference
