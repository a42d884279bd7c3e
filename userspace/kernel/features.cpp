// SPDX-License-Identifier: GPL-2.0-only
#include "userspace/kernel/features.h"

#include <linux/bpf.h>
#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <sched.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <initializer_list>
#include <memory>
#include <thread>
#include <vector>

#include "userspace/base/fd.h"
#include "userspace/kernel/hooks.h"
#include "userspace/kernel/map.h"
#include "userspace/kernel/pins.h"
#include "userspace/kernel/program.h"

namespace edgefw::kernel {
namespace {

constexpr bpf_insn kReturnZero = {.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 0, .src_reg = 0, .off = 0, .imm = 0};
constexpr bpf_insn kExit = {.code = BPF_JMP | BPF_EXIT, .dst_reg = 0, .src_reg = 0, .off = 0, .imm = 0};

// Longer than the 4,096 instructions that every kernel takes.
constexpr std::size_t kLongProgram = 8192;

Presence presence(bool present, int number) {
    if (present) return Presence::kPresent;
    return number == EPERM ? Presence::kUnknown : Presence::kAbsent;
}

Fd load(bpf_prog_type type, const std::vector<bpf_insn>& instructions, std::uint32_t flags = 0) {
    LIBBPF_OPTS(bpf_prog_load_opts, options, .prog_flags = flags);
    return Fd::own(bpf_prog_load(type, "edgefw_probe", "GPL", instructions.data(), instructions.size(), &options));
}

Fd load_smallest(bpf_prog_type type) {
    return load(type, {kReturnZero, kExit});
}

Presence probe_program(bpf_prog_type type, const std::vector<bpf_insn>& instructions, std::uint32_t flags = 0) {
    errno = 0;
    const Fd program = load(type, instructions, flags);
    return presence(program.valid(), errno);
}

// libbpf takes every refusal but "unknown function" for a yes: it must be known that XDP programs load.
Presence probe_helpers(const Features& features, std::initializer_list<bpf_func_id> helpers) {
    if (features.xdp != Presence::kPresent) return features.xdp;
    const bool all = std::all_of(helpers.begin(), helpers.end(), [](bpf_func_id helper) {
        return libbpf_probe_bpf_helper(BPF_PROG_TYPE_XDP, helper, nullptr) == 1;
    });
    return all ? Presence::kPresent : Presence::kAbsent;
}

template <typename T>
Presence presence(const Result<T>& result) {
    if (result) return Presence::kPresent;
    return result.error().kind == ErrorKind::kNotPermitted ? Presence::kUnknown : Presence::kAbsent;
}

Presence probe_map(const MapSpec& spec) {
    return presence(Map::create(spec));
}

Presence probe_map_of_maps() {
    const Result<Map> inner = Map::create({"edgefw_probe", BPF_MAP_TYPE_ARRAY, 4, 4, 1});
    if (!inner) return presence(inner);
    return presence(Map::create_outer({"edgefw_probe", BPF_MAP_TYPE_ARRAY_OF_MAPS, 4, 4, 1}, *inner));
}

// A program that calls a global function with its context, from which the function reads: the verifier must know what
// the argument is, and knows it by the kernel's own BTF.
Presence probe_global_functions() {
    const std::unique_ptr<btf, void (*)(btf*)> types(btf__new_empty(), btf__free);
    if (!types) return Presence::kUnknown;
    const int number = btf__add_int(types.get(), "int", 4, BTF_INT_SIGNED);
    const int context = btf__add_ptr(types.get(), btf__add_struct(types.get(), "xdp_md", sizeof(xdp_md)));
    const int prototype = btf__add_func_proto(types.get(), number);
    btf__add_func_param(types.get(), "context", context);
    const int caller = btf__add_func(types.get(), "caller", BTF_FUNC_GLOBAL, prototype);
    const int callee = btf__add_func(types.get(), "callee", BTF_FUNC_GLOBAL, prototype);
    if (const int loaded = btf__load_into_kernel(types.get()); loaded < 0) return presence(false, -loaded);

    const std::vector<bpf_insn> instructions = {
        {.code = BPF_JMP | BPF_CALL, .dst_reg = 0, .src_reg = BPF_PSEUDO_CALL, .off = 0, .imm = 1},
        kExit,
        {.code = BPF_LDX | BPF_W | BPF_MEM,
         .dst_reg = BPF_REG_0,
         .src_reg = BPF_REG_1,
         .off = offsetof(xdp_md, ingress_ifindex),
         .imm = 0},
        kExit,
    };
    const bpf_func_info functions[] = {{0, static_cast<__u32>(caller)}, {2, static_cast<__u32>(callee)}};
    LIBBPF_OPTS(bpf_prog_load_opts, options, .prog_btf_fd = static_cast<__u32>(btf__fd(types.get())),
                .func_info = functions, .func_info_cnt = std::size(functions),
                .func_info_rec_size = sizeof(*functions));
    errno = 0;
    const Fd program = Fd::own(
        bpf_prog_load(BPF_PROG_TYPE_XDP, "edgefw_probe", "GPL", instructions.data(), instructions.size(), &options));
    return presence(program.valid(), errno);
}

// No card has index 0. A kernel that knows the hook looks for the card; one that does not refuses the request before.
Presence probe_tcx() {
    errno = 0;
    const Fd program = load_smallest(BPF_PROG_TYPE_SCHED_CLS);
    if (!program.valid()) return presence(false, errno);
    const Fd link = Fd::own(bpf_link_create(program.get(), 0, kTcxEgress, nullptr));
    return presence(errno == ENODEV, errno);
}

// Asks on the loopback card of a network namespace that ends with the thread.
Presence probe_clsact() {
    Presence found = Presence::kUnknown;
    std::thread probe([&found] {
        if (unshare(CLONE_NEWNET) != 0) return;
        const Fd program = load_smallest(BPF_PROG_TYPE_SCHED_CLS);
        if (!program.valid()) return;
        edgefw_card card = {};
        card.ifindex = 1;
        found = presence(attach_clsact(program.get(), card));
    });
    probe.join();
    return found;
}

}  // namespace

Features probe_features() {
    silence_libbpf();
    Features features;
    features.xdp = probe_program(BPF_PROG_TYPE_XDP, {kReturnZero, kExit});
    features.xdp_frags = probe_program(BPF_PROG_TYPE_XDP, {kReturnZero, kExit}, BPF_F_XDP_HAS_FRAGS);
    features.tc = probe_program(BPF_PROG_TYPE_SCHED_CLS, {kReturnZero, kExit});
    features.tcx = probe_tcx();
    if (features.tcx == Presence::kAbsent) features.clsact = probe_clsact();
    features.frame_access =
        probe_helpers(features, {BPF_FUNC_xdp_load_bytes, BPF_FUNC_xdp_store_bytes, BPF_FUNC_xdp_get_buff_len});
    features.loop = probe_helpers(features, {BPF_FUNC_loop});
    features.jiffies = probe_helpers(features, {BPF_FUNC_jiffies64});
    features.coarse_clock = probe_helpers(features, {BPF_FUNC_ktime_get_coarse_ns});
    features.global_functions = probe_global_functions();
    std::vector<bpf_insn> long_program(kLongProgram, kReturnZero);
    long_program.back() = kExit;
    features.long_programs = probe_program(BPF_PROG_TYPE_XDP, long_program);
    features.per_cpu_array = probe_map({"edgefw_probe", BPF_MAP_TYPE_PERCPU_ARRAY, 4, 8, 1});
    features.mmapable_array = probe_map({"edgefw_probe", BPF_MAP_TYPE_ARRAY, 4, 8, 1, BPF_F_MMAPABLE});
    features.lru_hash = probe_map({"edgefw_probe", BPF_MAP_TYPE_LRU_HASH, 4, 8, 1});
    features.lpm_trie = probe_map({"edgefw_probe", BPF_MAP_TYPE_LPM_TRIE, 8, 8, 1, BPF_F_NO_PREALLOC});
    features.prog_array = probe_map({"edgefw_probe", BPF_MAP_TYPE_PROG_ARRAY, 4, 4, 1});
    features.array_of_maps = probe_map_of_maps();
    features.netns_cookie = namespace_cookie() ? Presence::kPresent : Presence::kAbsent;
    return features;
}

Presence probe_jit() {
    silence_libbpf();
    const Fd program = load_smallest(BPF_PROG_TYPE_XDP);
    bpf_prog_info info = {};
    __u32 size = sizeof(info);
    if (!program.valid() || bpf_prog_get_info_by_fd(program.get(), &info, &size) != 0) return Presence::kUnknown;
    return info.jited_prog_len > 0 ? Presence::kPresent : Presence::kAbsent;
}

}  // namespace edgefw::kernel
