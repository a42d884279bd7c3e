// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <string>

#include "userspace/cli/card_option.h"
#include "userspace/cli/context.h"
#include "userspace/cli/push.h"

namespace edgefw::cli {

struct HistoryOptions {};

inline CLI::App* add_to(CLI::App& app, HistoryOptions&) {
    return app.add_subcommand("history", "The last policies that were put in force: when, by whom, from which file");
}

Result<Ok> run(const HistoryOptions& options, Context& context);

struct RollbackOptions {
    std::uint64_t entry = 0;  // 0: the policy before the one in force
    std::string interface;    // empty: as the entry was pushed
    DryRunOptions dry_run = {};
    PushTerms terms = {};
    bool force = false;  // may end the sessions by which somebody is logged in to this machine
};

inline CLI::App* add_to(CLI::App& app, RollbackOptions& options) {
    CLI::App* command =
        app.add_subcommand("rollback", "Push a policy of the history again, with the profiles and hosts that it had");
    command
        ->add_option("N", options.entry, "The entry of `edgefw history`; without it the policy before the one in force")
        ->type_name("")
        ->check(CLI::PositiveNumber);
    add_card_option(*command, options.interface, "This card alone");
    CLI::Option* dry_run = add_dry_run_to(*command, options.dry_run);
    add_terms_to(*command, options.terms, *dry_run);
    add_force_option(*command, options.force);
    return command;
}

// Returns the exit code.
Result<int> run(const RollbackOptions& options, Context& context);

}  // namespace edgefw::cli
