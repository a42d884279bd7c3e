// SPDX-License-Identifier: GPL-2.0-only
#include "userspace/kernel/netlink.h"

#include <net/if.h>
// net/if.h before the kernel's: linux/if.h then leaves out what both define.
#include <linux/ethtool.h>
#include <linux/genetlink.h>
#include <linux/if_addr.h>
#include <linux/if_arp.h>
#include <linux/if_link.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/pkt_cls.h>
#include <linux/rtnetlink.h>
#include <libmnl/libmnl.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <functional>
#include <memory>
#include <optional>

#include "userspace/kernel/errors.h"
#include "userspace/kernel/ethtool.h"

namespace edgefw::kernel {
namespace {

using Message = std::function<void(const nlmsghdr*)>;

int deliver(const nlmsghdr* header, void* to) {
    (*static_cast<Message*>(to))(header);
    return MNL_CB_OK;
}

// Sends a request and hands every message of the answer to `each`.
Result<Ok> ask(nlmsghdr* request, Message each, int protocol = NETLINK_ROUTE) {
    const std::unique_ptr<mnl_socket, int (*)(mnl_socket*)> socket(mnl_socket_open(protocol), mnl_socket_close);
    if (!socket || mnl_socket_bind(socket.get(), 0, MNL_SOCKET_AUTOPID) < 0)
        return system_error("opening a netlink socket", errno);
    const unsigned port = mnl_socket_get_portid(socket.get());
    request->nlmsg_seq = 1;
    if (mnl_socket_sendto(socket.get(), request, request->nlmsg_len) < 0) return system_error("asking netlink", errno);
    std::vector<char> buffer(1 << 16);
    int more = MNL_CB_OK;
    while (more > MNL_CB_STOP) {
        const ssize_t size = mnl_socket_recvfrom(socket.get(), buffer.data(), buffer.size());
        if (size < 0) return system_error("reading netlink", errno);
        more = mnl_cb_run(buffer.data(), static_cast<std::size_t>(size), 1, port, deliver, &each);
        if (more < 0) return system_error("netlink", errno);
    }
    return Ok{};
}

template <typename Header>
nlmsghdr* start(std::array<char, 512>& buffer, std::uint16_t type, Header** header) {
    nlmsghdr* message = mnl_nlmsg_put_header(buffer.data());
    message->nlmsg_type = type;
    message->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
    *header = static_cast<Header*>(mnl_nlmsg_put_extra_header(message, sizeof(Header)));
    return message;
}

using Attribute = std::function<void(const nlattr*)>;

int deliver_attribute(const nlattr* attribute, void* to) {
    (*static_cast<Attribute*>(to))(attribute);
    return MNL_CB_OK;
}

std::uint32_t xdp_program_of(const nlattr* xdp) {
    std::uint32_t id = 0;
    Attribute each = [&](const nlattr* attribute) {
        if (mnl_attr_get_type(attribute) == IFLA_XDP_PROG_ID) id = mnl_attr_get_u32(attribute);
    };
    mnl_attr_parse_nested(xdp, deliver_attribute, &each);
    return id;
}

// Every mode has an attribute of its own; where one program is attached its id is in IFLA_XDP_PROG_ID, too.
std::vector<std::uint32_t> xdp_programs_of(const nlattr* xdp) {
    std::vector<std::uint32_t> ids;
    Attribute each = [&](const nlattr* attribute) {
        const int type = mnl_attr_get_type(attribute);
        if (type == IFLA_XDP_DRV_PROG_ID || type == IFLA_XDP_SKB_PROG_ID || type == IFLA_XDP_HW_PROG_ID)
            ids.push_back(mnl_attr_get_u32(attribute));
    };
    mnl_attr_parse_nested(xdp, deliver_attribute, &each);
    return ids;
}

std::string kind_of(const nlattr* link_info) {
    std::string kind;
    Attribute each = [&](const nlattr* attribute) {
        if (mnl_attr_get_type(attribute) == IFLA_INFO_KIND) kind = mnl_attr_get_str(attribute);
    };
    mnl_attr_parse_nested(link_info, deliver_attribute, &each);
    return kind;
}

// "02:00:00:00:00:01"
std::string address_text(const nlattr* attribute) {
    constexpr char kDigits[] = "0123456789abcdef";
    const auto* bytes = static_cast<const std::uint8_t*>(mnl_attr_get_payload(attribute));
    std::string text;
    for (std::size_t i = 0; i < mnl_attr_get_payload_len(attribute); i++) {
        if (i > 0) text += ':';
        text += {kDigits[bytes[i] >> 4], kDigits[bytes[i] & 15]};
    }
    return text;
}

Link link_of(const ifinfomsg* header, const nlmsghdr* message) {
    Link link;
    link.index = header->ifi_index;
    link.type = header->ifi_type;
    link.flags = header->ifi_flags;
    bool is_below_elsewhere = false;
    Attribute each = [&](const nlattr* attribute) {
        switch (mnl_attr_get_type(attribute)) {
            case IFLA_IFNAME:
                link.name = mnl_attr_get_str(attribute);
                break;
            case IFLA_ADDRESS:
                link.address = address_text(attribute);
                break;
            case IFLA_MTU:
                link.mtu = mnl_attr_get_u32(attribute);
                break;
            case IFLA_MASTER:
                link.master = static_cast<int>(mnl_attr_get_u32(attribute));
                break;
            case IFLA_LINK:
                link.below = static_cast<int>(mnl_attr_get_u32(attribute));
                break;
            case IFLA_LINK_NETNSID:
                is_below_elsewhere = true;
                break;
            case IFLA_LINKINFO:
                link.kind = kind_of(attribute);
                break;
            case IFLA_XDP:
                link.xdp_programs = xdp_programs_of(attribute);
                break;
        }
    };
    mnl_attr_parse(message, sizeof(*header), deliver_attribute, &each);
    // The two ends of a veth pair are each other's `below`.
    if (is_below_elsewhere || link.kind == "veth" || link.below == link.index) link.below = 0;
    return link;
}

Filter filter_of(const nlmsghdr* message) {
    Filter filter;
    Attribute option = [&](const nlattr* attribute) {
        if (mnl_attr_get_type(attribute) == TCA_BPF_ID) filter.program = mnl_attr_get_u32(attribute);
        if (mnl_attr_get_type(attribute) == TCA_BPF_NAME) filter.name = mnl_attr_get_str(attribute);
    };
    const nlattr* options = nullptr;
    Attribute each = [&](const nlattr* attribute) {
        if (mnl_attr_get_type(attribute) == TCA_KIND) filter.kind = mnl_attr_get_str(attribute);
        if (mnl_attr_get_type(attribute) == TCA_OPTIONS) options = attribute;
    };
    mnl_attr_parse(message, sizeof(tcmsg), deliver_attribute, &each);
    // What the numbers within mean is up to the kind.
    if (options != nullptr && filter.kind == "bpf") mnl_attr_parse_nested(options, deliver_attribute, &option);
    return filter;
}

Result<Ok> dump_filters(int ifindex, std::uint32_t parent, const Message& each) {
    std::array<char, 512> buffer{};
    tcmsg* header = nullptr;
    nlmsghdr* request = start(buffer, RTM_GETTFILTER, &header);
    header->tcm_family = AF_UNSPEC;
    header->tcm_ifindex = ifindex;
    header->tcm_parent = parent;
    return ask(request, each);
}

Result<Ok> dump_addresses(const std::function<void(const ifaddrmsg*, const nlmsghdr*)>& each) {
    std::array<char, 512> buffer{};
    ifaddrmsg* header = nullptr;
    nlmsghdr* request = start(buffer, RTM_GETADDR, &header);
    header->ifa_family = AF_UNSPEC;
    return ask(request, [&](const nlmsghdr* message) {
        each(static_cast<const ifaddrmsg*>(mnl_nlmsg_get_payload(message)), message);
    });
}

LeasedAddress leased_address(const ifaddrmsg* header, const nlmsghdr* message) {
    LeasedAddress own;
    const Family family = header->ifa_family == AF_INET ? Family::kIpv4 : Family::kIpv6;
    bool has_local = false;
    own.dynamic = !(header->ifa_flags & IFA_F_PERMANENT);
    Attribute each = [&](const nlattr* attribute) {
        const int type = mnl_attr_get_type(attribute);
        const auto* bytes = static_cast<const std::uint8_t*>(mnl_attr_get_payload(attribute));
        // On a point-to-point card IFA_ADDRESS is the other end.
        if (type == IFA_LOCAL || (type == IFA_ADDRESS && !has_local)) own.address = Address::from_bytes(family, bytes);
        has_local = has_local || type == IFA_LOCAL;
    };
    mnl_attr_parse(message, sizeof(*header), deliver_attribute, &each);
    own.interface = interface_name(static_cast<int>(header->ifa_index));
    return own;
}

CardAddress card_address(const ifaddrmsg* header, const nlmsghdr* message) {
    CardAddress card;
    const Family family = header->ifa_family == AF_INET ? Family::kIpv4 : Family::kIpv6;
    std::optional<Address> local, there;
    Attribute each = [&](const nlattr* attribute) {
        const auto* bytes = static_cast<const std::uint8_t*>(mnl_attr_get_payload(attribute));
        if (mnl_attr_get_type(attribute) == IFA_LOCAL) local = Address::from_bytes(family, bytes);
        if (mnl_attr_get_type(attribute) == IFA_ADDRESS) there = Address::from_bytes(family, bytes);
    };
    mnl_attr_parse(message, sizeof(*header), deliver_attribute, &each);
    card.index = static_cast<int>(header->ifa_index);
    card.address = local.value_or(there.value_or(Address{family}));
    card.network.length = header->ifa_prefixlen;
    card.network.address = there.value_or(card.address);
    const int host_bits = width_of(family) - card.network.length;
    card.network.address.value = host_bits >= 128 ? 0 : card.network.address.value >> host_bits << host_bits;
    return card;
}

// Returns the chains of nftables that translate, as "table/chain"; none where the kernel has no nftables.
std::vector<std::string> nat_chains() {
    std::vector<std::string> chains;
    std::array<char, 512> buffer{};
    nfgenmsg* header = nullptr;
    nlmsghdr* request = start(buffer, NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_GETCHAIN, &header);
    header->nfgen_family = AF_UNSPEC;
    header->version = NFNETLINK_V0;
    static_cast<void>(ask(
        request,
        [&](const nlmsghdr* message) {
            std::string table, name, type;
            Attribute each = [&](const nlattr* attribute) {
                if (mnl_attr_get_type(attribute) == NFTA_CHAIN_TABLE) table = mnl_attr_get_str(attribute);
                if (mnl_attr_get_type(attribute) == NFTA_CHAIN_NAME) name = mnl_attr_get_str(attribute);
                if (mnl_attr_get_type(attribute) == NFTA_CHAIN_TYPE) type = mnl_attr_get_str(attribute);
            };
            mnl_attr_parse(message, sizeof(nfgenmsg), deliver_attribute, &each);
            if (type == "nat") chains.push_back(table + "/" + name);
        },
        NETLINK_NETFILTER));
    return chains;
}

}  // namespace

bool Interface::is_ethernet() const {
    return type == ARPHRD_ETHER;
}

bool Interface::has_no_link_header() const {
    switch (type) {
        case ARPHRD_NONE:     // WireGuard, tun, xfrm
        case ARPHRD_PPP:      // its driver takes the PPP header off before tc ingress, and puts it on behind egress
        case ARPHRD_RAWIP:    // mobile modems
        case ARPHRD_TUNNEL:   // ipip
        case ARPHRD_TUNNEL6:  // ip6tnl
        case ARPHRD_SIT:
            return true;
        default:
            return false;
    }
}

Result<Interface> find_interface(const std::string& name) {
    std::array<char, 512> buffer{};
    ifinfomsg* header = nullptr;
    nlmsghdr* request = start(buffer, RTM_GETLINK, &header);
    header->ifi_family = AF_UNSPEC;
    Interface found;
    std::string names;
    auto asked = ask(request, [&](const nlmsghdr* message) {
        const auto* link = static_cast<const ifinfomsg*>(mnl_nlmsg_get_payload(message));
        Interface candidate{link->ifi_index, link->ifi_type, 0};
        std::string its_name;
        Attribute each = [&](const nlattr* attribute) {
            if (mnl_attr_get_type(attribute) == IFLA_IFNAME) its_name = mnl_attr_get_str(attribute);
            if (mnl_attr_get_type(attribute) == IFLA_XDP) candidate.xdp_program = xdp_program_of(attribute);
        };
        mnl_attr_parse(message, sizeof(*link), deliver_attribute, &each);
        if (its_name == name) found = candidate;
        names += (names.empty() ? "" : ", ") + its_name;
    });
    if (!asked) return asked.error();
    if (found.index == 0) return failed("no card named " + name + " in this network namespace; there are: " + names);
    return found;
}

std::string interface_name(int index) {
    char name[IF_NAMESIZE] = {};
    return if_indextoname(static_cast<unsigned>(index), name) != nullptr ? name : "";
}

bool takes_vlan_tags_off(const std::string& name) {
    ethtool_value flags = {ETHTOOL_GFLAGS, 0};
    return ethtool(name, &flags) && (flags.data & ETH_FLAG_RXVLAN) != 0;
}

bool hands_up_partial_checksums(const std::string& name) {
    ethtool_drvinfo driver = {};
    driver.cmd = ETHTOOL_GDRVINFO;
    if (!ethtool(name, &driver)) return true;
    for (const char* virtual_driver : {"veth", "virtio_net", "tun", "vif", "netfront", "hv_netvsc", "vmxnet3"}) {
        if (std::strncmp(driver.driver, virtual_driver, sizeof(driver.driver)) == 0) return true;
    }
    return false;
}

Result<int> count_filters(int ifindex, std::uint32_t parent) {
    int filters = 0;
    auto asked = dump_filters(ifindex, parent, [&](const nlmsghdr*) { filters++; });
    if (!asked) return asked.error();
    return filters;
}

Result<std::vector<Filter>> filters(int ifindex, std::uint32_t parent) {
    std::vector<Filter> found;
    auto asked = dump_filters(ifindex, parent, [&](const nlmsghdr* message) {
        // Before the filters of a priority comes a message of the priority itself.
        const auto* header = static_cast<const tcmsg*>(mnl_nlmsg_get_payload(message));
        if (header->tcm_handle != 0) found.push_back(filter_of(message));
    });
    if (!asked) return asked.error();
    return found;
}

Result<std::vector<Link>> links() {
    std::array<char, 512> buffer{};
    ifinfomsg* header = nullptr;
    nlmsghdr* request = start(buffer, RTM_GETLINK, &header);
    header->ifi_family = AF_UNSPEC;
    std::vector<Link> found;
    auto asked = ask(request, [&](const nlmsghdr* message) {
        found.push_back(link_of(static_cast<const ifinfomsg*>(mnl_nlmsg_get_payload(message)), message));
    });
    if (!asked) return asked.error();
    std::sort(found.begin(), found.end(), [](const Link& a, const Link& b) { return a.index < b.index; });
    return found;
}

bool has_netlink_family(const std::string& name) {
    std::array<char, 512> buffer{};
    genlmsghdr* header = nullptr;
    nlmsghdr* request = start(buffer, GENL_ID_CTRL, &header);
    request->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
    header->cmd = CTRL_CMD_GETFAMILY;
    header->version = 1;
    mnl_attr_put_strz(request, CTRL_ATTR_FAMILY_NAME, name.c_str());
    return static_cast<bool>(ask(
        request, [](const nlmsghdr*) {}, NETLINK_GENERIC));
}

Result<std::vector<CardAddress>> card_addresses() {
    std::vector<CardAddress> found;
    auto asked = dump_addresses([&](const ifaddrmsg* header, const nlmsghdr* message) {
        if (header->ifa_family != AF_INET && header->ifa_family != AF_INET6) return;
        if ((header->ifa_flags & IFA_F_DADFAILED) == 0) found.push_back(card_address(header, message));
    });
    if (!asked) return asked.error();
    return found;
}

Result<NetworkFacts> network_facts() {
    NetworkFacts network;
    auto asked = dump_addresses([&](const ifaddrmsg* header, const nlmsghdr* message) {
        if (header->ifa_family == AF_INET || header->ifa_family == AF_INET6)
            network.addresses.push_back(leased_address(header, message));
    });
    if (!asked) return asked.error();
    if (std::ifstream file("/proc/sys/net/ipv4/ip_local_port_range"); file)
        file >> network.first_local_port >> network.last_local_port;
    network.nat_chains = nat_chains();
    return network;
}

}  // namespace edgefw::kernel
