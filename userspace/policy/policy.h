// SPDX-License-Identifier: GPL-2.0-only
// The checked policy: what `check` yields and `compile` takes. Plain values; profiles are expanded, variables bound.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "maps/abi.h"
#include "maps/builtins.h"
#include "maps/connection.h"
#include "maps/limits.h"
#include "userspace/base/address.h"

namespace edgefw::policy {

enum class Side : std::uint8_t { kExternal = EDGEFW_EXTERNAL, kInternal = EDGEFW_INTERNAL };
enum class Direction : std::uint8_t { kInbound, kOutbound, kBoth };
enum class Action : std::uint8_t { kDrop = EDGEFW_DROP, kPass = EDGEFW_PASS };
enum class State : std::uint8_t { kKeep, kNone };

const char* to_text(Side side);
const char* to_text(Direction direction);
const char* to_text(Action action);
const char* to_text(State state);

// Design section 2: on the external side received is inbound, on the internal side received is outbound.
edgefw_hook hook_of(Side side, Direction direction);  // direction is not kBoth
Direction direction_of(Side side, edgefw_hook hook);

// A place in a file, for messages. Lines and columns start at 1; line 0: no place.
struct Location {
    std::string file;
    int line = 0;
    int column = 0;
    std::string to_text() const;  // file:line:column
};

// Where a rule comes from.
struct Origin {
    std::string profile;   // empty: written in the policy itself
    std::string role;      // "access-edge"; empty: none
    std::string document;  // "Step 2.3. Configure Firewalls"; empty: none
    std::string section;   // for documents without numbered tables; empty: none
    std::optional<int> table;
    std::optional<int> figure;
};

// The addresses one end may have. Nothing in any list: any address of either family.
struct AddressMatch {
    std::vector<AddressRange> ranges = {};  // sorted, disjoint
    std::vector<std::string> sets = {};     // names in Policy::sets; a member of any of them matches
    std::vector<std::string> hosts = {};    // names in Policy::hosts, likewise; one without addresses matches nothing

    bool any() const { return ranges.empty() && sets.empty() && hosts.empty(); }
};

struct PortRange {
    std::uint16_t first = 0;
    std::uint16_t last = 0;
    auto operator<=>(const PortRange&) const = default;
};

// (flags & mask) == value, flags as in the TCP header's 14th byte (RFC 9293).
struct TcpFlags {
    std::uint8_t mask = 0;
    std::uint8_t value = 0;

    // Whether an opener can have them: SYN, with ACK, RST and FIN clear.
    bool may_open() const {
        constexpr std::uint8_t asked = 0x17;
        constexpr std::uint8_t syn_alone = 0x02;
        return ((value ^ syn_alone) & mask & asked) == 0;
    }
};

struct IcmpMatch {
    std::uint8_t type = 0;
    std::optional<std::uint8_t> code;  // absent: any
};

// What an Ethernet frame says of its payload: a type, or below 0x0600 a length (IEEE 802.3).
struct EthertypeRange {
    std::uint16_t first = 0;
    std::uint16_t last = 0;
    auto operator<=>(const EthertypeRange&) const = default;
};

struct Rule {
    std::string id;  // "ocs/access-edge/external-443"
    Origin origin;
    Side side = Side::kExternal;
    Direction direction = Direction::kInbound;
    std::vector<EthertypeRange> ethertypes = {};  // sorted, disjoint; empty: a rule of IP packets
    std::optional<std::uint8_t> protocol;         // IP protocol number; absent: any
    AddressMatch local;
    AddressMatch remote;
    std::vector<PortRange> local_port;  // empty: any; sorted, disjoint; only with a protocol that has ports
    std::vector<PortRange> remote_port;
    std::optional<TcpFlags> tcp_flags;
    bool established = false;           // TCP segments with ACK or RST set; only with State::kNone
    std::vector<IcmpMatch> icmp;        // empty: any; only with ICMP or ICMPv6
    std::optional<std::uint16_t> vlan;  // id of the outermost tag
    State state = State::kKeep;         // of a pass rule
    Action action = Action::kDrop;
    bool log = false;  // the recorder writes down what it decides; of what it passes the openers alone
    Location where;

    // A rule that is not of IP packets is of other frames: it names side, direction, VLAN and their ethertypes.
    bool is_of_ip() const { return ethertypes.empty(); }
};

// The sides on whose cards a NAT entry translates: bit n is enum edgefw_side n.
constexpr std::uint8_t bit_of(Side side) {
    return static_cast<std::uint8_t>(1u << static_cast<unsigned>(side));
}

enum class NatKind : std::uint8_t { kPortForward, kStatic, kMasquerade, kMapped, kHairpin };

const char* to_text(NatKind kind);  // "port-forward", "static", "masquerade", "mapped", "hairpin"

// Translates the destination of what is received. A port forward: the ports from `public_port` on become those from
// `target_port` on; several protocols are several entries with ids of their own. A static entry: all of the address,
// and the source of what the target sends.
struct Forward {
    NatKind kind = NatKind::kPortForward;  // kPortForward, kStatic or kMapped
    std::string id;
    Origin origin;
    std::uint8_t protocol = 0;  // IPPROTO_TCP or IPPROTO_UDP; 0: static
    Address public_address;     // IPv4
    std::uint16_t public_port = 0;
    Address target;  // IPv4
    std::uint16_t target_port = 0;
    std::uint16_t ports = 1;  // 0: static
    std::uint8_t sides = bit_of(Side::kExternal);
    Location where;

