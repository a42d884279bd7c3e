// SPDX-License-Identifier: GPL-2.0-only
#include "userspace/kernel/down.h"

#include <net/if.h>
// net/if.h before the kernel's: linux/if.h then leaves out what both define.
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <cerrno>

#include "userspace/base/fd.h"
#include "userspace/kernel/errors.h"
#include "userspace/kernel/netlink.h"

namespace edgefw::kernel {
namespace {

Result<ifreq> read_flags(int socket, const std::string& interface) {
    ifreq request = {};
    interface.copy(request.ifr_name, sizeof(request.ifr_name) - 1);
    if (ioctl(socket, SIOCGIFFLAGS, &request) != 0) return system_error("reading the state of " + interface, errno);
    return request;
}

// Whether it was the other way before. By its index: a card may be renamed.
Result<bool> set_up(int ifindex, bool up) {
    const std::string interface = interface_name(ifindex);
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

// Readable when something about a card of this namespace has changed.
Fd listen_to_changes() {
    Fd changes = Fd::own(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE));
    sockaddr_nl links = {};
    links.nl_family = AF_NETLINK;
    links.nl_groups = RTMGRP_LINK;
    if (changes.valid() && bind(changes.get(), reinterpret_cast<const sockaddr*>(&links), sizeof(links)) != 0)
        return {};
    return changes;
}

// What has changed does not matter, only how the card is now. A full queue says ENOBUFS once, and goes on.
void wait_for_change(const Fd& changes) {
    constexpr int kMilliseconds = 100;  // after which it is looked all the same, also at whether it is over
    pollfd ready = {changes.get(), POLLIN, 0};
    poll(&ready, 1, kMilliseconds);
    char ignored[4096];
    while (recv(changes.get(), ignored, sizeof(ignored), 0) >= 0 || errno == ENOBUFS) {
    }
}

}  // namespace

Result<std::unique_ptr<Down>> Down::hold(const std::string& interface) {
    const auto found = find_interface(interface);
    if (!found) return found.error();
    std::unique_ptr<Down> down(new Down(found->index));
    Fd changes = listen_to_changes();
    if (!changes.valid()) return system_error("listening to changes of cards", errno);
    const auto was_up = set_up(found->index, false);
    if (!was_up) return was_up.error();
    down->is_wanted_ = *was_up;
    down->holder_ = std::thread([held = down.get(), changes = std::move(changes)] {
        while (!held->is_over_) {
            wait_for_change(changes);
            if (held->is_over_) return;
            if (const auto was_up = set_up(held->ifindex_, false); was_up && *was_up) held->is_wanted_ = true;
        }
    });
    return down;
}

Down::~Down() {
    stop();
}

void Down::stop() {
    is_over_ = true;
    if (holder_.joinable()) holder_.join();
}

Result<Ok> Down::release() {
    stop();
    if (!is_wanted_) return Ok{};
    const auto set = set_up(ifindex_, true);
    if (!set) return set.error();
    return Ok{};
}

}  // namespace edgefw::kernel
