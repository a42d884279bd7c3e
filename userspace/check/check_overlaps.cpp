// SPDX-License-Identifier: GPL-2.0-only
#include "userspace/check/check_overlaps.h"

#include <algorithm>
#include <map>

#include "maps/limits.h"
#include "userspace/check/hidden_masquerades.h"
#include "userspace/language/values.h"

namespace edgefw::policy {
namespace {

constexpr std::size_t kMaxEntries = EDGEFW_SLOT_FIRST_RULE - EDGEFW_SLOT_FIRST_NAT;
constexpr std::size_t kMaxPairs = EDGEFW_MAX_MASQUERADES;
constexpr std::size_t kMaxPorts = 131072;  // of all port forwards: two tables of them fit the compiler's buckets

std::string end_text(const Address& address, std::uint16_t port, std::uint8_t protocol) {
    return protocol_text(protocol) + " " + address.to_text() + ":" + std::to_string(port);
}

// Port forwards and static entries of one side, against each other.
class Overlaps {
public:
    Overlaps(Side side, Diagnostics& diagnostics) : side_(side), diagnostics_(diagnostics) {}

    void add(const Forward& forward) {
        if ((forward.sides & bit_of(side_)) == 0) return;
        if (forward.is_static()) {
            add_static(forward);
            return;
        }
        auto& others = forwards_[{forward.public_address, forward.protocol}];
        for (const Forward* other : others) {
            const bool apart = forward.public_port + forward.ports <= other->public_port ||
                               other->public_port + other->ports <= forward.public_port;
            if (apart) continue;
            const std::uint16_t port = std::max(forward.public_port, other->public_port);
            diagnostics_.error(forward.where, "'" + forward.id + "' forwards " +
                                                  end_text(forward.public_address, port, forward.protocol) +
                                                  ", which '" + other->id +
                                                  "' forwards already; remove one of the two");
            return;
        }
        others.push_back(&forward);
    }

    void add(const Masquerade& masquerade) {
        if (masquerade.side != side_) return;
        if (const auto found = statics_.find(masquerade.public_address); found != statics_.end()) {
            diagnostics_.error(masquerade.where, "'" + masquerade.id + "' masquerades as " +
                                                     masquerade.public_address.to_text() + ", all of which '" +
                                                     found->second->id +
                                                     "' gives to one host; masquerade as another address");
        }
        for (const auto& [key, forwards] : forwards_) {
            if (key.first != masquerade.public_address || (masquerade.protocol && *masquerade.protocol != key.second))
                continue;
            const unsigned step = masquerade.keeps_parity && key.second == IPPROTO_UDP ? 2 : 1;
            for (unsigned remainder = 0; remainder < step; ++remainder) {
                if (has_free(forwards, masquerade.ports, remainder, step)) continue;
                const char* const which = step == 1        ? "all ports "
                                          : remainder == 0 ? "all even ports of "
                                                           : "all odd ports of ";
                diagnostics_.error(masquerade.where, which + to_text(masquerade.ports) + " of '" + masquerade.id +
                                                         "' are forwarded (" + protocol_text(key.second) + " " +
                                                         masquerade.public_address.to_text() + ", by '" +
                                                         forwards.front()->id +
                                                         "'), and it gives none that is; give it other `ports:`");
                break;
            }
        }
    }

private:
    // Whether a port of `ports` is in none of the forwards; of each second one, as `remainder` says, where `step` is 2.
    static bool has_free(const std::vector<const Forward*>& forwards, const PortRange& ports, unsigned remainder,
                         unsigned step) {
        std::vector<bool> taken(std::size_t{ports.last} - ports.first + 1);
        for (const Forward* forward : forwards) {
            const int first = std::max<int>(forward->public_port, ports.first);
            const int last = std::min<int>(forward->public_port + forward->ports - 1, ports.last);
            for (int port = first; port <= last; ++port)
                taken[static_cast<std::size_t>(port - ports.first)] = true;
        }
        for (unsigned port = ports.first; port <= ports.last; ++port) {
            if (port % step == remainder && !taken[port - ports.first]) return true;
        }
        return false;
    }

    void add_static(const Forward& forward) {
        if (const auto [first, is_new] = statics_.emplace(forward.public_address, &forward); !is_new) {
            diagnostics_.error(forward.where, "'" + forward.id + "' maps " + forward.public_address.to_text() +
                                                  ", which '" + first->second->id +
                                                  "' maps already; remove one of the two");
        }
        if (const auto [first, is_new] = targets_.emplace(forward.target, &forward); !is_new) {
            diagnostics_.error(forward.where, "'" + forward.id + "' maps to " + forward.target.to_text() + ", which '" +
                                                  first->second->id +
                                                  "' maps to already: what it sends can have one public address");
        }
    }