    bool is_static() const { return kind == NatKind::kStatic; }
};

// Translates the source of connections that are opened from `from` (to `to`) and sent on a card of `side`: many
// addresses become one, each connection with a port of its own. The first entry that matches does.
struct Masquerade {
    NatKind kind = NatKind::kMasquerade;  // kMasquerade, kMapped or kHairpin
    std::string id;
    Origin origin;
    Side side = Side::kExternal;
    std::vector<AddressRange> from;        // IPv4; sorted, disjoint, not empty
    std::vector<AddressRange> to;          // IPv4; sorted, disjoint; empty: any
    std::optional<std::uint8_t> protocol;  // absent: any
    std::uint16_t remote_port = 0;         // 0: any
    Address public_address;                // IPv4
    PortRange ports;                       // it takes the public ports from here
    bool keeps_parity = false;             // UDP: an even port gets an even one (RTP and RTCP)
    std::string forward = {};              // of a hairpin: the id of its forward
    Location where;

    // Those of mapped entries and hairpins come before those of whole networks.
    bool is_of_forward() const { return kind != NatKind::kMasquerade; }
};

struct Set {
    std::string name;
    std::vector<AddressRange> members;  // sorted, disjoint, both families
    Location where;
};

// Many a name has more addresses than one answer tells.
constexpr std::uint32_t kNamesKeep = 600;

// A host that rules name. Its addresses are of the moment: the names stage finds them (names/resolve.h).
struct Host {
    std::string name;                 // in lower case, without a dot at the end
    std::vector<Address> addresses;   // sorted
    std::int64_t resolved = 0;        // when they were found, seconds since 1970; 0: never
    std::uint32_t ttl = 0;            // seconds they hold
    std::string problem;              // why the last question had no answer; empty: it had one
    std::uint32_t keep = kNamesKeep;  // seconds that an address stays when no answer has it any more
    // The members of `addresses` that the newest answer does not have, and when an answer had them last.
    std::map<Address, std::int64_t> earlier = {};
};

// `tests:` of the policy, and the packets of its profiles (bound to the policy's variables).
struct PolicyTest {
    std::string packet;  // packet notation (docs/policy.md#tests)
    Action expect = Action::kDrop;
    std::optional<std::string> rule;    // id it must count for
    std::optional<std::string> reason;  // text name from maps/reasons.h
    Location where;
};

// Room on a card: for connections in entries, by address family; for the recorder's records in bytes.
struct Capacity {
    std::uint32_t confirmed[EDGEFW_FAMILIES] = {EDGEFW_CONNECTIONS_DEFAULT, EDGEFW_CONNECTIONS_DEFAULT};  // TCP
    std::uint32_t datagrams[EDGEFW_FAMILIES] = {EDGEFW_DATAGRAMS_DEFAULT, EDGEFW_DATAGRAMS_DEFAULT};  // confirmed, too
    std::uint32_t half_open[EDGEFW_FAMILIES] = {EDGEFW_OPENINGS_DEFAULT, EDGEFW_OPENINGS_DEFAULT};
    std::uint32_t record_bytes = EDGEFW_RECORD_BYTES_DEFAULT;  // of each processor; 0: as many as there are
    bool operator==(const Capacity&) const = default;
};

struct Policy {
    std::vector<Rule> rules;  // in order: the first that matches decides
    std::vector<Forward> forwards;
    std::vector<Masquerade> masquerades;
    std::vector<Set> sets;
    std::vector<Host> hosts;                                    // sorted by name
    Action defaults[EDGEFW_SIDES][2] = {};                      // [side][0 inbound, 1 outbound]
    std::uint32_t builtins = (1u << EDGEFW_BUILTIN_COUNT) - 1;  // bit n: enum edgefw_builtin n is on
    std::uint32_t timeout[EDGEFW_STATE_COUNT] = {};             // seconds
    Capacity capacity;
    std::uint32_t adopt = 60;               // seconds after the first push; 0: adopt nothing
    std::uint32_t rollback_grace = 60;      // seconds after a push for which revoked connections are kept
    std::uint32_t names_keep = kNamesKeep;  // as Host::keep
    bool records_drops = true;              // every packet that drops, not only what a rule logs
    std::vector<PolicyTest> tests;
    std::vector<std::string> warnings;  // one line each, with file:line:column
    std::string file;                   // as named on the command line
    std::string digest;                 // SHA-256 of the file and the profiles it uses, in hex
};

}  // namespace edgefw::policy
