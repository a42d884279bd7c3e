// SPDX-License-Identifier: GPL-2.0-only
#include "userspace/kernel/privileges.h"

#include <linux/capability.h>
#include <linux/securebits.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstring>

namespace edgefw::kernel {
namespace {

constexpr std::uint64_t bit(int capability) {
    return std::uint64_t{1} << capability;
}

Error cannot_drop(const char* what) {
    return failed(std::string("cannot give up ") + what + ": " + std::strerror(errno) +
                  "; run it as root, or with CAP_BPF, CAP_NET_ADMIN and CAP_PERFMON alone");
}

struct Capabilities {
    __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
    __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {};
};

std::uint64_t kept(std::uint64_t permitted) {
    std::uint64_t wanted = bit(CAP_BPF) | bit(CAP_NET_ADMIN) | bit(CAP_PERFMON);
    if ((permitted & wanted) != wanted) wanted |= bit(CAP_SYS_ADMIN);
    return permitted & wanted;
}

// What a program that it starts could have. Without CAP_SETPCAP it stays what it is: no_new_privs is left.
Result<Ok> shrink_bounds(std::uint64_t keep, std::uint64_t permitted) {
    if ((permitted & bit(CAP_SETPCAP)) == 0) return Ok{};
    for (int capability = 0; prctl(PR_CAPBSET_READ, capability, 0, 0, 0) >= 0; ++capability) {
        if ((keep & bit(capability)) != 0) continue;
        if (prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) != 0) return cannot_drop("capabilities for good");
    }
    constexpr unsigned long kNoRoot = SECBIT_NOROOT | SECBIT_NOROOT_LOCKED | SECBIT_NO_SETUID_FIXUP |
                                      SECBIT_NO_SETUID_FIXUP_LOCKED | SECBIT_NO_CAP_AMBIENT_RAISE |
                                      SECBIT_NO_CAP_AMBIENT_RAISE_LOCKED;
    if (prctl(PR_SET_SECUREBITS, kNoRoot, 0, 0, 0) != 0) return cannot_drop("what comes with being root");
    return Ok{};
}

}  // namespace

Result<Ok> drop_privileges() {
    Capabilities own;
    if (syscall(SYS_capget, &own.header, own.data) != 0) return cannot_drop("capabilities");
    const std::uint64_t permitted = own.data[0].permitted | std::uint64_t{own.data[1].permitted} << 32;
    const std::uint64_t keep = kept(permitted);
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return cannot_drop("new privileges");
    if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) != 0) return cannot_drop("ambient capabilities");
    if (auto shrunk = shrink_bounds(keep, permitted); !shrunk) return shrunk;
    for (int i = 0; i < _LINUX_CAPABILITY_U32S_3; ++i) {
        own.data[i].effective = own.data[i].permitted = static_cast<std::uint32_t>(keep >> 32 * i);
        own.data[i].inheritable = 0;
    }
    if (syscall(SYS_capset, &own.header, own.data) != 0) return cannot_drop("capabilities");
    return Ok{};
}

}  // namespace edgefw::kernel
