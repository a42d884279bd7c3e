// SPDX-License-Identifier: GPL-2.0-only
#include "userspace/kernel/hooks.h"

#include <linux/bpf.h>
#include <linux/if_link.h>
#include <linux/pkt_cls.h>
#include <linux/pkt_sched.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <iterator>

#include "userspace/kernel/closed.h"
#include "userspace/kernel/driver.h"
#include "userspace/kernel/errors.h"
#include "userspace/kernel/ethtool.h"

namespace edgefw::kernel {
namespace {

// BPF_F_BEFORE: without a program named, before all there are. An older distribution's headers do not have it.
constexpr std::uint32_t kBeforeAll = 1u << 3;

int create_xdp_link(int ifindex, int program, std::uint32_t flags) {
    LIBBPF_OPTS(bpf_link_create_opts, options, .flags = flags);
    return bpf_link_create(program, ifindex, BPF_XDP, &options);
}

// `said`: what the kernel says of it; empty: nothing.
Error xdp_error(const std::string& name, const std::string& said, int number) {
    if (number == EBUSY || number == EEXIST) {
        return failed("another XDP program holds " + name + "; look with `bpftool net show dev " + name +
                      "` and remove it first (edgefw replaces nobody's program)");
    }
    Error error = system_error("attaching XDP to " + name, number);
    if (!said.empty()) error.message += " (" + said + ")";
    return error;
}

bool is_refusal_of_driver(int number) {
    return number != EBUSY && number != EEXIST && number != EPERM && number != EACCES;
}

// A driver that takes a program and shows it no frame is one without native XDP.
int create_native_link(const Driver& driver, int ifindex, int program) {
    errno = EOPNOTSUPP;
    return unseen_by_native(driver).empty() ? create_xdp_link(ifindex, program, XDP_FLAGS_DRV_MODE) : -1;
}

Error native_error(const Driver& driver, int ifindex, int program, int number) {
    if (!is_refusal_of_driver(number)) return xdp_error(driver.interface, "", number);
    std::string said = unseen_by_native(driver);
    if (said.empty()) said = words_of_refusal(ifindex, program, XDP_FLAGS_DRV_MODE);
    return failed(native_refusal(driver, said, number));
}

const char* point_text(edgefw_hook hook) {
    return hook == EDGEFW_RECEIVED ? "ingress" : "egress";
}

// What holds the XDP hook while the programs that judge are built.
Fd load_passing() {
    const bpf_insn instructions[] = {
        {.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .src_reg = 0, .off = 0, .imm = XDP_PASS},
        {.code = BPF_JMP | BPF_EXIT, .dst_reg = 0, .src_reg = 0, .off = 0, .imm = 0},
    };
    // As libbpf loads "xdp.frags": a link takes no other program of another kind.
    LIBBPF_OPTS(bpf_prog_load_opts, options, .expected_attach_type = BPF_XDP, .prog_flags = BPF_F_XDP_HAS_FRAGS);
    return Fd::own(
        bpf_prog_load(BPF_PROG_TYPE_XDP, "edgefw_pass", "GPL", instructions, std::size(instructions), &options));
}

// As the kernel has the names of our programs at tc: all of them fits.
constexpr const char* kPrograms[EDGEFW_HOOKS] = {"enter_ingress", "enter_sent"};
// Ours at egress; where the filter of an older version is, its card says.
constexpr std::uint32_t kEgressHandle = EDGEFW_INGRESS_HANDLE;

bpf_tc_hook clsact_hook(const edgefw_card& card, edgefw_hook hook) {
    return kernel::clsact_hook(static_cast<int>(card.ifindex),
                               hook == EDGEFW_RECEIVED ? BPF_TC_INGRESS : BPF_TC_EGRESS);
}

// The options that name edgefw's own filter at a hook of clsact.
bpf_tc_opts filter_options(const edgefw_card& card, edgefw_hook hook, int program) {
    const bool received = hook == EDGEFW_RECEIVED;
    bpf_tc_opts options = {};
    options.sz = sizeof(options);
    options.prog_fd = program;
    options.handle = received ? EDGEFW_INGRESS_HANDLE : card.filter_handle;
    options.priority = received ? EDGEFW_TC_PRIORITY : card.filter_priority;
    return options;
}

// tc says "enter_sent:[7]", and says it to everybody.
bool is_own(const edgefw_card& card, edgefw_hook hook, std::uint32_t program) {
    const auto point = hook == EDGEFW_RECEIVED ? TC_H_MIN_INGRESS : TC_H_MIN_EGRESS;
    const auto all = filters(static_cast<int>(card.ifindex), TC_H_MAKE(TC_H_CLSACT, point));
    if (!all) return false;
    return std::any_of(all->begin(), all->end(), [&](const Filter& filter) {
        return filter.program == program && filter.name.substr(0, filter.name.find(':')) == kPrograms[hook];
    });
}

// Another kind of filter has the first priority, or one that is called as ours.
bool holds_first_place(int refusal) {
    return refusal == -EINVAL || refusal == -EEXIST || refusal == -ENOSPC;
}

Error first_place_taken(const edgefw_card& card, const std::string& point) {
    const std::string name = card.interface;
    return failed("another filter has priority " + std::to_string(EDGEFW_TC_PRIORITY) + " at the " + point + " of " +
                  name + ", and would see packets before edgefw; look with `tc filter show dev " + name + " " + point +
                  "` and give it another one");
}

struct OffloadName {
    edgefw_offload offload;
    const char* name;  // as `ethtool -k` has it
};
constexpr OffloadName kMerging[] = {{EDGEFW_OFFLOAD_LRO, "rx-lro"}, {EDGEFW_OFFLOAD_GRO_HW, "rx-gro-hw"}};

}  // namespace

bpf_tc_hook clsact_hook(int ifindex, bpf_tc_attach_point point) {
    bpf_tc_hook hook = {};
    hook.sz = sizeof(hook);
    hook.ifindex = ifindex;
    hook.attach_point = point;
    return hook;
}

void remove_unused_clsact(int ifindex) {
    const auto in = count_filters(ifindex, TC_H_MAKE(TC_H_CLSACT, TC_H_MIN_INGRESS));
    const auto out = count_filters(ifindex, TC_H_MAKE(TC_H_CLSACT, TC_H_MIN_EGRESS));
    if (!in || !out || *in != 0 || *out != 0) return;  // others use it now: it stays
    bpf_tc_hook both = clsact_hook(ifindex, kBothClsact);
    bpf_tc_hook_destroy(&both);
}

Result<ReceivedHook> claim_received(const std::string& name, const Interface& interface, ReceivedMode mode) {
    ReceivedHook hook;
    if (mode == ReceivedMode::kTc) return hook;
    if (!interface.is_ethernet()) {
        if (mode == ReceivedMode::kAuto) return hook;
        return failed(name + " has no Ethernet header, and edgefw's XDP program reads one; attach it with --mode tc");
    }
    const Fd program = load_passing();
    if (!program.valid()) return system_error("loading an XDP program that passes everything", errno);
    const bool generic = mode == ReceivedMode::kGeneric;
    const Driver driver = read_driver(name);
    const int fd = generic ? create_xdp_link(interface.index, program.get(), XDP_FLAGS_SKB_MODE)
                           : create_native_link(driver, interface.index, program.get());
    if (fd < 0) {
        const int number = errno;
        if (mode == ReceivedMode::kAuto && is_refusal_of_driver(number)) return hook;
        if (!generic) return native_error(driver, interface.index, program.get(), number);
        return xdp_error(name, words_of_refusal(interface.index, program.get(), XDP_FLAGS_SKB_MODE), number);
    }
    hook.link = Fd::own(fd);
    hook.mode = generic ? EDGEFW_XDP_GENERIC : EDGEFW_XDP_NATIVE;
    return hook;
}

Result<Fd> attach_tcx(int ifindex, int program, edgefw_hook hook) {
    LIBBPF_OPTS(bpf_link_create_opts, options);
    options.flags = kBeforeAll;
    const int fd = bpf_link_create(program, ifindex, hook == EDGEFW_RECEIVED ? kTcxIngress : kTcxEgress, &options);
    if (fd < 0) return system_error(std::string("attaching tcx ") + point_text(hook), errno);
    return Fd::own(fd);
}

Result<Ok> prepare_clsact(edgefw_card& card) {
    const int ifindex = static_cast<int>(card.ifindex);
    bpf_tc_hook both = clsact_hook(ifindex, kBothClsact);
    const int made = bpf_tc_hook_create(&both);
    if (made != 0 && made != -EEXIST) return system_error("making a clsact qdisc", made);
    // The qdisc of a closed card goes to whoever opens it.
    if (made == 0 || closure_of(ifindex) == Closure::kClosedOwnQdisc) card.made_clsact = 1;
    card.egress = EDGEFW_EGRESS_CLSACT;
    card.filter_handle = kEgressHandle;
    card.filter_priority = EDGEFW_TC_PRIORITY;
    return Ok{};
}

Result<Ok> attach_clsact(int program, const edgefw_card& card) {
    bpf_tc_hook egress = clsact_hook(card, EDGEFW_SENT);
    bpf_tc_opts options = filter_options(card, EDGEFW_SENT, program);
    const int attached = bpf_tc_attach(&egress, &options);
    if (holds_first_place(attached)) return first_place_taken(card, "egress");
    if (attached != 0) return system_error("attaching a clsact egress filter", attached);
    return Ok{};
}

Result<Ok> attach_clsact_ingress(int program, const edgefw_card& card) {
    bpf_tc_hook ingress = clsact_hook(card, EDGEFW_RECEIVED);
    bpf_tc_opts options = filter_options(card, EDGEFW_RECEIVED, program);
    const int attached = bpf_tc_attach(&ingress, &options);
    if (holds_first_place(attached)) return first_place_taken(card, "ingress");
    if (attached != 0) return system_error("attaching a clsact ingress filter", attached);
    return Ok{};
}

std::uint32_t clsact_program(const edgefw_card& card, edgefw_hook hook) {
    bpf_tc_hook point = clsact_hook(card, hook);
    bpf_tc_opts options = filter_options(card, hook, 0);
    if (options.priority == 0 || bpf_tc_query(&point, &options) != 0) return 0;
    return is_own(card, hook, options.prog_id) ? options.prog_id : 0;
}

Result<Ok> detach_clsact(const edgefw_card& card) {
    for (const edgefw_hook hook : {EDGEFW_RECEIVED, EDGEFW_SENT}) {
        if (hook == EDGEFW_RECEIVED && card.xdp_mode != EDGEFW_XDP_NONE) continue;
        if (clsact_program(card, hook) == 0) continue;
        bpf_tc_hook point = clsact_hook(card, hook);
        bpf_tc_opts options = filter_options(card, hook, 0);
        const int detached = bpf_tc_detach(&point, &options);
        if (detached != 0 && detached != -ENOENT && detached != -ENODEV && detached != -EINVAL)
            return system_error(std::string("detaching the clsact ") + point_text(hook) + " filter", detached);
    }
    if (card.made_clsact != 0) remove_unused_clsact(static_cast<int>(card.ifindex));
    return Ok{};
}

Result<Fd> program_of(const Fd& link) {
    bpf_link_info info = {};
    __u32 size = sizeof(info);
    if (bpf_link_get_info_by_fd(link.get(), &info, &size) != 0) return system_error("reading a link", errno);
    Fd program = Fd::own(bpf_prog_get_fd_by_id(info.prog_id));
    if (!program.valid()) return system_error("opening the program of a link", errno);
    return program;
}

Result<Ok> replace_program(const Fd& link, int program) {
    if (bpf_link_update(link.get(), program, nullptr) != 0)
        return system_error("replacing the program of a hook", errno);
    return Ok{};
}

Result<Ok> replace_clsact(int program, const edgefw_card& card) {
    bpf_tc_hook egress = clsact_hook(card, EDGEFW_SENT);
    bpf_tc_opts options = filter_options(card, EDGEFW_SENT, program);
    options.flags = BPF_TC_F_REPLACE;
    const int replaced = bpf_tc_attach(&egress, &options);
    if (replaced != 0) return system_error("replacing the clsact egress filter", replaced);
    return Ok{};
}

Result<Ok> replace_clsact_ingress(int program, const edgefw_card& card) {
    bpf_tc_hook ingress = clsact_hook(card, EDGEFW_RECEIVED);
    bpf_tc_opts options = filter_options(card, EDGEFW_RECEIVED, program);
    options.flags = BPF_TC_F_REPLACE;
    const int replaced = bpf_tc_attach(&ingress, &options);
    if (replaced != 0) return system_error("replacing the clsact ingress filter", replaced);
    return Ok{};
}

std::uint32_t merging_offloads(const std::string& name) {
    const Offloads offloads = offloads_of(name);
    std::uint32_t on = 0;
    for (const OffloadName& merging : kMerging) {
        if (offloads.on.contains(merging.name)) on |= merging.offload;
    }
    return on;
}

void restore_offloads(const std::string& name, std::uint32_t switched_off) {
    for (const OffloadName& merging : kMerging) {
        if ((switched_off & merging.offload) != 0) (void)switch_on(name, merging.name);
    }
}

Result<Ok> pin_link(const Fd& link, const std::string& path) {
    if (bpf_obj_pin(link.get(), path.c_str()) != 0) return system_error("pinning " + path, errno);
    return Ok{};
}

Result<Ok> pin_link_over(const Fd& link, const std::string& path) {
    const std::string later = path + "_later";
    if (auto pinned = pin_link(link, later); !pinned) return pinned;
    if (rename(later.c_str(), path.c_str()) == 0) return Ok{};
    const Error error = system_error("renaming " + later, errno);
    unlink(later.c_str());
    return error;
}

}  // namespace edgefw::kernel
