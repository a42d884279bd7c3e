// SPDX-License-Identifier: GPL-2.0-only
#include "bench/router.h"

#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <linux/netlink.h>
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>

#include "bench/command.h"

namespace edgefw::bench {
namespace {

constexpr const char* kClient = "client0";
constexpr const char* kServer = "server0";
constexpr const char* kThisNamespace = "/proc/thread-self/ns/net";

Error system_failure(const char* operation) {
    return failed(std::string("the benchmark's router: ") + operation + ": " + std::strerror(errno));
}

Result<Fd> this_namespace() {
    const int fd = open(kThisNamespace, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return system_failure("its namespace");
    return Fd::own(fd);
}

// The addresses are those that packet::frame() writes.
Result<Ok> lay_cable(const char* card, const char* router_card, const Fd& router) {
    const std::string place = "/proc/" + std::to_string(getpid()) + "/fd/" + std::to_string(router.get());
    auto laid = run({"ip", "link", "add", card, "address", "02:00:5e:00:53:01", "type", "veth", "peer", "name",
                     router_card, "address", "02:00:5e:00:53:02", "netns", place});
    if (!laid) return laid.error();
    auto up = run({"ip", "link", "set", card, "addrgenmode", "none", "up"});
    if (!up) return up.error();
    return Ok{};
}

// A card with one neighbour, which needs not be asked for. GRO makes a veth take redirected frames without an XDP
// program too.
Result<Ok> set_up(const char* card, const char* address, const char* neighbour) {
    const std::vector<std::vector<std::string>> commands = {
        {"ip", "link", "set", card, "addrgenmode", "none", "up"},
        {"ip", "address", "add", address, "dev", card},
        {"ip", "neighbour", "add", neighbour, "lladdr", "02:00:5e:00:53:01", "dev", card, "nud", "permanent"},
        {"ethtool", "-K", card, "gro", "on"},
        {"sysctl", "-qw", std::string("net.ipv4.conf.") + card + ".rp_filter=0"},
    };
    for (const auto& command : commands) {
        if (auto ran = run(command); !ran) return ran.error();
    }
    return Ok{};
}

Result<Ok> set_up_router() {
    if (auto done = set_up(Router::kExternal, "198.51.100.1/24", "198.51.100.9"); !done) return done;
    if (auto done = set_up(Router::kInternal, "10.0.0.1/24", "10.0.0.5"); !done) return done;
    const std::vector<std::vector<std::string>> commands = {
        {"ip", "link", "set", "lo", "up"},
        {"ip", "route", "add", "default", "via", "198.51.100.9"},
        {"sysctl", "-qw", "net.ipv4.ip_forward=1", "net.ipv4.conf.all.rp_filter=0"},
    };
    for (const auto& command : commands) {
        if (auto ran = run(command); !ran) return ran.error();
    }
    return Ok{};
}

// Asks ctnetlink to delete with no filter: everything in this namespace.
Result<Ok> flush_conntrack() {
    struct {
        nlmsghdr header;
        nfgenmsg body;
    } request = {};
    request.header.nlmsg_len = sizeof(request);
    request.header.nlmsg_type = NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_DELETE;
    request.header.nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
    const Fd socket = Fd::own(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER));
    if (!socket.valid()) return system_failure("netlink");
    struct {
        nlmsghdr header;
        nlmsgerr error;
        char rest[256];
    } answer = {};
    if (send(socket.get(), &request, sizeof(request), 0) < 0 || recv(socket.get(), &answer, sizeof(answer), 0) < 0)
        return system_failure("ctnetlink");
    if (answer.header.nlmsg_type == NLMSG_ERROR && answer.error.error == 0) return Ok{};
    errno = -answer.error.error;
    return system_failure("emptying the conntrack table");
}

}  // namespace

Result<Router> Router::create(const Lab&) {
    Router router;
    auto home = this_namespace();
    if (!home) return home.error();
    router.home_ = std::move(*home);
    if (unshare(CLONE_NEWNET) != 0) return system_failure("a namespace of its own");
    auto made = this_namespace();
    if (setns(router.home_.get(), CLONE_NEWNET) != 0) return system_failure("the way back to the lab");
    if (!made) return made.error();
    router.namespace_ = std::move(*made);
    if (auto laid = lay_cable(kClient, kExternal, router.namespace_); !laid) return laid.error();
    if (auto laid = lay_cable(kServer, kInternal, router.namespace_); !laid) return laid.error();
    if (auto done = router.inside(set_up_router); !done) return done.error();
    router.client_ = static_cast<int>(if_nametoindex(kClient));
    router.server_ = static_cast<int>(if_nametoindex(kServer));
    return router;
}

Result<Ok> Router::inside(const std::function<Result<Ok>()>& work) const {
    if (setns(namespace_.get(), CLONE_NEWNET) != 0) return system_failure("entering it");
    auto done = work();
    if (setns(home_.get(), CLONE_NEWNET) != 0) return system_failure("leaving it");
    return done;
}

Result<Ok> Router::forget_conntrack() const {
    return inside(flush_conntrack);
}

Result<std::uint64_t> Router::conntrack_entries() const {
    std::uint64_t entries = 0;
    auto read = inside([&entries]() -> Result<Ok> {
        std::ifstream file("/proc/sys/net/netfilter/nf_conntrack_count");
        if (file >> entries) return Ok{};
        return failed("the kernel does not say how many connections it tracks");
    });
    if (!read) return read.error();
    return entries;
}

}  // namespace edgefw::bench
