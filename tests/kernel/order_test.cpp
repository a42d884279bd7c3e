// SPDX-License-Identifier: GPL-2.0-only
// order: who runs before edgefw at the hooks of a card.
#include "userspace/kernel/order.h"

#include <net/if.h>
// net/if.h before the kernel's: linux/if.h then leaves out what both define.
#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "tests/kernel/test_run.h"
#include "tests/support/lab.h"
#include "userspace/kernel/cards.h"
#include "userspace/kernel/door.h"
#include "userspace/kernel/hooks.h"

namespace edgefw::test {
namespace {

using kernel::ReceivedMode;
using testing::ElementsAre;
using testing::IsEmpty;

const std::string kDropAll = "default: drop\n";

// What somebody else has written; it ends every packet's way with `code`.
Fd foreign_program(int code) {
    const bpf_insn instructions[] = {
        {.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 0, .src_reg = 0, .off = 0, .imm = code},
        {.code = BPF_JMP | BPF_EXIT, .dst_reg = 0, .src_reg = 0, .off = 0, .imm = 0},
    };
    return Fd::own(bpf_prog_load(BPF_PROG_TYPE_SCHED_CLS, "theirs", "GPL", instructions, 2, nullptr));
}

// Attaches a program of somebody else at tcx of eth0, for as long as the returned link lives.
Fd attach_foreign(edgefw_hook hook, int code, bool before_all) {
    const Fd program = foreign_program(code);
    LIBBPF_OPTS(bpf_link_create_opts, options, .flags = before_all ? 1u << 3 : 0);  // BPF_F_BEFORE
    const auto type = hook == EDGEFW_RECEIVED ? kernel::kTcxIngress : kernel::kTcxEgress;
    return Fd::own(bpf_link_create(program.get(), static_cast<int>(if_nametoindex("eth0")), type, &options));
}

// Attaches a program of somebody else at clsact of eth0.
void add_foreign_filter(bpf_tc_attach_point point, std::uint32_t priority) {
    const Fd program = foreign_program(TC_ACT_UNSPEC);
    bpf_tc_hook hook = kernel::clsact_hook(static_cast<int>(if_nametoindex("eth0")), point);
    bpf_tc_opts options = {};
    options.sz = sizeof(options);
    options.prog_fd = program.get();
    options.priority = priority;
    ASSERT_EQ(bpf_tc_attach(&hook, &options), 0);
}

void attach(ReceivedMode mode, kernel::Egress egress) {
    kernel::AttachRequest request;
    request.interface = "eth0";
    request.mode = mode;
    request.egress = egress;
    request.policy = compiled(kDropAll);
    const auto attached = kernel::attach(request);
    ASSERT_TRUE(attached) << attached.error().message;
    EXPECT_THAT(attached->forerunners, IsEmpty()) << "edgefw comes first when it attaches";
}

// "tcx egress theirs" ...
std::vector<std::string> forerunners() {
    const auto status = kernel::status(false);
    if (!status) throw std::runtime_error(status.error().message);
    std::vector<std::string> texts;
    for (const kernel::Forerunner& program : status->cards.at(0).card.forerunners)
        texts.push_back(program.hook + " " + program.name);
    return texts;
}

TEST(Order, AttachComesFirstAtTcx) {
    const Lab lab;
    const Fd in = attach_foreign(EDGEFW_RECEIVED, TC_ACT_OK, false), out = attach_foreign(EDGEFW_SENT, TC_ACT_OK, true);
    ASSERT_TRUE(in.valid() && out.valid());
    attach(ReceivedMode::kTc, kernel::Egress::kTcx);
    EXPECT_THAT(forerunners(), IsEmpty());
}

TEST(Order, WhoComesBeforeIsNamedAndPutBehind) {
    const Lab lab;
    attach(ReceivedMode::kTc, kernel::Egress::kTcx);
    const Fd behind = attach_foreign(EDGEFW_SENT, TC_ACT_OK, false);
    EXPECT_THAT(forerunners(), IsEmpty());
    const Fd in = attach_foreign(EDGEFW_RECEIVED, TC_ACT_OK, true), out = attach_foreign(EDGEFW_SENT, TC_ACT_OK, true);
    ASSERT_TRUE(behind.valid() && in.valid() && out.valid());
    EXPECT_THAT(forerunners(), ElementsAre("tcx ingress theirs", "tcx egress theirs"));
    const auto pushed = kernel::push(compiled(kDropAll), {});
    ASSERT_TRUE(pushed) << pushed.error().message;
    EXPECT_EQ(pushed->cards.at(0).forerunners.size(), 2u);
    const auto first = kernel::put_first("eth0");
    ASSERT_TRUE(first) << first.error().message;
    EXPECT_THAT(forerunners(), IsEmpty());
    // One link of ours at each hook, and the others where they were.
    EXPECT_EQ(kernel::programs_at(static_cast<int>(if_nametoindex("eth0")), EDGEFW_RECEIVED).size(), 2u);
    EXPECT_EQ(kernel::programs_at(static_cast<int>(if_nametoindex("eth0")), EDGEFW_SENT).size(), 3u);
    ASSERT_TRUE(kernel::detach("eth0"));
    EXPECT_EQ(kernel::programs_at(static_cast<int>(if_nametoindex("eth0")), EDGEFW_RECEIVED).size(), 1u);
    EXPECT_EQ(kernel::programs_at(static_cast<int>(if_nametoindex("eth0")), EDGEFW_SENT).size(), 2u);
}

// The hook is never empty while the place changes.
TEST(Order, NoPacketPassesWhileThePlaceChanges) {
    Lab lab;
    attach(ReceivedMode::kTc, kernel::Egress::kTcx);
    FrameSocket peer = lab.in_peer([] { return FrameSocket("eth0"); });
    FrameSocket host("eth0");
    std::atomic<bool> over = false;
    std::thread sender([&] {
        while (!over)
            host.send(frame(Ethernet{}, Ipv4{}, Udp{}, payload(16)));
    });
    for (int i = 0; i < 30; i++) {
        const Fd before = attach_foreign(EDGEFW_SENT, TC_ACT_UNSPEC, true);
        EXPECT_TRUE(before.valid());
        EXPECT_TRUE(kernel::put_first("eth0"));
    }
    over = true;
    sender.join();
    EXPECT_FALSE(peer.receive(std::chrono::milliseconds(100)));
    EXPECT_GT(kernel::counters({})->at(0).reasons[EDGEFW_SENT][EDGEFW_DROP][EDGEFW_REASON_DEFAULT].packets, 100u);
}

// Killed when the second link was pinned and the first one not yet taken off: both judge until the next change.
TEST(Order, AMoveThatWasKilledIsUndone) {
    const Lab lab;
    attach(ReceivedMode::kTc, kernel::Egress::kTcx);
    const int eth0 = static_cast<int>(if_nametoindex("eth0"));
    const auto home = kernel::Home::look();
    ASSERT_TRUE(home && home->exists());
    for (const edgefw_hook hook : {EDGEFW_RECEIVED, EDGEFW_SENT}) {
        const Fd second = attach_foreign(hook, TC_ACT_UNSPEC, true);
        const std::string pin =
            home->card(eth0) + (hook == EDGEFW_RECEIVED ? "/link_received" : "/link_sent") + "_later";
        ASSERT_EQ(bpf_obj_pin(second.get(), pin.c_str()), 0);
    }
    ASSERT_EQ(kernel::programs_at(eth0, EDGEFW_SENT).size(), 2u);
    const auto pushed = kernel::push(compiled(kDropAll), {});
    ASSERT_TRUE(pushed) << pushed.error().message;
    EXPECT_EQ(kernel::programs_at(eth0, EDGEFW_RECEIVED).size(), 1u);
    EXPECT_EQ(kernel::programs_at(eth0, EDGEFW_SENT).size(), 1u);
    EXPECT_THAT(forerunners(), IsEmpty());
}

TEST(Order, FirstAtClsact) {
    const Lab lab;
    bpf_tc_hook both = kernel::clsact_hook(static_cast<int>(if_nametoindex("eth0")), kernel::kBothClsact);
    ASSERT_EQ(bpf_tc_hook_create(&both), 0);
    for (const auto point : {BPF_TC_INGRESS, BPF_TC_EGRESS})
        add_foreign_filter(point, 2);
    attach(ReceivedMode::kTc, kernel::Egress::kClsact);
    EXPECT_THAT(forerunners(), IsEmpty());
    for (const auto point : {BPF_TC_INGRESS, BPF_TC_EGRESS})
        add_foreign_filter(point, 1);
    EXPECT_THAT(forerunners(), ElementsAre("clsact ingress theirs", "clsact egress theirs"));
    const auto first = kernel::put_first("eth0");
    ASSERT_FALSE(first);
    EXPECT_NE(first.error().message.find("each filter's place is its owner's"), std::string::npos);
}

// Whatever is at tcx runs before clsact.
TEST(Order, TcxRunsBeforeClsact) {
    const Lab lab;
    attach(ReceivedMode::kNative, kernel::Egress::kClsact);
    const Fd out = attach_foreign(EDGEFW_SENT, TC_ACT_OK, false);
    ASSERT_TRUE(out.valid());
    EXPECT_THAT(forerunners(), ElementsAre("tcx egress theirs"));
}

TEST(Order, OnlyOfAnAttachedCard) {
    const Lab lab;
    const auto first = kernel::put_first("eth0");
    ASSERT_FALSE(first);
    EXPECT_EQ(first.error().message, "eth0 is not attached; `edgefw status` lists the cards that are");
    EXPECT_FALSE(kernel::is_pinned("/sys/fs/bpf/edgefw"));
}

}  // namespace
}  // namespace edgefw::test
