#pragma once

#include <CLI/CLI.hpp>
#include <string>

#include "userspace/cli/context.h"

namespace edgefw::cli {

struct ProfileListOptions {};

struct ProfileShowOptions {
    std::string name;
};

// `profile` itself: the two subcommands are added to what it returns.
inline CLI::App& add_profile_to(CLI::App& app) {
    CLI::App* command = app.add_subcommand("profile", "The profiles that a policy can use");
    command->require_subcommand(1);
    return *command;
}

inline CLI::App* add_to(CLI::App& profile, ProfileListOptions& /*options*/) {
    return profile.add_subcommand("list", "Name and title of each");
}

inline CLI::App* add_to(CLI::App& profile, ProfileShowOptions& options) {
    CLI::App* command = profile.add_subcommand("show", "Variables, options, rules and source document of one");
    command->add_option("NAME", options.name, "The profile, as in `use: NAME`")->required();
    return command;
}

Result<Ok> run(const ProfileListOptions& options, Context& context);
Result<Ok> run(const ProfileShowOptions& options, Context& context);

}  // namespace edgefw::cli
