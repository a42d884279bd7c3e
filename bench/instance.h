// SPDX-License-Identifier: GPL-2.0-only
// A policy loaded as on an attached card: the entry pair, its banks filled with a judging pair, maps of its
// own. Attached to nothing: test runs are its only packets.
#pragma once

#include <cstdint>
#include <string>

#include "bench/test_run.h"
#include "maps/limits.h"
#include "maps/reasons.h"
#include "userspace/kernel/card_state.h"
#include "userspace/kernel/generation.h"
#include "userspace/packet/notation.h"
#include "userspace/policy/policy.h"

namespace edgefw::bench {

// Bytes that the kernel says a map takes.
Result<std::uint64_t> memory_of(int map);

struct Outcome {
    edgefw_hook hook = EDGEFW_RECEIVED;
    edgefw_verdict verdict = EDGEFW_PASS;
    edgefw_reason reason = EDGEFW_REASON_RULE;
};

// What the recorder does with a packet that drops, whatever the rate.
enum class Recording {
    kOff,
    kBucketEmpty,  // the reason's bucket is empty
    kCounts,       // its flow has a record of this second, which counts it
    kWrites,       // it gets a record
};

class Instance {
public:
    // The external side of `policy`. `connections`: entries of its tables of confirmed connections.
    static Result<Instance> load(const policy::Policy& policy, std::uint32_t connections = EDGEFW_CONNECTIONS_DEFAULT,
                                 Recording recording = Recording::kOff);

    int received() const { return entry_.received.get(); }
    int sent() const { return entry_.sent.get(); }
    int openings() const { return card_.openings4.fd(); }  // where a SYN that opens leaves its connection
    const kernel::ProgramPair& judging() const { return judging_; }
    // Puts other programs into the entry pair's slots.
    Result<Ok> judge_with(int received, int sent) const;

    // Sends one packet through, for what it leaves in the connection table. Returns it as it left: translated.
    Result<packet::Packet> pass(const packet::Packet& packet) const;
    // Half-open connections of IPv4 are from now on EDGEFW_SETTLED_SECONDS older: their openers' next packets confirm.
    Result<Ok> settle() const;
    // Removes what packets have left behind.
    Result<Ok> forget() const;
    // How many packets ended so since the instance was loaded.
    Result<std::uint64_t> count(const Outcome& outcome) const;

    // What packets may leave behind: connections, openings, fragments.
    std::vector<const kernel::Map*> tables() const { return card_.tables(); }
    // Confirmed connections of IPv4.
    std::uint64_t connections() const { return card_.connections4.count(); }

    // Bytes of kernel memory in the maps of the generation, and in those of the card.
    Result<std::uint64_t> rule_bytes() const;
    Result<std::uint64_t> card_bytes() const;

private:
    Instance(kernel::CardMaps card, kernel::Generation generation)
        : card_(std::move(card)), generation_(std::move(generation)) {}
    Result<Ok> load_entry();

    kernel::CardMaps card_;
    kernel::Generation generation_;
    kernel::Map active_, received_slots_, sent_slots_;
    kernel::ProgramPair judging_, entry_;
};

}  // namespace edgefw::bench
