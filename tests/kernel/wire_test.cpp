// SPDX-License-Identifier: GPL-2.0-only
// What a test run cannot show, over a real wire: frames too short for it, tags that the kernel holds apart from the
// frame, and packets that are cut into many frames after the hook.
#include <linux/bpf.h>
#include <linux/tcp.h>
#include <bpf/bpf.h>
#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "tests/kernel/test_run.h"
#include "tests/support/lab.h"
#include "userspace/kernel/door.h"
#include "userspace/kernel/features.h"

namespace edgefw::test {
namespace {

using kernel::CardCounters;

const char* const kOut = R"(
builtins: {arp: on}
rules:
- {name: seven, side: external, direction: outbound, vlan: 7, protocol: udp, state: none, action: pass}
- {name: udp, side: external, direction: outbound, protocol: udp, state: none, action: pass}
- {name: tcp, side: external, direction: outbound, protocol: tcp, action: pass}
)";

void attach(const std::string& lines, kernel::Egress egress = kernel::Egress::kAuto) {
    kernel::AttachRequest request;
    request.interface = "eth0";
    request.egress = egress;
    if (!lines.empty()) request.policy = compiled(lines);
    Lab::run("ethtool -K eth0 rx-vlan-offload off");  // else XDP would not see the tags that a rule names
    if (const auto card = kernel::attach(request); !card) throw std::runtime_error(card.error().message);
}

CardCounters counters() {
    const auto all = kernel::counters("eth0");
    if (!all) throw std::runtime_error(all.error().message);
    return all->front();
}

std::uint32_t slot_of(const CardCounters& counters, const std::string& id) {
    return counters.listing->slots().at(id);
}

std::uint64_t sent(const CardCounters& counters, edgefw_verdict verdict, edgefw_reason reason) {
    return counters.reasons[EDGEFW_SENT][verdict][reason].packets;
}

std::uint64_t all_sent(const CardCounters& counters) {
    std::uint64_t sum = 0;
    for (const auto& verdict : counters.reasons[EDGEFW_SENT]) {
        for (const auto& reason : verdict)
            sum += reason.packets;
    }
    return sum;
}

// The frames that dissect_test leaves out on this hook: cut within the network header.
TEST(Wire, ShortSentFramesDrop) {
    const Lab lab;
    const bool has_tcx = kernel::probe_features().tcx != kernel::Presence::kAbsent;
    for (const auto egress : {kernel::Egress::kTcx, kernel::Egress::kClsact}) {
        if (egress == kernel::Egress::kTcx && !has_tcx) continue;
        attach(kOut, egress);
        FrameSocket card("eth0");
        std::uint64_t ipv4 = 0;
        std::uint64_t ipv6 = 0;
        for (const Bytes& whole : {frame(Ethernet{}, Ipv4{}, Tcp{}), frame(Ethernet{}, Ipv4{}, Udp{})}) {
            for (std::size_t size = 15; size < 34; size++, ipv4++)
                card.send(truncated(whole, size));
        }
        for (std::size_t size = 15; size < 54; size++, ipv6++)
            card.send(truncated(frame(Ethernet{}, Ipv6{}, Udp{}), size));
        const CardCounters seen = counters();
        EXPECT_EQ(sent(seen, EDGEFW_DROP, EDGEFW_REASON_MALFORMED_IPV4), ipv4);
        EXPECT_EQ(sent(seen, EDGEFW_DROP, EDGEFW_REASON_MALFORMED_IPV6), ipv6);
        EXPECT_EQ(all_sent(seen), ipv4 + ipv6);
        const auto detached = kernel::detach("eth0");
        ASSERT_TRUE(detached) << detached.error().message;
    }
}

TEST(Wire, WhatPassesArrivesUnchanged) {
    Lab lab;
    attach(kOut);
    FrameSocket card("eth0");
    FrameSocket peer = lab.in_peer([] { return FrameSocket("peer-eth0"); });
    const Bytes frames[] = {
        frame(Ethernet{}, Ipv4{}, Udp{}, payload(3)),
        frame(Ethernet{}, Vlan{}, Ipv4{}, Udp{}, payload(1000)),
        frame(Ethernet{}, Ipv6{}, Extension{}, Udp{}, payload(1)),
    };
    for (const Bytes& one : frames) {
        card.send(frame(Ethernet{}, Ipv4{.protocol = 99}, payload(8)));  // drops: must not arrive
        card.send(one);
        const auto arrived = peer.receive();
        ASSERT_TRUE(arrived);
        // A packet socket shows a frame without its tag.
        const std::size_t network = one[12] == 0x81 ? 18 : 14;
        EXPECT_EQ(Bytes(arrived->begin() + 14, arrived->end()),
                  Bytes(one.begin() + static_cast<std::ptrdiff_t>(network), one.end()));
    }
    EXPECT_EQ(sent(counters(), EDGEFW_PASS, EDGEFW_REASON_RULE), 3u);
    EXPECT_EQ(sent(counters(), EDGEFW_DROP, EDGEFW_REASON_DEFAULT), 3u);
}

constexpr std::int32_t kNext = -1;                             // TCX_NEXT
constexpr auto kTcxEgress = static_cast<bpf_attach_type>(47);  // BPF_TCX_EGRESS: headers of Linux 6.6 have it
constexpr std::uint32_t kBefore = 1u << 3;                     // BPF_F_BEFORE

// A program in front of ours that puts tags on, one after the other, as the 8021q driver does: the last one the kernel
// holds apart from the frame.
class Tagging {
public:
    explicit Tagging(const std::vector<std::uint16_t>& tags) {
        std::vector<bpf_insn> code = {{BPF_ALU64 | BPF_MOV | BPF_X, BPF_REG_6, BPF_REG_1, 0, 0}};
        for (const std::uint16_t tag : tags) {
            code.push_back({BPF_ALU64 | BPF_MOV | BPF_X, BPF_REG_1, BPF_REG_6, 0, 0});
            code.push_back({BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_2, 0, 0, htons(0x8100)});
            code.push_back({BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_3, 0, 0, tag});
            code.push_back({BPF_JMP | BPF_CALL, 0, 0, 0, BPF_FUNC_skb_vlan_push});
        }
        code.push_back({BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_0, 0, 0, kNext});
        code.push_back({BPF_JMP | BPF_EXIT, 0, 0, 0, 0});
        LIBBPF_OPTS(bpf_prog_load_opts, load, .expected_attach_type = kTcxEgress);
        program_ = Fd::own(bpf_prog_load(BPF_PROG_TYPE_SCHED_CLS, "tagging", "GPL", code.data(), code.size(), &load));
        LIBBPF_OPTS(bpf_link_create_opts, before, .flags = kBefore);
        link_ = Fd::own(bpf_link_create(program_.get(), static_cast<int>(if_nametoindex("eth0")), kTcxEgress, &before));
    }
    bool attached() const { return link_.valid(); }

private:
    Fd program_;
    Fd link_;
};

TEST(Wire, TagsThatTheKernelHoldsApart) {
    const struct {
        const char* name;
        std::vector<std::uint16_t> tags;
        Bytes frame;
        const char* rule;  // that counts it; empty: none
        edgefw_reason reason;
        std::size_t bytes;  // on the wire
    } rows[] = {
        {"held", {7}, frame(Ethernet{}, Ipv4{}, Udp{}), "seven", EDGEFW_REASON_RULE, 46},
        {"held, IPv6", {7}, frame(Ethernet{}, Ipv6{}, Udp{}), "seven", EDGEFW_REASON_RULE, 66},
        {"another held", {8}, frame(Ethernet{}, Ipv4{}, Udp{}), "udp", EDGEFW_REASON_RULE, 46},
        {"held priority tag", {5 << 13}, frame(Ethernet{}, Ipv4{}, Udp{}), "udp", EDGEFW_REASON_RULE, 46},
        {"held around one in the frame",
         {7},
         frame(Ethernet{}, Vlan{.id = 8}, Ipv4{}, Udp{}),
         "seven",
         EDGEFW_REASON_RULE,
         50},
        {"held around one pushed in", {8, 7}, frame(Ethernet{}, Ipv4{}, Udp{}), "seven", EDGEFW_REASON_RULE, 50},
        {"held around two", {7, 7}, frame(Ethernet{}, Vlan{}, Ipv4{}, Udp{}), "", EDGEFW_REASON_VLAN_DEPTH, 54},
        {"held tag of an ARP", {7}, frame(Ethernet{.type = 0x0806}, payload(46)), "", EDGEFW_REASON_BUILTIN, 64},
    };
    Lab lab;
    attach(kOut);
    FrameSocket card("eth0");
    for (const auto& row : rows) {
        const Tagging tagging(row.tags);
        ASSERT_TRUE(tagging.attached());
        const CardCounters before = counters();
        card.send(row.frame);
        const CardCounters after = counters();
        const edgefw_verdict verdict = row.reason == EDGEFW_REASON_VLAN_DEPTH ? EDGEFW_DROP : EDGEFW_PASS;
        const auto& was = before.reasons[EDGEFW_SENT][verdict][row.reason];
        const auto& is = after.reasons[EDGEFW_SENT][verdict][row.reason];
        EXPECT_EQ(is.packets - was.packets, 1u) << row.name;
        EXPECT_EQ(is.bytes - was.bytes, row.bytes) << row.name;
        EXPECT_EQ(all_sent(after) - all_sent(before), 1u) << row.name;
        for (const char* rule : {"seven", "udp"}) {
            const std::uint32_t slot = slot_of(after, rule);
            EXPECT_EQ(after.slots.at(slot).packets - before.slots.at(slot).packets,
                      rule == std::string(row.rule) ? 1u : 0u)
                << row.name << ", rule " << rule;
        }
    }
}

constexpr std::uint64_t kTcpHeaders = 14 + 20 + 32;  // with timestamps, as all segments have them
constexpr std::uint64_t kSynMore = 8;                // the SYN's further options
constexpr std::uint64_t kArpFrame = 42;

// A TCP connection from the host to the peer, and what the kernel says it sent.
class Stream {
public:
    explicit Stream(Lab& lab) {
        Lab::run("ip address add 192.0.2.20/24 dev eth0");
        listening_ = lab.in_peer([] {
            Lab::run("ip address add 192.0.2.9/24 dev peer-eth0");
            Fd socket = Fd::own(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
            EXPECT_EQ(listen(socket.get(), 1), 0);
            return socket;
        });
    }

    // Sends that much and waits until it has arrived.
    void send(std::size_t size) {
        sockaddr_in address = {};
        socklen_t length = sizeof(address);
        EXPECT_EQ(getsockname(listening_.get(), reinterpret_cast<sockaddr*>(&address), &length), 0);
        address.sin_addr.s_addr = inet_addr("192.0.2.9");
        stream_ = Fd::own(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
        ASSERT_EQ(connect(stream_.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
        accepted_ = Fd::own(accept(listening_.get(), nullptr, nullptr));
        Bytes data(size);
        ASSERT_EQ(::send(stream_.get(), data.data(), size, 0), static_cast<ssize_t>(size));
        ASSERT_EQ(recv(accepted_.get(), data.data(), size, MSG_WAITALL), static_cast<ssize_t>(size));
    }
    tcp_info info() const {
        tcp_info result = {};
        socklen_t length = sizeof(result);
        EXPECT_EQ(getsockopt(stream_.get(), IPPROTO_TCP, TCP_INFO, &result, &length), 0);
        return result;
    }

private:
    Fd listening_;
    Fd stream_;
    Fd accepted_;
};

bool is_tcp(const Bytes& frame) {
    return frame[12] == 0x08 && frame[13] == 0x00 && frame[23] == IPPROTO_TCP;
}

// What passed the hook; bytes are those of the segments that the kernel says went out, and of what else there was: ARP.
edgefw_reason_counter sent_by_stream(const CardCounters& seen, const tcp_info& info) {
    edgefw_reason_counter sum = {};
    for (const auto reason : {EDGEFW_REASON_NO_POLICY, EDGEFW_REASON_RULE, EDGEFW_REASON_CONNECTION}) {
        sum.packets += seen.reasons[EDGEFW_SENT][EDGEFW_PASS][reason].packets;
        sum.bytes += seen.reasons[EDGEFW_SENT][EDGEFW_PASS][reason].bytes;
    }
    EXPECT_EQ(sum.bytes - (sum.packets - info.tcpi_segs_out) * kArpFrame,
              info.tcpi_bytes_sent + info.tcpi_segs_out * kTcpHeaders + kSynMore);
    return sum;
}

// 64 KiB over a card that cuts segments itself: what the hook sees is a few large packets.
void expect_cut(Lab& lab, Stream& stream) {
    FrameSocket peer = lab.in_peer([] { return FrameSocket("peer-eth0"); });
    stream.send(65536);
    std::uint64_t frames = 0;
    while (const auto one = peer.receive(std::chrono::milliseconds(50)))
        frames += is_tcp(*one) ? 1 : 0;
    EXPECT_LT(frames, stream.info().tcpi_segs_out) << "nothing was left to the card to cut: this test shows nothing";
}

TEST(Wire, PacketsCutAfterTheHook) {
    Lab lab;
    Stream stream(lab);
    attach(kOut);
    expect_cut(lab, stream);
    const CardCounters seen = counters();
    const edgefw_reason_counter sent = sent_by_stream(seen, stream.info());
    EXPECT_EQ(sent.packets, stream.info().tcpi_segs_out);
    const edgefw_counter rule = seen.slots.at(slot_of(seen, "tcp"));
    const auto& back = seen.reasons[EDGEFW_RECEIVED][EDGEFW_PASS][EDGEFW_REASON_CONNECTION];
    EXPECT_EQ(rule.packets, sent.packets + back.packets);
    EXPECT_EQ(rule.bytes, sent.bytes + back.bytes);
    EXPECT_EQ(rule.connections, 1u);
}

// There ARP, a frame or two, is in the same reason.
TEST(Wire, PacketsCutAfterTheHookWithoutAPolicy) {
    Lab lab;
    Stream stream(lab);
    attach("");
    expect_cut(lab, stream);
    const edgefw_reason_counter sent = sent_by_stream(counters(), stream.info());
    EXPECT_GE(sent.packets, stream.info().tcpi_segs_out);
    EXPECT_LE(sent.packets, stream.info().tcpi_segs_out + 2);
}

}  // namespace
}  // namespace edgefw::test
