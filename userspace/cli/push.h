// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <string>

#include "userspace/cli/card_option.h"
#include "userspace/cli/context.h"
#include "userspace/cli/dry_run.h"
#include "userspace/engine/build.h"
#include "userspace/kernel/types.h"

namespace edgefw::engine {
struct Built;
}

namespace edgefw::cli {

// How long what is pushed stays in force by itself.
struct PushTerms {
    std::string confirm = {};  // how long it waits to be confirmed; empty: it does not
    bool replace = false;      // the place of a push that waits
};

inline void add_terms_to(CLI::App& command, PushTerms& terms, CLI::Option& dry_run) {
    command
        .add_option("--confirm", terms.confirm,
                    "Fall back to the policy in force now unless `edgefw confirm` comes in this time, as in 60s, 5m")
        ->type_name("TIME")
        ->excludes(&dry_run);
    command.add_flag("--replace", terms.replace, "Take the place of a push that waits to be confirmed");
}

// kUsage: it is no time that a push can wait.
Result<kernel::Terms> terms_of(const PushTerms& terms);

struct PushOptions {
    std::string policy;
    std::string interface;  // empty: every attached card
    DryRunOptions dry_run = {};
    bool upgrade = false;  // take cards over that another version attached
    PushTerms terms = {};
    bool shadow = false;      // ask it beside what is in force
    bool end_shadow = false;  // the policy in force alone, and no file
    bool force = false;       // may end the sessions by which somebody is logged in to this machine
};

inline void add_force_option(CLI::App& command, bool& force) {
    command.add_flag("--force", force, "Also where it ends an SSH session of this machine");
}

inline CLI::App* add_to(CLI::App& app, PushOptions& options) {
    CLI::App* command =
        app.add_subcommand("push", "Compile a policy, run its own tests and swap it in, live, on every card at once");
    CLI::Option* file = command->add_option("FILE", options.policy, "The policy file; - is standard input");
    CLI::Option* interface = add_card_option(*command, options.interface, "This card alone");
    CLI::Option* dry_run = add_dry_run_to(*command, options.dry_run);
    command->add_flag("--upgrade", options.upgrade, "Take cards over that another version of edgefw attached")
        ->excludes(interface)
        ->excludes(dry_run);
    add_terms_to(*command, options.terms, *dry_run);
    CLI::Option* shadow =
        command->add_flag("--shadow", options.shadow,
                          "Ask FILE beside the policy in force: count and record what it would decide otherwise");
    CLI::Option* end = command->add_flag("--end-shadow", options.end_shadow, "End the shadow; no FILE");
    for (const char* other : {"--dry-run", "--upgrade", "--confirm", "--replace"}) {
        shadow->excludes(command->get_option(other));
        end->excludes(command->get_option(other));
    }
    end->excludes(shadow)->excludes(file);
    command->parse_complete_callback([&options] {
        if (options.policy.empty() && !options.end_shadow) throw CLI::RequiredError("FILE");
    });
    add_force_option(*command, options.force);
    return command;
}

// Returns the exit code.
Result<int> run(const PushOptions& options, Context& context);

// What a policy that is built and tested is pushed for.
struct PushTarget {
    std::string interface;   // empty: every attached card
    std::uint64_t from = 0;  // the entry of the history that it is made of; 0: none
    kernel::Terms terms = {};
    // It may end the sessions by which somebody is logged in to this machine: with --force, or what takes it back.
    bool may_end_sessions = false;
};

// Warns of a session that a push would be refused for.
void warn_of_sessions(const engine::Built& built, const PushTarget& target, Context& context);

// Pushes it, writes it into the history, warns and prints. kFailed, and nothing changes, where it would end a session
// that it may not end.
Result<Ok> push(const engine::Built& built, const PushTarget& target, Context& context);

}  // namespace edgefw::cli
