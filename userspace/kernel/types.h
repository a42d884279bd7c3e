// SPDX-License-Identifier: GPL-2.0-only
// What goes through the door to the kernel (door.h), as plain values: requests, and what is found there.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "maps/config.h"
#include "maps/counters.h"
#include "maps/limits.h"
#include "userspace/document/listing.h"
#include "userspace/image/hosts.h"
#include "userspace/image/image.h"
#include "userspace/policy/policy.h"

namespace edgefw::kernel {

// Where a card's received side is judged: by XDP in the driver or behind it, or at tc ingress.
enum class ReceivedMode { kAuto, kNative, kGeneric, kTc };
enum class Egress { kAuto, kTcx, kClsact };

const char* to_text(ReceivedMode mode);  // of an attached card: never kAuto
const char* to_text(Egress egress);

// A compiled policy, its document (document::write_text(...)) and what it was made of (document::Sources::to_text()).
struct Compiled {
    image::Image image;
    std::string document;
    std::string digest;
    std::string sources = {};        // empty: unknown, it cannot be compiled again
    document::Listing listing = {};  // of the policy, without slots; an id that is not in it keeps no counter
};

struct AttachRequest {
    std::string interface;
    policy::Side side = policy::Side::kExternal;
    ReceivedMode mode = ReceivedMode::kAuto;
    Egress egress = Egress::kAuto;
    std::uint32_t connections = 0;   // room until a policy says how much; 0: EDGEFW_CONNECTIONS_DEFAULT
    std::optional<Compiled> policy;  // absent: passes and counts everything
};

// A program of somebody else that runs before edgefw's at a hook of an attached card. What it lets pass for good, sends
// elsewhere or drops, edgefw never sees.
struct Forerunner {
    std::string hook;      // "tcx ingress", "tcx egress", "clsact ingress", "clsact egress"
    std::uint32_t id = 0;  // 0: a filter that is not BPF
    std::string name;      // of the program, or the kind of filter; empty: this caller may not know
};

struct Card {
    std::string interface;
    int ifindex = 0;
    policy::Side side = policy::Side::kExternal;
    ReceivedMode mode = ReceivedMode::kNative;
    Egress egress = Egress::kTcx;
    std::uint32_t generation = 0;        // of the policy in force on this card; 0: none
    std::string digest;                  // of that policy; empty: none
    std::uint32_t received_program = 0;  // ids of the judging programs in force
    std::uint32_t sent_program = 0;
    std::uint32_t adopts = 0;  // seconds for which it still adopts TCP connections in mid-stream
    std::string warning = {};  // of attach(): what the card does not do well; empty: nothing
    std::vector<Forerunner> forerunners = {};
    bool without_rules = false;  // all rules of the policy in force are for the other side, and the default drops here
};

// What edgefw was put on in this network namespace, and what of it holds.
struct HookedCard {
    std::string interface;
    int ifindex = 0;
    policy::Side side = policy::Side::kExternal;
    ReceivedMode mode = ReceivedMode::kNative;
    Egress egress = Egress::kTcx;
    bool holds[EDGEFW_HOOKS] = {};  // by enum edgefw_hook: whether what passes there is judged
    bool is_pinned = false;         // its state is there: put_back() needs no policy
    bool is_unfinished = false;     // not to be attached: a killed attach or detach has left what holds
    std::vector<Forerunner> forerunners = {};

    bool is_filtering() const { return holds[EDGEFW_RECEIVED] && holds[EDGEFW_SENT]; }
};

// What a closed card lets pass beside ARP, neighbour discovery and its own DHCP clients (maps/closed.h).
struct ClosedRules {
    std::vector<Prefix> ssh_from;  // EDGEFW_CLOSED_NETWORKS at most
    std::uint16_t ssh_port = 22;

