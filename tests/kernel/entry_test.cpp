// SPDX-License-Identifier: GPL-2.0-only
// entry: the word that says which program judges, and what happens where there is none.
#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include <bpf/bpf.h>
#include <gtest/gtest.h>

#include "maps/counters.h"
#include "tests/kernel/test_run.h"

namespace edgefw::test {
namespace {

using kernel::Map;

// The entry programs of a card with two policies, one in each bank: dropping all, and passing all.
class Entry : public ::testing::Test {
protected:
    void SetUp() override { prepare(kernel::ReceivedAt::kXdp); }

    void prepare(kernel::ReceivedAt at) {
        active_ = make({"active", BPF_MAP_TYPE_ARRAY, 4, sizeof(std::uint64_t), 1});
        received_ = make({"received", BPF_MAP_TYPE_PROG_ARRAY, 4, 4, 2});
        sent_ = make({"sent", BPF_MAP_TYPE_PROG_ARRAY, 4, 4, 2});
        reasons_ =
            make({"reasons", BPF_MAP_TYPE_PERCPU_ARRAY, 4, sizeof(edgefw_reason_counter), EDGEFW_REASON_COUNTERS});
        auto entry = kernel::load_entry(
            {{"active", active_.fd()}, {"received", received_.fd()}, {"sent", sent_.fd()}, {"reasons", reasons_.fd()}},
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

private:
    Map active_, received_, sent_, reasons_;
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
