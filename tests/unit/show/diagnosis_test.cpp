// SPDX-License-Identifier: GPL-2.0-only
#include "userspace/show/diagnosis.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <set>

#include "tests/unit/show/host_facts.h"

namespace edgefw::show {
namespace {

using kernel::Presence;
using testing::HasSubstr;
using testing::IsEmpty;

const Finding* find(const std::vector<Finding>& findings, const std::string& id) {
    const auto found =
        std::find_if(findings.begin(), findings.end(), [&](const Finding& finding) { return finding.id == id; });
    return found == findings.end() ? nullptr : &*found;
}

TEST(Diagnosis, NothingIsWrongWithAHealthyHost) {
    for (const Finding& finding : diagnose(healthy_host())) {
        EXPECT_EQ(finding.severity, Severity::kOk) << finding.id << ": " << finding.text;
        EXPECT_FALSE(finding.is_unread) << finding.id;
        EXPECT_THAT(finding.remedy, IsEmpty()) << finding.id;
    }
}

struct Row {
    const char* id;
    Severity severity;
    const char* text;    // a part of it
    const char* remedy;  // a part of it; "": there is none
    std::function<void(Facts&)> spoil;
};

class DiagnosisOf : public testing::TestWithParam<Row> {};

TEST_P(DiagnosisOf, OneFact) {
    const Row& row = GetParam();
    Facts facts = healthy_host();
    row.spoil(facts);
    const std::vector<Finding> findings = diagnose(facts);
    const Finding* finding = find(findings, row.id);
    ASSERT_NE(finding, nullptr);
    EXPECT_EQ(to_text(finding->severity), std::string(to_text(row.severity))) << finding->text;
    EXPECT_THAT(finding->text, HasSubstr(row.text));
    EXPECT_THAT(finding->remedy, HasSubstr(row.remedy));
    EXPECT_EQ(finding->remedy.empty(), std::string(row.remedy).empty()) << finding->remedy;
}

constexpr auto absent = Presence::kAbsent;
constexpr auto unknown = Presence::kUnknown;

const Row kHostRows[] = {
    {"kernel.xdp-frags", Severity::kFail, "no XDP frames in fragments (Linux 5.18)", "Linux 6.1 or newer",
     [](Facts& facts) { facts.features.xdp_frags = absent; }},
    {"kernel.tcx", Severity::kNote, "without it: a clsact filter", "",
     [](Facts& facts) { facts.features.tcx = absent; }},
    {"kernel.clsact", Severity::kOk, "clsact filters", "", [](Facts& facts) { facts.features.clsact = unknown; }},
    {"kernel.clsact", Severity::kFail, "no clsact filters", "Linux 6.1 or newer",
     [](Facts& facts) { facts.features.tcx = facts.features.clsact = absent; }},
    {"kernel.programs", Severity::kFail, "refuses edgefw's own programs: loading: no; the verifier's log is in /tmp/x",
     "report this",
     [](Facts& facts) {
         facts.programs_refused = Error{ErrorKind::kKernel, "loading: no; the verifier's log is in /tmp/x"};
     }},
    {"boot.config", Severity::kOk, "closed, but to SSH of 2 networks", "", [](Facts&) {}},
    {"boot.config", Severity::kOk, "a card is open", "", [](Facts& facts) { facts.boot.closes = false; }},
    {"boot.config", Severity::kNote, "no /etc/edgefw/boot.conf: while its policy", "`ssh_from:`",
     [](Facts& facts) { facts.boot = {}; }},
    {"boot.config", Severity::kNote, "closed, also to SSH", "`ssh_from:`",
     [](Facts& facts) { facts.boot.networks = 0; }},
    {"boot.config", Severity::kWarn, "boot.conf is wrong: b:1:1: no", "mend it",
     [](Facts& facts) { facts.boot.error = "b:1:1: no\nb:2:1: no"; }},
    {"card.eth0.closed", Severity::kWarn, "closed until its policy is in force", "journalctl -u edgefw@eth0",
     [](Facts& facts) { facts.cards[0].is_closed = true; }},
    {"kernel.realtime", Severity::kWarn, "PREEMPT_RT", "without PREEMPT_RT",
     [](Facts& facts) { facts.platform.is_realtime = true; }},
    {"kernel.btf", Severity::kWarn, "no /sys/kernel/btf/vmlinux", "CONFIG_DEBUG_INFO_BTF",
     [](Facts& facts) {
         facts.platform.has_btf = false;
         facts.features.global_functions = absent;
     }},
    {"kernel.btf", Severity::kOk, "the verifier does without", "",
     [](Facts& facts) { facts.platform.has_btf = false; }},
    {"kernel.jit", Severity::kWarn, "interpreted", "bpf_jit_enable=1",
     [](Facts& facts) { facts.platform.jit = absent; }},
    {"kernel.jit", Severity::kOk, "(net.core.bpf_jit_harden) is not told here", "",
     [](Facts& facts) { facts.platform.jit_harden = -1; }},
    {"kernel.jit-harden", Severity::kWarn, "blinded", "bpf_jit_harden=1",
     [](Facts& facts) { facts.platform.jit_harden = 2; }},
    {"kernel.lockdown", Severity::kOk, "integrity: it concerns no XDP or tc program", "",
     [](Facts& facts) { facts.platform.lockdown = "integrity"; }},
    {"libbpf.version", Severity::kFail, "libbpf 1.2 is too old", "bookworm-backports libbpf1",
     [](Facts& facts) { facts.platform.libbpf_minor = 2; }},
    {"libbpf.version", Severity::kFail, "libbpf 0.8", "libbpf1",
     [](Facts& facts) {
         facts.platform.libbpf_major = 0;
         facts.platform.libbpf_minor = 8;
     }},
    {"libbpf.version", Severity::kOk, "libbpf 2.0", "",
     [](Facts& facts) {
         facts.platform.libbpf_major = 2;
         facts.platform.libbpf_minor = 0;
     }},
    {"bpffs.mounted", Severity::kFail, "nsenter --net=/run/netns/NAME", "mount -t bpf -o mode=0700 bpf /sys/fs/bpf",
     [](Facts& facts) { facts.platform.bpffs = {}; }},
    {"bpffs.mounted", Severity::kFail, "/sys/fs/bpf/edgefw belongs to user 7", "rm -r /sys/fs/bpf/edgefw",
     [](Facts& facts) {
         facts.platform.bpffs.fault = "/sys/fs/bpf/edgefw belongs to user 7; mend it: rm -r /sys/fs/bpf/edgefw";
     }},
    {"bpffs.mounted", Severity::kFail, "cannot be written", "remount,rw",
     [](Facts& facts) { facts.platform.bpffs.is_writable = false; }},
    {"bpffs.mounted", Severity::kOk, "mode 1777: others may look in", "",
     [](Facts& facts) { facts.platform.bpffs.mode = 01777; }},
    {"caller.capabilities", Severity::kFail, "allows no BPF all the same", "on the host itself",
     [](Facts& facts) { facts.features.xdp = unknown; }},
    {"caller.capabilities", Severity::kNote, "root lacks CAP_BPF", "container",
     [](Facts& facts) { facts.platform.missing_capabilities = {"CAP_BPF"}; }},
    {"edgefw.state", Severity::kWarn, "another version", "",
     [](Facts& facts) { facts.state_refused = failed("eth0 was attached by another version"); }},
};
INSTANTIATE_TEST_SUITE_P(Host, DiagnosisOf, testing::ValuesIn(kHostRows));

const Row kNatRows[] = {
    {"nat.forwarding", Severity::kNote, "IPv4 is not routed between cards", "sysctl -w net.ipv4.ip_forward=1",
     [](Facts& facts) { facts.platform.forwards_ipv4 = 0; }},
    {"nat.forwarding", Severity::kOk, "IPv6 is not routed", "", [](Facts& facts) { facts.platform.forwards_ipv6 = 0; }},
    {"nat.local-ports", Severity::kWarn, "own connections take ports 1024-61000, and so some of 61000-65535",
     "ip_local_port_range",
     [](Facts& facts) {
         facts.network.first_local_port = 1024;
         facts.network.last_local_port = 61000;
     }},
    {"nat.nftables", Severity::kWarn, "nat/postrouting, nat/prerouting", "nft list ruleset",
     [](Facts& facts) {
         facts.network.nat_chains = {"nat/postrouting", "nat/prerouting"};
     }},
    {"nat.reverse-path", Severity::kNote, "strict on eth1:", "sysctl -w net/ipv4/conf/eth1/rp_filter=2",
     [](Facts& facts) {
         facts.cards.push_back(healthy_card("eth1"));
         facts.cards[1].reverse_path = 1;
     }},
};
INSTANTIATE_TEST_SUITE_P(Nat, DiagnosisOf, testing::ValuesIn(kNatRows));

kernel::CardFacts& card(Facts& facts) {
    return facts.cards.front();
}

const Row kCardRows[] = {
    {"cards", Severity::kWarn, "no card but the loopback", "", [](Facts& facts) { facts.cards.clear(); }},
    {"card.eth0", Severity::kOk, "virtio_net, up, MTU 1500, 4 queues, native XDP with fragments, not attached", "",
     [](Facts&) {}},
    {"card.eth0", Severity::kOk, "vlan (802.1Q VLAN Support), down, MTU 1500, 1 queue, attached", "",
     [](Facts& facts) {
         card(facts).kind = "vlan";
         card(facts).driver = "802.1Q VLAN Support";
         card(facts).is_up = false;
         card(facts).receive_queues = 1;
         card(facts).native = absent;
         card(facts).attached = Presence::kPresent;
     }},
    {"card.eth0.native", Severity::kNote, "judged at tc ingress", "",
     [](Facts& facts) { card(facts).native = absent; }},
    {"cards.native", Severity::kNote, "does not tell which cards take native XDP", "",
     [](Facts& facts) { card(facts).native = card(facts).fragments = unknown; }},
    {"card.eth0.link-layer", Severity::kNote, "no Ethernet header: what it receives is judged at tc ingress", "",
     [](Facts& facts) { card(facts).link_layer = kernel::LinkLayer::kNone; }},
    {"card.eth0.link-layer", Severity::kWarn, "does not read it", "",
     [](Facts& facts) { card(facts).link_layer = kernel::LinkLayer::kOther; }},
    {"card.eth0.link-layer", Severity::kFail, "does not read it", "",
     [](Facts& facts) {
         card(facts).link_layer = kernel::LinkLayer::kOther;
         facts.card = "eth0";
     }},
    {"card.eth0.mtu", Severity::kWarn, "MTU 3499", "ip link set dev eth0 mtu 3498",
     [](Facts& facts) {
         card(facts).fragments = absent;
         card(facts).mtu = 3499;
     }},
    {"card.eth0.lro", Severity::kWarn, "merges packets", "ethtool -K eth0 lro off",
     [](Facts& facts) { card(facts).merges = true; }},
    {"card.eth0.gro-hw", Severity::kNote, "merges packets", "ethtool -K eth0 rx-gro-hw off",
     [](Facts& facts) { card(facts).merges_in_hardware = true; }},
    {"card.eth0.vlan-tags", Severity::kNote, "always: a policy that names a VLAN is refused", "",
     [](Facts& facts) { card(facts).takes_vlan_tags_off = true; }},
    {"card.eth0.vlan-tags", Severity::kNote, "for a policy that names a VLAN", "ethtool -K eth0 rx-vlan-offload off",
     [](Facts& facts) { card(facts).takes_vlan_tags_off = card(facts).can_keep_vlan_tags = true; }},
    {"card.eth0.master", Severity::kNote, "attach br0 for what this host receives", "",
     [](Facts& facts) {
         card(facts).master = "br0";
         card(facts).master_kind = "bridge";
     }},
    {"card.eth0.master", Severity::kWarn, "attach bond0", "",
     [](Facts& facts) {
         card(facts).master = "bond0";
         card(facts).master_kind = "bond";
     }},
    {"card.eth0.below", Severity::kNote, "lies on eth9", "", [](Facts& facts) { card(facts).below = "eth9"; }},
    {"card.eth0.xdp", Severity::kWarn, "XDP: program 7 (theirs) is not edgefw's", "bpftool net show dev eth0",
     [](Facts& facts) {
         card(facts).programs = {{"XDP", 7, "theirs", absent}};
     }},
    {"card.eth0.xdp", Severity::kFail, "XDP: program 7 (theirs) is not edgefw's", "bpftool net show dev eth0",
     [](Facts& facts) {
         card(facts).programs = {{"XDP", 7, "theirs", absent}};
         facts.card = "eth0";
     }},
    {"card.eth0.xdp", Severity::kNote, "XDP: program 7; run as root to see whose", "",
     [](Facts& facts) {
         card(facts).programs = {{"XDP", 7, "", unknown}};
     }},
    {"card.eth0.tc", Severity::kWarn, "tcx egress: program 9 (theirs) runs before edgefw", "edgefw attach --first eth0",
     [](Facts& facts) {
         card(facts).programs = {{"tcx egress", 9, "theirs", absent},
                                 {"tcx egress", 8, "ours", kernel::Presence::kPresent}};
     }},
    {"card.eth0.tc", Severity::kNote, "tcx egress: program 9 (theirs) is not edgefw's, and sees", "",
     [](Facts& facts) {
         card(facts).programs = {{"tcx ingress", 8, "ours", kernel::Presence::kPresent},
                                 {"tcx egress", 9, "theirs", absent}};
     }},
    {"card.eth0.tc", Severity::kNote, "clsact egress: a filter (flower) is not edgefw's", "",
     [](Facts& facts) {
         card(facts).programs = {{"clsact egress", 0, "flower", absent}};
     }},
};
INSTANTIATE_TEST_SUITE_P(Card, DiagnosisOf, testing::ValuesIn(kCardRows));

TEST(Diagnosis, WhatDoesNotMatterIsNotSaid) {
    Facts facts = healthy_host();
    card(facts).reverse_path = 1;  // with one card there is no other path
    card(facts).programs = {{"XDP", 7, "enter_received", Presence::kPresent}};
    card(facts).mtu = 9000;  // native XDP takes fragments
    const std::vector<Finding> findings = diagnose(facts);
    for (const char* id : {"nat.reverse-path", "card.eth0.xdp", "card.eth0.mtu"})
        EXPECT_EQ(find(findings, id), nullptr) << id;
}

TEST(Diagnosis, OneCardAlone) {
    Facts facts = healthy_host();
    facts.cards.push_back(healthy_card("eth1"));
    facts.card = "eth1";
    const std::vector<Finding> findings = diagnose(facts);
    EXPECT_EQ(find(findings, "card.eth0"), nullptr);
    EXPECT_NE(find(findings, "card.eth1"), nullptr);
}

// Nothing is guessed for who may not look: every such line says who may.
TEST(Diagnosis, OfACallerWithoutPermission) {
    std::set<std::string> unread;
    for (const Finding& finding : diagnose(closed_host())) {
        EXPECT_NE(finding.severity, Severity::kFail) << finding.id << ": " << finding.text;
        if (!finding.is_unread) continue;
        EXPECT_THAT(finding.text + finding.remedy, HasSubstr("run as root")) << finding.id;
        if (!finding.is_feature) unread.insert(finding.id);
    }
    EXPECT_THAT(unread, testing::UnorderedElementsAre("card.eth0", "cards.tcx", "caller.capabilities", "edgefw.state",
                                                      "kernel.programs", "nat.nftables"));
}

TEST(Diagnosis, FeaturesHaveIdsOfTheirOwn) {
    std::set<std::string> ids;
    for (const kernel::FeatureNote& note : kernel::kFeatureNotes)
        EXPECT_TRUE(ids.insert(note.id).second) << note.id;
}

}  // namespace
}  // namespace edgefw::show