    Side side_;
    Diagnostics& diagnostics_;
    std::map<std::pair<Address, std::uint8_t>, std::vector<const Forward*>> forwards_;
    std::map<Address, const Forward*> statics_;
    std::map<Address, const Forward*> targets_;
};

void warn_of_forwards_before_statics(const std::vector<Forward>& forwards, Diagnostics& diagnostics) {
    std::map<Address, const Forward*> statics;
    for (const Forward& forward : forwards) {
        if (forward.is_static()) statics.emplace(forward.public_address, &forward);
    }
    for (const Forward& forward : forwards) {
        const auto found = statics.find(forward.public_address);
        if (forward.is_static() || found == statics.end() || (found->second->sides & forward.sides) == 0) continue;
        if (forward.target == found->second->target && forward.target_port == forward.public_port) continue;
        diagnostics.warning(forward.where, "'" + forward.id + "' comes before the static entry '" + found->second->id +
                                               "' of the same public address: these ports do not reach " +
                                               found->second->target.to_text());
    }
}

// A static entry translates packet by packet what is of no connection, until a forward has the port.
void warn_of_forwards_of_static_hosts(const std::vector<Forward>& forwards, Diagnostics& diagnostics) {
    std::map<Address, const Forward*> statics;
    for (const Forward& forward : forwards) {
        if (forward.is_static()) statics.emplace(forward.target, &forward);
    }
    for (const Forward& forward : forwards) {
        const auto found = statics.find(forward.target);
        if (forward.kind != NatKind::kPortForward || found == statics.end() ||
            (found->second->sides & forward.sides) == 0 || found->second->public_address == forward.public_address)
            continue;
        diagnostics.warning(forward.where,
                            "'" + forward.id + "' and '" + found->second->id + "' give " + forward.target.to_text() +
                                " two public addresses: what it sends from the forwarded ports and is of no "
                                "connection leaves by " +
                                forward.public_address.to_text() + "; let its rules keep state");
    }
}

std::size_t prefixes_in(const std::vector<AddressRange>& ranges) {
    std::size_t count = 0;
    for (const AddressRange& range : ranges)
        count += range.prefixes().size();
    return count;
}

// The data path tries one pair of prefixes after the other.
void limit_pairs(const std::vector<Masquerade>& masquerades, Diagnostics& diagnostics) {
    std::size_t pairs = 0;
    for (const Masquerade& masquerade : masquerades) {
        pairs += prefixes_in(masquerade.from) * std::max<std::size_t>(1, prefixes_in(masquerade.to));
        if (pairs <= kMaxPairs) continue;
        diagnostics.error(masquerade.where,
                          "with '" + masquerade.id + "' the masquerades have " + std::to_string(pairs) +
                              " pairs of a `from` and a `to` prefix, and " + std::to_string(kMaxPairs) +
                              " fit (a range is as many prefixes as it takes); name fewer or larger networks");
        return;
    }
}

}  // namespace

void check_overlaps(const Policy& policy, Diagnostics& diagnostics) {
    for (const Side side : {Side::kExternal, Side::kInternal}) {
        Overlaps overlaps(side, diagnostics);
        for (const Forward& forward : policy.forwards)
            overlaps.add(forward);
        for (const Masquerade& masquerade : policy.masquerades)
            overlaps.add(masquerade);
    }
    warn_of_forwards_before_statics(policy.forwards, diagnostics);
    warn_of_forwards_of_static_hosts(policy.forwards, diagnostics);
    limit_pairs(policy.masquerades, diagnostics);
    if (diagnostics.ok()) warn_of_hidden_masquerades(policy, diagnostics);
    std::size_t ports = 0;
    for (const Forward& forward : policy.forwards) {
        ports += forward.ports;
        if (ports <= kMaxPorts) continue;
        diagnostics.error(forward.where, "the port forwards have more than " + std::to_string(kMaxPorts) +
                                             " ports in all; a static entry forwards all ports of an address");
        break;
    }
    const std::size_t entries = policy.forwards.size() + policy.masquerades.size();
    if (entries > kMaxEntries) {
        diagnostics.error(
            policy.forwards.empty() ? policy.masquerades.back().where : policy.forwards.back().where,
            "there are " + std::to_string(entries) + " NAT entries; at most " + std::to_string(kMaxEntries) + " fit");
    }
}

}  // namespace edgefw::policy
