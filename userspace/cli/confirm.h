// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <CLI/CLI.hpp>

#include "userspace/cli/context.h"

namespace edgefw::cli {

struct ConfirmOptions {};

inline CLI::App* add_to(CLI::App& app, ConfirmOptions&) {
    return app.add_subcommand("confirm", "Keep the policy that waits to be confirmed (push --confirm)");
}

Result<Ok> run(const ConfirmOptions& options, Context& context);

}  // namespace edgefw::cli
