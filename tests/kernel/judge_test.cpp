// SPDX-License-Identifier: GPL-2.0-only
// kernel::Judge: what `explain` and a policy's own tests ask.
#include <gtest/gtest.h>

#include "tests/kernel/test_run.h"
#include "tests/support/checksum.h"
#include "userspace/kernel/door.h"

namespace edgefw::test {
namespace {

using kernel::Judge;
using policy::Side;

const char* const kPolicy = R"(
nat:
- {name: map, type: port-forward, protocol: tcp, public: 203.0.113.7, public_port: 9555, to: 10.0.0.5, to_port: 8080}
rules:
- {name: web, side: external, direction: inbound, protocol: tcp, local_port: [443, 8080], action: pass}
- {name: hop, side: internal, direction: inbound, protocol: tcp, remote_port: 5061, action: pass}
)";

Bytes syn(const char* destination, std::uint16_t port) {
    return frame(Ethernet{}, Ipv4{.destination = destination}, Tcp{.destination_port = port});
}

kernel::Judgement judged(Judge& judge, Side side, edgefw_hook hook, const Bytes& frame) {
    auto judgement = judge.judge(side, hook, frame, true);
    EXPECT_TRUE(judgement) << judgement.error().message;
    return judgement ? *judgement : kernel::Judgement{};
}

TEST(Judge, NamesRuleReasonAndForward) {
    auto judge = Judge::of(compiled(kPolicy), 1024);
    ASSERT_TRUE(judge) << judge.error().message;
    const auto direct = judged(*judge, Side::kExternal, EDGEFW_RECEIVED, syn("192.0.2.20", 443));
    EXPECT_EQ(direct.verdict, policy::Action::kPass);
    EXPECT_EQ(direct.reason, EDGEFW_REASON_RULE);
    EXPECT_EQ(direct.rule, "web");
    EXPECT_EQ(direct.nat, "");
    EXPECT_EQ(direct.frame, syn("192.0.2.20", 443));
    const auto through = judged(*judge, Side::kExternal, EDGEFW_RECEIVED, syn("203.0.113.7", 9555));
    EXPECT_EQ(through.rule, "web");
    EXPECT_EQ(through.nat, "map");
    EXPECT_EQ(through.frame, syn("10.0.0.5", 8080));
    const auto dropped = judged(*judge, Side::kExternal, EDGEFW_RECEIVED, syn("192.0.2.20", 1));
    EXPECT_EQ(dropped.verdict, policy::Action::kDrop);
    EXPECT_EQ(dropped.reason, EDGEFW_REASON_DEFAULT);
    EXPECT_EQ(dropped.rule, "");
    const auto arp = judged(*judge, Side::kInternal, EDGEFW_SENT, frame(Ethernet{.type = 0x0806}, payload(46)));
    EXPECT_EQ(arp.rule, "builtin/arp");
}

// A table a side: what opened on one is not known on the other; and both are emptied at once.
TEST(Judge, RemembersUntilItForgets) {
    auto judge = Judge::of(compiled(kPolicy), 1024);
    ASSERT_TRUE(judge);
    const Bytes hop = syn("192.0.2.20", 5061);
    const Bytes answer = frame(Ethernet{}, Ipv4{.source = "192.0.2.20", .destination = "198.51.100.9"},
                               Tcp{.source_port = 5061, .destination_port = 40000, .flags = kSyn | kAck});
    EXPECT_EQ(judged(*judge, Side::kInternal, EDGEFW_SENT, hop).rule, "hop");
    EXPECT_EQ(judged(*judge, Side::kInternal, EDGEFW_RECEIVED, answer).reason, EDGEFW_REASON_CONNECTION);
    EXPECT_EQ(judged(*judge, Side::kExternal, EDGEFW_RECEIVED, answer).reason, EDGEFW_REASON_DEFAULT);
    ASSERT_TRUE(judge->forget());
    EXPECT_EQ(judged(*judge, Side::kInternal, EDGEFW_RECEIVED, answer).reason, EDGEFW_REASON_DEFAULT);
}

TEST(Judge, SaysWhatTheKernelDoesNotRun) {
    auto judge = Judge::of(compiled(kPolicy), 1024);
    ASSERT_TRUE(judge);
    const auto refused = judge->judge(Side::kExternal, EDGEFW_RECEIVED, Bytes(13));
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().message, "the kernel does not test-run a frame of 13 bytes on this hook");
    const auto tried = judge->try_to_judge(Side::kExternal, EDGEFW_RECEIVED, Bytes(13));
    ASSERT_TRUE(tried) << tried.error().message;
    EXPECT_FALSE(*tried);
    const auto taken = judge->try_to_judge(Side::kExternal, EDGEFW_RECEIVED, syn("192.0.2.20", 443));
    ASSERT_TRUE(taken) << taken.error().message;
    ASSERT_TRUE(*taken);
    EXPECT_EQ((*taken)->rule, "web");
}

}  // namespace
}  // namespace edgefw::test
