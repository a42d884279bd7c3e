// SPDX-License-Identifier: GPL-2.0-only
// The oracle: docs/semantics.md line by line, over the policy as it was checked. Slow and obvious: lists are searched
// from the start, nothing is compiled. THIS CODE SHOULD NEVER BE USED IN PRODUCTION. It shares nothing with the
// compiler or the data path but the values they are all given.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "maps/connection.h"
#include "maps/reasons.h"
#include "userspace/packet/notation.h"
#include "userspace/policy/policy.h"

namespace edgefw::test {

// A dissected IPv4 or IPv6 packet as it is on the wire at its hook.
struct Sample {
    enum class Fragment { kNone, kFirst, kLater };

    packet::Packet packet;
    std::uint8_t hop_limit = 64;  // or TTL
    Fragment fragment = Fragment::kNone;
    std::uint32_t fragment_id = 0;
    // TCP: added to the numbers that packet::frame() would write; and the bytes of payload in this packet.
    std::uint32_t sequence_off = 0;
    std::uint32_t acknowledgment_off = 0;
    std::uint32_t payload = 0;
    // The public port that the data path chose, where it masqueraded this opener: the oracle says whether it might.
    std::optional<std::uint16_t> allotted = {};

    std::uint32_t sequence() const;
    std::uint32_t acknowledgment() const;
};

// A frame that is neither IPv4 nor IPv6.
struct OtherFrame {
    policy::Side side = policy::Side::kExternal;
    policy::Direction direction = policy::Direction::kInbound;
    std::uint16_t ethertype = 0;
    bool to_link_local_group = false;  // destination 01:80:c2:00:00:00-0f
    std::optional<std::uint16_t> vlan = {};
};

struct Verdict {
    policy::Action action = policy::Action::kDrop;
    edgefw_reason reason = EDGEFW_REASON_DEFAULT;
    std::string rule;     // id of the rule or built-in it counts for; empty: none
    std::string nat;      // id of the NAT entry that translated it; empty: none
    bool opened = false;  // a connection: the rule's and the NAT entry's counter grow

    bool operator==(const Verdict&) const = default;
    std::string to_text() const;
};

// One card of one host. Not attached with a policy yet: everything passes with reason no-policy, and is learned.
class Oracle {
public:
    Oracle();
    explicit Oracle(policy::Policy policy) : Oracle() { push(std::move(policy)); }

    void push(policy::Policy policy);              // a new generation
    void adopt(bool adopts) { adopts_ = adopts; }  // TCP in mid-stream, from here on
    // The host's own addresses and the networks of its internal cards, as the next pushes find them.
    void inside(std::vector<Prefix> networks) { inside_ = std::move(networks); }
    void wait(std::uint64_t seconds) { now_ += seconds; }
    void forget() { connections_.clear(); }  // as `explain --fresh` does

    Verdict judge(const Sample& sample);
    Verdict judge(const packet::Packet& packet) { return judge(Sample{.packet = packet}); }
    Verdict judge(const OtherFrame& frame) const;
    // A SYN that drops, of a live connection: semantics.md leaves open whether the table is asked.
    bool is_left_open(const Sample& sample);
    // The last packet as it leaves.
    const packet::Packet& left() const { return left_; }

private:
    // How the local end is outside, and which entry says so.
    struct Translation {
        std::string id;
        Address public_address;
        std::uint16_t public_port = 0;  // an echo's identifier; 0: none
        bool by_port = false;           // it needs a connection
        bool masqueraded = false;
    };
    // A packet as the rules see it: by ends, the local one as it is inside.
    struct View {
        packet::Packet packet;
        Address local;
        Address remote;
        std::uint16_t local_port = 0;
        std::uint16_t remote_port = 0;
        // The connection's key has these for ports: an echo's identifier is that of the end that asks.
        std::pair<std::uint16_t, std::uint16_t> key_ports = {};
        std::optional<Translation> translation;
        std::optional<std::uint16_t> allotted;
        // TCP: the numbers of the segment; `last` is behind its last byte.
        std::uint32_t first = 0;
        std::uint32_t last = 0;
        std::uint32_t acknowledgment = 0;
    };
    // What an end of a TCP connection has sent.
    struct End {
        std::uint32_t next = 0;
        std::uint32_t acknowledged = 0;
    };
    struct Connection {
        View opener;
        std::uint32_t generation = 0;
        std::string rule;
        edgefw_connection_state state = EDGEFW_STATE_TCP_OPENING;
        std::uint64_t seen = 0;
        std::uint64_t opened = 0;
        bool confirmed = false;
        End opening_end = {};
        End other_end = {};
        // TCP, confirmed: an end has sent a SYN, behind which is this number.
        std::optional<std::pair<edgefw_hook, std::uint32_t>> renewal = {};
        // TCP of which no SYN was seen: which hook saw its first packet, and how far numbers may run ahead.
        bool midstream = false;
        edgefw_hook first = EDGEFW_RECEIVED;
        std::int32_t window = 65535;
    };
    // What the rules, or else the default, say.
    struct Classified {
        policy::Action action = policy::Action::kDrop;
        bool keeps = false;
        edgefw_reason reason = EDGEFW_REASON_DEFAULT;
        std::string rule;
    };
    struct Datagram {
        Sample first;
        Verdict verdict;
        packet::Packet left;
    };

