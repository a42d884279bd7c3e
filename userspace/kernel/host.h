// SPDX-License-Identifier: GPL-2.0-only
// What edgefw does to the kernel of the network namespace it runs in: the only door to libbpf, bpffs and netlink.
// Every function takes the namespace's lock where it changes something. errno is translated here, once.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "maps/config.h"
#include "maps/counters.h"
#include "maps/limits.h"
#include "userspace/base/result.h"
#include "userspace/image/image.h"
#include "userspace/policy/policy.h"

namespace edgefw::kernel {

// Where a card's received side is judged: by XDP in the driver or behind it, or at tc ingress.
enum class ReceivedMode { kAuto, kNative, kGeneric, kTc };
enum class Egress { kAuto, kTcx, kClsact };

const char* to_text(ReceivedMode mode);  // of an attached card: never kAuto
const char* to_text(Egress egress);

// A compiled policy and its `show` document (policy::show(...).dump()).
struct Compiled {
    image::Image image;
    std::string document;
    std::string digest;
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

// Attaches both hooks, pinned. Nothing is left behind when it fails.
Result<Card> attach(const AttachRequest& request);

// Puts edgefw before all other programs at the tcx hooks of an attached card. No packet passes unjudged meanwhile.
Result<Ok> put_first(const std::string& interface);

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
// Every card that should be attached, also where somebody took it off its hooks, or its pins away; and what is left of
// those that should not.
Result<std::vector<HookedCard>> hooked_cards();

// Puts back the hooks that an attached card has lost, under what it has in force. Its connections and counters go on.
Result<Ok> put_back(const std::string& interface);

// Removes what a killed attach, detach or put_first() has left.
Result<Ok> mend();

// Removes hooks and pins of `interface`, and everything when it was the last card.
Result<Ok> detach(const std::string& interface);

// Ok, or why attach() would refuse `interface` whatever the policy: there is none, or its frames are not read.
Result<Ok> find_card(const std::string& interface);

// Whether edgefw is on both hooks of this card, whichever version attached it.
Result<bool> is_attached(const std::string& interface);

// What a closed card lets pass beside ARP, neighbour discovery and its own DHCP clients (maps/closed.h).
struct ClosedRules {
    std::vector<Prefix> ssh_from;  // EDGEFW_CLOSED_NETWORKS at most
    std::uint16_t ssh_port = 22;

