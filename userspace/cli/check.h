// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <CLI/CLI.hpp>
#include <string>

#include "userspace/cli/context.h"

namespace edgefw::cli {

struct CheckOptions {
    std::string policy;
    bool strict = false;  // a warning is an error
};

inline CLI::App* add_to(CLI::App& app, CheckOptions& options) {
    CLI::App* command = app.add_subcommand("check", "Read, expand, check and compile a policy; run its own tests");
    command->add_option("FILE", options.policy, "The policy file; - is standard input")->required();
    command->add_flag("--strict", options.strict, "Reject a policy that there are warnings of");
    return command;
}

Result<Ok> run(const CheckOptions& options, Context& context);

}  // namespace edgefw::cli
