#include "userspace/kernel/down.h"

#include <net/if.h>
// net/if.h before the kernel's: linux/if.h then leaves out what both define.
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <cerrno>

#include "userspace/kernel/errors.h"

namespace edgefw::kernel {
namespace {

Result<ifreq> read_flags(int socket, const std::string& interface) {
    ifreq request = {};
    interface.copy(request.ifr_name, sizeof(request.ifr_name) - 1);
    if (ioctl(socket, SIOCGIFFLAGS, &request) != 0) return system_error("reading the state of " + interface, errno);
    return request;
}

// Whether it was the other way before.
Result<bool> set_up(const std::string& interface, bool up) {
    const Fd socket = Fd::own(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    if (!socket.valid()) return system_error("opening a socket", errno);
    auto request = read_flags(socket.get(), interface);
    if (!request) return request.error();
    const auto flags = static_cast<unsigned short>(request->ifr_flags);
    if (((flags & IFF_UP) != 0) == up) return false;
    request->ifr_flags = static_cast<short>(up ? flags | IFF_UP : flags & ~IFF_UP);
    if (ioctl(socket.get(), SIOCSIFFLAGS, &*request) != 0)
        return system_error("setting " + interface + (up ? " up" : " down"), errno);
    return true;
}

}  // namespace

Result<Down> Down::hold(const std::string& interface) {
    Down down;
    down.interface_ = interface;
    down.changes_ = Fd::own(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE));
    sockaddr_nl links = {};
    links.nl_family = AF_NETLINK;
    links.nl_groups = RTMGRP_LINK;
    if (!down.changes_.valid() ||
        bind(down.changes_.get(), reinterpret_cast<const sockaddr*>(&links), sizeof(links)) != 0)
        return system_error("listening to changes of cards", errno);
    if (auto done = down.again(); !done) return done.error();
    return down;
}

Result<Ok> Down::again() {
    char ignored[4096];
    // What has changed does not matter, only how the card is now. A full queue says ENOBUFS once, and goes on.
    while (recv(changes_.get(), ignored, sizeof(ignored), 0) >= 0 || errno == ENOBUFS) {
    }
    const auto was_up = set_up(interface_, false);
    if (!was_up) return was_up.error();
    is_wanted_ = is_wanted_ || *was_up;
    return Ok{};
}

Result<Ok> Down::release() {
    if (!is_wanted_) return Ok{};
    const auto set = set_up(interface_, true);
    if (!set) return set.error();
    return Ok{};
}

}  // namespace edgefw::kernel
