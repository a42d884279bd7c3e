// SPDX-License-Identifier: GPL-2.0-only
// What a push would change, while it changes nothing.
#pragma once

#include <CLI/CLI.hpp>
#include <string>

#include "userspace/cli/context.h"
#include "userspace/engine/build.h"

namespace edgefw::cli {

struct DryRunOptions {
    bool wanted = false;
    bool list = false;       // the connections that would be revoked
    bool exit_code = false;  // 6 where packets change
};

// Returns the option itself, for those that exclude it.
inline CLI::Option* add_dry_run_to(CLI::App& command, DryRunOptions& options) {
    CLI::Option* dry_run = command.add_flag("--dry-run", options.wanted, "Print what would change and change nothing");
    command.add_flag("--list", options.list, "With --dry-run: list the connections that would be revoked")
        ->needs(dry_run);
    command.add_flag("--exit-code", options.exit_code, "With --dry-run: exit with 6 when a packet changes")
        ->needs(dry_run);
    return dry_run;
}

// Compares a policy that is built and tested with what is in force on the cards of a push, and prints that. `card`:
// this card alone; empty: every attached one. Returns the exit code.
Result<int> dry_run(const engine::Built& built, const std::string& card, const DryRunOptions& options,
                    Context& context);

}  // namespace edgefw::cli
