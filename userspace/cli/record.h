// SPDX-License-Identifier: GPL-2.0-only
// Writes into the history (history/folder.h) what a command puts in force.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "userspace/base/fd.h"
#include "userspace/cli/context.h"
#include "userspace/engine/build.h"
#include "userspace/history/folder.h"
#include "userspace/history/order.h"
#include "userspace/kernel/types.h"

namespace edgefw::cli {

// What is in force on each attached card; none where that cannot be seen.
std::vector<history::CardInForce> cards_in_force();

// The id of this boot; empty: the kernel does not tell.
std::string boot_id();

// What came into force, beside the policy itself.
struct InForce {
    std::uint32_t generation = 0;
    std::vector<std::string> cards;
    bool one_card = false;   // it was for this card alone
    std::uint64_t from = 0;  // the entry that was pushed again; 0: none
};

// The entry is written after the flip: no disk stands between an operator and a push. Who is killed in between leaves
// none; but what is in force is kept by the kernel, too, and the next command that would replace it writes its entry
// first. Where no entry can be written the push goes on with one warning.
class Recorder {
public:
    // Opens, and makes, the folder: as long as this process has all its rights. `user`: who is written down; empty: who
    // runs the command.
    explicit Recorder(Context& context, std::string user = {});

    // Just before a push or attach of a policy: nobody else's comes in between until end() or the next begin().
    void begin();
    // After it. Not called: it failed, and nothing is written.
    // `sources`: as they are kept with the generation.
    void end(const policy::Policy& policy, const std::string& sources, const InForce& in_force);
    // After a failure.
    void give_up() { lock_.reset(); }

private:
    void warn(const std::string& why);
    // What nobody wrote down when it came into force.
    void catch_up();
    void write(history::Entry entry);

    Context& context_;
    std::string user_;
    std::string trouble_;  // why there is no folder; empty: there is
    std::optional<history::Folder> folder_;
    std::optional<Fd> lock_;
    std::vector<history::CardInForce> cards_;
};

// Attaches a card under a policy, and writes it down.
Result<kernel::Card> attach(kernel::AttachRequest request, engine::Built built, Recorder& recorder);

}  // namespace edgefw::cli
