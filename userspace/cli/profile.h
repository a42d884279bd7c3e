// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <CLI/CLI.hpp>
#include <string>

#include "userspace/cli/context.h"

namespace edgefw::cli {

struct ProfileListOptions {};

struct ProfileShowOptions {
    std::string name;
    bool markdown = false;
};

struct ProfileNewOptions {
    std::string name;
    std::string folder = ".";
};

struct ProfileCheckOptions {
    std::string file;
};

// `profile` itself: the two subcommands are added to what it returns.
inline CLI::App& add_profile_to(CLI::App& app) {
    CLI::App* command = app.add_subcommand("profile", "The profiles that a policy can use");
    command->require_subcommand(1);
    return *command;
}

inline CLI::App* add_to(CLI::App& profile, ProfileListOptions& /*options*/) {
    return profile.add_subcommand("list", "Name of each, and what it is for");
}

inline CLI::App* add_to(CLI::App& profile, ProfileShowOptions& options) {
    CLI::App* command = profile.add_subcommand("show", "Variables, options, rules and source document of one");
    command->add_option("NAME", options.name, "The profile, as in `use: NAME`")->required();
    command->add_flag("--markdown", options.markdown, "As a page, with the document's tables");
    return command;
}

inline CLI::App* add_to(CLI::App& profile, ProfileNewOptions& options) {
    CLI::App* command = profile.add_subcommand("new", "Write a commented profile to begin with");
    command->add_option("NAME", options.name, "Its name; the file is NAME.yaml")->required();
    command->add_option("--to", options.folder, "The folder to write it to")->capture_default_str()->type_name("DIR");
    return command;
}

inline CLI::App* add_to(CLI::App& profile, ProfileCheckOptions& options) {
    CLI::App* command =
        profile.add_subcommand("check", "Check a profile and judge its packets, with each of its options");
    command->add_option("FILE", options.file, "The profile's file, NAME.yaml")->required();
    return command;
}

Result<Ok> run(const ProfileListOptions& options, Context& context);
Result<Ok> run(const ProfileShowOptions& options, Context& context);
Result<Ok> run(const ProfileNewOptions& options, Context& context);
Result<Ok> run(const ProfileCheckOptions& options, Context& context);

}  // namespace edgefw::cli
