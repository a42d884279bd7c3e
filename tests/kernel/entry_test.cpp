// SPDX-License-Identifier: GPL-2.0-only
// entry: the word that says which program judges, and what happens where there is none.
#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include <bpf/bpf.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <thread>

#include "maps/counters.h"
#include "tests/kernel/test_run.h"
#include "userspace/kernel/active.h"
#include "userspace/kernel/clock.h"

namespace edgefw::test {
namespace {

using kernel::Map;

// The entry programs of a card with two policies, one in each bank: dropping all, and passing all.
class Entry : public ::testing::Test {
protected:
    void SetUp() override { prepare(kernel::ReceivedAt::kXdp); }

    void prepare(kernel::ReceivedAt at) {
        active_ = make({"active", BPF_MAP_TYPE_ARRAY, 4, sizeof(std::uint64_t), 1});
        received_ = make({"received", BPF_MAP_TYPE_PROG_ARRAY, 4, 4, EDGEFW_BANKS});
        sent_ = make({"sent", BPF_MAP_TYPE_PROG_ARRAY, 4, 4, EDGEFW_BANKS});
        reasons_ =
            make({"reasons", BPF_MAP_TYPE_PERCPU_ARRAY, 4, sizeof(edgefw_reason_counter), EDGEFW_REASON_COUNTERS});
        confirmations_ = make({"confirmations", BPF_MAP_TYPE_ARRAY, 4, sizeof(edgefw_confirmation), EDGEFW_BANKS});
        auto entry = kernel::load_entry({{"active", active_.fd()},
                                         {"confirmations", confirmations_.fd()},
                                         {"received", received_.fd()},
                                         {"sent", sent_.fd()},
                                         {"reasons", reasons_.fd()}},
                                        at);
        ASSERT_TRUE(entry) << entry.error().message;
        entry_ = std::move(*entry);
    }

    static Map make(const kernel::MapSpec& spec) {
        auto map = Map::create(spec);
        EXPECT_TRUE(map);
        return std::move(*map);
    }

    void fill(std::uint32_t bank, TestRun& policy) {
        ASSERT_TRUE(received_.set(bank, policy.programs().received.get()));
        ASSERT_TRUE(sent_.set(bank, policy.programs().sent.get()));
    }
    void activate(std::uint64_t word) { ASSERT_TRUE(active_.set(0, word)); }
    std::uint64_t active() const { return *active_.at<std::uint64_t>(0); }
    // Of the word that waits in `bank`.
    void wait_until(std::uint32_t bank, std::uint64_t deadline, const kernel::ActiveWord& fallback) {
        ASSERT_TRUE(confirmations_.set(bank, edgefw_confirmation{deadline, fallback.word()}));
    }

    static std::uint32_t code_of(const Fd& program) {
        const Bytes packet = frame(Ethernet{}, Ipv4{}, Udp{}, payload(18));
        LIBBPF_OPTS(bpf_test_run_opts, run, .data_in = packet.data(), .data_size_in = static_cast<__u32>(packet.size()),
                    .repeat = 1);
        EXPECT_EQ(bpf_prog_test_run_opts(program.get(), &run), 0);
        return run.retval;
    }
    std::uint32_t received_code() const { return code_of(entry_.received); }
    std::uint32_t sent_code() const { return code_of(entry_.sent); }

    edgefw_reason_counter no_generation(edgefw_hook hook) const {
        const std::uint32_t index = hook * 2u * EDGEFW_REASON_COUNT + EDGEFW_REASON_NO_GENERATION;
        std::vector<edgefw_reason_counter> values(static_cast<std::size_t>(kernel::cpus()));
        EXPECT_TRUE(reasons_.read(&index, values.data()));
        edgefw_reason_counter sum = {};
        for (const auto& value : values) {
            sum.packets += value.packets;
            sum.bytes += value.bytes;
        }
        return sum;
    }

