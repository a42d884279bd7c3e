// SPDX-License-Identifier: GPL-2.0-only
// A policy that was put in force, as the history keeps it: who did it, when and how, and all that it takes to compile
// the policy again.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "userspace/base/result.h"
#include "userspace/document/sources.h"
#include "userspace/policy/policy.h"

namespace edgefw::history {

struct Facts {
    std::uint64_t number = 0;  // of the entry; it only grows, also over reboots
    std::uint64_t from = 0;    // the entry that a rollback made it of again; 0: none
    std::int64_t time = 0;     // seconds since 1970
    std::string boot;          // id of the boot that `generation` is of: generations begin anew
    std::uint32_t generation = 0;
    std::vector<std::string> cards;  // on which it came into force
    bool one_card = false;           // for this card alone, whatever else was attached
    std::string digest;
    std::string user;     // empty: nobody wrote it down when it came into force
    std::string command;  // the command line, likewise
    std::string file;     // of the policy, from the root; "-": standard input
    std::size_t rules = 0;

    bool operator==(const Facts&) const = default;
};

struct Entry {
    Facts facts;
    document::Sources sources;
    std::vector<policy::Host> hosts;  // with the addresses that they had
};

// The longest file that is read.
inline constexpr std::size_t kLongestFile = 256u << 20;

// A line of JSON with the facts, and the texts compressed. Fails (kFailed) only where there is no memory.
Result<std::string> to_bytes(const Entry& entry);

// The facts of what to_bytes() wrote. Any bytes are safe. Fails (kFailed, without the file's name) on anything else,
// and on a file that ends too early; its texts are not looked at.
Result<Facts> read_facts(std::string_view bytes);

// All of it. Fails likewise, and where a single byte of the texts is another one.
Result<Entry> read_entry(std::string_view bytes);

}  // namespace edgefw::history
