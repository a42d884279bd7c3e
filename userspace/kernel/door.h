// SPDX-License-Identifier: GPL-2.0-only
// What edgefw does to the kernel of the network namespace it runs in: the only door to libbpf, bpffs and netlink.
// Every function takes the namespace's lock where it changes something. errno is translated here, once.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "userspace/base/result.h"
#include "userspace/kernel/types.h"

namespace edgefw::kernel {

// Attaches both hooks, pinned. Nothing is left behind when it fails.
Result<Card> attach(const AttachRequest& request);

// Puts edgefw before all other programs at the tcx hooks of an attached card. No packet passes unjudged meanwhile.
Result<Ok> put_first(const std::string& interface);

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

// Closes a card with a program of its own, which needs no bpffs. Closed already: it is closed by these rules then,
// without a moment between. attach() and push() open it once what judges it is in its place; so does open_closed().
Result<Ok> close(const std::string& interface, const ClosedRules& rules);
// What judges this card is in force: what closed it goes, and what is in force stays. Ok where it was not closed.
bool is_closed(const std::string& interface);
Result<Ok> open_closed(const std::string& interface);

Result<std::vector<ClosedCard>> closed_cards();

// Builds the new generation whole and flips to it: on every attached card, or on `interface` alone. While a push waits
// to be confirmed another one is refused, unless it replaces that.
Result<PushReport> push(const Compiled& policy, const std::optional<std::string>& interface, const Terms& terms = {});

// Asks `policy` beside what is in force, on every attached card or on `interface` alone, until it is ended or another
// policy comes into force. It decides nothing. A shadow before it ends. Returns the generation that the policy in force
// has now. Fails (kFailed) where none is in force, or a push waits to be confirmed.
Result<std::uint32_t> begin_shadow(const Compiled& policy, const std::optional<std::string>& interface);
// Fails (kFailed) where there is none.
Result<std::uint32_t> end_shadow(const std::optional<std::string>& interface);
// Of the cards that have one.
Result<std::vector<CardShadow>> shadows(const std::optional<std::string>& interface);

// Makes a push that waits the policy in force for good, and returns its generation. Fails (kFailed) where none waits,
// or its deadline is over: then the policy before it is in force.
Result<std::uint32_t> confirm();
// Puts the policy before it in force again, and returns the generation that has it. Fails (kFailed) where none waits.
Result<std::uint32_t> fall_back();
// Whether what is in force waits to be confirmed, or has come back.
Result<Standing> standing();
// What has become of one that waited.
Result<Ending> ending_of(const Waiting& push);

// Takes over the cards that another version of edgefw attached, and puts `policy` in force on them. The hooks of a card
// are never empty, and each packet is judged by one policy or the other. The card's counters begin at zero. Its
// connections are judged anew: TCP in mid-stream for as long as the policy adopts it. Returns the cards' names. Fails
// at the first card that cannot be taken over; that card goes on as it was.
Result<std::vector<std::string>> upgrade(const Compiled& policy);

// The document of the policy in force (on `interface`, else of the newest generation in force); empty: none.
Result<std::string> document_in_force(const std::optional<std::string>& interface);

// What that policy was made of, as document::Sources::to_text() wrote it; empty: no policy is in force, or it is
// unknown.
Result<std::string> sources_in_force(const std::optional<std::string>& interface);

// Returns the hosts of every generation in force whose policy names some.
Result<std::vector<HostsInForce>> hosts_in_force();

// The class an address has in a generation in force.
Result<std::uint32_t> class_of(std::uint32_t generation, const Address& address);

// Moves addresses between classes of a generation in force, in order, and keeps `text` with it. Each packet is judged
// by the class that an address had before or has after; connections go on. Fails (kFailed) where the generation is no
// longer in force or its tables have no room: push the policy then.
Result<Ok> move_hosts(std::uint32_t generation, const std::vector<ClassChange>& changes, const std::string& text);

// `count_entries`: walk the tables to count what is in them (a million entries take a while).
Result<Status> status(bool count_entries);

// Returns the connections of every attached card, or only those of `interface`, in no order.
Result<std::vector<Connection>> connections(const std::optional<std::string>& interface);

// Removes those that `which` picks, and returns how many: their next packet is judged as one of no connection.
Result<std::uint64_t> end_connections(const std::function<bool(const Connection&)>& which);

// One snapshot of every attached card, or of `interface` alone. `known` has the listings that are in force afterwards,
// and no others: those that it has already are not read again.
Result<std::vector<CardCounters>> counters(const std::optional<std::string>& interface, KnownListings& known);
Result<std::vector<CardCounters>> counters(const std::optional<std::string>& interface);

// What every attached card, or `interface` alone, has recorded in the last `within` milliseconds. Nothing is changed,
// and no packet waits for it.
Result<std::vector<CardDrops>> drops(const std::optional<std::string>& interface, std::uint64_t within = UINT64_MAX);

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
    // Likewise; nothing where the kernel does not test-run a frame of this length at this hook. It has then judged
    // nothing, and its tables know nothing of the packet.
    Result<std::optional<Judgement>> try_to_judge(policy::Side side, edgefw_hook hook,
                                                  const std::vector<std::uint8_t>& frame, bool keep_frame = false);
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

Result<NetworkFacts> network_facts();

// Whether this process may load programs; the reason when not.
Result<Ok> may_load_programs();

}  // namespace edgefw::kernel
