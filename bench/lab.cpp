// SPDX-License-Identifier: GPL-2.0-only
#include "bench/lab.h"

#include <linux/bpf.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <net/if.h>
#include <sched.h>
#include <sys/mount.h>

#include <cerrno>
#include <cstring>

#include "bench/command.h"

namespace edgefw::bench {
namespace {

Error system_failure(const char* operation) {
    const ErrorKind kind = errno == EPERM ? ErrorKind::kNotPermitted : ErrorKind::kFailed;
    return {kind, std::string("the benchmark's lab: ") + operation + ": " + std::strerror(errno)};
}

Result<Ok> leave_the_machine() {
    if (unshare(CLONE_NEWNET | CLONE_NEWNS) != 0) return system_failure("a namespace of its own (run it as root)");
    if (mount("none", "/sys", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) return system_failure("private mounts");
    if (mount("bpf", "/sys/fs/bpf", "bpf", 0, nullptr) != 0) return system_failure("mounting a bpffs");
    return Ok{};
}

}  // namespace

Result<Lab> Lab::enter() {
    if (auto left = leave_the_machine(); !left) return left.error();
    // The receiver has the address that packet::frame() writes. GRO makes veth poll without an XDP program too.
    const std::vector<std::vector<std::string>> commands = {
        {"ip", "link", "add", kSender, "type", "veth", "peer", "name", kReceiver, "address", "02:00:5e:00:53:02"},
        {"ip", "link", "set", kSender, "up"},
        {"ip", "link", "set", kReceiver, "up"},
        {"ip", "link", "set", "lo", "up"},
        {"ethtool", "-K", kReceiver, "gro", "on"},
        {"sysctl", "-qw", "net.ipv4.conf.all.rp_filter=0", std::string("net.ipv4.conf.") + kReceiver + ".rp_filter=0"},
    };
    for (const auto& command : commands) {
        if (auto ran = run(command); !ran) return ran.error();
    }
    Lab lab;
    lab.sender_ = static_cast<int>(if_nametoindex(kSender));
    lab.receiver_ = static_cast<int>(if_nametoindex(kReceiver));
    return lab;
}

Result<Fd> Lab::attach_xdp(int program) const {
    const int link = bpf_link_create(program, receiver_, BPF_XDP, nullptr);
    if (link < 0) return system_failure("attaching a program");
    return Fd::own(link);
}

Result<std::uint32_t> Lab::xdp_program() const {
    __u32 id = 0;
    if (bpf_xdp_query_id(receiver_, 0, &id) != 0 || id == 0) return failed("no XDP program is attached");
    return id;
}

Result<std::uint64_t> Lab::received() const {
    auto text = run({"ethtool", "-S", kReceiver});
    if (!text) return text.error();
    const std::string name = "rx_queue_0_xdp_packets: ";
    const std::size_t at = text->find(name);
    if (at == std::string::npos) return failed("ethtool does not count what the veth received");
    return std::strtoull(text->c_str() + at + name.size(), nullptr, 10);
}

}  // namespace edgefw::bench
