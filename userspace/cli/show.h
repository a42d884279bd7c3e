// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <CLI/CLI.hpp>
#include <string>

#include "userspace/cli/card_option.h"
#include "userspace/cli/context.h"

namespace edgefw::cli {

struct ShowOptions {
    std::string policy;     // empty: the one in force
    std::string interface;  // empty: the newest in force
    bool members = false;   // of sets, all of them
    bool source = false;    // the text that was pushed
};

inline CLI::App* add_to(CLI::App& app, ShowOptions& options) {
    CLI::App* command =
        app.add_subcommand("show", "The expanded rules with document, table and figure; without a file those in force");
    CLI::Option* file = command->add_option("FILE", options.policy, "A policy file; - is standard input");
    add_card_option(*command, options.interface, "What is in force on this card")->excludes(file);
    command->add_flag("--members", options.members, "List the members of sets, not only their number");
    command
        ->add_flag("--source", options.source,
                   "The text of the policy in force as it was pushed; with --json its profiles, too")
        ->excludes(file);
    return command;
}

Result<Ok> run(const ShowOptions& options, Context& context);

}  // namespace edgefw::cli
