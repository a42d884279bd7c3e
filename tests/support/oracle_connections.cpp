// The oracle's connections: steps 6 and 8 of docs/semantics.md.
#include <netinet/in.h>

#include <algorithm>

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
// they may have been scaled by up to 2^14 (RFC 7323).
constexpr std::int32_t kWidestWindow = 65535 << 14;
constexpr std::uint32_t kHandshakeData = 16384;

// What is not TCP: answered by the other end, confirmed when the opener goes on.
edgefw_connection_state next_state(edgefw_connection_state state, bool from_opener) {
    if (!from_opener) {
        if (state == EDGEFW_STATE_UDP_ONE_WAY) return EDGEFW_STATE_UDP_ANSWERED;
        if (state == EDGEFW_STATE_ECHO) return EDGEFW_STATE_ECHO_ANSWERED;
        if (state == EDGEFW_STATE_OTHER_ONE_WAY) return EDGEFW_STATE_OTHER_ANSWERED;
        return state;
    }
    if (state == EDGEFW_STATE_UDP_ANSWERED) return EDGEFW_STATE_UDP_TWO_WAY;
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
    if (connection.state == EDGEFW_STATE_TCP_CLOSED && is_opening_syn(view.packet)) return false;
    return !is_timed_out(connection);
}

// What is received by another public end than its own is not of a connection; what is sent goes out by it.
Oracle::Connection* Oracle::find(const View& view) {
    if (!may_belong_to_connection(view.packet)) return nullptr;
    for (Connection& connection : connections_) {
        if (!is_live(connection, view) || !same_ends(connection.opener, view)) continue;
        if (view.packet.hook() == EDGEFW_SENT || same_public_end(connection.opener, view)) return &connection;
    }
    return nullptr;
}

// By entries that are in force no longer, or not as they were: these connections end.
bool Oracle::revoke_retired(const View& view) {
    if (view.packet.hook() == EDGEFW_SENT || is_opening_syn(view.packet)) return false;
    if (!may_belong_to_connection(view.packet)) return false;
    const View wire = wire_view(view.packet);
    return std::erase_if(connections_, [&](const Connection& connection) {
               const View& opener = connection.opener;
               return is_live(connection, view) && opener.translation && !opener.translation->masqueraded &&
                      opener.packet.protocol == wire.packet.protocol && opener.remote == wire.remote &&
                      opener.key_ports.second == wire.key_ports.second &&
                      opener.translation->public_address == wire.local &&
                      opener.translation->public_port == wire.key_ports.first;
           }) > 0;
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
        if (opener.translation->masqueraded && opener.translation->public_port != 0) {
            const policy::PortRange& ports = masquerade_of(anew)->ports;
            if (opener.translation->public_port < ports.first || opener.translation->public_port > ports.last)
                return false;
        }
    }
    Classified classified = classify(opener);
    const bool either_end = connection.midstream || (opener.packet.protocol != IPPROTO_TCP && !is_icmp(opener.packet));
    if (classified.action == Action::kDrop && connection.generation == 0 && either_end) {
        classified = classify(turned(opener));
        if (classified.action == Action::kPass) turn(connection);
    }
    if (classified.action == Action::kDrop) return false;
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
    } else if (opens(view.packet)) {
        open(view, "");
    }
}

// "Before the first policy", adopted: as a SYN of this hook, or else of the other.
std::optional<Verdict> Oracle::adopt(const View& view) {
    View translated = view;
    translate_source(translated);
    if (!adopts_ || !is_midstream(view) || translated.translation) return std::nullopt;
    for (const Connection& connection : connections_) {
        if (is_live(connection, view) && same_ends(connection.opener, view)) return std::nullopt;
    }
    for (View opener : {view, turned(view)}) {
        opener.packet.tcp_flags = kSyn;
        const Classified classified = classify(opener);
        if (classified.action == Action::kDrop || !classified.keeps) continue;
        enter_midstream(view, opener, classified.rule);
        leave(view.packet, view);
        return Verdict{Action::kPass, classified.reason, classified.rule, "", true};
    }
    return std::nullopt;
}

void Oracle::enter_midstream(const View& view, const View& opener, const std::string& rule) {
    open(opener, rule);
    Connection& connection = connections_.back();
    connection.opener.packet.tcp_flags = kSyn;
    connection.state = EDGEFW_STATE_TCP_ANSWERED;
    connection.midstream = true;
    connection.window = kWidestWindow;
    connection.seen_at[view.packet.hook()] = true;
    const bool from_opener = view.packet.hook() == opener.packet.hook();
    (from_opener ? connection.opening_end : connection.other_end) = {view.last, view.acknowledgment};
    (from_opener ? connection.other_end : connection.opening_end) = {view.acknowledgment, view.first};
}

