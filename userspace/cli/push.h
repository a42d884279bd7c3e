// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <CLI/CLI.hpp>
#include <string>

#include "userspace/cli/card_option.h"
#include "userspace/cli/context.h"

namespace edgefw::cli {

struct PushOptions {
    std::string policy;
    std::string interface;  // empty: every attached card
    bool dry_run = false;
    bool upgrade = false;  // take cards over that another version attached
    std::string confirm;   // how long it waits to be confirmed; empty: it does not
    bool replace = false;  // the place of a push that waits
};

inline CLI::App* add_to(CLI::App& app, PushOptions& options) {
    CLI::App* command =
        app.add_subcommand("push", "Compile a policy, run its own tests and swap it in, live, on every card at once");
    command->add_option("FILE", options.policy, "The policy file; - is standard input")->required();
    CLI::Option* interface = add_card_option(*command, options.interface, "This card alone");
    CLI::Option* dry_run =
        command->add_flag("--dry-run", options.dry_run, "Print what would change and change nothing");
    command->add_flag("--upgrade", options.upgrade, "Take cards over that another version of edgefw attached")
        ->excludes(interface)
        ->excludes(dry_run);
    command
        ->add_option("--confirm", options.confirm,
                     "Fall back to the policy in force now unless `edgefw confirm` comes in this time, as in 60s, 5m")
        ->type_name("TIME")
        ->excludes(dry_run);
    command->add_flag("--replace", options.replace, "Take the place of a push that waits to be confirmed");
    return command;
}

Result<Ok> run(const PushOptions& options, Context& context);

}  // namespace edgefw::cli