    Map active_, confirmations_;

private:
    Map received_, sent_, reasons_;
    kernel::ProgramPair entry_;
};

constexpr auto kNext = static_cast<std::uint32_t>(TC_ACT_UNSPEC);  // the programs behind ours decide

TEST_F(Entry, JudgesByTheActiveSlot) {
    TestRun drops("default: drop");
    TestRun passes("default: pass");
    fill(0, drops);
    fill(1, passes);
    activate(4 << 1);
    EXPECT_EQ(received_code(), std::uint32_t{XDP_DROP});
    EXPECT_EQ(sent_code(), std::uint32_t{TC_ACT_SHOT});
    activate(5 << 1 | 1);
    EXPECT_EQ(received_code(), std::uint32_t{XDP_PASS});
    EXPECT_EQ(sent_code(), kNext);
    activate(6 << 1);
    EXPECT_EQ(received_code(), std::uint32_t{XDP_DROP});
    EXPECT_EQ(drops.seen().packets, 3u);
    EXPECT_EQ(passes.seen().packets, 2u);
    EXPECT_EQ(no_generation(EDGEFW_RECEIVED).packets, 0u);
}

TEST_F(Entry, DropsAndCountsWhereNothingJudges) {
    TestRun passes("default: pass");
    fill(0, passes);
    activate(1);
    EXPECT_EQ(received_code(), std::uint32_t{XDP_DROP});
    EXPECT_EQ(received_code(), std::uint32_t{XDP_DROP});
    EXPECT_EQ(sent_code(), std::uint32_t{TC_ACT_SHOT});
    EXPECT_EQ(no_generation(EDGEFW_RECEIVED).packets, 2u);
    EXPECT_EQ(no_generation(EDGEFW_RECEIVED).bytes, 120u);
    EXPECT_EQ(no_generation(EDGEFW_SENT).packets, 1u);
    EXPECT_EQ(no_generation(EDGEFW_SENT).bytes, 60u);
}

constexpr kernel::ActiveWord kPending = {5, 1, true, false}, kConfirmed = {5, 1, false, false},
                             kBack = {6, 2, false, true};

TEST_F(Entry, FallsBackAtTheDeadline) {
    TestRun drops("default: drop"), passes("default: pass");
    fill(2, drops);
    fill(1, passes);
    const std::uint64_t now = *kernel::jiffies_now();
    wait_until(1, now + kernel::jiffies_of(600), kBack);
    activate(kPending.word());
    EXPECT_EQ(received_code(), std::uint32_t{XDP_PASS});
    EXPECT_EQ(sent_code(), kNext);
    EXPECT_EQ(active(), kPending.word());
    wait_until(1, now, kBack);
    EXPECT_EQ(received_code(), std::uint32_t{XDP_DROP}) << "the packet that finds it over is judged by the fallback";
    EXPECT_EQ(active(), kBack.word());
    EXPECT_EQ(sent_code(), std::uint32_t{TC_ACT_SHOT});
    // A deadline that nobody waits for is none.
    activate(kConfirmed.word());
    EXPECT_EQ(received_code(), std::uint32_t{XDP_PASS});
    EXPECT_EQ(active(), kConfirmed.word());
}

TEST_F(Entry, EachBankIsCalled) {
    TestRun drops("default: drop"), passes("default: pass");
    for (std::uint32_t bank = 0; bank < EDGEFW_BANKS; bank++)
        fill(bank, drops);
    for (std::uint32_t bank = 0; bank < EDGEFW_BANKS; bank++) {
        fill(bank, passes);
        for (std::uint32_t other = 0; other < EDGEFW_BANKS; other++) {
            activate(kernel::ActiveWord{4, other, false, false}.word());
            EXPECT_EQ(received_code(), std::uint32_t{other == bank ? XDP_PASS : XDP_DROP}) << bank << " " << other;
        }
        fill(bank, drops);
    }
}

// The deadline is over, a packet comes on one processor, and who confirms has found time on another: one of them
// writes the word, and the packet is judged by that.
TEST_F(Entry, OneDecides) {
    TestRun drops("default: drop"), passes("default: pass");
    fill(2, drops);
    fill(1, passes);
    wait_until(1, *kernel::jiffies_now(), kBack);
    int confirmed = 0;
    constexpr int kRounds = 300;
    for (int round = 0; round < kRounds; round++) {
        activate(kPending.word());
        std::atomic<bool> go = false;
        bool won = false;
        std::thread confirms([&] {
            while (!go) {
            }
            won = *kernel::exchange_word(active_, kPending.word(), kConfirmed.word(), 0);
        });
        go = true;
        // The program that confirms has to be loaded first: so long the packet waits, longer with each round.
        usleep(static_cast<useconds_t>(round) * 10);
        const std::uint32_t code = received_code();
        confirms.join();
        ASSERT_EQ(active(), won ? kConfirmed.word() : kBack.word());
        ASSERT_EQ(code, std::uint32_t{won ? XDP_PASS : XDP_DROP});
        confirmed += won ? 1 : 0;
    }
    EXPECT_GT(confirmed, 0);
    EXPECT_LT(confirmed, kRounds);
}

// A confirmation behind the deadline writes nothing, also where no packet has come.
TEST_F(Entry, NobodyConfirmsBehindTheDeadline) {
    activate(kPending.word());
    const std::uint64_t now = *kernel::jiffies_now();
    EXPECT_FALSE(*kernel::exchange_word(active_, kPending.word(), kConfirmed.word(), now));
    EXPECT_EQ(active(), kPending.word());
    EXPECT_TRUE(*kernel::exchange_word(active_, kPending.word(), kConfirmed.word(), now + kernel::jiffies_of(60)));
    EXPECT_EQ(active(), kConfirmed.word());
    EXPECT_FALSE(*kernel::exchange_word(active_, kPending.word(), kBack.word(), 0)) << "it is no more";
}

// The same of a card that is judged at tc ingress.
class EntryAtTcIngress : public Entry {
protected:
    void SetUp() override { prepare(kernel::ReceivedAt::kTcIngress); }
};

TEST_F(EntryAtTcIngress, JudgesByTheActiveSlot) {
    TestRun::Options options;
    options.at = kernel::ReceivedAt::kTcIngress;
    TestRun drops(options), passes(options);
    drops.push("default: drop");
    passes.push("default: pass");
    fill(0, drops);
    fill(1, passes);
    activate(4 << 1);
    EXPECT_EQ(received_code(), std::uint32_t{TC_ACT_SHOT});
    activate(5 << 1 | 1);
    EXPECT_EQ(received_code(), kNext);
    EXPECT_EQ(drops.seen().packets, 1u);
    EXPECT_EQ(passes.seen().packets, 1u);
}

TEST_F(EntryAtTcIngress, DropsAndCountsWhereNothingJudges) {
    EXPECT_EQ(received_code(), std::uint32_t{TC_ACT_SHOT});
    EXPECT_EQ(no_generation(EDGEFW_RECEIVED).packets, 1u);
    EXPECT_EQ(no_generation(EDGEFW_RECEIVED).bytes, 60u);
    EXPECT_EQ(no_generation(EDGEFW_SENT).packets, 0u);
}

}  // namespace
}  // namespace edgefw::test
