// SPDX-License-Identifier: GPL-2.0-only
// The oracle's connections: steps 6 and 8 of docs/semantics.md.
#include <netinet/in.h>

#include <algorithm>
#include <cstdlib>

#include "tests/support/oracle.h"
#include "tests/support/oracle_packet.h"

namespace edgefw::test {

using packet::Packet;
using policy::Action;

namespace {

bool may_belong_to_connection(const Packet& packet) {
    return !is_icmp(packet) || is_echo_request(packet) || is_echo_reply(packet);
}

edgefw_connection_state first_state(const Packet& packet) {
    if (packet.protocol == IPPROTO_TCP) return EDGEFW_STATE_TCP_OPENING;
    if (packet.protocol == IPPROTO_UDP) return EDGEFW_STATE_UDP_ONE_WAY;
    return is_icmp(packet) ? EDGEFW_STATE_ECHO : EDGEFW_STATE_OTHER_ONE_WAY;
}

// Numbers are compared by their distance.
bool is_after(std::uint32_t number, std::uint32_t other) {
    return static_cast<std::int32_t>(number - other) > 0;
}

// The windows of the frames here are 65,535 bytes, unscaled; a closed window is probed with one more. In mid-stream
// they may have been scaled by up to 2^14 (RFC 7323), of which less is believed.
constexpr std::int32_t kWidestWindow = 65535 << 14;
constexpr std::int32_t kMidstreamWindow = 1 << 20;
constexpr std::uint32_t kHandshakeData = 16384;

// What is not TCP: answered by the other end (`port`: its), confirmed when the opener goes on, and has for a while.
edgefw_connection_state next_state(edgefw_connection_state state, bool from_opener, std::uint16_t port, bool settled) {
    if (!from_opener) {
        if (state == EDGEFW_STATE_UDP_ONE_WAY) return port < 1024 ? EDGEFW_STATE_UDP_QUERY : EDGEFW_STATE_UDP_ANSWERED;
        if (state == EDGEFW_STATE_ECHO) return EDGEFW_STATE_ECHO_ANSWERED;
        if (state == EDGEFW_STATE_OTHER_ONE_WAY) return EDGEFW_STATE_OTHER_ANSWERED;
        return state;
    }
    if (!settled) return state;
    if (state == EDGEFW_STATE_UDP_ANSWERED || state == EDGEFW_STATE_UDP_QUERY) return EDGEFW_STATE_UDP_TWO_WAY;
    if (state == EDGEFW_STATE_ECHO_ANSWERED) return EDGEFW_STATE_ECHO_TWO_WAY;
    if (state == EDGEFW_STATE_OTHER_ANSWERED) return EDGEFW_STATE_OTHER_TWO_WAY;
    return state;
}

}  // namespace

bool Oracle::same_ends(const View& a, const View& b) {
    return a.packet.side == b.packet.side && a.packet.protocol == b.packet.protocol && a.local == b.local &&
           a.remote == b.remote && a.key_ports == b.key_ports;
}

bool Oracle::same_public_end(const View& a, const View& b) {
    if (!a.translation || !b.translation) return !a.translation && !b.translation;
    return a.translation->public_address == b.translation->public_address &&
           a.translation->public_port == b.translation->public_port;
}

bool Oracle::is_timed_out(const Connection& connection) const {
    return now_ - connection.seen > policy_.timeout[connection.state];
}

bool Oracle::is_live(const Connection& connection, const View& view) const {
    const bool ends = connection.state == EDGEFW_STATE_TCP_CLOSED || connection.state == EDGEFW_STATE_TCP_UNPROVEN;
    return !(ends && is_opening_syn(view.packet)) && !is_timed_out(connection);
}

bool Oracle::tells_apart(const Packet& a, const Packet& b) const {
    const bool names_one = std::any_of(policy_.rules.begin(), policy_.rules.end(),
                                       [](const policy::Rule& rule) { return rule.is_of_ip() && rule.vlan; });
    return names_one && a.vlan.value_or(0) != b.vlan.value_or(0);
}

bool Oracle::passes_by(const Connection& connection, const View& view) {
    const std::uint8_t flags = view.packet.tcp_flags;
    if (!connection.midstream) return true;
    if ((flags & kSyn) != 0 && (flags & kAck) == 0) return false;
    return connection.state != EDGEFW_STATE_TCP_UNPROVEN || is_midstream(view) || (flags & kRst) != 0;
}

bool Oracle::goes_on_in_midstream(const View& view) const {
    for (const Connection& connection : connections_) {
        if (connection.midstream && is_live(connection, view) && same_ends(connection.opener, view)) return true;
    }
    return false;
}

// What is received by another public end than its own is not of a connection; what is sent goes out by it.
Oracle::Connection* Oracle::find(const View& view) {
    if (!may_belong_to_connection(view.packet)) return nullptr;
    for (Connection& connection : connections_) {
        if (!is_live(connection, view) || !same_ends(connection.opener, view) || !passes_by(connection, view)) continue;
        if (tells_apart(connection.opener.packet, view.packet)) continue;
        if (view.packet.hook() == EDGEFW_SENT || same_public_end(connection.opener, view)) return &connection;
    }
    return nullptr;
}

// Ends the connection that this packet would belong to by a NAT entry which is in force no longer, or not as it was.
bool Oracle::revoke_retired(const View& view) {
    if (view.packet.hook() == EDGEFW_SENT || is_opening_syn(view.packet)) return false;
    if (!may_belong_to_connection(view.packet)) return false;
    const View wire = wire_view(view.packet);
    return std::erase_if(connections_, [&](const Connection& connection) {
               const View& opener = connection.opener;
               return is_live(connection, view) && opener.translation && !opener.translation->masqueraded &&
                      !tells_apart(opener.packet, view.packet) && opener.packet.protocol == wire.packet.protocol &&
                      opener.remote == wire.remote && opener.key_ports.second == wire.key_ports.second &&
                      opener.translation->public_address == wire.local &&
                      opener.translation->public_port == wire.key_ports.first;
           }) > 0;
}

// An entry in force would translate what opened it.
bool Oracle::is_translated(const View& opener) const {
    View anew = wire_view(opener.packet);
    translate_destination(anew);
    translate_source(anew);
    return anew.translation && (opener.packet.hook() == EDGEFW_SENT || !anew.translation->masqueraded);
}

// What opened it, translated anew, under the policy in force.
bool Oracle::judge_again(Connection& connection) const {
    const View& opener = connection.opener;
    if (opener.translation) {
        View anew = wire_view(opener.packet);
        if (opener.packet.hook() == EDGEFW_RECEIVED) {
            translate_destination(anew);
            if (!same_ends(anew, opener)) return false;
        } else {
            translate_source(anew);
        }
        if (!anew.translation || anew.translation->id != opener.translation->id ||
            anew.translation->masqueraded != opener.translation->masqueraded ||
            anew.translation->public_address != opener.translation->public_address)
            return false;
        if (!opener.translation->masqueraded && anew.translation->public_port != opener.translation->public_port)
            return false;
        if (opener.translation->masqueraded && gets_public_port(opener.packet)) {
            if (is_forwarded(anew, opener.translation->public_port)) return false;
            const policy::PortRange& ports = masquerade_of(anew)->ports;
            if (opener.translation->public_port < ports.first || opener.translation->public_port > ports.last)
                return false;
        }
    }
    Classified classified = classify(opener);
    const bool turns = classified.action == Action::kDrop && connection.generation == 0 && connection.midstream;
    if (turns) classified = classify(turned(opener));
    if (classified.action == Action::kDrop) return false;
    if (!opener.translation && is_translated(turns ? turned(opener) : opener)) return false;
    if (turns) {
        turn(connection);
        if (!connection.confirmed && connection.state != EDGEFW_STATE_TCP_CLOSED) {
            connection.state = EDGEFW_STATE_TCP_UNPROVEN;
            connection.seen = now_;
        }
    }
    connection.rule = classified.rule;
    connection.generation = generation_;
    return true;
}

bool Oracle::is_midstream(const View& view) {
    return view.packet.protocol == IPPROTO_TCP && (view.packet.tcp_flags & (kSyn | kRst | kAck)) == kAck;
}

// The same ends, seen at the other hook.
Oracle::View Oracle::turned(View view) {
    using policy::Direction;
    Packet& packet = view.packet;
    std::swap(packet.source, packet.destination);
    std::swap(packet.source_port, packet.destination_port);
    packet.direction = packet.direction == Direction::kInbound ? Direction::kOutbound : Direction::kInbound;
    return view;
}

void Oracle::turn(Connection& connection) {
    connection.opener = turned(connection.opener);
    std::swap(connection.opening_end, connection.other_end);
    if (connection.state == EDGEFW_STATE_TCP_CLOSING_OPENER)
        connection.state = EDGEFW_STATE_TCP_CLOSING_OTHER;
    else if (connection.state == EDGEFW_STATE_TCP_CLOSING_OTHER)
        connection.state = EDGEFW_STATE_TCP_CLOSING_OPENER;
}

// "Before the first policy", learned.
void Oracle::learn(const Sample& sample) {
    if (sample.fragment != Sample::Fragment::kNone || builtin(sample)) return;
    const View view = view_of(sample);
    if (Connection* connection = find(view)) {
        if (advance(*connection, view)) connection->seen = now_;
    } else if (is_midstream(view)) {
        enter_midstream(view, view, "");
    } else if (opens(view.packet) && !goes_on_in_midstream(view)) {
        open(view, "");
    }
}

// "Before the first policy", adopted: as a SYN of this hook, or else of the other.
std::optional<Verdict> Oracle::adopt(const View& view) {
    View translated = view;
    translate_source(translated);
    if (!adopts_ || !is_midstream(view) || translated.translation || is_martian(view)) return std::nullopt;
    for (const Connection& connection : connections_) {
        if (is_live(connection, view) && same_ends(connection.opener, view)) return std::nullopt;
    }
    for (View opener : {view, turned(view)}) {
        opener.packet.tcp_flags = kSyn;
        const Classified classified = classify(opener);
        if (classified.action == Action::kDrop || !classified.keeps) continue;
        enter_midstream(view, opener, classified.rule);
        leave(view.packet, view);
        const bool proven = opener.packet.hook() == view.packet.hook();
        return Verdict{Action::kPass, classified.reason, classified.rule, "", proven};
    }
    return std::nullopt;
}

void Oracle::enter_midstream(const View& view, const View& opener, const std::string& rule) {
    open(opener, rule);
    Connection& connection = connections_.back();
    connection.opener.packet.tcp_flags = kSyn;
    const bool from_opener = view.packet.hook() == opener.packet.hook();
    connection.state = from_opener ? EDGEFW_STATE_TCP_ANSWERED : EDGEFW_STATE_TCP_UNPROVEN;
    connection.midstream = true;
    begin_in_midstream(connection, view);
}

void Oracle::begin_in_midstream(Connection& connection, const View& view) {
    const bool from_opener = view.packet.hook() == connection.opener.packet.hook();
    connection.first = view.packet.hook();
    connection.window = kMidstreamWindow;
    (from_opener ? connection.opening_end : connection.other_end) = {view.last, view.acknowledgment};
    (from_opener ? connection.other_end : connection.opening_end) = {view.acknowledgment, view.first};
}

// The segment fits in both its numbers: they move on.
bool Oracle::note_numbers(Connection& connection, const View& view, bool from_opener) {
    End& from = from_opener ? connection.opening_end : connection.other_end;
    End& to = from_opener ? connection.other_end : connection.opening_end;
    const auto distance = [](std::uint32_t a, std::uint32_t b) { return static_cast<std::int32_t>(a - b); };
    const bool fits = (view.packet.tcp_flags & kAck) != 0 && (view.packet.tcp_flags & kRst) == 0 &&
                      distance(view.last, to.acknowledged) <= connection.window + 1 &&
                      distance(to.acknowledged, view.first) <= connection.window &&
                      distance(view.acknowledgment, to.next) <= connection.window &&
                      distance(from.acknowledged, view.acknowledgment) <= connection.window;
    if (!fits) return false;
    if (is_after(view.last, from.next)) from.next = view.last;
    if (is_after(view.acknowledgment, to.next)) to.next = view.acknowledgment;
    if (is_after(view.acknowledgment, from.acknowledged)) from.acknowledged = view.acknowledgment;
    return true;
}

// A reset closes at one of two numbers.
bool Oracle::closes(const Connection& connection, const View& view, bool from_opener) {
    const End& from = from_opener ? connection.opening_end : connection.other_end;
    const End& to = from_opener ? connection.other_end : connection.opening_end;
    return view.first == from.next || view.first == to.acknowledged;
}

// A connection in mid-stream that is half open. True when it is confirmed.
bool Oracle::join_midstream(Connection& connection, const View& view) {
    const bool from_opener = view.packet.hook() == connection.opener.packet.hook();
    const End from = from_opener ? connection.opening_end : connection.other_end;
    const End to = from_opener ? connection.other_end : connection.opening_end;
    const std::uint8_t flags = view.packet.tcp_flags;
    if (connection.state == EDGEFW_STATE_TCP_CLOSED || (flags & kSyn) != 0) return false;
    if ((flags & kRst) != 0) {
        if (closes(connection, view, from_opener)) connection.state = EDGEFW_STATE_TCP_CLOSED;
        return false;
    }
    if ((flags & kAck) == 0) return false;
    if (connection.first == view.packet.hook()) {
        note_numbers(connection, view, from_opener);
        return false;
    }
    const auto ahead = static_cast<std::int32_t>(view.first - from.next);
    const auto behind = static_cast<std::int64_t>(static_cast<std::uint32_t>(to.next - view.acknowledgment));
    if (std::abs(static_cast<std::int64_t>(ahead)) <= kMidstreamWindow && behind <= kMidstreamWindow) {
        connection.state = EDGEFW_STATE_TCP_ESTABLISHED;
        return true;
    }
    if (connection.generation == 0 && !from_opener) turn(connection);
    begin_in_midstream(connection, view);
    if (connection.state == EDGEFW_STATE_TCP_UNPROVEN) connection.state = EDGEFW_STATE_TCP_ANSWERED;
    return false;
}

// 6, the handshake. True when the connection is confirmed.
bool Oracle::shake_hands(Connection& connection, const View& view, bool from_opener) {
    const std::uint8_t flags = view.packet.tcp_flags;
    End& from = from_opener ? connection.opening_end : connection.other_end;
    End& to = from_opener ? connection.other_end : connection.opening_end;
    const bool answered = connection.state == EDGEFW_STATE_TCP_ANSWERED;
    const bool acknowledges = (flags & kAck) != 0 && to.next - view.acknowledgment <= kHandshakeData;
    if (connection.state == EDGEFW_STATE_TCP_CLOSED) return false;
    if ((flags & kRst) != 0) {
        const bool refuses = !from_opener && acknowledges;
        const bool aborts = (from_opener || answered) && view.first == from.next;
        if (refuses || aborts) connection.state = EDGEFW_STATE_TCP_CLOSED;
        return false;
    }
    if (from_opener && answered && acknowledges) {
        connection.state = EDGEFW_STATE_TCP_ESTABLISHED;
        from.acknowledged = view.acknowledgment;
        return true;
    }
    if (from_opener && is_opening_syn(view.packet) && view.last != from.next) {
        connection.state = EDGEFW_STATE_TCP_OPENING;
        from.next = view.last;
        to.acknowledged = view.first;
    }
    if (!from_opener && (flags & kSyn) != 0 && ((flags & kAck) == 0 || acknowledges)) {
        connection.state = EDGEFW_STATE_TCP_ANSWERED;
        from.next = view.last;
        if ((flags & kAck) != 0) from.acknowledged = view.acknowledgment;
        to.acknowledged = view.first;
    }
    if (!from_opener && (flags & kSyn) == 0 && answered && view.first - from.next <= kHandshakeData &&
        is_after(view.last, from.next))
        from.next = view.last;
    return false;
}

// 6: the other end answers a SYN that came in the middle of a confirmed connection.
bool Oracle::is_renewed(const Connection& connection, const View& view) {
    constexpr std::uint8_t kDeciding = kSyn | kAck | kRst | kFin;
    return connection.confirmed && connection.state != EDGEFW_STATE_TCP_CLOSED && connection.renewal &&
           connection.renewal->first != view.packet.hook() && (view.packet.tcp_flags & kDeciding) == (kSyn | kAck) &&
           connection.renewal->second - view.acknowledgment <= kHandshakeData;
}

void Oracle::renew(Connection& connection, const View& view, bool from_opener) {
    (from_opener ? connection.opening_end : connection.other_end) = {view.last, view.acknowledgment};
    (from_opener ? connection.other_end : connection.opening_end) = {connection.renewal->second, view.first};
    connection.renewal.reset();
    connection.confirmed = false;
    connection.state = EDGEFW_STATE_TCP_ANSWERED;
}

// 6, states. False: a reset that does not fit.
bool Oracle::advance(Connection& connection, const View& view) const {
    const bool from_opener = view.packet.hook() == connection.opener.packet.hook();
    if (view.packet.protocol != IPPROTO_TCP) {
        const bool received = view.packet.hook() == EDGEFW_RECEIVED;
        const std::uint16_t port = received ? view.key_ports.second : view.key_ports.first;
        connection.state = next_state(connection.state, from_opener, port, now_ - connection.opened >= 2);
        return true;
    }
    if (is_renewed(connection, view)) {
        renew(connection, view, from_opener);
        return true;
    }
    if (connection.confirmed && is_opening_syn(view.packet)) connection.renewal = {view.packet.hook(), view.last};
    if (!connection.confirmed) {
        const bool confirmed =
            connection.midstream ? join_midstream(connection, view) : shake_hands(connection, view, from_opener);
        if (!confirmed) return true;
        connection.confirmed = true;
    } else if ((view.packet.tcp_flags & kRst) != 0) {
        const End& to = from_opener ? connection.other_end : connection.opening_end;
        if (connection.state == EDGEFW_STATE_TCP_CLOSED) return true;
        const std::int32_t window = connection.midstream ? kWidestWindow : connection.window;
        if (view.first - to.acknowledged > static_cast<std::uint32_t>(window) + 1) return false;
        if (closes(connection, view, from_opener)) connection.state = EDGEFW_STATE_TCP_CLOSED;
        return true;
    }
    const End& to = from_opener ? connection.other_end : connection.opening_end;
    const bool is_new = !is_after(to.acknowledged, view.last);  // as it was before this segment
    const bool fits = note_numbers(connection, view, from_opener);
    const bool ends = (view.packet.tcp_flags & kFin) != 0 && fits && is_new;
    if (!ends || connection.state == EDGEFW_STATE_TCP_CLOSED) return true;
    const auto own = from_opener ? EDGEFW_STATE_TCP_CLOSING_OPENER : EDGEFW_STATE_TCP_CLOSING_OTHER;
    const auto others = from_opener ? EDGEFW_STATE_TCP_CLOSING_OTHER : EDGEFW_STATE_TCP_CLOSING_OPENER;
    connection.state = connection.state == others ? EDGEFW_STATE_TCP_CLOSED : own;
    return true;
}

std::optional<Verdict> Oracle::follow(Connection& connection, const View& view) {
    const std::string nat = connection.opener.translation ? connection.opener.translation->id : "";
    if (connection.generation != generation_ && !judge_again(connection)) {
        const bool instead = connection.generation == 0 && connection.opener.packet.hook() != view.packet.hook() &&
                             opens(view.packet) && view.packet.protocol != IPPROTO_TCP;
        remove(connection);
        if (instead) return std::nullopt;
        return Verdict{Action::kDrop, EDGEFW_REASON_REVOKED, "", nat, false};
    }
    if (!passes_by(connection, view)) return std::nullopt;
    const Verdict passes{Action::kPass, EDGEFW_REASON_CONNECTION, connection.rule, nat, false};
    leave(view.packet, connection.opener);
    if (connection.state == EDGEFW_STATE_TCP_UNPROVEN) {
        if ((view.packet.tcp_flags & kRst) != 0)
            remove(connection);
        else
            advance(connection, view);
        return passes;
    }
    if (!advance(connection, view)) {
        return Verdict{Action::kDrop, EDGEFW_REASON_TCP_SEQUENCE, "", "", false};
    }
    connection.seen = now_;
    return passes;
}

void Oracle::open(const View& view, const std::string& rule) {
    std::erase_if(connections_, [&](const Connection& connection) { return same_ends(connection.opener, view); });
    Connection connection{view, generation_, rule, first_state(view.packet), now_, now_};
    connection.opening_end.next = view.last;
    connection.other_end.acknowledged = view.first;
    connections_.push_back(connection);
}

void Oracle::remove(const Connection& connection) {
    connections_.erase(connections_.begin() + (&connection - connections_.data()));
}

}  // namespace edgefw::test
