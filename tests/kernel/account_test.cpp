// SPDX-License-Identifier: GPL-2.0-only
// account: every packet in exactly one reason; packets, bytes and connections of rules, forwards and built-ins.
#include <linux/bpf.h>
#include <bpf/bpf.h>
#include <gtest/gtest.h>

#include "tests/kernel/test_run.h"

namespace edgefw::test {
namespace {

const char* const kPolicy = R"(
nat:
- {name: map, type: port-forward, protocol: tcp, public: 203.0.113.7, public_port: 9555, to: 10.0.0.5, to_port: 8080}
rules:
- {name: web, side: external, direction: inbound, protocol: tcp, local_port: [443, 8080], action: pass}
- {name: dns, side: external, direction: inbound, protocol: udp, local_port: 53, state: none, action: pass}
- {name: shut, side: external, direction: inbound, protocol: tcp, local_port: 22, action: drop}
)";

Bytes tcp(std::uint16_t port, std::size_t size = 0) {
    return frame(Ethernet{}, Ipv4{}, Tcp{.destination_port = port}, payload(size));
}

void expect_counter(const edgefw_counter& counter, std::uint64_t packets, std::uint64_t bytes,
                    std::uint64_t connections) {
    EXPECT_EQ(counter.packets, packets);
    EXPECT_EQ(counter.bytes, bytes);
    EXPECT_EQ(counter.connections, connections);
}

TEST(Account, Rules) {
    TestRun run(kPolicy);
    std::uint64_t bytes = 0;
    for (const std::size_t size : {0, 1, 100, 1460}) {
        run.judge(EDGEFW_RECEIVED, tcp(443, size));
        bytes += 54 + size;
    }
    const Bytes reply = frame(Ethernet{}, Ipv4{.source = "192.0.2.20", .destination = "198.51.100.9"},
                              Tcp{.source_port = 443, .destination_port = 40000, .flags = kAck}, payload(10));
    EXPECT_EQ(run.judge(EDGEFW_SENT, reply), "pass connection web");
    expect_counter(run.counter("web"), 5, bytes + 64, 1);
    run.judge(EDGEFW_RECEIVED, tcp(22));
    expect_counter(run.counter("shut"), 1, 54, 0);
    expect_counter(run.counter("dns"), 0, 0, 0);
}

// A forward counts beside the rule, and only what it translated.
TEST(Account, Forwards) {
    TestRun run(kPolicy);
    const Bytes through = frame(Ethernet{}, Ipv4{.destination = "203.0.113.7"}, Tcp{.destination_port = 9555});
    run.judge(EDGEFW_RECEIVED, through);
    run.judge(EDGEFW_RECEIVED, through);
    run.judge(EDGEFW_RECEIVED, tcp(443));
    expect_counter(run.counter("map"), 2, 108, 1);
    expect_counter(run.counter("web"), 3, 162, 2);
}

// What the kernel has merged, or will part, is counted as the frames of the wire, whether it says how many they are or
// leaves that to be found out (what comes from a virtual machine or a tun).
TEST(Account, Segments) {
    struct Row {
        std::uint32_t segments, size;
        std::size_t payload;
        std::uint64_t packets;
    };
    constexpr Row kRows[] = {
        {0, 0, 1000, 1},    {3, 1000, 3000, 3}, {1, 1000, 900, 1},  {0, 1000, 999, 1}, {0, 1000, 1000, 1},
        {0, 1000, 1001, 2}, {0, 1000, 2000, 2}, {0, 1000, 2001, 3}, {0, 1000, 0, 1},
    };
    TestRun::Options options;
    options.at = kernel::ReceivedAt::kTcIngress;
    for (const Row& row : kRows) {
        TestRun run(options);
        run.push(kPolicy);
        const Bytes packet = tcp(443, row.payload);
        __sk_buff context = {};
        context.gso_segs = row.segments;
        context.gso_size = row.size;
        LIBBPF_OPTS(bpf_test_run_opts, test, .data_in = packet.data(),
                    .data_size_in = static_cast<__u32>(packet.size()), .ctx_in = &context,
                    .ctx_size_in = sizeof(context), .repeat = 1);
        ASSERT_EQ(bpf_prog_test_run_opts(run.programs().received.get(), &test), 0);
        SCOPED_TRACE(std::to_string(row.segments) + " segments of " + std::to_string(row.size) + ", payload " +
                     std::to_string(row.payload));
        expect_counter(run.counter("web"), row.packets, row.payload + 54 * row.packets, 1);
    }
}

// A frame is counted as it is on the wire: padding and tags are part of it.
TEST(Account, Bytes) {
    TestRun run(kPolicy);
    run.judge(EDGEFW_RECEIVED, padded(tcp(443), 60));
    run.judge(EDGEFW_RECEIVED, frame(Ethernet{}, Vlan{}, Ipv4{}, Tcp{}));
    run.judge(EDGEFW_RECEIVED, frame(Ethernet{}, Vlan{.protocol = 0x88a8}, Vlan{}, Ipv4{}, Tcp{}));
    EXPECT_EQ(run.counter("web").bytes, 60u + 58u + 62u);
}

// Beyond a page a frame lies in fragments of its buffer (jumbo frames): all of it is counted, whatever it ends as.
TEST(Account, JumboFrames) {
    TestRun run(kPolicy);
    EXPECT_EQ(run.judge(EDGEFW_RECEIVED, tcp(443, 8946)), "pass rule web opened");
    EXPECT_EQ(run.counter("web").bytes, 9000u);
    EXPECT_EQ(run.judge(EDGEFW_RECEIVED, frame(Ethernet{.type = 0x88b5}, payload(8986))), "drop unsupported-ethertype");
    EXPECT_EQ(run.judge(EDGEFW_RECEIVED, frame(Ethernet{}, Ipv4{.version = 7}, payload(8966))), "drop malformed-ipv4");
    EXPECT_EQ(run.seen().bytes, 3u * 9000u);
    TestRun open;
    EXPECT_EQ(open.judge(EDGEFW_RECEIVED, tcp(443, 8946)), "pass no-policy");
    EXPECT_EQ(open.seen().bytes, 9000u);
}

struct Ending {
    edgefw_hook hook;
    Bytes frame;
    edgefw_verdict verdict;
    edgefw_reason reason;
};

// One packet for each reason that a frame can end as, on the hook where it can.
std::vector<Ending> endings() {
    const Extension options;
    const Ipv4 v4;
    const Ipv6 v6;
    const Ethernet link;
    const Tcp syn{.destination_port = 1};
    std::vector<Ending> rows = {
        {EDGEFW_RECEIVED, tcp(443), EDGEFW_PASS, EDGEFW_REASON_RULE},
        {EDGEFW_RECEIVED, tcp(22), EDGEFW_DROP, EDGEFW_REASON_RULE},
        {EDGEFW_RECEIVED, tcp(443), EDGEFW_PASS, EDGEFW_REASON_CONNECTION},
        {EDGEFW_RECEIVED, frame(link, Ipv4{.id = 1, .more = true}, Udp{.destination_port = 53}), EDGEFW_PASS,
         EDGEFW_REASON_RULE},
        {EDGEFW_RECEIVED, frame(link, Ipv4{.id = 1, .offset = 8, .protocol = 17}, payload(8)), EDGEFW_PASS,
         EDGEFW_REASON_FRAGMENT},
    };
    for (const edgefw_hook hook : {EDGEFW_RECEIVED, EDGEFW_SENT}) {
        const Ending more[] = {
            {hook, frame(link, v4, syn), EDGEFW_DROP, EDGEFW_REASON_DEFAULT},
            {hook, frame(Ethernet{.type = 0x0806}, payload(46)), EDGEFW_PASS, EDGEFW_REASON_BUILTIN},
            {hook, truncated(frame(link, Vlan{}, v4, syn), 16), EDGEFW_DROP, EDGEFW_REASON_MALFORMED_ETHERNET},
            {hook, frame(link, Vlan{}, Vlan{}, Vlan{}, v4, syn), EDGEFW_DROP, EDGEFW_REASON_VLAN_DEPTH},
            {hook, frame(Ethernet{.type = 0x88b5}, payload(46)), EDGEFW_DROP, EDGEFW_REASON_UNSUPPORTED_ETHERTYPE},
            {hook, frame(link, Ipv4{.version = 5}, syn), EDGEFW_DROP, EDGEFW_REASON_MALFORMED_IPV4},
            {hook, frame(link, Ipv4{.options = {131, 3, 4, 0}}, syn), EDGEFW_DROP, EDGEFW_REASON_IPV4_SOURCE_ROUTE},
            {hook, frame(link, Ipv6{.version = 5}, syn), EDGEFW_DROP, EDGEFW_REASON_MALFORMED_IPV6},
            {hook, frame(link, Ipv6{.next = 60}, payload(3)), EDGEFW_DROP, EDGEFW_REASON_MALFORMED_EXTENSION},
            {hook, frame(link, v6, options, options, options, options, options, options, options, options, options),
             EDGEFW_DROP, EDGEFW_REASON_EXTENSION_DEPTH},
            {hook, frame(link, v6, routing_header(1), syn), EDGEFW_DROP, EDGEFW_REASON_IPV6_ROUTING_HEADER},
            {hook, frame(link, Ipv4{.id = 9, .offset = 16}, payload(8)), EDGEFW_DROP,
             EDGEFW_REASON_FRAGMENT_WITHOUT_FIRST},
            {hook, frame(link, Ipv4{.more = true, .protocol = 6}, payload(8)), EDGEFW_DROP,
             EDGEFW_REASON_FRAGMENT_SHORT_FIRST},
            {hook, frame(link, Ipv4{.offset = 8, .protocol = 6}, payload(8)), EDGEFW_DROP,
             EDGEFW_REASON_FRAGMENT_OFFSET_ONE},
            {hook, frame(link, Ipv4{.offset = 65528}, payload(8)), EDGEFW_DROP, EDGEFW_REASON_FRAGMENT_OVERLONG},
            {hook, frame(link, v4, Tcp{.header_words = 4}), EDGEFW_DROP, EDGEFW_REASON_MALFORMED_TCP},
            {hook, frame(link, v4, Udp{.length = 7}), EDGEFW_DROP, EDGEFW_REASON_MALFORMED_UDP},
            {hook, frame(link, Ipv4{.protocol = 1}, payload(7)), EDGEFW_DROP, EDGEFW_REASON_MALFORMED_ICMP},
        };
        rows.insert(rows.end(), std::begin(more), std::end(more));
    }
    return rows;
}

// Each counts once, in its own reason, with all its bytes: the sum over reasons is the packets seen, always.
TEST(Account, SumOfReasonsIsThePacketsSeen) {
    TestRun run(kPolicy);
    std::uint64_t packets = 0;
    std::uint64_t bytes = 0;
    for (const Ending& row : endings()) {
        const edgefw_reason_counter before = run.reason(row.hook, row.verdict, row.reason);
        const std::string judged = run.judge(row.hook, row.frame);
        const edgefw_reason_counter after = run.reason(row.hook, row.verdict, row.reason);
        EXPECT_EQ(after.packets - before.packets, 1u) << judged << ", not reason " << row.reason;
        EXPECT_EQ(after.bytes - before.bytes, row.frame.size()) << judged;
        packets++;
        bytes += row.frame.size();
        ASSERT_EQ(run.seen().packets, packets) << judged;
        ASSERT_EQ(run.seen().bytes, bytes) << judged;
    }
}

// Counters stay over a push, by id; a rule that moves keeps its own.
TEST(Account, CountersOutliveAPush) {
    TestRun run(kPolicy);
    run.judge(EDGEFW_RECEIVED, tcp(22));
    run.push(std::string(
        "rules:\n"
        "- {name: first, side: external, protocol: 99, action: pass}\n"
        "- {name: shut, side: external, direction: inbound, protocol: tcp, local_port: 22, action: drop}\n"));
    run.judge(EDGEFW_RECEIVED, tcp(22));
    expect_counter(run.counter("shut"), 2, 108, 0);
    EXPECT_EQ(run.counter("first").packets, 0u);
    EXPECT_EQ(run.seen().packets, 2u);
}

}  // namespace
}  // namespace edgefw::test
