// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <string>

#include "userspace/cli/card_option.h"
#include "userspace/cli/context.h"
#include "userspace/cli/words.h"
#include "userspace/kernel/types.h"

namespace edgefw::cli {

struct AttachOptions {
    std::string interface;
    std::string policy;  // empty: none
    policy::Side side = policy::Side::kExternal;
    kernel::ReceivedMode mode = kernel::ReceivedMode::kAuto;
    kernel::Egress egress = kernel::Egress::kAuto;
    std::uint32_t connections = 0;  // 0: the default
    bool first = false;             // only puts an attached card's programs before all others
    bool again = false;             // only puts back what an attached card has lost
    bool force = false;             // may end the sessions by which somebody is logged in to this machine
};

// Inline, like that of every subcommand: the unit ring parses command lines without the kernel.
inline CLI::App* add_to(CLI::App& app, AttachOptions& options) {
    using kernel::Egress;
    using kernel::ReceivedMode;
    CLI::App* command = app.add_subcommand("attach", "Attach the filter to a card, received and sent");
    add_card_argument(*command, options.interface);
    add_word_option(*command, "--side", options.side, policy::kSides)
        ->description("What the card faces: external (the Internet, default) or internal");
    command->add_option("--policy", options.policy, "The policy file; without one everything passes and is counted");
    add_word_option<ReceivedMode>(*command, "--mode", options.mode,
                                  {{"auto", ReceivedMode::kAuto},
                                   {"native", ReceivedMode::kNative},
                                   {"generic", ReceivedMode::kGeneric},
                                   {"tc", ReceivedMode::kTc}})
        ->description(
            "Where received packets are judged: XDP in the driver (native) or behind it (generic), or tc "
            "ingress; auto takes native where the card has it, else tc");
    add_word_option<Egress>(*command, "--egress", options.egress,
                            {{"auto", Egress::kAuto}, {"tcx", Egress::kTcx}, {"clsact", Egress::kClsact}})
        ->description("The hook for sent packets, and for received ones at tc; auto takes tcx where the kernel has it");
    command
        ->add_option("--connections", options.connections,
                     "Room for connections (IPv4, IPv6) until a policy says how much, 131072 by default")
        ->check(CLI::Range(std::uint32_t{EDGEFW_CONNECTIONS_MIN}, std::uint32_t{EDGEFW_CONNECTIONS_MAX}))
        ->type_name("N");
    command
        ->add_flag("--first", options.first,
                   "Of an attached card: puts edgefw before the programs that others have put before it at tcx since")
        ->excludes("--side", "--policy", "--mode", "--egress", "--connections");
    command
        ->add_flag("--again", options.again,
                   "Of an attached card: puts back a hook that it has lost, under what it has in force")
        ->excludes("--side", "--policy", "--mode", "--egress", "--connections", "--first");
    command->add_flag("--force", options.force, "With --policy: also where it ends an SSH session of this machine")
        ->needs("--policy");
    return command;
}

Result<Ok> run(const AttachOptions& options, Context& context);

}  // namespace edgefw::cli
