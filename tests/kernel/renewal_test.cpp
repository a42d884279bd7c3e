// SPDX-License-Identifier: GPL-2.0-only
// track, numbers that are of the past: a connection that begins anew between ends that have one, and one whose first
// acknowledgment was lost.
#include <gtest/gtest.h>

#include "tests/kernel/segments.h"

namespace edgefw::test {
namespace {

// A server that comes back without its connections answers the SYN of a client that has not; so does one that a client
// reaches again from the same port over a connection half closed. What was known of it is of the past then.
TEST(Renewal, AnAnsweredSynBeginsAnew) {
    for (const bool half_closed : {false, true}) {
        for (const bool answered : {false, true}) {
            TestRun run(kServices);
            open_at_the_end(run);
            if (half_closed) {
                EXPECT_EQ(judge_segment(run, true, segment(true, kFin | kAck, 0xffffff01, 5001)), kPasses);
            }
            EXPECT_EQ(judge_segment(run, true, segment(true, kSyn, 700000, 0)), kPasses);
            // A host that still has it challenges the SYN (RFC 5961 section 4).
            const std::uint32_t answer = answered ? 700001 : 0xffffff01;
            const std::uint8_t flags = answered ? kSyn | kAck : kAck;
            EXPECT_EQ(judge_segment(run, false, segment(false, flags, answered ? 90000 : 5001, answer)), kPasses);
            EXPECT_EQ(run.confirmed(), answered ? 0u : 1u);
            EXPECT_EQ(judge_segment(run, true, segment(true, kAck, 700001, 90001)), kPasses);
            EXPECT_EQ(run.confirmed(), 1u);
            const std::string reset = judge_segment(run, false, segment(false, kRst, 90001, 0));
            EXPECT_EQ(reset, answered ? kPasses : "drop tcp-sequence");
            EXPECT_EQ(run.confirmed(), answered ? 0u : 1u);
        }
    }
}

// Nobody begins a connection anew alone, or with an answer to something else.
TEST(Renewal, OnlyTheOtherEndsAnswerBeginsAnew) {
    const struct {
        const char* name;
        bool there;
        std::uint8_t flags;
        std::uint32_t acknowledgment;
        bool anew;
    } rows[] = {
        {"it does", false, kSyn | kAck, 700001, true},
        {"a part of the SYN's data", false, kSyn | kAck, 700001 - 16384, true},
        {"less", false, kSyn | kAck, 700001 - 16385, false},
        {"more", false, kSyn | kAck, 700002, false},
        {"from the same end", true, kSyn | kAck, 700001, false},
        {"no SYN", false, kAck, 700001, false},
        {"a reset", false, kSyn | kAck | kRst, 700001, false},
    };
    for (const auto& row : rows) {
        TestRun run(kServices);
        open_at_the_end(run);
        EXPECT_EQ(judge_segment(run, true, segment(true, kSyn, 700000, 0)), kPasses);
        judge_segment(run, row.there, segment(row.there, row.flags, 90000, row.acknowledgment));
        EXPECT_EQ(run.confirmed(), row.anew ? 0u : 1u) << row.name;
    }
}

// TCP Fast Open (RFC 7413): the server sends before the client's first acknowledgment, which is lost.
TEST(Renewal, DataBehindTheAnswerConfirms) {
    for (const std::uint32_t acknowledged : {5001u, 6001u, 7001u, 7002u}) {
        TestRun run(kServices);
        EXPECT_EQ(judge_segment(run, true, segment(true, kSyn, 1000, 0, 100)), "pass rule web opened");
        EXPECT_EQ(judge_segment(run, false, segment(false, kSyn | kAck, 5000, 1101)), kPasses);
        EXPECT_EQ(judge_segment(run, false, segment(false, kAck, 5001, 1101, 1000)), kPasses);
        EXPECT_EQ(judge_segment(run, false, segment(false, kAck, 6001, 1101, 1000)), kPasses);
        EXPECT_EQ(judge_segment(run, true, segment(true, kAck, 1101, acknowledged)), kPasses);
        EXPECT_EQ(run.confirmed(), acknowledged <= 7001 ? 1u : 0u) << acknowledged;
    }
}

}  // namespace
}  // namespace edgefw::test
