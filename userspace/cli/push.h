#pragma once

#include <CLI/CLI.hpp>
#include <string>

#include "userspace/cli/context.h"

namespace edgefw::cli {

struct PushOptions {
    std::string policy;
    std::string interface;  // empty: every attached card
    bool dry_run = false;
};

inline CLI::App* add_to(CLI::App& app, PushOptions& options) {
    CLI::App* command =
        app.add_subcommand("push", "Compile a policy, run its own tests and swap it in, live, on every card at once");
    command->add_option("FILE", options.policy, "The policy file; - is standard input")->required();
    command->add_option("--iface", options.interface, "This card alone");
    command->add_flag("--dry-run", options.dry_run, "Print what would change and change nothing");
    return command;
}

Result<Ok> run(const PushOptions& options, Context& context);

}  // namespace edgefw::cli
