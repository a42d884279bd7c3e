// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

#include "userspace/cli/card_option.h"
#include "userspace/cli/context.h"
#include "userspace/cli/words.h"
#include "userspace/policy/policy.h"

namespace edgefw::cli {

struct ReplayOptions {
    std::string file;
    std::vector<std::string> policies;  // none: what is in force
    bool in_force = false;              // what is in force, beside one of `policies`
    std::string interface;              // empty: the newest in force
    policy::Side side = policy::Side::kExternal;
    std::vector<std::string> local;  // networks and MAC addresses
};

inline CLI::App* add_to(CLI::App& app, ReplayOptions& options) {
    CLI::App* command = app.add_subcommand(
        "replay",
        "What the programs would do with each packet of a capture, in order, by one policy or by two. Its times are "
        "not replayed: one packet is judged right after the other, however long lay between them");
    command->add_option("FILE", options.file, "pcap or pcapng, as tcpdump -w writes it; - is standard input")
        ->required();
    command
        ->add_option("--policy", options.policies,
                     "Judge by this file instead of the policy in force; twice: the old and the new one, side by side")
        ->allow_extra_args(false)
        ->type_name("FILE");
    command->add_flag("--in-force", options.in_force, "With one --policy: what is in force is the old one");
    add_card_option(*command, options.interface, "What is in force: on this card");
    add_word_option(*command, "--side", options.side, policy::kSides)
        ->description("What the card faced that was captured on: external (unless said otherwise) or internal");
    command
        ->add_option("--local", options.local,
                     "What is this side's: packets from there are sent, packets to there received; may be repeated")
        ->allow_extra_args(false)
        ->type_name("NET|MAC");
    return command;
}

Result<Ok> run(const ReplayOptions& options, Context& context);

}  // namespace edgefw::cli
