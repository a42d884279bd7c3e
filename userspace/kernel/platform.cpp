// SPDX-License-Identifier: GPL-2.0-only
#include "userspace/kernel/platform.h"

#include <linux/capability.h>
#include <linux/magic.h>
#include <bpf/libbpf.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <fstream>
#include <iterator>

#include "userspace/kernel/pins.h"

namespace edgefw::kernel {
namespace {

int read_number(const char* path) {
    int value = -1;
    if (std::ifstream file(path); file) file >> value;
    return value;
}

// "none [integrity] confidentiality": the word in brackets.
std::string read_lockdown() {
    std::ifstream file("/sys/kernel/security/lockdown");
    const std::string text{std::istreambuf_iterator<char>(file), {}};
    const std::size_t begin = text.find('['), end = text.find(']');
    return begin < end && end != std::string::npos ? text.substr(begin + 1, end - begin - 1) : "";
}

std::uint64_t effective_capabilities() {
    std::ifstream file("/proc/self/status");
    std::string word;
    std::uint64_t capabilities = 0;
    while (file >> word) {
        if (word == "CapEff:") file >> std::hex >> capabilities;
    }
    return capabilities;
}

Bpffs read_bpffs() {
    Bpffs bpffs;
    struct statfs system = {};
    if (statfs(kBpffs, &system) != 0 || system.f_type != static_cast<decltype(system.f_type)>(BPF_FS_MAGIC))
        return bpffs;
    bpffs.is_mounted = true;
    struct stat root = {};
    if (stat(kBpffs, &root) == 0) bpffs.mode = root.st_mode & 07777;
    bpffs.is_writable = access(kBpffs, W_OK) == 0;
    if (const auto checked = check_bpffs(); !checked) bpffs.fault = checked.error().message;
    return bpffs;
}

}  // namespace

Platform read_platform() {
    Platform platform;
    utsname system = {};
    uname(&system);
    platform.release = system.release;
    platform.version = system.version;
    platform.machine = system.machine;
    platform.is_realtime =
        read_number("/sys/kernel/realtime") == 1 || platform.version.find("PREEMPT_RT") != std::string::npos;
    platform.has_btf = access("/sys/kernel/btf/vmlinux", F_OK) == 0;
    platform.jit = probe_jit();
    if (platform.jit == Presence::kUnknown) {
        const int enabled = read_number("/proc/sys/net/core/bpf_jit_enable");
        if (enabled >= 0) platform.jit = enabled == 0 ? Presence::kAbsent : Presence::kPresent;
    }
    platform.jit_harden = read_number("/proc/sys/net/core/bpf_jit_harden");
    platform.lockdown = read_lockdown();
    platform.libbpf_major = libbpf_major_version();
    platform.libbpf_minor = libbpf_minor_version();
    platform.bpffs = read_bpffs();
    platform.user = geteuid();
    const std::uint64_t capabilities = effective_capabilities();
    const auto has = [&](int number) { return (capabilities >> number & 1) != 0; };
    platform.may_administer = has(CAP_SYS_ADMIN);
    platform.may_configure_network = has(CAP_NET_ADMIN);
    if (!has(CAP_BPF) && !has(CAP_SYS_ADMIN)) platform.missing_capabilities.push_back("CAP_BPF");
    if (!has(CAP_NET_ADMIN)) platform.missing_capabilities.push_back("CAP_NET_ADMIN");
    if (!has(CAP_PERFMON) && !has(CAP_SYS_ADMIN)) platform.missing_capabilities.push_back("CAP_PERFMON");
    platform.forwards_ipv4 = read_number("/proc/sys/net/ipv4/ip_forward");
    platform.forwards_ipv6 = read_number("/proc/sys/net/ipv6/conf/all/forwarding");
    return platform;
}

}  // namespace edgefw::kernel
