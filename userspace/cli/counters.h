// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <CLI/CLI.hpp>
#include <string>

#include "userspace/cli/card_option.h"
#include "userspace/cli/context.h"

namespace edgefw::cli {

struct CountersOptions {
    std::string interface;  // empty: every attached card
    bool watch = false;
    bool shadow = false;  // what it would decide otherwise
};

inline CLI::App* add_to(CLI::App& app, CountersOptions& options) {
    CLI::App* command =
        app.add_subcommand("counters", "Packets, bytes and connections per rule, and packets per reason");
    add_card_option_or_argument(*command, options.interface, "This card alone");
    command->add_flag("--watch", options.watch, "Again each second, until interrupted");
    command->add_flag("--shadow", options.shadow, "What the shadow would decide otherwise (push --shadow)");
    return command;
}

Result<Ok> run(const CountersOptions& options, Context& context);

}  // namespace edgefw::cli
