// SPDX-License-Identifier: GPL-2.0-only
// What every subcommand is given.
#pragma once

#include <spdlog/logger.h>

#include <string>
#include <vector>

#include "userspace/cli/output.h"
#include "userspace/profile/profile_path.h"

namespace edgefw::cli {

// Options that every subcommand understands.
struct GlobalOptions {
    std::vector<std::string> profiles;  // --profiles DIR
    std::string resolver;               // --resolver ADDR[:PORT]; empty: the system's
    std::vector<std::string> resolve;   // --resolve NAME=ADDR[,ADDR...]
    bool json = false;
    bool verbose = false;
};

struct Context {
    GlobalOptions options;
    policy::ProfilePath profiles;
    Output& out;          // results
    spdlog::logger& log;  // messages
};

}  // namespace edgefw::cli
