// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

#include "userspace/cli/card_option.h"
#include "userspace/cli/context.h"

namespace edgefw::cli {

struct DiffOptions {
    std::vector<std::string> files;  // one: compared with what is in force
    std::string interface;           // with one file: what is in force there; empty: the newest
    bool exit_code = false;
};

inline CLI::App* add_to(CLI::App& app, DiffOptions& options) {
    CLI::App* command = app.add_subcommand(
        "diff", "Print which packets two policies judge differently, or a policy and what is in force");
    command
        ->add_option("FILE", options.files, "The policy before, and the one after; one alone: after what is in force")
        ->required()
        ->expected(1, 2);
    add_card_option(*command, options.interface, "With one FILE: what is in force on this card");
    command->add_flag("--exit-code", options.exit_code, "Exit with 6 when a packet changes");
    return command;
}

// Returns the exit code.
Result<int> run(const DiffOptions& options, Context& context);

}  // namespace edgefw::cli
