// SPDX-License-Identifier: GPL-2.0-only
// What should be attached, remembered where it outlives hooks and pins, so that their loss is seen:
//
//   /run/edgefw/<network namespace cookie>/card_<ifindex>
//
// A card is remembered from the moment both its hooks are on until just before the first is taken off: a hook that is
// on without it is what a killed attach or detach has left. A boot empties /run, as it empties bpffs.
#pragma once

#include <string>
#include <vector>

#include "maps/card.h"
#include "userspace/base/result.h"
#include "userspace/kernel/pins.h"

namespace edgefw::kernel {

struct Remembered {
    edgefw_card card = {};  // what all versions say alike, the name, and `switched_off`
    std::string address;    // of the link layer; empty: it had none
};

// What is remembered is root's alone: fails where somebody else made the folder, or can write to it.
Result<Ok> check_remembered();

// Cards that should be attached and are there. A card is the same while its index and its name are, or its index and
// its address: one that came later with the index alone is another.
Result<std::vector<Remembered>> remembered(const Home& home);
const Remembered* find(const std::vector<Remembered>& memory, std::uint32_t ifindex);

// Remembers the card, in place of what was remembered of its index. Fails where there is no /run that can be written.
Result<Ok> remember(const Home& home, const edgefw_card& card);
void forget(const Home& home, std::uint32_t ifindex);
// Forgets the cards that are not there any more.
void forget_gone(const Home& home);
void remove_empty_remembered(const Home& home);

// The folder of what is remembered of the namespace whose home in bpffs this is.
std::string remembered_folder(const std::string& home);
// Whether something is remembered of a home's namespace, and the namespace is seen to be in use.
bool is_remembered_alive(const std::string& home);
// Forgets the namespaces that are gone. Does so only where all processes of the machine can be seen: nothing else shows
// that a namespace is still there.
void forget_dead_namespaces();

}  // namespace edgefw::kernel
