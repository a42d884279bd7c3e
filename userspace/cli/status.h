// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <CLI/CLI.hpp>
#include <string>

#include "userspace/cli/card_option.h"
#include "userspace/cli/context.h"

namespace edgefw::cli {

struct StatusOptions {
    std::string interface;  // empty: every card
};

inline CLI::App* add_to(CLI::App& app, StatusOptions& options) {
    CLI::App* command = app.add_subcommand("status", "Cards, side, mode, programs, policy and how full the tables are");
    add_card_option(*command, options.interface, "This card alone");
    return command;
}

Result<Ok> run(const StatusOptions& options, Context& context);

}  // namespace edgefw::cli
