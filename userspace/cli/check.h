// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <CLI/CLI.hpp>
#include <string>

#include "userspace/cli/context.h"

namespace edgefw::cli {

struct CheckOptions {
    std::string policy;
    bool strict = false;  // what could not be tried here is an error
};

inline CLI::App* add_to(CLI::App& app, CheckOptions& options) {
    CLI::App* command = app.add_subcommand(
        "check", "Read, expand, check and compile a policy; run its own tests where the kernel lets us");
    command->add_option("FILE", options.policy, "The policy file; - is standard input")->required();
    command->add_flag(
        "--strict", options.strict,
        "Fail where the tests could not be run, or the programs not be loaded, because this process may not");
    return command;
}

Result<Ok> run(const CheckOptions& options, Context& context);

}  // namespace edgefw::cli
