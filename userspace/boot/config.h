// SPDX-License-Identifier: GPL-2.0-only
// boot.conf: what `edgefw boot` attaches at boot, and what becomes of a card whose policy cannot be put in force. It is
// never said in the policy, which may be what is broken.
#pragma once

#include <optional>
#include <string>

#include "userspace/base/result.h"
#include "userspace/kernel/types.h"
#include "userspace/policy/policy.h"

namespace edgefw::boot {

inline constexpr const char* kConfigFile = "/etc/edgefw/boot.conf";
inline constexpr const char* kPolicyFile = "/etc/edgefw/policy.yaml";

enum class OnFailure { kOpen, kClosed };

// What one card is told.
struct Config {
    OnFailure on_failure = OnFailure::kClosed;
    kernel::ClosedRules closed;
    std::string policy = kPolicyFile;
    policy::Side side = policy::Side::kExternal;
    kernel::ReceivedMode mode = kernel::ReceivedMode::kAuto;
    kernel::Egress egress = kernel::Egress::kAuto;
};

struct Loaded {
    Config config;               // of a file with errors: all that could be read of it, the rest as of an empty one
    std::optional<Error> error;  // kPolicy, a line each; kFailed: it is no file, or cannot be read
};

// `interface`: the card that is asked about. A file that is not there is an empty one.
Loaded load(const std::string& file, const std::string& interface);
// The same from text that was read already; `file` names it in messages.
Loaded parse(const std::string& text, const std::string& file, const std::string& interface);

}  // namespace edgefw::boot
