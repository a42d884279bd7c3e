// SPDX-License-Identifier: GPL-2.0-only
// One card without a wire: the judging programs in the kernel, test-run frame by frame, with tables that outlive a
// push. Where edgefw itself judges frames (kernel::Judge), every policy starts with empty tables; here a second push()
// finds the connections of the first, as on an attached card.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <random>
#include <string>

#include "maps/decision.h"
#include "maps/reasons.h"
#include "tests/support/frame.h"
#include "userspace/image/image.h"
#include "userspace/image/plan.h"
#include "userspace/kernel/card_state.h"
#include "userspace/packet/notation.h"
#include "userspace/policy/policy.h"

namespace edgefw::test {

// "version: 1" before `lines`. A policy that is refused fails the test.
policy::Policy policy_of(const std::string& lines);

// The same compiled, for an attached card.
kernel::Compiled compiled(const std::string& lines);

class TestRun {
public:
    struct Options {
        policy::Side side = policy::Side::kExternal;
        bool partial_checksums = false;  // as on a veth
        kernel::ReceivedAt at = kernel::ReceivedAt::kXdp;
        edgefw_link_layer link_layer = EDGEFW_ETHERNET;
        std::uint32_t connections = 1024;
        std::uint32_t record_bytes = 0;  // of the recorder for each processor; 0: nothing is recorded
        bool asks_shadow = false;        // as while there is a shadow; nobody answers
        bool recycles = true;  // false: a full table of connections refuses, as an LRU table does in rare moments only
    };

    TestRun() : TestRun(Options{}) {}
    explicit TestRun(const Options& options);  // no policy yet
    explicit TestRun(const std::string& lines) : TestRun() { push(lines); }

    void push(const policy::Policy& policy);
    void push(const std::string& lines) { push(policy_of(lines)); }

    // As `serve` does it: the host of the policy in force that has this name gets these addresses instead of
    // those it has. The policy must have foreseen their classes.
    void move_host(const std::string& name, const std::vector<std::string>& addresses);

    // The next pushes find that these are the host's own addresses and the networks of its internal cards.
    void inside(std::vector<Prefix> networks) { in_force_.martians = std::move(networks); }

    // The next push takes the card for one that was attached with a policy, so that nothing was learned.
    void hide_learned() { learned_ = false; }

    // The next push takes it for so much later. Connections are of the time that they are of.
    void later(std::uint32_t seconds) { seconds_ += seconds; }

    // The next pushes keep the connections that they revoke, for so many seconds; 0: they do not.
    void retain(std::uint32_t seconds);

    // The next programs adopt TCP in mid-stream until then, as after the first push of a card attached without a
    // policy. Seconds of kernel::uptime(); 0: they adopt nothing.
    void adopt_until(std::uint32_t seconds);

    // "pass rule web via map opened": verdict, reason, and where there are: rule or built-in, forward, and "opened"
    // when the rule's connections grew. "refused" where the kernel does not test-run such a frame on this hook, "busy"
    // where another packet is in flight (then nothing is recorded).
    std::string judge(edgefw_hook hook, const Bytes& frame);
    // The packet's direction says the hook; its side must be the card's.
    std::string judge(const packet::Packet& packet);
    std::string judge(const std::string& notation);
    // The last frame as it left.
    const Bytes& left() const { return left_; }

    // Summed over CPUs. An id that is not of the policy fails the test.
    edgefw_counter counter(const std::string& id) const;
    edgefw_reason_counter reason(edgefw_hook hook, edgefw_verdict verdict, edgefw_reason reason) const;
    // Over all reasons of both hooks.
    edgefw_reason_counter seen() const;
    void forget();

    // As a push to another size does it, up to the flip: packets find connections in new tables of this size, or fetch
    // them from those of before.
    void resize(std::uint32_t connections);
    // After resize(): the half-open ones of IPv4, as the control plane sees them when it brings them over.
    kernel::ConnectionTable openings4() const {
        return {"openings-ipv4", Family::kIpv4, EDGEFW_TABLE_OPENINGS, &maps_->openings4,
                &older_[EDGEFW_TABLE_INDEX(static_cast<int>(EDGEFW_TABLE_OPENINGS), static_cast<int>(EDGEFW_IPV4))]};
    }
    // Connections that nothing has fetched since.
    std::uint64_t left_behind() const;
    // How many entries came and went in a table, summed over CPUs.
    edgefw_table_counter turnover(edgefw_table table, edgefw_family family = EDGEFW_IPV4) const;
    // Connections in the tables, of both families.
    std::uint64_t confirmed() const;
    std::uint64_t half_open() const { return maps_->openings4.count() + maps_->openings6.count(); }

    // What the recorder has: its ring, its writers, its buckets.
    const kernel::CardMaps& maps() const { return *maps_; }

    // The judging programs; they are loaded when they are first needed.
    const kernel::ProgramPair& programs();

    // Marks each processor as if another packet was being judged there (`busy`), or none.
    void set_busy(edgefw_hook hook, bool busy);
    // The number of the map in which a program keeps the packet in flight (bpf/flight.h).
    std::uint32_t in_flight_id(edgefw_hook hook) { return in_flight(hook).id; }

    // Makes every connection as if it had been opened, and quiet, so many seconds longer.
    void age(std::uint64_t seconds);
    // Visits the connections of IPv4, in all of the tables.
    using Each = std::function<void(const edgefw_connection4_key& key, const edgefw_connection& connection)>;
    void each_connection(const Each& each) const;
    // Removes the connections with this local port, as the kernel's LRU removes what it recycles.
    void forget_of_port(std::uint16_t port);

private:
    struct InFlight {
        Fd map;
        std::uint32_t id = 0;
        std::size_t size = 0;  // bytes a processor
    };
    const InFlight& in_flight(edgefw_hook hook);
    // Before a packet is judged, in every test: what another one left must never matter.
    void make(const image::Image& image, std::uint32_t generation);
    void fill_with_noise(edgefw_hook hook, std::uint32_t busy);
    std::string text_of(const edgefw_decision& decision);
    edgefw_counter counter(std::uint32_t slot) const;
    std::string id_of(std::uint32_t slot) const;

    Options options_;
    std::optional<kernel::CardMaps> maps_;
    std::vector<kernel::Map> older_;  // as kernel::CardMaps::resize() returned them
    std::optional<kernel::Map> decision_;
    std::optional<kernel::Generation> generation_;
    std::optional<kernel::ProgramPair> programs_;
    image::InForce in_force_;
    std::uint32_t adopts_until_ = 0;
    std::uint32_t retains_until_ = 0;
    std::uint32_t number_ = 0;
    std::uint32_t seconds_ = 1;                           // that a push takes it to be
    bool learned_ = false;                                // packets were judged before the first push
    std::map<std::uint32_t, std::string> ids_;            // of removed rules, too: late fragments count for them
    std::map<std::uint32_t, std::uint64_t> connections_;  // by slot, as last seen
    Bytes left_ = Bytes(65536);
    std::optional<InFlight> in_flight_[EDGEFW_HOOKS];
    std::uint32_t busy_[EDGEFW_HOOKS] = {};
    std::minstd_rand noise_;
};

}  // namespace edgefw::test
