#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

#include "userspace/cli/context.h"

namespace edgefw::cli {

struct ConnectionsOptions {
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
    return command;
}

Result<Ok> run(const ConnectionsOptions& options, Context& context);

}  // namespace edgefw::cli
