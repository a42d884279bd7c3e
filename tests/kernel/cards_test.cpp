// SPDX-License-Identifier: GPL-2.0-only
// cards: what a card is and who is on its hooks.
#include "userspace/kernel/cards.h"

#include <net/if.h>
// net/if.h before the kernel's: linux/if.h then leaves out what both define.
#include <linux/bpf.h>
#include <linux/if_arp.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/lab.h"
#include "userspace/kernel/door.h"
#include "userspace/kernel/netlink.h"

namespace edgefw::test {
namespace {

using kernel::CardFacts;
using kernel::HookedProgram;
using kernel::Presence;
using testing::ElementsAre;

CardFacts card(const std::string& name) {
    auto cards = kernel::list_cards();
    if (!cards) throw std::runtime_error(cards.error().message);
    for (CardFacts& found : *cards) {
        if (found.name == name) return found;
    }
    throw std::runtime_error("no card " + name);
}

// "XDP ours", "clsact ingress theirs" ...
std::vector<std::string> programs(const CardFacts& card) {
    std::vector<std::string> texts;
    for (const HookedProgram& program : card.programs)
        texts.push_back(program.hook + " " + (program.ours == Presence::kPresent ? "ours" : program.name));
    return texts;
}

void attach(kernel::Egress egress) {
    kernel::AttachRequest request;
    request.interface = "eth0";
    request.egress = egress;
    const auto attached = kernel::attach(request);
    ASSERT_TRUE(attached) << attached.error().message;
}

// A program of somebody else at clsact ingress; it lives as long as its filter.
void add_foreign_filter(const std::string& name) {
    const bpf_insn instructions[] = {
        {.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 0, .src_reg = 0, .off = 0, .imm = 0},
        {.code = BPF_JMP | BPF_EXIT, .dst_reg = 0, .src_reg = 0, .off = 0, .imm = 0},
    };
    const Fd program = Fd::own(bpf_prog_load(BPF_PROG_TYPE_SCHED_CLS, "theirs", "GPL", instructions, 2, nullptr));
    ASSERT_TRUE(program.valid());
    bpf_tc_hook hook = {};
    hook.sz = sizeof(hook);
    hook.ifindex = static_cast<int>(if_nametoindex(name.c_str()));
    hook.attach_point = BPF_TC_INGRESS;
    ASSERT_EQ(bpf_tc_hook_create(&hook), 0);
    bpf_tc_opts options = {};
    options.sz = sizeof(options);
    options.prog_fd = program.get();
    ASSERT_EQ(bpf_tc_attach(&hook, &options), 0);
}

TEST(Cards, AVethPair) {
    const Lab lab;
    const CardFacts eth0 = card("eth0");
    EXPECT_EQ(eth0.kind, "veth");
    EXPECT_EQ(eth0.driver, "veth");
    EXPECT_EQ(eth0.link_layer, kernel::LinkLayer::kEthernet);
    EXPECT_TRUE(eth0.is_up);
    EXPECT_EQ(eth0.mtu, 1500u);
    EXPECT_GE(eth0.receive_queues, 1u);
    EXPECT_TRUE(eth0.hands_up_partial_checksums);
    EXPECT_NE(eth0.native, Presence::kAbsent);
    EXPECT_EQ(eth0.attached, Presence::kAbsent);
    EXPECT_EQ(eth0.below, "") << "the other end is no card below";
    EXPECT_THAT(programs(eth0), ElementsAre());
    EXPECT_THROW(card("lo"), std::runtime_error);
}

TEST(Cards, WhatLiesOnWhat) {
    const Lab lab;
    Lab::run("ip link add br0 type bridge");
    Lab::run("ip link set eth0 master br0");
    Lab::run("ip tuntap add tunnel mode tun");
    EXPECT_EQ(card("eth0").master, "br0");
    EXPECT_EQ(card("eth0").master_kind, "bridge");
    EXPECT_EQ(card("br0").kind, "bridge");
    EXPECT_EQ(card("tunnel").link_layer, kernel::LinkLayer::kNone);
}

TEST(Cards, WhoseFramesBeginWithTheIpHeader) {
    for (const std::uint16_t type : {ARPHRD_NONE, ARPHRD_PPP, ARPHRD_RAWIP, ARPHRD_TUNNEL, ARPHRD_TUNNEL6, ARPHRD_SIT})
        EXPECT_TRUE((kernel::Interface{.index = 1, .type = type}.has_no_link_header())) << type;
    for (const std::uint16_t type : {ARPHRD_ETHER, ARPHRD_LOOPBACK, ARPHRD_IPGRE, ARPHRD_IP6GRE, ARPHRD_CAN})
        EXPECT_FALSE((kernel::Interface{.index = 1, .type = type}.has_no_link_header())) << type;
}

TEST(Cards, OffloadsAndSettings) {
    const Lab lab;
    Lab::run("ethtool -K eth0 rx-vlan-offload on");
    EXPECT_TRUE(card("eth0").takes_vlan_tags_off);
    EXPECT_TRUE(card("eth0").can_keep_vlan_tags);
    Lab::run("ethtool -K eth0 rx-vlan-offload off");
    EXPECT_FALSE(card("eth0").takes_vlan_tags_off);
    Lab::run(
        "sh -c 'echo 1 > /proc/sys/net/ipv4/conf/eth0/rp_filter; echo 1 > /proc/sys/net/ipv4/conf/eth0/forwarding'");
    Lab::run("sh -c 'echo 0 > /proc/sys/net/ipv4/conf/all/rp_filter'");
    EXPECT_EQ(card("eth0").reverse_path, 1);
    EXPECT_EQ(card("eth0").forwards_ipv4, 1);
    Lab::run("sh -c 'echo 2 > /proc/sys/net/ipv4/conf/all/rp_filter'");
    EXPECT_EQ(card("eth0").reverse_path, 2);
}

TEST(Cards, WhoseProgramsAreOnTheHooks) {
    const Lab lab;
    add_foreign_filter("eth0");
    attach(kernel::Egress::kClsact);
    const CardFacts eth0 = card("eth0");
    EXPECT_EQ(eth0.attached, Presence::kPresent);
    EXPECT_THAT(programs(eth0), ElementsAre("XDP ours", "clsact ingress theirs", "clsact egress ours"));
    ASSERT_TRUE(kernel::detach("eth0"));
    EXPECT_THAT(programs(card("eth0")), ElementsAre("clsact ingress theirs"));
}

TEST(Cards, ProgramsOfTcx) {
    const Lab lab;
    if (card("eth0").tcx_read == Presence::kAbsent) GTEST_SKIP() << "a kernel without tcx";
    attach(kernel::Egress::kTcx);
    EXPECT_THAT(programs(card("eth0")), ElementsAre("XDP ours", "tcx egress ours"));
}

}  // namespace
}  // namespace edgefw::test
