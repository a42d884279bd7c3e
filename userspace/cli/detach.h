// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <CLI/CLI.hpp>
#include <string>

#include "userspace/cli/card_option.h"
#include "userspace/cli/context.h"

namespace edgefw::cli {

struct DetachOptions {
    std::string interface;
};

inline CLI::App* add_to(CLI::App& app, DetachOptions& options) {
    CLI::App* command = app.add_subcommand("detach", "Remove the filter from a card and leave nothing behind");
    add_card_argument(*command, options.interface);
    return command;
}

Result<Ok> run(const DetachOptions& options, Context& context);

}  // namespace edgefw::cli
