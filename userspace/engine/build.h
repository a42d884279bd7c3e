// SPDX-License-Identifier: GPL-2.0-only
// The way from the text of a policy to what a push puts into force: read, parse, expand, check, names, compile. The
// only one: commands, the daemon and `profile check` differ in the world that they give it.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "userspace/base/result.h"
#include "userspace/engine/load.h"
#include "userspace/kernel/types.h"
#include "userspace/policy/policy.h"
#include "userspace/profile/profile_path.h"

namespace edgefw::engine {

// What a policy is built in.
struct World {
    policy::ProfilePath profiles;
    // Gives the hosts that rules name, if any, their addresses. What it has to say of them it adds to the policy's
    // warnings.
    std::function<Result<Ok>(policy::Policy&)> resolve;
    std::function<void(const std::string&)> warn = {};   // of the policy, a line each; absent: nobody listens
    std::function<void(const std::string&)> debug = {};  // what each stage took, likewise
    // Whether what is built may be pushed. Else it has an image, and none of the texts that are kept with one: nobody
    // asks for them who judges or compares alone, and they take as long as the image.
    bool for_push = true;
};

struct Built {
    policy::Policy policy;  // its hosts have their addresses, and so have the packets of its tests
    std::vector<policy::PolicyTest> profile_packets;  // of its profiles (profile/packets.h), with addresses, too
    kernel::Compiled compiled;
};

// Fails as load(), World::resolve and image::compile() do.
Result<Built> build(const Source& source, const World& world);

// Gives a policy's hosts the addresses that they have in `hosts`; one that is not among these keeps its own.
void give_addresses(policy::Policy& policy, const std::vector<policy::Host>& hosts);

// The same policy again from what is kept with its generation: no file is read and nobody is asked. `for_push`: as in
// World.
Result<Built> build_again(const document::Sources& sources, const std::vector<policy::Host>& hosts,
                          bool for_push = true);

}  // namespace edgefw::engine
