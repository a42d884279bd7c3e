#pragma once

#include <CLI/CLI.hpp>
#include <string>

#include "userspace/cli/context.h"

namespace edgefw::cli {

struct ShowOptions {
    std::string policy;     // empty: the one in force
    std::string interface;  // empty: the newest in force
};

inline CLI::App* add_to(CLI::App& app, ShowOptions& options) {
    CLI::App* command =
        app.add_subcommand("show", "The expanded rules with document, table and figure; without a file those in force");
    CLI::Option* file = command->add_option("FILE", options.policy, "A policy file; - is standard input");
    command->add_option("--iface", options.interface, "What is in force on this card")->excludes(file);
    return command;
}

Result<Ok> run(const ShowOptions& options, Context& context);

}  // namespace edgefw::cli
