#pragma once

#include <CLI/CLI.hpp>
#include <string>

#include "userspace/cli/context.h"

namespace edgefw::cli {

struct CheckOptions {
    std::string policy;
};

inline CLI::App* add_to(CLI::App& app, CheckOptions& options) {
    CLI::App* command = app.add_subcommand(
        "check", "Read, expand, check and compile a policy; run its own tests where the kernel lets us");
    command->add_option("FILE", options.policy, "The policy file; - is standard input")->required();
    return command;
}

Result<Ok> run(const CheckOptions& options, Context& context);

}  // namespace edgefw::cli
