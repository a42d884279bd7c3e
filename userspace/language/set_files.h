// SPDX-License-Identifier: GPL-2.0-only
// The files that sets name: plain text, a host, prefix or range a line. A '#' begins a comment; empty lines are
// allowed.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "userspace/language/diagnostics.h"
#include "userspace/language/syntax.h"
#include "userspace/policy/policy.h"

namespace edgefw::policy {

inline constexpr std::size_t kMaxSetFileBytes = 64u
                                                << 20;  // of all files of a policy; 1,000,000 IPv6 hosts have 40 MiB
inline constexpr std::size_t kMaxSetFileMembers = 4'000'000;  // of one file; 64 bytes each

struct SetFile {
    std::string name;  // as the policy names it
    std::string file;  // it was read from
    std::string text;
};

// Whether `node` can name a file: text without control characters.
bool is_file_name(const Node& node);

// The files that the sets of the policy's mapping `root` name, each once, in the order of their first use. With
// `at_hand` (of a policy in force) they are taken from there, and none is read. A relative name starts at the folder of
// `policy_file` ("-": the current folder). Reads regular files alone, also behind symbolic links. Reports, where the
// policy names it, a file that cannot be read or is not at hand, and files that hold more than kMaxSetFileBytes.
std::vector<SetFile> read_set_files(const Node& root, const std::string& policy_file,
                                    const std::optional<std::vector<SetFile>>& at_hand, Diagnostics& diagnostics);

// The addresses of a file, in its order. Reports, by file and line, what is none.
std::vector<AddressRange> read_members(const SetFile& file, Diagnostics& diagnostics);

}  // namespace edgefw::policy
