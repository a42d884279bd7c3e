// SPDX-License-Identifier: GPL-2.0-only
// What became of the packets of a capture: counted as the judgements come, by one policy or by two side by side.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "userspace/kernel/types.h"
#include "userspace/policy/policy.h"

namespace edgefw::engine {

// How a packet ended, as far as it is counted: packets that agree in this are one line, so there are few.
struct Outcome {
    policy::Action verdict = policy::Action::kPass;
    edgefw_reason reason = EDGEFW_REASON_NO_POLICY;
    std::string rule = {};  // empty: none
    std::string nat = {};   // the entry that translates; likewise

    auto operator<=>(const Outcome&) const = default;
    static Outcome of(const kernel::Judgement& judgement);
    std::string to_text() const;  // "pass, rule web, reason rule"
};

struct Amount {
    std::uint64_t packets = 0;
    std::uint64_t bytes = 0;  // as on the wire
};

// One packet of the capture, as it is counted.
struct CountedPacket {
    std::uint64_t number = 0;
    policy::Direction direction = policy::Direction::kInbound;
    std::uint64_t bytes = 0;
    std::optional<policy::Action> verdict = {};  // that the capture says it had
    std::function<std::string()> text = {};      // its notation, made where it is listed
};

class Tally {
public:
    struct Line {
        policy::Direction direction = policy::Direction::kInbound;
        Outcome outcome;
        auto operator<=>(const Line&) const = default;
    };
    struct ChangedLine {
        policy::Direction direction = policy::Direction::kInbound;
        Outcome before;
        Outcome after;
        auto operator<=>(const ChangedLine&) const = default;
    };
    struct Change {
        Amount amount = {};
        std::uint64_t first = 0;  // packet, and its notation
        std::string text = {};
    };
    struct Listed {
        std::uint64_t number = 0;
        std::string text;
        std::vector<Outcome> outcomes;  // one for each policy
        std::optional<policy::Action> verdict = {};
    };
    struct NotJudged {
        std::uint64_t packets = 0;
        std::vector<std::uint64_t> first = {};  // their numbers, kMostListed at most
    };
    static constexpr std::size_t kMostListed = 20;

    // `policies`: 1, or 2, of which the first is the older one.
    explicit Tally(std::size_t policies) : counts_(policies) {}

    // `judgements` of one packet, one for each policy.
    void add(const CountedPacket& packet, std::span<const kernel::Judgement> judgements);
    // A packet that was not judged, and why.
    void leave_out(std::uint64_t number, const std::string& why);
    void count_filled_up() { ++filled_up_; }

    std::uint64_t judged() const { return judged_; }
    std::uint64_t filled_up() const { return filled_up_; }
    // Packets of which the capture says a verdict.
    std::uint64_t with_verdict() const { return with_verdict_; }
    const std::map<std::string, NotJudged>& not_judged() const { return not_judged_; }
    // By policy.
    const std::vector<std::map<Line, Amount>>& counts() const { return counts_; }
    // What ends otherwise by the second policy; empty with one.
    const std::map<ChangedLine, Change>& changes() const { return changes_; }
    // Unexpected is, with one policy, a packet that has another verdict than the capture says, or that drops where it
    // says none; with two, one that one passes and the other drops, or translates otherwise. In the order of the
    // capture, kMostListed at most of unexpected() in all.
    const std::vector<Listed>& listed() const { return listed_; }
    std::uint64_t unexpected() const { return unexpected_; }

private:
    void count_change(const CountedPacket& packet, const Outcome& before, const Outcome& after);

    std::vector<std::map<Line, Amount>> counts_;
    std::map<ChangedLine, Change> changes_;
    std::map<std::string, NotJudged> not_judged_;
    std::vector<Listed> listed_;
    std::uint64_t judged_ = 0;
    std::uint64_t filled_up_ = 0;
    std::uint64_t with_verdict_ = 0;
    std::uint64_t unexpected_ = 0;
};

}  // namespace edgefw::engine
