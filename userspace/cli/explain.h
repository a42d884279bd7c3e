// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

#include "userspace/cli/card_option.h"
#include "userspace/cli/context.h"

namespace edgefw::cli {

struct ExplainOptions {
    std::vector<std::string> packets;
    std::string policy;     // empty: the one in force
    std::string interface;  // empty: the newest in force
    bool batch = false;
    bool fresh = false;
};

inline CLI::App* add_to(CLI::App& app, ExplainOptions& options) {
    CLI::App* command =
        app.add_subcommand("explain", "What the programs in the kernel decide about packets, and by which rule");
    CLI::Option* packets = command->add_option(
        "PACKET", options.packets, "In quotes: 'external inbound tcp 198.51.100.9:40000 > 192.0.2.20:443 syn'");
    CLI::Option* policy =
        command->add_option("--policy", options.policy, "Judge by this file instead of the policy in force");
    add_card_option(*command, options.interface, "Judge by what is in force on this card")->excludes(policy);
    command->add_flag("--batch", options.batch, "Read packets from standard input, one a line")->excludes(packets);
    command->add_flag("--fresh", options.fresh, "Forget all connections before each packet");
    return command;
}

Result<Ok> run(const ExplainOptions& options, Context& context);

}  // namespace edgefw::cli
