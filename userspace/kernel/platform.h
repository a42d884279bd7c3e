// SPDX-License-Identifier: GPL-2.0-only
// What edgefw runs on beside the kernel's features: settings, bpffs, libbpf, and what this process may do. Read only.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "userspace/kernel/features.h"

namespace edgefw::kernel {

struct Bpffs {
    bool is_mounted = false;
    unsigned mode = 0;         // of its root: permissions
    bool is_writable = false;  // for this process; it is not where it is mounted read only
    std::string fault;         // why root's state is not safe there, and what to do (check_bpffs()); empty: it is
};

struct Platform {
    std::string release;  // "6.1.0-56-amd64"
    std::string version;  // the build: "#1 SMP PREEMPT_DYNAMIC ..."
    std::string machine;
    bool is_realtime = false;           // PREEMPT_RT
    bool has_btf = false;               // /sys/kernel/btf/vmlinux
    int jit_harden = -1;                // net.core.bpf_jit_harden: 0, 1 (others than root), 2 (all); -1: not told
    Presence jit = Presence::kUnknown;  // programs are compiled to machine code
    std::string lockdown;               // "none", "integrity", "confidentiality"; empty: not told
    unsigned libbpf_major = 0;          // of the library that is loaded
    unsigned libbpf_minor = 0;
    Bpffs bpffs;
    std::uint32_t user = 0;                         // effective
    std::vector<std::string> missing_capabilities;  // of those that attach takes; CAP_SYS_ADMIN stands for CAP_BPF
    bool may_administer = false;                    // CAP_SYS_ADMIN: may look at programs of others
    bool may_configure_network = false;             // CAP_NET_ADMIN: may look at nftables and tcx
    int forwards_ipv4 = -1;                         // net.ipv4.ip_forward; -1: not told
    int forwards_ipv6 = -1;                         // net.ipv6.conf.all.forwarding
};

// Never fails: what cannot be read is said to be untold.
Platform read_platform();

}  // namespace edgefw::kernel
