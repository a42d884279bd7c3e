// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <CLI/CLI.hpp>
#include <string>

#include "userspace/cli/context.h"

namespace edgefw::cli {

struct ServeOptions {
    std::string listen = "127.0.0.1:9477";
    std::string policy;  // empty: none is watched
    unsigned interval = 1;
    bool keep_attached = false;
    unsigned shortest = 5;  // seconds between two questions for one host
    unsigned longest = 3600;
    std::string drops;  // where what cards drop is written; empty: nowhere
    unsigned drops_rate = 100;
};

inline CLI::App* add_to(CLI::App& app, ServeOptions& options) {
    CLI::App* command = app.add_subcommand("serve", "Prometheus metrics over HTTP; keeps a policy file in force");
    command->add_option("--listen", options.listen, "Where to listen")->capture_default_str()->type_name("ADDR:PORT");
    CLI::Option* policy =
        command->add_option("--policy", options.policy, "The policy file to watch and push when it changed");
    command->add_option("--interval", options.interval, "Seconds between two looks at that file")
        ->capture_default_str()
        ->check(CLI::Range(1u, 3600u))
        ->type_name("SECONDS")
        ->needs(policy);
    command->add_flag("--keep-attached", options.keep_attached, "Puts back the hooks that a card has lost");
    command->add_option("--names-min", options.shortest, "Seconds to wait at least before a host is looked up again")
        ->capture_default_str()
        ->check(CLI::Range(1u, 86400u))
        ->type_name("SECONDS");
    command->add_option("--names-max", options.longest, "Seconds to wait at most, whatever the answer's TTL")
        ->capture_default_str()
        ->check(CLI::Range(1u, 604800u))
        ->type_name("SECONDS");
    CLI::Option* drops = command
                             ->add_option("--drops", options.drops,
                                          "Write what cards drop as JSON lines, to a file or to standard output (-)")
                             ->type_name("FILE");
    command
        ->add_option("--drops-rate", options.drops_rate, "Lines a second at most; how many more there were is a line")
        ->capture_default_str()
        ->check(CLI::Range(1u, 100000u))
        ->type_name("LINES")
        ->needs(drops);
    return command;
}

Result<Ok> run(const ServeOptions& options, Context& context);

}  // namespace edgefw::cli
