// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <CLI/CLI.hpp>
#include <string>

#include "userspace/cli/card_option.h"
#include "userspace/cli/context.h"

namespace edgefw::cli {

struct DoctorOptions {
    std::string interface;  // empty: all cards
};

inline CLI::App* add_to(CLI::App& app, DoctorOptions& options) {
    CLI::App* command =
        app.add_subcommand("doctor", "What this host has and lacks for edgefw, and what to do; changes nothing");
    add_card_option_or_argument(*command, options.interface, "This card alone, and whether it can be attached");
    return command;
}

Result<Ok> run(const DoctorOptions& options, Context& context);

}  // namespace edgefw::cli
