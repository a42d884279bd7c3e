// SPDX-License-Identifier: GPL-2.0-only
// A host with nothing wrong, for the tests of what `doctor` makes of one.
#pragma once

#include "userspace/show/diagnosis.h"

namespace edgefw::show {

inline kernel::CardFacts healthy_card(const std::string& name = "eth0") {
    kernel::CardFacts card;
    card.name = name;
    card.index = 2;
    card.driver = "virtio_net";
    card.is_up = true;
    card.mtu = 1500;
    card.receive_queues = 4;
    card.native = card.fragments = kernel::Presence::kPresent;
    card.attached = kernel::Presence::kAbsent;
    card.tcx_read = kernel::Presence::kPresent;
    card.forwards_ipv4 = 1;
    card.reverse_path = 2;
    return card;
}

inline Facts healthy_host() {
    Facts facts;
    facts.boot = {true, "", true, 2};
    facts.platform.release = "6.12.0";
    facts.platform.version = "#1 SMP";
    facts.platform.machine = "x86_64";
    facts.platform.has_btf = true;
    facts.platform.jit_harden = 0;
    facts.platform.jit = kernel::Presence::kPresent;
    facts.platform.lockdown = "none";
    facts.platform.libbpf_major = 1;
    facts.platform.libbpf_minor = 3;
    facts.platform.bpffs = {true, 0700, true};
    facts.platform.may_administer = facts.platform.may_configure_network = true;
    facts.platform.forwards_ipv4 = facts.platform.forwards_ipv6 = 1;
    for (const kernel::FeatureNote& note : kernel::kFeatureNotes)
        facts.features.*note.member = kernel::Presence::kPresent;
    facts.cards = {healthy_card()};
    return facts;
}

// What an unprivileged caller sees of it.
inline Facts closed_host() {
    Facts facts = healthy_host();
    facts.platform.user = 1000;
    facts.platform.missing_capabilities = {"CAP_BPF", "CAP_NET_ADMIN", "CAP_PERFMON"};
    facts.platform.may_administer = facts.platform.may_configure_network = false;
    facts.platform.bpffs.is_writable = false;
    facts.platform.jit_harden = -1;
    facts.features = {};
    facts.features.netns_cookie = kernel::Presence::kPresent;
    facts.programs_refused = Error{ErrorKind::kNotPermitted, "the kernel allows no BPF here"};
    facts.state_refused = facts.programs_refused;
    facts.cards[0].attached = facts.cards[0].tcx_read = kernel::Presence::kUnknown;
    return facts;
}

}  // namespace edgefw::show
