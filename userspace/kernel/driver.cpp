// SPDX-License-Identifier: GPL-2.0-only
#include "userspace/kernel/driver.h"

#include <net/if.h>
// net/if.h before the kernel's: linux/if.h then leaves out what both define.
#include <linux/ethtool.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <linux/sockios.h>
#include <libmnl/libmnl.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <memory>
#include <vector>

#include "userspace/base/fd.h"
#include "userspace/kernel/ethtool.h"

namespace edgefw::kernel {
namespace {

// Feature bits of a virtio network device (VIRTIO 1.2, 5.1.3 and 6): linux/virtio_net.h is no C++.
enum VirtioFeature : unsigned {
    kMtu = 3,
    kGuestTso4 = 7,
    kGuestTso6 = 8,
    kGuestEcn = 9,
    kGuestUfo = 10,
    kMergedBuffers = 15,
    kRingReset = 40,
    kGuestUso4 = 54,
    kGuestUso6 = 55,
};

std::uint32_t mtu_of(const std::string& interface) {
    const Fd socket = Fd::own(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    ifreq answer = {};
    std::strncpy(answer.ifr_name, interface.c_str(), IFNAMSIZ - 1);
    const bool known = socket.valid() && ioctl(socket.get(), SIOCGIFMTU, &answer) == 0;
    return known ? static_cast<std::uint32_t>(answer.ifr_mtu) : 0;
}

// A virtio device is named by what it hangs on. /sys shows the buses of the whole machine, in every namespace.
std::string features_of(const std::string& address) {
    std::error_code error;
    for (const auto& device : std::filesystem::directory_iterator("/sys/bus/virtio/devices", error)) {
        const auto path = std::filesystem::canonical(device.path(), error);
        if (error || path.parent_path().filename() != address) continue;
        std::string features;
        std::ifstream(path / "features") >> features;
        return features;
    }
    return "";
}

bool has(const Driver& driver, VirtioFeature feature) {
    return feature < driver.virtio_features.size() && driver.virtio_features[feature] == '1';
}

// The largest MTU with which a driver takes a native program, where pages have 4 KiB.
struct MtuLimit {
    const char* driver;
    std::uint32_t mtu;
};
constexpr MtuLimit kMtuLimits[] = {
    {"igb", 3046}, {"igc", 1500}, {"vmxnet3", 3494}, {"ena", 3498}, {"hv_netvsc", 3506}, {"gve", 2032},
};

bool mentions(const std::string& text, std::initializer_list<const char*> words) {
    return std::any_of(words.begin(), words.end(), [&](const char* word) {
        return std::search(text.begin(), text.end(), word, word + std::strlen(word),
                           [](char a, char b) { return std::tolower(a) == std::tolower(b); }) != text.end();
    });
}

// What makes the driver take the program; empty: nothing is known to.
std::string what_helps(const Driver& driver, const std::string& said) {
    const auto* limit = std::find_if(std::begin(kMtuLimits), std::end(kMtuLimits),
                                     [&](const MtuLimit& each) { return driver.name == each.driver; });
    if (limit != std::end(kMtuLimits) && driver.mtu > limit->mtu) {
        return "`ip link set dev " + driver.interface + " mtu " + std::to_string(limit->mtu) + "` (it is " +
               std::to_string(driver.mtu) + " now)";
    }
    if (mentions(said, {"mtu", "jumbo", "frame size", "frags"}))
        return "a smaller MTU (it is " + std::to_string(driver.mtu) + " now)";
    if (mentions(said, {"lro", "gro_hw"}) && driver.name != "virtio_net")
        return "`ethtool -K " + driver.interface + " lro off rx-gro-hw off`";
    if (mentions(said, {"queue", "rings", "tx resources", "channel"}))
        return "another number of queues (`ethtool -l " + driver.interface + "` lists them, `ethtool -L` sets them)";
    return "";
}

// The buffers that the driver posts beside a program leave this much of a page to the first part of a frame.
constexpr std::uint32_t kFirstPart = 4096 - 256 - 320;
constexpr std::uint32_t kHeaders = 12 + 14 + 4;  // of virtio, Ethernet, a VLAN tag

}  // namespace

Driver read_driver(const std::string& interface) {
    Driver driver;
    driver.interface = interface;
    ethtool_drvinfo info = {};
    info.cmd = ETHTOOL_GDRVINFO;
    if (ethtool(interface, &info)) {
        driver.name.assign(info.driver, strnlen(info.driver, sizeof(info.driver)));
        if (driver.name == "virtio_net")
            driver.virtio_features = features_of({info.bus_info, strnlen(info.bus_info, sizeof(info.bus_info))});
    }
    driver.mtu = mtu_of(interface);
    return driver;
}

std::string unseen_by_native(const Driver& driver) {
    // Its way of receiving into large buffers that are not merged asks no XDP program.
    constexpr VirtioFeature kLarge[] = {kMtu, kGuestTso4, kGuestTso6, kGuestEcn, kGuestUfo, kGuestUso4, kGuestUso6};
    const bool large = std::any_of(std::begin(kLarge), std::end(kLarge), [&](auto bit) { return has(driver, bit); });
    if (driver.name == "virtio_net" && large && !has(driver, kMergedBuffers))
        return "the device merges no receive buffers (mrg_rxbuf), and virtio_net then shows a program no frame";
    // It takes the program and keeps it to itself when the backend leaves no headroom, and does not say which it was.
    if (driver.name == "vif") return "xen-netfront does not say whether it shows a program the frames";
    return "";
}

std::string words_of_refusal(int ifindex, int program, std::uint32_t flags) {
    const std::unique_ptr<mnl_socket, int (*)(mnl_socket*)> socket(mnl_socket_open(NETLINK_ROUTE), mnl_socket_close);
    int on = 1;
    if (!socket || mnl_socket_bind(socket.get(), 0, MNL_SOCKET_AUTOPID) < 0 ||
        mnl_socket_setsockopt(socket.get(), NETLINK_EXT_ACK, &on, sizeof(on)) < 0 ||
        mnl_socket_setsockopt(socket.get(), NETLINK_CAP_ACK, &on, sizeof(on)) < 0)
        return "";
    std::array<char, 512> buffer{};
    nlmsghdr* request = mnl_nlmsg_put_header(buffer.data());
    request->nlmsg_type = RTM_SETLINK;
    request->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
    auto* link = static_cast<ifinfomsg*>(mnl_nlmsg_put_extra_header(request, sizeof(ifinfomsg)));
    link->ifi_index = ifindex;
    nlattr* xdp = mnl_attr_nest_start(request, IFLA_XDP);
    mnl_attr_put_u32(request, IFLA_XDP_FD, static_cast<std::uint32_t>(program));
    mnl_attr_put_u32(request, IFLA_XDP_FLAGS, flags | XDP_FLAGS_UPDATE_IF_NOEXIST);
    mnl_attr_nest_end(request, xdp);
    if (mnl_socket_sendto(socket.get(), request, request->nlmsg_len) < 0) return "";

    std::vector<char> answer(1 << 13);
    const ssize_t size = mnl_socket_recvfrom(socket.get(), answer.data(), answer.size());
    const auto* header = reinterpret_cast<const nlmsghdr*>(answer.data());
    constexpr std::size_t kErrorSize = sizeof(nlmsgerr);
    if (size < static_cast<ssize_t>(NLMSG_HDRLEN + kErrorSize) || header->nlmsg_type != NLMSG_ERROR) return "";
    if (static_cast<const nlmsgerr*>(mnl_nlmsg_get_payload(header))->error == 0) {
        // What made it refuse the link is gone by now: the card is left as it was.
        mnl_attr_nest_cancel(request, xdp);
        xdp = mnl_attr_nest_start(request, IFLA_XDP);
        mnl_attr_put_u32(request, IFLA_XDP_FD, static_cast<std::uint32_t>(-1));
        mnl_attr_put_u32(request, IFLA_XDP_FLAGS, flags);
        mnl_attr_nest_end(request, xdp);
        static_cast<void>(mnl_socket_sendto(socket.get(), request, request->nlmsg_len));
        return "";
    }
    std::string words;
    if (header->nlmsg_flags & NLM_F_ACK_TLVS) {
        mnl_attr_parse(
            header, kErrorSize,
            [](const nlattr* attribute, void* to) {
                if (mnl_attr_get_type(attribute) == NLMSGERR_ATTR_MSG &&
                    mnl_attr_validate(attribute, MNL_TYPE_STRING) == 0)
                    *static_cast<std::string*>(to) = mnl_attr_get_str(attribute);
                return MNL_CB_OK;
            },
            &words);
    }
    std::replace(words.begin(), words.end(), '\n', ' ');
    return words;
}

std::string native_refusal(const Driver& driver, const std::string& said, int number) {
    const std::string helps = what_helps(driver, said);
    return driver.interface + (driver.name.empty() ? "" : " (" + driver.name + ")") +
           " does not take an XDP program in native mode: " + (said.empty() ? std::strerror(number) : said) + "; " +
           (helps.empty() ? "" : helps + ", or ") + "leave `--mode native` out, for the next best hook";
}

std::string renew_receive_buffers(const Driver& driver) {
    if (driver.name != "virtio_net" || driver.mtu + kHeaders <= kFirstPart) return "";
    ethtool_ringparam ring = {};
    ring.cmd = ETHTOOL_GRINGPARAM;
    if (has(driver, kRingReset) && ethtool(driver.interface, &ring)) {
        // A ring of another size is made anew; one of the same size is left as it is.
        const __u32 size = ring.rx_pending;
        ring.cmd = ETHTOOL_SRINGPARAM;
        ring.rx_pending = size / 2;
        const bool shrunk = ethtool(driver.interface, &ring);
        ring.rx_pending = size;
        if (shrunk && ethtool(driver.interface, &ring)) return "";
        if (shrunk)
            return driver.interface + " was left with receive rings of " + std::to_string(size / 2) + " buffers (" +
                   std::strerror(errno) + "); `ethtool -G " + driver.interface + " rx " + std::to_string(size) +
                   "` makes them what they were";
    }
    const std::string buffers = ring.rx_pending == 0 ? "a ring of" : std::to_string(ring.rx_pending);
    return driver.interface + " has an MTU of " + std::to_string(driver.mtu) +
           ", and virtio_net drops received jumbo frames until " + buffers +
           " buffers of each queue that were posted before the attach are used up (`ethtool -S`: xdp_drops); this "
           "device "
           "cannot renew them: let as many small frames come (`ping -f -c N` from a neighbour), or detach and attach "
           "before it receives jumbo frames";
}

}  // namespace edgefw::kernel
