// SPDX-License-Identifier: GPL-2.0-only
// One attempt to put a card's policy in force at boot, and what the card is where that fails. No step leaves the card
// more open than boot.conf says, whenever the process is killed.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "userspace/base/result.h"
#include "userspace/boot/config.h"

namespace edgefw::boot {

// What an attempt asks of the machine.
struct Machine {
    std::function<Result<bool>()> is_attached;
    std::function<Result<Ok>(const kernel::ClosedRules&)> close;
    std::function<Result<Ok>()> open_closed;
    std::function<Result<std::string>(const Config&)> attach;  // what was attached, for a person
    std::function<Result<Ok>()> hold_down;                     // also where it is held already
    std::function<Result<Ok>()> let_up;                        // also where it was never held
};

enum class Standing {
    kArmed,   // a policy judges
    kClosed,  // maps/closed.h
    kDown,    // nothing judges, and the card is kept down
    kOpen,    // nothing judges, and everything passes
};

struct Outcome {
    Standing standing = Standing::kOpen;
    std::string attached = {};        // kArmed: what; empty: it was before
    std::optional<Error> error = {};  // why it is not armed; of an armed card: what is wrong with boot.conf
    std::string why_worse = {};       // kDown, kOpen: why it is not as boot.conf says; empty: it is
};

// Where boot.conf says closed the card is closed before anything is read or built, so that it is never open.
Outcome attempt(const Loaded& loaded, const Machine& machine);

// One line: what the card is now.
std::string describe(const std::string& interface, const Outcome& outcome, const Config& config);

}  // namespace edgefw::boot
