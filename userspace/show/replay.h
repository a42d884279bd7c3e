// SPDX-License-Identifier: GPL-2.0-only
// What `edgefw replay` prints.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "userspace/engine/tally.h"

namespace edgefw::show {

// One of the policies, and who judged by it.
struct ReplayedPolicy {
    std::string name;                 // a file, or "in force"
    std::string why_in_user_space{};  // why the kernel judged no packet; empty: it did
    // Else: packets that user space judged, the first from which on it judged alone (0: none), and that one's length.
    std::uint64_t refused = 0;
    std::uint64_t first_refused = 0;
    std::size_t refused_length = 0;
};

struct ReplayNames {
    std::string file;
    std::vector<ReplayedPolicy> policies;  // the older one first
    std::string problem{};                 // why the file ends before its end; empty: it does not
};

// Tables of what was counted and of what differs, then what is unexpected; not wider than `width` where words allow it.
std::string replay_text(const engine::Tally& tally, const ReplayNames& names, std::size_t width);

nlohmann::ordered_json replay_json(const engine::Tally& tally, const ReplayNames& names);

}  // namespace edgefw::show
