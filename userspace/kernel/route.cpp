// SPDX-License-Identifier: GPL-2.0-only
#include "userspace/kernel/route.h"

#include <linux/rtnetlink.h>
#include <libmnl/libmnl.h>
#include <sys/socket.h>

#include <cstdint>
#include <memory>

namespace edgefw::kernel {
namespace {

int note_card(const nlattr* attribute, void* card) {
    if (mnl_attr_get_type(attribute) == RTA_OIF)
        *static_cast<int*>(card) = static_cast<int>(mnl_attr_get_u32(attribute));
    return MNL_CB_OK;
}

}  // namespace

int route_card(const Address& local, const Address& remote) {
    const std::unique_ptr<mnl_socket, int (*)(mnl_socket*)> socket(mnl_socket_open(NETLINK_ROUTE), mnl_socket_close);
    if (!socket || mnl_socket_bind(socket.get(), 0, MNL_SOCKET_AUTOPID) < 0) return 0;
    alignas(nlmsghdr) char request[512] = {};
    nlmsghdr* message = mnl_nlmsg_put_header(request);
    message->nlmsg_type = RTM_GETROUTE;
    message->nlmsg_flags = NLM_F_REQUEST;
    auto* header = static_cast<rtmsg*>(mnl_nlmsg_put_extra_header(message, sizeof(rtmsg)));
    const int bits = width_of(remote.family);
    header->rtm_family = remote.family == Family::kIpv4 ? AF_INET : AF_INET6;
    header->rtm_dst_len = header->rtm_src_len = static_cast<unsigned char>(bits);
    mnl_attr_put(message, RTA_DST, static_cast<std::size_t>(bits) / 8, remote.bytes().data());
    mnl_attr_put(message, RTA_SRC, static_cast<std::size_t>(bits) / 8, local.bytes().data());
    if (mnl_socket_sendto(socket.get(), message, message->nlmsg_len) < 0) return 0;
    alignas(nlmsghdr) char buffer[8192];
    const ssize_t size = mnl_socket_recvfrom(socket.get(), buffer, sizeof(buffer));
    const auto* answer = reinterpret_cast<const nlmsghdr*>(buffer);
    int card = 0;
    // No way: an error comes in its place.
    if (size <= 0 || !mnl_nlmsg_ok(answer, static_cast<int>(size)) || answer->nlmsg_type != RTM_NEWROUTE) return 0;
    mnl_attr_parse(answer, sizeof(rtmsg), note_card, &card);
    return card;
}

}  // namespace edgefw::kernel
