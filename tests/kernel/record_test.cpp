// SPDX-License-Identifier: GPL-2.0-only
// record: which packets come into the ring, with what, and that every drop is either recorded or counted as skipped.
#include <linux/bpf.h>
#include <bpf/bpf.h>
#include <gtest/gtest.h>

#include <atomic>
#include <cstring>
#include <set>
#include <thread>

#include "maps/record.h"
#include "tests/kernel/one_processor.h"
#include "tests/kernel/test_run.h"
#include "userspace/kernel/registry.h"
#include "userspace/kernel/ring.h"

namespace edgefw::test {
namespace {

constexpr std::uint32_t kBytes = EDGEFW_RECORD_BYTES_MIN;

const char* const kPolicy = R"(
nat:
- {name: map, type: port-forward, protocol: tcp, public: 203.0.113.7, public_port: 9555, to: 10.0.0.5, to_port: 8080}
rules:
- {name: shut, side: external, direction: inbound, protocol: tcp, local: 10.0.0.5, local_port: 8080, action: drop}
- {name: web, side: external, direction: inbound, protocol: tcp, local_port: 443, action: pass, log: true}
- {name: mail, side: external, direction: inbound, protocol: tcp, local_port: 25, action: pass}
- {name: dns, side: external, direction: inbound, protocol: udp, local_port: 53, state: none, action: pass, log: true}
- {name: trap, side: external, direction: inbound, protocol: udp, local_port: 9, action: drop, log: true}
)";

TestRun::Options recording(std::uint32_t bytes = kBytes) {
    TestRun::Options options;
    options.record_bytes = bytes;
    return options;
}

Bytes tcp(std::uint16_t port, std::uint16_t from = 40000, std::size_t size = 0) {
    return frame(Ethernet{}, Ipv4{}, Tcp{.source_port = from, .destination_port = port}, payload(size));
}

Bytes udp(std::uint16_t port, std::uint16_t from = 40000) {
    return frame(Ethernet{}, Ipv4{}, Udp{.source_port = from, .destination_port = port});
}

std::vector<edgefw_record> records(const TestRun& run) {
    std::vector<edgefw_record> all;
    const auto read =
        kernel::read_ring(run.maps().drops, [&](std::uint32_t, const edgefw_record& record) { all.push_back(record); });
    EXPECT_TRUE(read) << read.error().message;
    return all;
}

edgefw_record only(const TestRun& run) {
    const auto all = records(run);
    EXPECT_EQ(all.size(), 1u);
    return all.empty() ? edgefw_record{} : all.front();
}

std::uint64_t recorded(const TestRun& run, edgefw_hook hook, edgefw_reason reason) {
    const std::uint32_t index = static_cast<std::uint32_t>(hook) * 2 * EDGEFW_REASON_COUNT + reason;
    std::vector<edgefw_record_bucket> buckets(static_cast<std::size_t>(kernel::cpus()));
    EXPECT_TRUE(run.maps().drop_buckets.read(&index, buckets.data()));
    std::uint64_t sum = 0;
    for (const auto& bucket : buckets)
        sum += bucket.recorded;
    return sum;
}

// The packets that the records of drops by `reason` count.
std::uint64_t told(const TestRun& run, edgefw_reason reason) {
    std::uint64_t sum = 0;
    for (const edgefw_record& record : records(run))
        sum += record.reason == reason && (record.flags & EDGEFW_RECORD_PASSED) == 0 ? record.count : 0;
    return sum;
}

void repeat(TestRun& run, edgefw_hook hook, const Bytes& packet, std::uint32_t times) {
    LIBBPF_OPTS(bpf_test_run_opts, test, .data_in = packet.data(), .data_size_in = static_cast<__u32>(packet.size()),
                .repeat = static_cast<int>(times));
    const auto& programs = run.programs();
    ASSERT_EQ(bpf_prog_test_run_opts((hook == EDGEFW_RECEIVED ? programs.received : programs.sent).get(), &test), 0);
}

TEST(Record, WhatARecordSays) {
    TestRun run(recording());
    run.push(kPolicy);
    const Bytes packet = tcp(22, 40000, 100);
    EXPECT_EQ(run.judge(EDGEFW_RECEIVED, packet), "drop default");
    const edgefw_record record = only(run);
    EXPECT_EQ(record.sequence % 2, 0u);
    EXPECT_EQ(record.reason, EDGEFW_REASON_DEFAULT);
    EXPECT_EQ(record.count, 1u);
    EXPECT_EQ(record.length, packet.size());
    EXPECT_EQ(record.slot, 0u);
    EXPECT_EQ(record.generation, 1u);
    EXPECT_EQ(record.flags, 0u);
    ASSERT_EQ(record.captured, EDGEFW_RECORD_FRAME);
    EXPECT_EQ(std::memcmp(record.frame, packet.data(), EDGEFW_RECORD_FRAME), 0);
}

// A short frame is there whole, and what lay in the record before is no part of it.
TEST(Record, ShortFrames) {
    TestRun run(recording());
    run.push(kPolicy);
    for (const std::size_t size : {14, 15, 33, 54, 95, 96, 97}) {
        const Bytes packet =
            padded(truncated(tcp(22, static_cast<std::uint16_t>(40000 + size)), std::min<std::size_t>(size, 54)), size);
        run.judge(EDGEFW_RECEIVED, packet);
        bool found = false;
        for (const edgefw_record& record : records(run)) {
            if (record.length != size) continue;
            found = true;
            EXPECT_EQ(record.captured, std::min<std::size_t>(size, EDGEFW_RECORD_FRAME));
            EXPECT_EQ(std::memcmp(record.frame, packet.data(), record.captured), 0) << size;
        }
        EXPECT_TRUE(found) << size;
    }
}

// Rules see the inside address; the record has the frame as it came.
TEST(Record, TheFrameIsOfBeforeItsTranslation) {
    TestRun run(recording());
    run.push(kPolicy);
    const Bytes packet = frame(Ethernet{}, Ipv4{.destination = "203.0.113.7"}, Tcp{.destination_port = 9555});
    EXPECT_EQ(run.judge(EDGEFW_RECEIVED, packet), "drop rule shut via map");
    const edgefw_record record = only(run);
    EXPECT_EQ(std::memcmp(record.frame, packet.data(), packet.size()), 0);
    EXPECT_NE(record.nat, 0u);
    EXPECT_NE(record.slot, 0u);
}

TEST(Record, PassesAreNotRecorded) {
    TestRun run(recording());
    run.push(kPolicy);
    EXPECT_EQ(run.judge(EDGEFW_RECEIVED, tcp(25)), "pass rule mail opened");
    EXPECT_TRUE(records(run).empty());
}

// Of what a rule passes and logs the opener alone; of what it drops everything.
TEST(Record, LoggedRules) {
    TestRun run(recording());
    run.push(kPolicy);
    EXPECT_EQ(run.judge(EDGEFW_RECEIVED, tcp(443)), "pass rule web opened");
    EXPECT_EQ(only(run).flags, EDGEFW_RECORD_PASSED);
    const Bytes answer = frame(Ethernet{}, Ipv4{.source = "192.0.2.20", .destination = "198.51.100.9"},
                               Tcp{.source_port = 443, .destination_port = 40000, .flags = kSyn | kAck});
    EXPECT_EQ(run.judge(EDGEFW_SENT, answer), "pass connection web");
    const Bytes more = frame(Ethernet{}, Ipv4{}, Tcp{.source_port = 40000, .flags = kAck}, payload(10));
    EXPECT_EQ(run.judge(EDGEFW_RECEIVED, more), "pass connection web");
    EXPECT_EQ(only(run).count, 1u);
    EXPECT_EQ(run.judge(EDGEFW_RECEIVED, udp(53)), "pass rule dns");
    EXPECT_EQ(run.judge(EDGEFW_RECEIVED, udp(9)), "drop rule trap");
    EXPECT_EQ(records(run).size(), 3u);
}

TEST(Record, DropsOffLeavesWhatRulesLog) {
    TestRun run(recording());
    run.push(std::string("record: {drops: off}\n") + kPolicy);
    EXPECT_EQ(run.judge(EDGEFW_RECEIVED, tcp(22)), "drop default");
    EXPECT_TRUE(records(run).empty());
    EXPECT_EQ(run.judge(EDGEFW_RECEIVED, udp(9)), "drop rule trap");
    EXPECT_EQ(only(run).reason, EDGEFW_REASON_RULE);
}

// What follows within a second is counted in the record of the first.
TEST(Record, AFlowHasOneRecordASecond) {
    const OneProcessor one;
    TestRun run(recording());
    run.push(kPolicy);
    constexpr std::uint32_t kTimes = 50;
    repeat(run, EDGEFW_RECEIVED, tcp(22), kTimes);
    EXPECT_LE(records(run).size(), 2u);  // a second may end between
    EXPECT_EQ(told(run, EDGEFW_REASON_DEFAULT), kTimes);
    repeat(run, EDGEFW_RECEIVED, tcp(23), 1);
    EXPECT_LE(records(run).size(), 3u);
    EXPECT_EQ(told(run, EDGEFW_REASON_DEFAULT), kTimes + 1);
}

// Each packet is of a flow of its own: a burst is recorded, then so many a second. All are counted, and another reason
// has a bucket of its own.
TEST(Record, AFloodSpendsItsOwnBucket) {
    const OneProcessor one;
    TestRun run(recording());
    run.push(kPolicy);
    constexpr std::uint32_t kFlood = 5000;
    for (std::uint32_t i = 0; i < kFlood; i++)
        repeat(run, EDGEFW_RECEIVED, tcp(22, static_cast<std::uint16_t>(1024 + i)), 1);
    const std::uint64_t taken = recorded(run, EDGEFW_RECEIVED, EDGEFW_REASON_DEFAULT);
    EXPECT_GE(taken, EDGEFW_RECORD_BURST + EDGEFW_RECORD_RARE_BURST);
    EXPECT_LT(taken, kFlood / 2);
    EXPECT_EQ(run.reason(EDGEFW_RECEIVED, EDGEFW_DROP, EDGEFW_REASON_DEFAULT).packets, kFlood);
    EXPECT_EQ(run.judge(EDGEFW_RECEIVED, udp(9)), "drop rule trap");
    EXPECT_EQ(told(run, EDGEFW_REASON_RULE), 1u);
}

// Records and what is counted as skipped are all that dropped, whatever the mixture.
TEST(Record, RecordedAndSkippedAreAllThatDropped) {
    TestRun run(recording(4 * kBytes));
    run.push(kPolicy);
    std::minstd_rand random(1);
    for (int i = 0; i < 3000; i++) {
        const auto port = static_cast<std::uint16_t>(1024 + random() % 500);
        switch (random() % 4) {
            case 0:
                run.judge(EDGEFW_RECEIVED, tcp(22, port));
                break;
            case 1:
                run.judge(EDGEFW_RECEIVED, udp(9, port));
                break;
            case 2:
                run.judge(EDGEFW_RECEIVED, frame(Ethernet{}, Ipv4{.version = 7}, payload(20)));
                break;
            default:
                run.judge(EDGEFW_SENT, frame(Ethernet{}, Ipv4{.source = "192.0.2.20", .destination = "198.51.100.9"},
                                             Udp{.source_port = port}));
        }
    }
    for (const edgefw_hook hook : {EDGEFW_RECEIVED, EDGEFW_SENT}) {
        for (std::uint32_t i = 0; i < EDGEFW_REASON_COUNT; i++) {
            const auto reason = static_cast<edgefw_reason>(i);
            EXPECT_LE(recorded(run, hook, reason), run.reason(hook, EDGEFW_DROP, reason).packets);
        }
    }
    EXPECT_GT(recorded(run, EDGEFW_SENT, EDGEFW_REASON_DEFAULT), 0u);
    // Nothing was overwritten in so short a time: the records tell of exactly what is counted as recorded.
    std::uint64_t counted = 0, said = 0;
    for (std::uint32_t i = 0; i < EDGEFW_REASON_COUNT; i++) {
        const auto reason = static_cast<edgefw_reason>(i);
        counted += recorded(run, EDGEFW_RECEIVED, reason) + recorded(run, EDGEFW_SENT, reason);
        said += told(run, reason);
    }
    EXPECT_EQ(said, counted);
}

// The first records of a reason lie where those of a flood of others cannot reach.
TEST(Record, AFloodLeavesARareReason) {
    const OneProcessor one;
    TestRun run(recording());
    run.push(kPolicy);
    EXPECT_EQ(run.judge(EDGEFW_RECEIVED, udp(9)), "drop rule trap");
    // As much as the ring holds, several times over: what a flood of ten minutes and more would write.
    const std::uint32_t zero = 0, index = EDGEFW_REASON_DEFAULT;
    std::vector<edgefw_record_bucket> full(static_cast<std::size_t>(kernel::cpus()));
    for (std::uint32_t i = 0; i < 3 * run.maps().records(); i++) {
        if (i % EDGEFW_RECORD_BURST == 0) {
            ASSERT_TRUE(run.maps().drop_buckets.read(&index, full.data()));
            for (auto& bucket : full)
                bucket.due = zero;
            ASSERT_TRUE(run.maps().drop_buckets.write(&index, full.data()));
        }
        repeat(run, EDGEFW_RECEIVED, tcp(22, static_cast<std::uint16_t>(1024 + i)), 1);
    }
    EXPECT_EQ(told(run, EDGEFW_REASON_RULE), 1u);
    EXPECT_LT(told(run, EDGEFW_REASON_DEFAULT), recorded(run, EDGEFW_RECEIVED, EDGEFW_REASON_DEFAULT));
}

// Two processors write at once, and a third reads: each record it gets is one packet's, never half of two.
TEST(Record, ReadersSeeWholeRecords) {
    TestRun run(recording());
    run.push(kPolicy);
    run.programs();
    std::atomic<bool> ending = false;
    const auto write = [&](std::uint8_t mark) {
        const std::uint32_t index = EDGEFW_REASON_DEFAULT;
        // All bytes behind the IP header say who wrote it.
        Bytes packet = tcp(22, 40000, 60);
        for (std::uint16_t i = 0; !ending; i++) {
            std::fill(packet.begin() + 54, packet.end(), mark);
            packet[34] = static_cast<std::uint8_t>(i >> 8);
            packet[35] = static_cast<std::uint8_t>(i);
            std::fill(packet.begin() + 60, packet.begin() + 96, static_cast<std::uint8_t>(i));
            repeat(run, EDGEFW_RECEIVED, packet, 1);
            if (i % EDGEFW_RECORD_BURST != 0) continue;
            std::vector<edgefw_record_bucket> full(static_cast<std::size_t>(kernel::cpus()));
            (void)run.maps().drop_buckets.write(&index, full.data());
        }
    };
    std::thread first([&] {
        const OneProcessor one(OneProcessor::kFirst);
        write(1);
    });
    std::thread second([&] {
        const OneProcessor one(OneProcessor::kLast);
        write(2);
    });
    std::set<int> writers;
    std::uint64_t seen = 0;
    for (int look = 0; look < 300; look++) {
        for (const edgefw_record& record : records(run)) {
            seen++;
            writers.insert(record.frame[54]);
            for (std::size_t i = 60; i < EDGEFW_RECORD_FRAME; i++)
                ASSERT_EQ(record.frame[i], record.frame[35]) << "torn at " << i;
        }
    }
    ending = true;
    first.join();
    second.join();
    EXPECT_GT(seen, 0u);
    EXPECT_EQ(writers, (std::set<int>{1, 2}));
}

// A ring of another size has the newest of what the one before had.
TEST(Record, AnotherSizeKeepsTheNewest) {
    const OneProcessor one;
    TestRun run(recording(4 * kBytes));
    run.push(kPolicy);
    for (std::uint16_t port = 1; port <= 60; port++)
        repeat(run, EDGEFW_RECEIVED, tcp(22, port), 1);
    const std::size_t before = records(run).size();
    ASSERT_GE(before, 60u);
    auto ring = kernel::create_ring(kBytes);
    auto writers = kernel::create_map("drop_recorders");
    ASSERT_TRUE(ring && writers);
    ASSERT_TRUE(kernel::copy_ring(run.maps().drops, *ring, *writers));
    std::size_t kept = 0;
    ASSERT_TRUE(kernel::read_ring(*ring, [&](std::uint32_t, const edgefw_record&) { kept++; }));
    EXPECT_EQ(kept, before);
}

}  // namespace
}  // namespace edgefw::test
