// SPDX-License-Identifier: GPL-2.0-only
#include "userspace/capture/link_type.h"

#include <algorithm>
#include <iterator>

#include "userspace/packet/capture_format.h"

namespace edgefw::capture {
namespace {

using namespace packet;

struct NamedLink {
    std::uint32_t number;
    const char* name;
    bool read;
};

constexpr NamedLink kLinkTypes[] = {
    {0, "NULL", false},
    {kLinkEthernet, "ETHERNET", true},
    {6, "IEEE802_5", false},
    {9, "PPP", false},
    {10, "FDDI", false},
    {kLinkRawOfLinux, "RAW", true},
    {14, "RAW of OpenBSD", false},
    {50, "PPP_HDLC", false},
    {51, "PPP_ETHER", false},
    {kLinkRaw, "RAW", true},
    {104, "C_HDLC", false},
    {105, "IEEE802_11", false},
    {108, "LOOP", false},
    {kLinkCooked, "LINUX_SLL", true},
    {117, "PFLOG", false},
    {127, "IEEE802_11_RADIOTAP", false},
    {147, "USER0", false},
    {166, "PPP_PPPD", false},
    {187, "BLUETOOTH_HCI_H4", false},
    {189, "USB_LINUX", false},
    {192, "PPI", false},
    {195, "IEEE802_15_4_WITHFCS", false},
    {220, "USB_LINUX_MMAPPED", false},
    {227, "CAN_SOCKETCAN", false},
    {kLinkIpv4, "IPV4", true},
    {kLinkIpv6, "IPV6", true},
    {239, "NFLOG", false},
    {247, "INFINIBAND", false},
    {249, "USBPCAP", false},
    {253, "NETLINK", false},
    {kLinkCooked2, "LINUX_SLL2", true},
};

const NamedLink* find(std::uint32_t link) {
    const auto found = std::find_if(std::begin(kLinkTypes), std::end(kLinkTypes),
                                    [&](const NamedLink& type) { return type.number == link; });
    return found == std::end(kLinkTypes) ? nullptr : found;
}

}  // namespace

bool is_read(std::uint32_t link) {
    const NamedLink* type = find(link);
    return type != nullptr && type->read;
}

std::string link_name(std::uint32_t link) {
    const NamedLink* type = find(link);
    return std::to_string(link) + (type == nullptr ? "" : " (" + std::string(type->name) + ")");
}

std::string link_types_read() {
    return "capture on an Ethernet card (-i eth0), on all cards (-i any), or on one whose packets begin with the IP "
           "header";
}

}  // namespace edgefw::capture
