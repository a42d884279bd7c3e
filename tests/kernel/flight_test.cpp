// SPDX-License-Identifier: GPL-2.0-only
// The packet in flight (bpf/flight.h): one at a time, of one program, and nothing of the last one left.
#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include <bpf/bpf.h>
#include <gtest/gtest.h>
#include <pthread.h>
#include <sched.h>

#include <atomic>
#include <set>
#include <thread>
#include <vector>

#include "tests/kernel/test_run.h"

namespace edgefw::test {
namespace {

const char* const kPolicy = R"(
default: drop
rules:
- {name: web, side: external, direction: inbound, protocol: tcp, local: 192.0.2.20, local_port: 443, action: pass}
- {name: dns, side: external, direction: inbound, protocol: udp, local: '2001:db8::20', local_port: 53, action: pass}
- {name: out, side: external, direction: outbound, protocol: tcp, remote_port: 25, state: none, action: pass}
)";

constexpr kernel::ReceivedAt kBoth[] = {kernel::ReceivedAt::kXdp, kernel::ReceivedAt::kTcIngress};

TEST(Flight, WhoeverComesInBetweenDropsAndIsCounted) {
    for (const kernel::ReceivedAt at : kBoth) {
        TestRun run({.at = at});
        run.push(kPolicy);
        const Bytes syn = frame(Ethernet{}, Ipv4{.destination = "192.0.2.20"}, Tcp{.destination_port = 443});
        for (const edgefw_hook hook : {EDGEFW_RECEIVED, EDGEFW_SENT}) {
            run.set_busy(hook, true);
            EXPECT_EQ(run.judge(hook, syn), "busy");
            run.set_busy(hook, false);
            const edgefw_reason_counter counted = run.reason(hook, EDGEFW_DROP, EDGEFW_REASON_BUSY);
            EXPECT_EQ(counted.packets, 1u);
            EXPECT_EQ(counted.bytes, syn.size());
        }
        EXPECT_EQ(run.confirmed() + run.half_open(), 0u) << "it opened nothing";
        EXPECT_EQ(run.judge("external inbound tcp 198.51.100.9:1 > 192.0.2.20:443"), "pass rule web opened");
    }
}

TEST(Flight, NoTwoProgramsShareIt) {
    TestRun first(kPolicy), second(kPolicy);
    std::set<std::uint32_t> ids;
    for (TestRun* run : {&first, &second}) {
        for (const edgefw_hook hook : {EDGEFW_RECEIVED, EDGEFW_SENT})
            ids.insert(run->in_flight_id(hook));
    }
    EXPECT_EQ(ids.size(), 4u);
}

// What one thread sends through a program, and what must come of each packet.
struct Sender {
    int program = -1;
    Bytes frame;
    std::uint32_t code = 0;
    int processor = 0;
    std::uint64_t sent = 0;
    std::uint64_t wrong = 0;
};

// Sends until it is stopped, and at least one packet, however late this thread begins.
void send_until(Sender& sender, const std::atomic<bool>& stop) {
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(static_cast<std::size_t>(sender.processor), &one);
    pthread_setaffinity_np(pthread_self(), sizeof(one), &one);
    do {
        LIBBPF_OPTS(bpf_test_run_opts, run, .data_in = sender.frame.data(),
                    .data_size_in = static_cast<__u32>(sender.frame.size()), .repeat = 1);
        if (bpf_prog_test_run_opts(sender.program, &run) != 0 || run.retval != sender.code) sender.wrong++;
        sender.sent++;
    } while (!stop);
}

// Packets of every kind that ends differently, at once, on all processors and on each several: a packet that saw
// another one's flow would end as that one does.
TEST(Flight, ProcessorsDoNotSeeEachOthersPackets) {
    for (const kernel::ReceivedAt at : kBoth) {
        TestRun run({.at = at});
        run.push(kPolicy);
        const bool xdp = at == kernel::ReceivedAt::kXdp;
        const std::uint32_t pass = xdp ? std::uint32_t{XDP_PASS} : static_cast<std::uint32_t>(TC_ACT_UNSPEC);
        const std::uint32_t drop = xdp ? std::uint32_t{XDP_DROP} : std::uint32_t{TC_ACT_SHOT};
        const int received = run.programs().received.get();
        const std::pair<Bytes, std::uint32_t> kinds[] = {
            {frame(Ethernet{}, Ipv4{.destination = "192.0.2.20"}, Tcp{.destination_port = 443}), pass},
            {frame(Ethernet{}, Ipv4{.destination = "192.0.2.20"}, Tcp{.destination_port = 444}), drop},
            {frame(Ethernet{}, Ipv6{.destination = "2001:db8::20"}, Udp{.destination_port = 53}, payload(20)), pass},
            {frame(Ethernet{}, Ipv6{.destination = "2001:db8::21"}, Udp{.destination_port = 53}, payload(20)), drop},
        };
        std::vector<Sender> senders;
        for (std::size_t i = 0; i < 8; i++) {
            const auto& [bytes, code] = kinds[i % 4];
            senders.push_back({received, bytes, code, static_cast<int>(i / 4) % std::max(1, kernel::cpus())});
        }
        std::atomic<bool> stop = false;
        std::vector<std::thread> threads;
        for (Sender& sender : senders)
            threads.emplace_back([&] { send_until(sender, stop); });
        std::this_thread::sleep_for(std::chrono::milliseconds(300));
        stop = true;
        for (std::thread& thread : threads)
            thread.join();
        std::uint64_t sent = 0, wrong = 0;
        for (const Sender& sender : senders) {
            sent += sender.sent;
            wrong += sender.wrong;
        }
        EXPECT_EQ(run.seen().packets, sent);
        // A test run may be preempted by another one where the kernel is preemptible.
        EXPECT_LE(wrong, run.reason(EDGEFW_RECEIVED, EDGEFW_DROP, EDGEFW_REASON_BUSY).packets) << "of " << sent;
    }
}

}  // namespace
}  // namespace edgefw::test
