// SPDX-License-Identifier: GPL-2.0-only
// The oracle's NAT: steps 5, 8 and 9 of docs/semantics.md. IPv4.
#include <netinet/in.h>

#include <algorithm>

#include "tests/support/oracle.h"
#include "tests/support/oracle_packet.h"

namespace edgefw::test {

using packet::Packet;
using policy::Forward;
using policy::Masquerade;

bool Oracle::uses(const Forward& forward, const View& view) const {
    if ((forward.sides & policy::bit_of(view.packet.side)) == 0) return false;
    if (forward.is_static()) return true;
    return forward.protocol == view.packet.protocol && forward.public_port <= view.local_port &&
           view.local_port < forward.public_port + forward.ports;
}

// Whether the target opens by its public end with such a packet.
bool Oracle::opens_by(const Forward& forward, const View& view) const {
    // A hairpin translates destinations alone.
    const bool also_outside = (forward.sides & policy::bit_of(policy::Side::kExternal)) != 0;
    if ((forward.sides & policy::bit_of(view.packet.side)) == 0) return false;
    if (view.packet.side == policy::Side::kInternal && also_outside) return false;
    if (forward.is_static()) return true;
    return forward.kind == policy::NatKind::kPortForward && forward.protocol == view.packet.protocol &&
           forward.target_port <= view.local_port && view.local_port < forward.target_port + forward.ports;
}

// What is received there goes to a port forward.
bool Oracle::is_forwarded(const View& view, std::uint16_t port) const {
    return std::any_of(policy_.forwards.begin(), policy_.forwards.end(), [&](const Forward& forward) {
        return !forward.is_static() && (forward.sides & policy::bit_of(view.packet.side)) != 0 &&
               forward.public_address == view.translation->public_address && forward.protocol == view.packet.protocol &&
               forward.public_port <= port && port < forward.public_port + forward.ports;
    });
}

// 5: a port forward comes before a static entry, and both before a masqueraded connection.
void Oracle::translate_destination(View& view) const {
    const Packet& packet = view.packet;
    if (packet.hook() != EDGEFW_RECEIVED || packet.destination.family != Family::kIpv4) return;
    for (const bool is_static : {false, true}) {
        for (const Forward& forward : policy_.forwards) {
            if (forward.is_static() != is_static || forward.public_address != view.local || !uses(forward, view))
                continue;
            // A hairpin translates destinations alone: replies need the connection.
            const bool hairpin = packet.side == policy::Side::kInternal &&
                                 (forward.sides & policy::bit_of(policy::Side::kExternal)) != 0;
            view.translation = {forward.id, view.local, view.key_ports.first, !is_static || hairpin, false};
            view.local = forward.target;
            if (is_static) return;
            view.local_port = static_cast<std::uint16_t>(view.local_port - forward.public_port + forward.target_port);
            view.key_ports.first = view.local_port;
            return;
        }
    }
    if (!may_be_masqueraded(view)) return;
    for (const Connection& connection : connections_) {
        const View& opener = connection.opener;
        if (!opener.translation || !opener.translation->masqueraded || !is_live(connection, view) ||
            opener.packet.side != packet.side || opener.packet.protocol != packet.protocol ||
            opener.remote != view.remote || opener.key_ports.second != view.key_ports.second ||
            opener.translation->public_address != view.local || opener.translation->public_port != view.key_ports.first)
            continue;
        view.translation = opener.translation;
        view.local = opener.local;
        view.local_port = opener.local_port;
        view.key_ports = opener.key_ports;
        return;
    }
}

bool Oracle::may_be_masqueraded(const View& view) const {
    if (is_opening_syn(view.packet)) return false;
    std::uint16_t first = UINT16_MAX, last = 0;
    for (const Masquerade& entry : policy_.masquerades) {
        if (entry.side != view.packet.side) continue;
        first = std::min(first, entry.ports.first);
        last = std::max(last, entry.ports.last);
    }
    if (first > last) return false;
    if (!gets_public_port(view.packet)) return true;
    return first <= view.key_ports.first && view.key_ports.first <= last;
}

const Masquerade* Oracle::masquerade_of(const View& view) const {
    const auto holds = [](const std::vector<AddressRange>& ranges, const Address& address) {
        return std::any_of(ranges.begin(), ranges.end(),
                           [&](const AddressRange& range) { return range.contains(address); });
    };
    for (const Masquerade& entry : policy_.masquerades) {
        if (entry.side == view.packet.side && holds(entry.from, view.local) &&
            (entry.to.empty() || holds(entry.to, view.remote)) &&
            (!entry.protocol || *entry.protocol == view.packet.protocol) &&
            (entry.remote_port == 0 || entry.remote_port == view.key_ports.second))
            return &entry;
    }
    return nullptr;
}

void Oracle::translate_source(View& view) const {
    if (view.packet.hook() != EDGEFW_SENT || view.packet.source.family != Family::kIpv4) return;
    for (const bool is_static : {false, true}) {
        for (const Forward& forward : policy_.forwards) {
            if (forward.is_static() != is_static || forward.target != view.local || !opens_by(forward, view)) continue;
            const auto port = static_cast<std::uint16_t>(
                is_static ? view.key_ports.first : view.local_port - forward.target_port + forward.public_port);
            view.translation = {forward.id, forward.public_address, port, !is_static, false};
            return;
        }
    }
    if (const Masquerade* entry = masquerade_of(view))
        view.translation = {entry->id, entry->public_address, 0, true, true};
}

// No other connection that has not timed out has the public port, to the same remote end.
bool Oracle::is_free(const View& view, std::uint16_t port) const {
    return std::none_of(connections_.begin(), connections_.end(), [&](const Connection& connection) {
        const View& opener = connection.opener;
        return opener.translation && opener.translation->masqueraded && opener.packet.side == view.packet.side &&
               opener.packet.protocol == view.packet.protocol && opener.remote == view.remote &&
               opener.key_ports.second == view.key_ports.second &&
               opener.translation->public_address == view.translation->public_address &&
               opener.translation->public_port == port && !is_timed_out(connection) && !same_ends(opener, view);
    });
}

// What an opener needs before it can open. EDGEFW_REASON_RULE: it can; else why not.
edgefw_reason Oracle::allocate(View& view) const {
    for (const Connection& connection : connections_) {
        if (is_live(connection, view) && same_ends(connection.opener, view) &&
            tells_apart(connection.opener.packet, view.packet))
            return EDGEFW_REASON_VLAN_COLLISION;
    }
    return allocate_port(view);
}

edgefw_reason Oracle::allocate_port(View& view) const {
    if (view.packet.hook() == EDGEFW_RECEIVED) {
        const bool collides = std::any_of(connections_.begin(), connections_.end(), [&](const Connection& connection) {
            return is_live(connection, view) && same_ends(connection.opener, view) &&
                   !same_public_end(connection.opener, view);
        });
        return collides ? EDGEFW_REASON_NAT_COLLISION : EDGEFW_REASON_RULE;
    }
    if (!view.translation || !view.translation->masqueraded) return EDGEFW_REASON_RULE;
    const Masquerade& entry = *masquerade_of(view);
    const std::uint16_t port = view.key_ports.first;
    if (!gets_public_port(view.packet)) {
        view.translation->public_port = port;
        return is_free(view, port) ? EDGEFW_REASON_RULE : EDGEFW_REASON_NAT_PORTS;
    }
    bool any = false, allotted = false;
    for (std::uint32_t candidate = entry.ports.first; candidate <= entry.ports.last; ++candidate) {
        const bool parity = entry.keeps_parity && view.packet.protocol == IPPROTO_UDP;
        const auto candidate_port = static_cast<std::uint16_t>(candidate);
        if ((parity && ((candidate ^ port) & 1) != 0) || is_forwarded(view, candidate_port) ||
            !is_free(view, candidate_port))
            continue;
        any = true;
        allotted = allotted || view.allotted == candidate;
    }
    if (!any) return EDGEFW_REASON_NAT_PORTS;
    if (!allotted) return EDGEFW_REASON_TRANSLATE_FAILED;  // the data path chose one that it must not
    view.translation->public_port = *view.allotted;
    return EDGEFW_REASON_RULE;
}

// 9: the packet with its local end as `view` has it.
void Oracle::leave(const Packet& packet, const View& view) {
    left_ = packet;
    if (!view.translation) return;
    const bool received = packet.hook() == EDGEFW_RECEIVED;
    const Address& address = received ? view.local : view.translation->public_address;
    const std::uint16_t port = received ? view.key_ports.first : view.translation->public_port;
    (received ? left_.destination : left_.source) = address;
    if (has_ports(packet)) (received ? left_.destination_port : left_.source_port) = port;
    const bool echo = is_echo_request(packet) || is_echo_reply(packet);
    if (echo && view.translation->masqueraded) left_.icmp_id = port;
}

}  // namespace edgefw::test