    bool operator==(const ClosedRules&) const = default;
};

// Closes a card with a program of its own, which needs no bpffs. Closed already: it is closed by these rules then,
// without a moment between. attach() and push() open it once what judges it is in its place; so does open_closed().
Result<Ok> close(const std::string& interface, const ClosedRules& rules);
// What judges this card is in force: what closed it goes, and what is in force stays. Ok where it was not closed.
bool is_closed(const std::string& interface);
Result<Ok> open_closed(const std::string& interface);

struct ClosedCounts {
    std::uint64_t passed = 0;
    std::uint64_t dropped = 0;
};
struct ClosedCard {
    std::string interface;
    int ifindex = 0;
    std::optional<ClosedCounts> counts[EDGEFW_HOOKS] = {};  // packets; nothing: this caller may not read them
};
Result<std::vector<ClosedCard>> closed_cards();

struct PushReport {
    std::uint32_t generation = 0;
    std::vector<Card> cards;              // now under it
    std::string warning;                  // empty: none
    std::vector<HookedCard> hooked = {};  // as they are now
};

// Builds the new generation whole and flips to it: on every attached card, or on `interface` alone.
Result<PushReport> push(const Compiled& policy, const std::optional<std::string>& interface);

// Takes over the cards that another version of edgefw attached, and puts `policy` in force on them. The hooks of a card
// are never empty, and each packet is judged by one policy or the other. The card's counters begin at zero. Its
// connections are judged anew: TCP in mid-stream for as long as the policy adopts it. Returns the cards' names. Fails
// at the first card that cannot be taken over; that card goes on as it was.
Result<std::vector<std::string>> upgrade(const Compiled& policy);

// The document of the policy in force (on `interface`, else of the newest generation in force); empty: none.
Result<std::string> document_in_force(const std::optional<std::string>& interface);

// The hosts that a policy in force names, as image::hosts_text() wrote them and move_hosts() did since.
struct HostsInForce {
    std::uint32_t generation = 0;
    std::string text;
};

// Returns the hosts of every generation in force whose policy names some.
Result<std::vector<HostsInForce>> hosts_in_force();

// An address and the class it gets (maps/classes.h); 0: none.
struct ClassChange {
    Address address;
    std::uint32_t number = 0;
};

// The class an address has in a generation in force.
Result<std::uint32_t> class_of(std::uint32_t generation, const Address& address);

// Moves addresses between classes of a generation in force, in order, and keeps `text` with it. Each packet is judged
// by the class that an address had before or has after; connections go on. Fails (kFailed) where the generation is no
// longer in force or its tables have no room: push the policy then.
Result<Ok> move_hosts(std::uint32_t generation, const std::vector<ClassChange>& changes, const std::string& text);

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

struct CardStatus {
    Card card;
    std::vector<Occupancy> maps;
    std::vector<std::uint32_t> timeouts = {};  // seconds a quiet connection is kept, by enum edgefw_connection_state
};

struct Status {
    std::uint32_t generation = 0;
    std::vector<CardStatus> cards;
    std::vector<ClosedCard> closed = {};
    std::vector<HookedCard> hooked = {};  // also those of no `cards`: what was pinned of them is gone
};

// `count_entries`: walk the tables to count what is in them (a million entries take a while).
Result<Status> status(bool count_entries);

// A live connection, as a card's tables have it.
struct Connection {
    std::string interface;
    policy::Side side = policy::Side::kExternal;
    edgefw_hook opener = EDGEFW_RECEIVED;  // where its opener's packets are seen
    std::uint8_t protocol = 0;
    Address local, remote;                          // as the rules see them
    std::uint16_t local_port = 0, remote_port = 0;  // of an echo: the identifier, at the end that asks
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

// Returns the connections of every attached card, or only those of `interface`, in no order.
Result<std::vector<Connection>> connections(const std::optional<std::string>& interface);

// Removes those that `which` picks, and returns how many: their next packet is judged as one of no connection.
Result<std::uint64_t> end_connections(const std::function<bool(const Connection&)>& which);

struct CardCounters {
    Card card;
    std::map<std::uint32_t, edgefw_counter> slots;  // summed over CPUs; every slot of `document`, also zero ones
    edgefw_reason_counter reasons[EDGEFW_HOOKS][2][EDGEFW_REASON_COUNT] = {};  // [hook][verdict][reason]
    std::string document;  // of the policy in force on this card: ids and slots ("slot" in each rule and nat entry)
};

// One snapshot of every attached card, or of `interface` alone.
Result<std::vector<CardCounters>> counters(const std::optional<std::string>& interface);

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

class Judge {
public:
    // Makes a judge of a policy that is not in force.
    // `connections`: entries of each private table; forget() takes time in proportion (1,024: some microseconds).
    static Result<Judge> of(const Compiled& policy, std::uint32_t connections = EDGEFW_CONNECTIONS_DEFAULT);
    // Makes a judge of the policy in force, with the constants and rule maps that are in force.
    static Result<Judge> in_force(const std::optional<std::string>& interface,
                                  std::uint32_t connections = EDGEFW_CONNECTIONS_DEFAULT);

    Judge(Judge&&) noexcept;
    Judge& operator=(Judge&&) noexcept;
    ~Judge();

    Result<Judgement> judge(policy::Side side, edgefw_hook hook, const std::vector<std::uint8_t>& frame,
                            bool keep_frame = false);
    // Empties the private connection tables.
    Result<Ok> forget();

private:
    struct Instances;
    explicit Judge(std::unique_ptr<Instances> instances);
    std::unique_ptr<Instances> instances_;
};

// Loads and frees each program that a push of this policy could need, whatever the card: at XDP with checksums left to
// an offload or not, at tc with an Ethernet header or none, while connections are adopted and come over from other
// tables. What this accepts the kernel accepts. kKernel with the verifier's log when it refuses one.
Result<Ok> verify(const Compiled& policy);

// Attached cards changed or a push happened since: cheap enough to ask every second. 0: nothing attached.
Result<std::uint32_t> generation_in_force();

// What `check` compares a policy with, of this network namespace: the addresses of all cards (rtnetlink) and whether
// one is dynamic (has a finite lifetime: DHCP); the ports that connections of the host itself take; chains of nftables
// that translate, as "table/chain".
struct HostAddress {
    Address address;
    std::string interface;
    bool dynamic = false;
};
struct HostNetwork {
    std::vector<HostAddress> addresses;
    std::uint32_t first_local_port = 32768;
    std::uint32_t last_local_port = 60999;
    std::vector<std::string> nat_chains;
};
Result<HostNetwork> host_network();

// Whether this process may load programs; the reason when not.
Result<Ok> may_load_programs();

}  // namespace edgefw::kernel
