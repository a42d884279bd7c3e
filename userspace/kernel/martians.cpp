// SPDX-License-Identifier: GPL-2.0-only
#include "userspace/kernel/martians.h"

#include <algorithm>
#include <set>

#include "userspace/kernel/netlink.h"

namespace edgefw::kernel {
namespace {

using Indices = std::set<int>;

Indices attached(const Inventory& inventory, const CardState* newcomer, policy::Side side) {
    Indices indices;
    for (const CardState& card : inventory.cards) {
        if (card.side() == side) indices.insert(static_cast<int>(card.card().ifindex));
    }
    if (newcomer != nullptr && newcomer->side() == side) indices.insert(static_cast<int>(newcomer->card().ifindex));
    return indices;
}

const Link* find(const std::vector<Link>& links, int index) {
    const auto found = std::find_if(links.begin(), links.end(), [&](const Link& link) { return link.index == index; });
    return found == links.end() ? nullptr : &*found;
}

// The card itself, one below it, or a port of it.
bool is_of(const std::vector<Link>& links, int index, const Indices& cards) {
    const Link* link = find(links, index);
    for (std::size_t depth = 0; link != nullptr && depth <= links.size(); depth++) {
        if (cards.contains(link->index)) return true;
        for (const Link& port : links) {
            if (port.master == link->index && cards.contains(port.index)) return true;
        }
        link = link->below == 0 ? nullptr : find(links, link->below);
    }
    return false;
}

}  // namespace

Result<std::vector<image::OwnAddress>> own_addresses(const Inventory& inventory, const CardState* newcomer) {
    auto links = kernel::links();
    if (!links) return links.error();
    auto addresses = card_addresses();
    if (!addresses) return addresses.error();
    const Indices outside = attached(inventory, newcomer, policy::Side::kExternal);
    const Indices inside = attached(inventory, newcomer, policy::Side::kInternal);
    std::vector<image::OwnAddress> own;
    for (const CardAddress& one : *addresses) {
        image::Faces faces = image::Faces::kNeither;
        if (is_of(*links, one.index, outside))
            faces = image::Faces::kOutside;
        else if (is_of(*links, one.index, inside))
            faces = image::Faces::kInside;
        own.push_back({one.address, one.network, faces});
    }
    return own;
}

}  // namespace edgefw::kernel
