// SPDX-License-Identifier: GPL-2.0-only
// Random stories: packets of a policy, packets that answer or repeat earlier ones, fragments, whole TCP connections.
#pragma once

#include <cstdint>
#include <deque>
#include <random>

#include "tests/support/oracle.h"
#include "tests/support/random_policy.h"

namespace edgefw::test {

class RandomStory {
public:
    // Fresh packets are of `random`, which outlives the story.
    RandomStory(std::uint32_t seed, RandomPolicy& random) : dice_(seed), random_(random) {}

    // The next packet under `policy`, which may be another one than before.
    Sample next(const policy::Policy& policy);

    // The packet that next() gave last, as it left: whoever replies has seen that.
    void left(const packet::Packet& packet);

private:
    struct Earlier {
        packet::Packet came;
        packet::Packet left;
    };
    // A packet of a conversation: one of the opener, or one back.
    struct Step {
        bool back = false;
        Sample sample;
    };
    static constexpr std::size_t kRemembered = 24;

    std::size_t below(std::size_t bound) { return dice_() % bound; }
    bool one_in(std::size_t n) { return below(n) == 0; }

    packet::Packet fresh(const policy::Policy& policy);
    void to_forward(packet::Packet& packet, const policy::Forward& forward);
    void from_masquerade(packet::Packet& packet, const policy::Masquerade& entry);
    packet::Packet follow_up(const Earlier& earlier);
    void converse(packet::Packet packet);
    void number(Sample& sample);

    std::mt19937 dice_;
    RandomPolicy& random_;
    std::deque<Earlier> earlier_;
    std::deque<Step> conversation_;
    packet::Packet opener_left_;
    bool awaits_opener_ = false;
};

}  // namespace edgefw::test
