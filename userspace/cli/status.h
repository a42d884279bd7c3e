#pragma once

#include <CLI/CLI.hpp>

#include "userspace/cli/context.h"

namespace edgefw::cli {

struct StatusOptions {};

inline CLI::App* add_to(CLI::App& app, StatusOptions& /*options*/) {
    return app.add_subcommand("status", "Cards, side, mode, programs, policy and how full the tables are");
}

Result<Ok> run(const StatusOptions& options, Context& context);

}  // namespace edgefw::cli