// The segment ends within what the other end takes: numbers move on.
void Oracle::note_numbers(Connection& connection, const View& view, bool from_opener) {
    End& from = from_opener ? connection.opening_end : connection.other_end;
    const End& to = from_opener ? connection.other_end : connection.opening_end;
    if (static_cast<std::int32_t>(view.last - to.acknowledged) > connection.window + 1) return;
    if (is_after(view.last, from.next)) from.next = view.last;
    const bool acknowledges_known = (view.packet.tcp_flags & kAck) != 0 && !is_after(view.acknowledgment, to.next);
    if (acknowledges_known && is_after(view.acknowledgment, from.acknowledged)) from.acknowledged = view.acknowledgment;
}

// A connection in mid-stream that is half open. True when it is confirmed.
bool Oracle::join_midstream(Connection& connection, const View& view, bool from_opener) {
    connection.seen_at[view.packet.hook()] = true;
    if ((view.packet.tcp_flags & kRst) != 0) {
        const End& from = from_opener ? connection.opening_end : connection.other_end;
        const End& to = from_opener ? connection.other_end : connection.opening_end;
        const bool fits = !is_after(to.acknowledged, view.first) && !is_after(view.first, from.next);
        if (fits && (view.packet.tcp_flags & kSyn) == 0) connection.state = EDGEFW_STATE_TCP_CLOSED;
        return false;
    }
    note_numbers(connection, view, from_opener);
    if (connection.state == EDGEFW_STATE_TCP_CLOSED || (view.packet.tcp_flags & kSyn) != 0) return false;
    if (!connection.seen_at[EDGEFW_RECEIVED] || !connection.seen_at[EDGEFW_SENT]) return false;
    connection.state = EDGEFW_STATE_TCP_ESTABLISHED;
    return true;
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
    return false;
}

// 6, states. False: a reset that does not fit.
bool Oracle::advance(Connection& connection, const View& view) {
    const bool from_opener = view.packet.hook() == connection.opener.packet.hook();
    if (view.packet.protocol != IPPROTO_TCP) {
        connection.state = next_state(connection.state, from_opener);
        return true;
    }
    if (!connection.confirmed) {
        const bool confirmed = connection.midstream ? join_midstream(connection, view, from_opener)
                                                    : shake_hands(connection, view, from_opener);
        if (!confirmed) return true;
        connection.confirmed = true;
    } else if ((view.packet.tcp_flags & kRst) != 0) {
        const End& from = from_opener ? connection.opening_end : connection.other_end;
        const End& to = from_opener ? connection.other_end : connection.opening_end;
        const bool fits = !is_after(to.acknowledged, view.first) && !is_after(view.first, from.next);
        if (!fits && connection.state != EDGEFW_STATE_TCP_CLOSED) return false;
        connection.state = EDGEFW_STATE_TCP_CLOSED;
        return true;
    }
    const End& to = from_opener ? connection.other_end : connection.opening_end;
    const bool in_window = static_cast<std::int32_t>(view.last - to.acknowledged) <= connection.window + 1;
    const bool ends = (view.packet.tcp_flags & kFin) != 0 && in_window && !is_after(to.acknowledged, view.last);
    note_numbers(connection, view, from_opener);
    if (!ends || connection.state == EDGEFW_STATE_TCP_CLOSED) return true;
    const auto own = from_opener ? EDGEFW_STATE_TCP_CLOSING_OPENER : EDGEFW_STATE_TCP_CLOSING_OTHER;
    const auto others = from_opener ? EDGEFW_STATE_TCP_CLOSING_OTHER : EDGEFW_STATE_TCP_CLOSING_OPENER;
    connection.state = connection.state == others ? EDGEFW_STATE_TCP_CLOSED : own;
    return true;
}

Verdict Oracle::follow(Connection& connection, const View& view) {
    const std::string nat = connection.opener.translation ? connection.opener.translation->id : "";
    if (connection.generation != generation_ && !judge_again(connection)) {
        remove(connection);
        return {Action::kDrop, EDGEFW_REASON_REVOKED, "", nat, false};
    }
    if (!advance(connection, view)) return {Action::kDrop, EDGEFW_REASON_TCP_SEQUENCE, "", "", false};
    connection.seen = now_;
    leave(view.packet, connection.opener);
    return {Action::kPass, EDGEFW_REASON_CONNECTION, connection.rule, nat, false};
}

void Oracle::open(const View& view, const std::string& rule) {
    std::erase_if(connections_, [&](const Connection& connection) { return same_ends(connection.opener, view); });
    Connection connection{view, generation_, rule, first_state(view.packet), now_};
    connection.opening_end.next = view.last;
    connection.other_end.acknowledged = view.first;
    connections_.push_back(connection);
}

void Oracle::remove(const Connection& connection) {
    connections_.erase(connections_.begin() + (&connection - connections_.data()));
}

}  // namespace edgefw::test
