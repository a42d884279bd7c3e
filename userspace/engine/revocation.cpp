// SPDX-License-Identifier: GPL-2.0-only
#include "userspace/engine/revocation.h"

#include <netinet/in.h>

#include <algorithm>
#include <utility>

#include "userspace/packet/words.h"
#include "userspace/policy/words.h"

namespace edgefw::engine {
namespace {

using kernel::Connection;
using kernel::Judgement;
using kernel::OpenedConnection;
using packet::Packet;
using policy::Policy;

constexpr std::uint8_t kSyn = 0x02;

bool began_in_midstream(const OpenedConnection& opened) {
    return opened.connection.protocol == IPPROTO_TCP && (opened.detail & kSyn) == 0;
}

// What no masquerade gives a port of its own keeps the one it has.
bool gets_public_port(std::uint8_t protocol) {
    return protocol == IPPROTO_TCP || protocol == IPPROTO_UDP || protocol == IPPROTO_ICMP;
}

bool translates_source_as_before(const Connection& connection, const Policy& policy) {
    for (const policy::Forward& forward : policy.forwards) {
        if (forward.id == connection.nat) return forward.public_address == connection.public_address;
    }
    for (const policy::Masquerade& entry : policy.masquerades) {
        if (entry.id != connection.nat) continue;
        const bool has_port = entry.ports.first <= connection.public_port && connection.public_port <= entry.ports.last;
        return entry.public_address == connection.public_address &&
               (has_port || !gets_public_port(connection.protocol));
    }
    return false;
}

// Whether `judgement`, of the opener, has the translation that the connection has.
bool translates_as_before(const Connection& connection, edgefw_hook hook, const Judgement& judgement,
                          const Policy& policy) {
    if (connection.nat != judgement.nat) return false;
    if (connection.nat.empty()) return true;
    if (hook == EDGEFW_SENT) return translates_source_as_before(connection, policy);
    const bool has_ports = policy::has_ports(connection.protocol);
    return judgement.local == connection.local && (!has_ports || judgement.local_port == connection.local_port);
}

// What the policy says of an opener that is seen at a hook.
struct Admission {
    bool passes = false;
    bool as_before = false;  // it passes, with the translation that it has
};

Result<Admission> admission_of(const OpenedConnection& opened, edgefw_hook hook, const Policy& policy,
                               const JudgeOpener& judge) {
    const Result<Judgement> judgement = judge(opener_of(opened, hook));
    if (!judgement) return judgement.error();
    const bool passes = judgement->verdict == policy::Action::kPass;
    return Admission{passes, passes && translates_as_before(opened.connection, hook, *judgement, policy)};
}

// Nobody knows which end opened what was learned in mid-stream: where the policy would not let it open from where it
// was seen first, the other end is asked for.
Result<bool> goes_on(const OpenedConnection& opened, const Policy& policy, const JudgeOpener& judge) {
    const edgefw_hook hook = opened.connection.opener;
    Result<Admission> admission = admission_of(opened, hook, policy, judge);
    if (!admission) return admission.error();
    if (!admission->passes && opened.generation == 0 && began_in_midstream(opened)) {
        admission = admission_of(opened, hook == EDGEFW_SENT ? EDGEFW_RECEIVED : EDGEFW_SENT, policy, judge);
        if (!admission) return admission.error();
    }
    return admission->as_before;
}

}  // namespace

Packet opener_of(const OpenedConnection& opened, edgefw_hook hook) {
    const Connection& connection = opened.connection;
    Packet packet;
    packet.side = connection.side;
    packet.direction = policy::direction_of(connection.side, hook);
    packet.protocol = connection.protocol;
    if (opened.vlan != 0) packet.vlan = opened.vlan;
    const bool received = hook == EDGEFW_RECEIVED;
    const bool by_public_end = received && !connection.nat.empty();
    packet.source = connection.local;
    packet.destination = connection.remote;
    packet.source_port = connection.local_port;
    packet.destination_port = connection.remote_port;
    if (by_public_end) {
        packet.source = connection.public_address;
        packet.source_port = connection.public_port;
    }
    if (packet.protocol == IPPROTO_TCP)
        packet.tcp_flags = began_in_midstream(opened) ? kSyn : static_cast<std::uint8_t>(opened.detail);
    if (packet::is_icmp(packet.protocol, connection.local.family)) {
        packet.icmp_type = static_cast<std::uint8_t>(opened.detail >> 8);
        packet.icmp_code = static_cast<std::uint8_t>(opened.detail);
        packet.icmp_id = received ? connection.remote_port : connection.local_port;
    }
    if (!policy::has_ports(packet.protocol)) packet.source_port = packet.destination_port = 0;
    if (received) {
        std::swap(packet.source, packet.destination);
        std::swap(packet.source_port, packet.destination_port);
    }
    return packet;
}

Result<std::vector<Connection>> revoked_by(const Policy& policy, const std::vector<OpenedConnection>& connections,
                                           const JudgeOpener& judge) {
    std::vector<Connection> revoked;
    for (const OpenedConnection& opened : connections) {
        const Result<bool> stays = goes_on(opened, policy, judge);
        if (!stays) return stays.error();
        if (!*stays) revoked.push_back(opened.connection);
    }
    return revoked;
}

}  // namespace edgefw::engine
