// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

#include "userspace/cli/card_option.h"
#include "userspace/cli/context.h"

namespace edgefw::cli {

struct DropsOptions {
    std::string interface;           // empty: every attached card
    std::vector<std::string> words;  // what picks packets
    std::string last = "10m";
    std::string file;  // empty: none is written
    bool follow = false;
    bool top = false;
    bool each = false;
    bool shadow = false;  // what the shadow would decide otherwise
};

inline CLI::App* add_to(CLI::App& app, DropsOptions& options) {
    CLI::App* command = app.add_subcommand("drops", "The packets that were dropped lately, and why");
    command
        ->add_option("FILTER", options.words,
                     "What picks packets: an address, or KEY=VALUE (reason=default, rule=ID, destination_port=443, "
                     "protocol=tcp, ...); all must hold")
        ->type_name("");
    add_card_option(*command, options.interface, "Those of this card alone");
    command->add_option("--last", options.last, "How far back: seconds, or as in 90s, 10m, 2h")
        ->capture_default_str()
        ->type_name("TIME");
    CLI::Option* follow = command->add_flag("--follow", options.follow, "Then each further one as it drops");
    command->add_flag("--top", options.top, "The 20 flows with most packets")->excludes(follow);
    command->add_flag("--each", options.each, "Each record by itself, not by flow");
    command->add_flag("--shadow", options.shadow,
                      "Instead, the packets that the shadow would decide otherwise (push --shadow)");
    command->add_option("--write", options.file, "Write them to a pcapng file, for Wireshark")
        ->type_name("FILE.pcapng")
        ->excludes(follow);
    return command;
}

Result<Ok> run(const DropsOptions& options, Context& context);

}  // namespace edgefw::cli
