// SPDX-License-Identifier: GPL-2.0-only
// How every command names a card: --iface IFACE.
#pragma once

#include <CLI/CLI.hpp>
#include <string>

namespace edgefw::cli {

// The card that a command limits itself to.
inline CLI::Option* add_card_option(CLI::App& command, std::string& interface, const std::string& what) {
    return command.add_option("--iface", interface, what)->type_name("IFACE");
}

// Likewise, of a command that took the card as its argument before there was one way: it still does, unsaid.
inline CLI::Option* add_card_option_or_argument(CLI::App& command, std::string& interface, const std::string& what) {
    CLI::Option* option = add_card_option(command, interface, what);
    command.add_option("IFACE", interface)->group("")->excludes(option);
    return option;
}

// The card that a command is about and cannot do without: its argument, with or without --iface before it.
inline CLI::Option* add_card_argument(CLI::App& command, std::string& interface) {
    return command.add_option("IFACE,--iface", interface, "The network card")->required()->type_name("IFACE");
}

}  // namespace edgefw::cli
