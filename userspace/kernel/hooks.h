// Putting the entry programs on a card's two hooks, and taking them off.
#pragma once

#include <linux/bpf.h>

#include <optional>
#include <string>

#include "maps/card.h"
#include "userspace/base/fd.h"
#include "userspace/base/result.h"
#include "userspace/kernel/host.h"
#include "userspace/kernel/netlink.h"

namespace edgefw::kernel {

// enum bpf_attach_type BPF_TCX_INGRESS and _EGRESS (Linux 6.6): the headers of an older distribution do not have them.
inline constexpr auto kTcxIngress = static_cast<bpf_attach_type>(46);
inline constexpr auto kTcxEgress = static_cast<bpf_attach_type>(47);

struct ReceivedHook {
    Fd link;
    edgefw_xdp_mode mode = EDGEFW_XDP_NATIVE;
};

// Native, and generic where the driver has no XDP (auto). A program that is there already stays and is named.
Result<ReceivedHook> attach_received(const std::string& name, int ifindex, int program, XdpMode mode);

// tcx: a link; where the kernel has none (before 6.6): a clsact filter, noted in `card`.
Result<Fd> attach_tcx(int ifindex, int program);
Result<Ok> attach_clsact(int program, edgefw_card& card);
// Removes our filter, and the qdisc when we made it and nobody else has put a filter on it.
Result<Ok> detach_clsact(const edgefw_card& card);

// The program that a link runs.
Result<Fd> program_of(const Fd& link);
// Puts a program in the place of the one that runs: each packet is judged by one of them.
Result<Ok> replace_program(const Fd& link, int program);
Result<Ok> replace_clsact(int program, const edgefw_card& card);

Result<Ok> pin_link(const Fd& link, const std::string& path);

}  // namespace edgefw::kernel