    bool operator==(const ClosedRules&) const = default;
};

struct ClosedCounts {
    std::uint64_t passed = 0;
    std::uint64_t dropped = 0;
};
struct ClosedCard {
    std::string interface;
    int ifindex = 0;
    std::optional<ClosedCounts> counts[EDGEFW_HOOKS] = {};  // packets; nothing: this caller may not read them
};

// How long a push stays in force by itself.
struct Terms {
    std::uint32_t confirm_within = 0;  // seconds, then the policy before is in force again; 0: it stays
    bool replaces = false;             // the place of a push that waits to be confirmed
};

// A push that waits to be confirmed.
struct Waiting {
    std::uint32_t generation = 0;
    std::uint32_t fallback = 0;      // generation that has the policy before it, if nobody confirms this one
    std::uint32_t seconds_left = 0;  // at least
    std::uint32_t bank = 0;
};

// Whether what is in force stays.
struct Standing {
    std::optional<Waiting> waiting;  // the push in force waits to be confirmed
    bool fell_back = false;          // what is in force is so because the push before it was not confirmed
};

// What has become of a push that waited.
enum class Ending {
    kWaits,
    kConfirmed,
    kFellBack,
    kReplaced,  // by another push
};

struct PushReport {
    std::uint32_t generation = 0;
    std::vector<Card> cards;              // now under it
    std::string warning;                  // empty: none
    std::vector<HookedCard> hooked = {};  // as they are now
    std::optional<Waiting> waiting = {};  // where it has to be confirmed
};

// The hosts that a policy in force names, as image::hosts_text() wrote them and move_hosts() did since.
struct HostsInForce {
    std::uint32_t generation = 0;
    std::string text;
};

// An address and the class it gets (maps/classes.h); 0: none.
struct ClassChange {
    Address address;
    std::uint32_t number = 0;
};

// What came into a table of connections and went out of it, since the card was attached and over all sizes it had.
struct Turnover {
    std::uint64_t inserted = 0;
    std::uint64_t removed = 0;   // ended, moved on, or replaced by a later one of the same ends and ports
    std::uint64_t recycled = 0;  // gave their place to others, or did not fit after a push; expired ones among them
    std::uint64_t refused = 0;   // the kernel could not store them
};

struct Occupancy {
    std::string map;  // "connections-ipv4", ...
    std::uint64_t entries = 0;
    std::uint64_t capacity = 0;
    std::optional<Turnover> turnover = {};  // of connections; `recycled` is 0 unless the entries are counted
};

// A pair of rules of which the shadow's would decide otherwise than the one in force (maps/shadow.h).
struct ShadowDifference {
    edgefw_hook hook = EDGEFW_RECEIVED;
    policy::Direction direction = policy::Direction::kInbound;
    policy::Action verdict = policy::Action::kDrop;  // in force; the shadow's is the other one
    edgefw_reason reason = EDGEFW_REASON_DEFAULT;    // in force
    edgefw_reason shadow_reason = EDGEFW_REASON_DEFAULT;
    std::string rule;         // in force; empty: none, it is `reason`
    std::string shadow_rule;  // likewise of the shadow
    std::uint64_t packets = 0;
    std::uint64_t connections = 0;  // that were open when the shadow began
};

// The shadow of a card: a policy that is asked beside the one in force.
struct CardShadow {
    std::string interface;
    policy::Side side = policy::Side::kExternal;
    std::uint32_t number = 0;
    std::string file;    // as it was named; empty: unknown
    std::string digest;  // of the policy
    std::uint64_t asked = 0;
    std::uint64_t different = 0;
    std::uint64_t uncounted = 0;                     // of these there was no room for their pair of rules
    std::vector<ShadowDifference> differences = {};  // most first
};

struct CardStatus {
    Card card;
    std::vector<Occupancy> maps;
    std::vector<std::uint32_t> timeouts = {};  // seconds a quiet connection is kept, by enum edgefw_connection_state
    image::Shape shape = {};                   // of the policy in force; empty: none
    std::optional<CardShadow> shadow = {};
    // The generation that had this policy first: a shadow began or ended since, or a push fell back to it. 0: none.
    std::uint32_t repeats = 0;

