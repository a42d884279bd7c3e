// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

#include "userspace/cli/card_option.h"
#include "userspace/cli/context.h"

namespace edgefw::cli {

struct ConnectionsOptions {
    std::string interface;           // empty: every attached card
    std::vector<std::string> words;  // `kill` first, or none; then what picks connections
};

inline CLI::App* add_to(CLI::App& app, ConnectionsOptions& options) {
    CLI::App* command = app.add_subcommand("connections", "The connections that are known, and ending them");
    command
        ->add_option(
            "FILTER", options.words,
            "What picks connections: an address, or KEY=VALUE (rule=ID, local_port=443, state=tcp-established, "
            "...); all must hold. 'kill' before it ends those that it picks")
        ->type_name("");
    add_card_option(*command, options.interface, "Those of this card alone");
    return command;
}

Result<Ok> run(const ConnectionsOptions& options, Context& context);

}  // namespace edgefw::cli