    Verdict judge_first_or_whole(const Sample& sample);
    Verdict judge_later_fragment(const Sample& sample);
    Verdict judge_syn(const View& view);
    std::optional<std::string> builtin(const Sample& sample) const;
    bool is_on(edgefw_builtin builtin) const;
    policy::Action default_of(policy::Side side, policy::Direction direction) const;

    View wire_view(const packet::Packet& packet) const;
    View view_of(const Sample& sample) const;
    // The step "translate" of what is received, and of an opener that is sent.
    void translate_destination(View& view) const;
    void translate_source(View& view) const;
    bool uses(const policy::Forward& forward, const View& view) const;
    const policy::Masquerade* masquerade_of(const View& view) const;
    bool may_be_masqueraded(const View& view) const;
    bool opens_by(const policy::Forward& forward, const View& view) const;
    bool is_forwarded(const View& view, std::uint16_t port) const;
    bool is_free(const View& view, std::uint16_t port) const;
    edgefw_reason allocate(View& view) const;
    edgefw_reason allocate_port(View& view) const;
    void leave(const packet::Packet& packet, const View& view);
    Classified classify(const View& view) const;
    Classified classify_packet(const View& view) const;
    bool is_martian(const View& view) const;
    bool matches(const policy::Rule& rule, const View& view) const;
    bool matches(const policy::AddressMatch& match, const Address& address) const;
    Verdict decide(const Classified& classified, View view);

    bool is_timed_out(const Connection& connection) const;
    bool is_live(const Connection& connection, const View& view) const;
    // Under a policy that names a VLAN connections and datagrams are each of one.
    bool tells_apart(const packet::Packet& a, const packet::Packet& b) const;
    static bool passes_by(const Connection& connection, const View& view);
    bool goes_on_in_midstream(const View& view) const;
    Connection* find(const View& view);
    bool revoke_retired(const View& view);
    static bool is_midstream(const View& view);
    static View turned(View view);
    static void turn(Connection& connection);
    static void begin_in_midstream(Connection& connection, const View& view);
    void learn(const Sample& sample);
    std::optional<Verdict> adopt(const View& view);
    void enter_midstream(const View& view, const View& opener, const std::string& rule);
    static bool note_numbers(Connection& connection, const View& view, bool from_opener);
    static bool closes(const Connection& connection, const View& view, bool from_opener);
    static bool join_midstream(Connection& connection, const View& view);
    static bool shake_hands(Connection& connection, const View& view, bool from_opener);
    static bool is_renewed(const Connection& connection, const View& view);
    static void renew(Connection& connection, const View& view, bool from_opener);
    bool advance(Connection& connection, const View& view) const;
    bool is_translated(const View& opener) const;
    bool judge_again(Connection& connection) const;
    // Nothing: it has just become unproven, and this packet does not pass by such; or it was learned, has ended, and
    // this packet may open one.
    std::optional<Verdict> follow(Connection& connection, const View& view);
    void open(const View& view, const std::string& rule);
    void remove(const Connection& connection);

    static bool same_ends(const View& a, const View& b);
    static bool same_public_end(const View& a, const View& b);

    policy::Policy policy_;
    std::uint32_t generation_ = 0;
    bool adopts_ = false;
    std::vector<Prefix> inside_;
    std::uint64_t now_ = 0;
    std::vector<Connection> connections_;
    std::vector<Datagram> datagrams_;
    packet::Packet left_;
};

}  // namespace edgefw::test