    // The generation of the push that its policy came from.
    std::uint32_t pushed_as() const { return repeats != 0 ? repeats : card.generation; }
};

struct Status {
    std::uint32_t generation = 0;
    std::vector<CardStatus> cards;
    std::vector<ClosedCard> closed = {};
    std::vector<HookedCard> hooked = {};  // also those of no `cards`: what was pinned of them is gone
    Standing standing = {};
};

// A live connection, as a card's tables have it.
struct Connection {
    std::string interface;
    policy::Side side = policy::Side::kExternal;
    edgefw_hook opener = EDGEFW_RECEIVED;  // where its opener's packets are seen
    std::uint8_t protocol = 0;
    Address local, remote;                          // as the rules see them
    std::uint16_t local_port = 0, remote_port = 0;  // of an echo: the identifier, at the end that asks
    bool revoked = false;                           // by the policy in force, and kept for another one to let it go on
    std::string rule;                               // that it counts for; empty: the default opened it
    std::string nat;                                // id of the NAT entry that translates it; empty: none
    Address public_address;                         // with `nat`
    std::uint16_t public_port = 0;
    std::string state;       // key of `timeouts:`
    bool half_open = false;  // not of a closed one, although it lies in that table
    std::uint32_t age = 0;   // seconds
    std::uint32_t idle = 0;  // seconds since the last packet
    std::uint64_t bytes[EDGEFW_HOOKS] = {};
};

// A packet that a card has recorded (maps/record.h).
struct Drop {
    std::string interface;
    policy::Side side = policy::Side::kExternal;
    edgefw_hook hook = EDGEFW_RECEIVED;
    policy::Action verdict = policy::Action::kDrop;  // kPass: a rule with `log: true` passed it
    edgefw_reason reason = EDGEFW_REASON_NO_GENERATION;
    std::uint64_t time = 0;        // milliseconds since 1970, of the first packet
    std::uint64_t age = 0;         // milliseconds, when it was read: setting the clock does not change it
    std::uint32_t generation = 0;  // that judged it
    // Counter slot and id of the rule or built-in. A slot may be another rule's in a later generation: `rule` is empty
    // where there is a slot and that generation is no longer in force.
    std::uint32_t slot = 0;
    std::string rule;
    std::string nat;                       // likewise of the NAT entry
    std::uint32_t count = 0;               // packets of this flow and reason within a second, this one among them
    std::uint32_t length = 0;              // bytes on the wire
    bool at_xdp = false;                   // judged by XDP, else at tc
    bool has_link = true;                  // the frame begins with an Ethernet header
    std::vector<std::uint8_t> frame = {};  // its first bytes, as it came, with every VLAN tag
    bool is_shadow = false;  // verdict, reason and rule are the shadow's; what is in force decided otherwise
    std::uint64_t key = 0;   // tells it from every other record of its card
};

// What one card has recorded.
struct CardDrops {
    std::string interface;
    policy::Side side = policy::Side::kExternal;
    std::uint32_t generation = 0;  // in force; 0: none
    std::uint32_t shadow = 0;      // generation that its records name; 0: there is none
    std::vector<Drop> drops;       // newest first
    // Packets that dropped, and how many of them records count, since the card was attached: [hook][reason].
    std::uint64_t dropped[EDGEFW_HOOKS][EDGEFW_REASON_COUNT] = {};
    std::uint64_t recorded[EDGEFW_HOOKS][EDGEFW_REASON_COUNT] = {};
};

struct CardCounters {
    Card card;
    std::vector<edgefw_counter> slots = {};  // by slot, summed over CPUs; as far as `listing` has some
    edgefw_reason_counter reasons[EDGEFW_HOOKS][2][EDGEFW_REASON_COUNT] = {};  // [hook][verdict][reason]
    // Of the policy in force on this card. The same object as long as the same one is.
    std::shared_ptr<const document::Listing> listing = std::make_shared<const document::Listing>();

    // Zero where there is no such slot.
    edgefw_counter at(std::uint32_t slot) const { return slot < slots.size() ? slots[slot] : edgefw_counter{}; }
};

// Listings that were read already, by who asks for counters again and again.
struct KnownListings {
    std::map<std::uint32_t, std::shared_ptr<const document::Listing>> by_map;  // by number of the map they are in
};

// Judges frames on the real programs (BPF_PROG_TEST_RUN) with private connections and counters.
struct Judgement {
    policy::Action verdict = policy::Action::kDrop;
    edgefw_reason reason = EDGEFW_REASON_NO_GENERATION;
    std::uint32_t slot = 0;           // counter slot of the rule or built-in; 0: none
    std::string rule;                 // its id; empty: none
    std::string nat;                  // id of the NAT entry that translated; empty: none
    Address local;                    // with `nat`: the local end as the rules see it
    std::uint16_t local_port = 0;     // likewise; of an echo its identifier, 0: none
    std::vector<std::uint8_t> frame;  // as it left (translated); only from judge() with keep_frame
};

// What `check` compares a policy with, of this network namespace: the addresses of all cards (rtnetlink) and whether
// one is dynamic (has a finite lifetime: DHCP); the ports that connections of the host itself take; chains of nftables
// that translate, as "table/chain".
struct LeasedAddress {
    Address address;
    std::string interface;
    bool dynamic = false;
};
struct NetworkFacts {
    std::vector<LeasedAddress> addresses;
    std::uint32_t first_local_port = 32768;
    std::uint32_t last_local_port = 60999;
    std::vector<std::string> nat_chains;
};

}  // namespace edgefw::kernel
