// SPDX-License-Identifier: GPL-2.0-only
// The built-in rules of maps/builtins.h.
//
//   takes    the context and the flight
//   gives    enum edgefw_builtin, or NO_BUILTIN
//   before   track_first() (bpf/connection/track.h): a packet of a connection passes by that
//   after    decide (bpf/decide.h), or learn() (bpf/connection/adopt.h), which learns no packet that they pass
#pragma once

#include "bpf/flow/dhcp.h"
#include "bpf/frame/dissect.h"

#define ND_FIRST 133
#define ND_LAST 137
#define MLD_FIRST 130
#define MLD_LAST 132
#define MLD_V2_REPORT 143

static __always_inline bool is_on(enum edgefw_builtin builtin) {
    return config.builtins >> builtin & 1;
}

// The built-in rule that passes a frame which is not IP, or NO_BUILTIN.
static __always_inline enum edgefw_builtin builtin_of_link(const struct packet* packet) {
    if (packet->ethertype == bpf_htons(ETH_P_ARP)) return is_on(EDGEFW_BUILTIN_ARP) ? EDGEFW_BUILTIN_ARP : NO_BUILTIN;
    if (is_on(EDGEFW_BUILTIN_LINK_LOCAL) && packet->is_link_local) return EDGEFW_BUILTIN_LINK_LOCAL;
    if (is_on(EDGEFW_BUILTIN_PPPOE) &&
        (packet->ethertype == bpf_htons(ETH_P_PPP_DISC) || packet->ethertype == bpf_htons(ETH_P_PPP_SES)))
        return EDGEFW_BUILTIN_PPPOE;
    if (is_on(EDGEFW_BUILTIN_EAPOL) && packet->ethertype == bpf_htons(ETH_P_PAE)) return EDGEFW_BUILTIN_EAPOL;
    return NO_BUILTIN;
}

// Whether MLD may have this source: link-local, or unspecified while an address is being checked (RFC 3590).
static __always_inline bool is_mld_source(const struct flow* flow) {
    const __be32* source = HOOK == EDGEFW_RECEIVED ? flow->key6.remote : flow->key6.local;

    return is_link_local_address(source) || (source[0] | source[1] | source[2] | source[3]) == 0;
}

static __always_inline enum edgefw_builtin builtin_of_icmp6(const struct flight* flight) {
    const __u32 type = flight->flow.detail >> 8;
    const __u8 hop_limit = flight->packet.hop_limit;

    if (is_on(EDGEFW_BUILTIN_ND) && type >= ND_FIRST && type <= ND_LAST && hop_limit == 255) return EDGEFW_BUILTIN_ND;
    if (is_on(EDGEFW_BUILTIN_MLD) && ((type >= MLD_FIRST && type <= MLD_LAST) || type == MLD_V2_REPORT) &&
        hop_limit == 1 && is_mld_source(&flight->flow))
        return EDGEFW_BUILTIN_MLD;
    return NO_BUILTIN;
}

// The built-in rule that passes an IP packet, or NO_BUILTIN. Built-in rules pass unfragmented packets only.
static __always_inline enum edgefw_builtin builtin_of_packet(CONTEXT* context, const struct flight* flight) {
    const struct flow* flow = &flight->flow;
    const __u32 protocol = flow->protocol;

    if (protocol == IPPROTO_TCP || flight->packet.fragment != FRAGMENT_NONE) return NO_BUILTIN;
    if (flow->family == EDGEFW_IPV6) {
        if (protocol == PROTOCOL_ICMPV6) return builtin_of_icmp6(flight);
        if (is_on(EDGEFW_BUILTIN_DHCPV6) && protocol == IPPROTO_UDP && is_own_dhcpv6(flow))
            return EDGEFW_BUILTIN_DHCPV6;
        return NO_BUILTIN;
    }
    if (is_on(EDGEFW_BUILTIN_DHCP) && protocol == IPPROTO_UDP && flow->key4.local_port == bpf_htons(DHCP_CLIENT) &&
        flow->key4.remote_port == bpf_htons(DHCP_SERVER) && is_own_dhcp(context))
        return EDGEFW_BUILTIN_DHCP;
    if (is_on(EDGEFW_BUILTIN_IGMP) && protocol == IPPROTO_IGMP && flight->packet.hop_limit == 1)
        return EDGEFW_BUILTIN_IGMP;
    return NO_BUILTIN;
}
