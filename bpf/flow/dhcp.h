// SPDX-License-Identifier: GPL-2.0-only
// Which packets of DHCP belong to the host's own clients (docs/semantics.md, "The host's own DHCP").
// bpf/flow/builtins.h asks. Addresses are those on the wire: a packet that a built-in rule passes is not translated.
#pragma once

#include "bpf/frame/dissect_transport.h"
#include "bpf/maps.h"

#include <bpf/bpf_endian.h>

#define DHCP_SERVER 67
#define DHCP_CLIENT 68
#define DHCPV6_CLIENT 546
#define DHCPV6_SERVER 547
#define DHCPV6_GROUP_HIGH 0xff020000u  // ff02::1:2, all relay agents and servers
#define DHCPV6_GROUP_LOW 0x00010002u
#define IPV6_LINK_LOCAL 0xfe800000u
#define IPV6_LINK_LOCAL_MASK 0xffc00000u
#define LIMITED_BROADCAST 0xffffffffu
#define FAMILY_INET 2  // AF_INET, which sys/socket.h has

// RFC 2131 section 2.
struct dhcp_start {
    __u8 operation;
    __u8 hardware_type;
    __u8 hardware_length;
    __u8 hops;
    __be32 xid;
};
enum { DHCP_REQUEST = 1, DHCP_REPLY = 2 };

static __always_inline bool is_link_local_address(const __be32* address) {
    return (address[0] & bpf_htonl(IPV6_LINK_LOCAL_MASK)) == bpf_htonl(IPV6_LINK_LOCAL);
}

static __always_inline bool is_dhcpv6_group(const __be32* address) {
    return address[0] == bpf_htonl(DHCPV6_GROUP_HIGH) && (address[1] | address[2]) == 0 &&
           address[3] == bpf_htonl(DHCPV6_GROUP_LOW);
}

// Whether a packet of DHCPv6 belongs to a client of this link. No router forwards from or to an address of the link
// (RFC 4291 section 2.5.6).
static __always_inline bool is_own_dhcpv6(const struct flow* flow) {
    const __be32* source = HOOK == EDGEFW_RECEIVED ? flow->key6.remote : flow->key6.local;
    const __be32* destination = HOOK == EDGEFW_RECEIVED ? flow->key6.local : flow->key6.remote;

    if (flow->key6.local_port != bpf_htons(DHCPV6_CLIENT)) return false;
    // RFC 8415 section 7.2 says on which ports client and server listen, and not from which one a server sends.
    if (HOOK == EDGEFW_SENT && flow->key6.remote_port != bpf_htons(DHCPV6_SERVER)) return false;
    return is_link_local_address(source) && (is_link_local_address(destination) || is_dhcpv6_group(destination));
}

// Whether the kernel would not forward a packet that this card receives for `address`: because the address is its own,
// because this card forwards nothing, or because there is no route. A blackhole and its kin are nobody's address.
static __always_inline bool stays_here(CONTEXT* context, __be32 address, __be32 other) {
    struct bpf_fib_lookup question = {
        .family = FAMILY_INET, .ifindex = card_index(context), .ipv4_src = other, .ipv4_dst = address};
    const long answer = bpf_fib_lookup(context, &question, sizeof(question), 0);

    return answer == BPF_FIB_LKUP_RET_NOT_FWDED || answer == BPF_FIB_LKUP_RET_FWD_DISABLED;
}

// Whether the address is the host's. `explain` and the tests of a policy must answer alike on every host: they know no
// addresses.
static __always_inline bool is_own_address(CONTEXT* context, __be32 address, __be32 other) {
    return !config.record && stays_here(context, address, other);
}

static __always_inline bool read_xid(CONTEXT* context, const struct packet* packet, __u8 operation, __be32* xid) {
    struct dhcp_start copy;
    const struct dhcp_start* start = read(context, packet->transport + UDP_HEADER, &copy, sizeof(copy));

    if (!start || packet->transport_length < UDP_HEADER + sizeof(copy) || start->operation != operation) return false;
    *xid = start->xid;
    return true;
}

static __always_inline void note_xid(CONTEXT* context, const struct packet* packet) {
    const struct edgefw_dhcp_xid now = {bpf_ktime_get_ns()};
    __be32 xid;

    if (read_xid(context, packet, DHCP_REQUEST, &xid)) bpf_map_update_elem(&dhcp_xids, &xid, &now, BPF_ANY);
}

static __always_inline bool answers_xid(CONTEXT* context, const struct packet* packet) {
    const struct edgefw_dhcp_xid* asked;
    __be32 xid;

    if (!read_xid(context, packet, DHCP_REPLY, &xid)) return false;
    asked = bpf_map_lookup_elem(&dhcp_xids, &xid);
    return asked && bpf_ktime_get_ns() - asked->sent <= EDGEFW_DHCP_XID_SECONDS * NANOSECONDS;
}

static __always_inline bool is_own_request(CONTEXT* context, const struct flight* flight) {
    const struct flow* flow = &flight->flow;
    const bool is_sent_here = comes_from_host(context);
    const bool is_own = flow->key4.local == 0
                            ? flow->key4.remote == bpf_htonl(LIMITED_BROADCAST)
                            : is_sent_here && is_own_address(context, flow->key4.local, flow->key4.remote);

    if (is_own && is_sent_here) note_xid(context, &flight->packet);
    return is_own;
}

// Whether a received packet is for the host's own client. An offer goes to an address that the host does not have yet:
// its transaction id tells it.
static __always_inline bool is_own_answer(CONTEXT* context, const struct flight* flight) {
    const struct flow* flow = &flight->flow;
    const struct translation* by = &flight->translation;
    const __be32 destination = config.translates && by->nat ? by->public_address : flow->key4.local;

    return destination == bpf_htonl(LIMITED_BROADCAST) || is_own_address(context, destination, flow->key4.remote) ||
           answers_xid(context, &flight->packet);
}

// Whether a packet of UDP over IPv4, between the ports of client and server, belongs to the host's own client.
GLOBAL int is_own_dhcp(CONTEXT* context) {
    const struct flight* flight = fetch();

    if (!flight) return false;
    return HOOK == EDGEFW_SENT ? is_own_request(context, flight) : is_own_answer(context, flight);
}
