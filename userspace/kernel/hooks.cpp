#include "userspace/kernel/hooks.h"

#include <linux/bpf.h>
#include <linux/if_link.h>
#include <linux/pkt_sched.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include <cerrno>
#include <cstring>

#include "userspace/kernel/errors.h"

namespace edgefw::kernel {
namespace {

int create_xdp_link(int ifindex, int program, std::uint32_t flags) {
    LIBBPF_OPTS(bpf_link_create_opts, options, .flags = flags);
    return bpf_link_create(program, ifindex, BPF_XDP, &options);
}

Error xdp_error(const std::string& name, const char* mode, int number) {
    if (number == EBUSY || number == EEXIST) {
        return failed("another XDP program holds " + name + "; look with `bpftool net show dev " + name +
                      "` and remove it first (edgefw replaces nobody's program)");
    }
    if (number == EOPNOTSUPP || number == EINVAL || number == ERANGE) {
        return failed(name + " does not take an XDP program in " + mode + " mode (" + strerror(number) +
                      "); try --mode generic, a smaller MTU, or fewer queues");
    }
    return system_error(std::string("attaching XDP to ") + name, number);
}

bpf_tc_hook clsact_hook(int ifindex, bpf_tc_attach_point point) {
    bpf_tc_hook hook = {};
    hook.sz = sizeof(hook);
    hook.ifindex = ifindex;
    hook.attach_point = point;
    return hook;
}

}  // namespace

Result<ReceivedHook> attach_received(const std::string& name, int ifindex, int program, XdpMode mode) {
    ReceivedHook hook;
    if (mode != XdpMode::kGeneric) {
        const int fd = create_xdp_link(ifindex, program, XDP_FLAGS_DRV_MODE);
        if (fd >= 0) {
            hook.link = Fd::own(fd);
            return hook;
        }
        const bool unsupported = errno != EBUSY && errno != EEXIST && errno != EPERM;
        if (mode == XdpMode::kNative || !unsupported) return xdp_error(name, "native", errno);
    }
    const int fd = create_xdp_link(ifindex, program, XDP_FLAGS_SKB_MODE);
    if (fd < 0) return xdp_error(name, "generic", errno);
    hook.link = Fd::own(fd);
    hook.mode = EDGEFW_XDP_GENERIC;
    return hook;
}

Result<Fd> attach_tcx(int ifindex, int program) {
    LIBBPF_OPTS(bpf_link_create_opts, options);
    const int fd = bpf_link_create(program, ifindex, kTcxEgress, &options);
    if (fd < 0) return system_error("attaching tcx egress", errno);
    return Fd::own(fd);
}

Result<Ok> attach_clsact(int program, edgefw_card& card) {
    const int ifindex = static_cast<int>(card.ifindex);
    bpf_tc_hook both = clsact_hook(ifindex, static_cast<bpf_tc_attach_point>(BPF_TC_INGRESS | BPF_TC_EGRESS));
    const int made = bpf_tc_hook_create(&both);
    if (made != 0 && made != -EEXIST) return system_error("making a clsact qdisc", made);
    card.made_clsact = made == 0;

    bpf_tc_hook egress = clsact_hook(ifindex, BPF_TC_EGRESS);
    bpf_tc_opts options = {};
    options.sz = sizeof(options);
    options.prog_fd = program;
    const int attached = bpf_tc_attach(&egress, &options);
    if (attached != 0) {
        if (card.made_clsact) bpf_tc_hook_destroy(&both);
        return system_error("attaching a clsact egress filter", attached);
    }
    card.filter_handle = options.handle;
    card.filter_priority = options.priority;
    return Ok{};
}

Result<Ok> detach_clsact(const edgefw_card& card) {
    const int ifindex = static_cast<int>(card.ifindex);
    if (card.filter_priority != 0) {
        bpf_tc_hook egress = clsact_hook(ifindex, BPF_TC_EGRESS);
        bpf_tc_opts options = {};
        options.sz = sizeof(options);
        options.handle = card.filter_handle;
        options.priority = card.filter_priority;
        const int detached = bpf_tc_detach(&egress, &options);
        if (detached != 0 && detached != -ENOENT && detached != -ENODEV && detached != -EINVAL)
            return system_error("detaching the clsact egress filter", detached);
    }
    if (card.made_clsact == 0) return Ok{};
    auto in = count_filters(ifindex, TC_H_MAKE(TC_H_CLSACT, TC_H_MIN_INGRESS));
    auto out = count_filters(ifindex, TC_H_MAKE(TC_H_CLSACT, TC_H_MIN_EGRESS));
    if (!in || !out || *in != 0 || *out != 0) return Ok{};  // others use it now: it stays
    bpf_tc_hook both = clsact_hook(ifindex, static_cast<bpf_tc_attach_point>(BPF_TC_INGRESS | BPF_TC_EGRESS));
    bpf_tc_hook_destroy(&both);
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
    bpf_tc_hook egress = clsact_hook(static_cast<int>(card.ifindex), BPF_TC_EGRESS);
    bpf_tc_opts options = {};
    options.sz = sizeof(options);
    options.prog_fd = program;
    options.handle = card.filter_handle;
    options.priority = card.filter_priority;
    options.flags = BPF_TC_F_REPLACE;
    const int replaced = bpf_tc_attach(&egress, &options);
    if (replaced != 0) return system_error("replacing the clsact egress filter", replaced);
    return Ok{};
}

Result<Ok> pin_link(const Fd& link, const std::string& path) {
    if (bpf_obj_pin(link.get(), path.c_str()) != 0) return system_error("pinning " + path, errno);
    return Ok{};
}

}  // namespace edgefw::kernel
