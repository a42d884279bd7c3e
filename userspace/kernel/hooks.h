// SPDX-License-Identifier: GPL-2.0-only
// Putting the entry programs on a card's two hooks, and taking them off.
#pragma once

#include <linux/bpf.h>
#include <bpf/libbpf.h>

#include <optional>
#include <string>

#include "maps/card.h"
#include "userspace/base/fd.h"
#include "userspace/base/result.h"
#include "userspace/kernel/netlink.h"
#include "userspace/kernel/types.h"

namespace edgefw::kernel {

// enum bpf_attach_type BPF_TCX_INGRESS and _EGRESS (Linux 6.6): the headers of an older distribution do not have them.
inline constexpr auto kTcxIngress = static_cast<bpf_attach_type>(46);
inline constexpr auto kTcxEgress = static_cast<bpf_attach_type>(47);

inline constexpr auto kBothClsact = static_cast<bpf_tc_attach_point>(BPF_TC_INGRESS | BPF_TC_EGRESS);
bpf_tc_hook clsact_hook(int ifindex, bpf_tc_attach_point point);
// A clsact qdisc that was made for filters of ours goes with the last of them, unless somebody else has put one on it.
void remove_unused_clsact(int ifindex);

// Where a card's received side is judged, and the link that holds the hook when that is XDP.
struct ReceivedHook {
    Fd link;
    edgefw_xdp_mode mode = EDGEFW_XDP_NONE;
};

// Finds out by trying, before any judging program is built: a card may refuse XDP for its driver, its MTU, its number
// of queues. The link's program passes everything until another takes its place: so the card is set up once, and
// closing the link leaves it as it was. kAuto: native, and tc ingress where the card does not take that. A program that
// is there already stays and is named.
Result<ReceivedHook> claim_received(const std::string& name, const Interface& interface, ReceivedMode mode);

// tcx: a link; where the kernel has none (before 6.6): a clsact filter, noted in `card`. Before all that are there:
// what one of those let pass for good, edgefw would never see.
Result<Fd> attach_tcx(int ifindex, int program, edgefw_hook hook);
// Makes the qdisc where there is none, and notes in `card` where our filter at egress will be found. To be written down
// before attach_clsact() puts it there.
Result<Ok> prepare_clsact(edgefw_card& card);
Result<Ok> attach_clsact(int program, const edgefw_card& card);
// Beside the filter at egress. `card` says NONE and CLSACT already: it is found by that.
Result<Ok> attach_clsact_ingress(int program, const edgefw_card& card);
// Id of our filter's program; 0: there is none of ours.
std::uint32_t clsact_program(const edgefw_card& card, edgefw_hook hook);
// Removes our filters, and the qdisc when we made it and nobody else has put a filter on it.
Result<Ok> detach_clsact(const edgefw_card& card);

// Generic XDP switches a card's merging of packets off, and nobody switches it on again. Which of it is on, enum
// edgefw_offload; and on again, as far as the card takes it.
std::uint32_t merging_offloads(const std::string& name);
void restore_offloads(const std::string& name, std::uint32_t switched_off);

// The program that a link runs.
Result<Fd> program_of(const Fd& link);
// Puts a program in the place of the one that runs: each packet is judged by one of them.
Result<Ok> replace_program(const Fd& link, int program);
Result<Ok> replace_clsact(int program, const edgefw_card& card);
Result<Ok> replace_clsact_ingress(int program, const edgefw_card& card);

Result<Ok> pin_link(const Fd& link, const std::string& path);
// Pins the link in place of the one that is pinned there. A process killed in between leaves the new link pinned as
// PATH_later.
Result<Ok> pin_link_over(const Fd& link, const std::string& path);

}  // namespace edgefw::kernel
