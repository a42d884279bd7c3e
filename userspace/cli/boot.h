// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <CLI/CLI.hpp>
#include <string>

#include "userspace/boot/config.h"
#include "userspace/cli/card_option.h"
#include "userspace/cli/context.h"

namespace edgefw::cli {

struct BootOptions {
    std::string interface;
    std::string config = boot::kConfigFile;
    bool once = false;
};

inline CLI::App* add_to(CLI::App& app, BootOptions& options) {
    CLI::App* command =
        app.add_subcommand("boot", "Attach a card at boot, or close it until its policy can be put in force");
    add_card_argument(*command, options.interface);
    command->add_option("--config", options.config, "What cards are told, " + options.config + " by default")
        ->type_name("FILE");
    command->add_flag("--once", options.once, "Try once, and end with what became of it");
    return command;
}

// Returns when the policy is in force; until then it tries again. Ended before, it leaves the card as it is.
Result<Ok> run(const BootOptions& options, Context& context);

}  // namespace edgefw::cli
