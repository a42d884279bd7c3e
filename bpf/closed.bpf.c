// SPDX-License-Identifier: GPL-2.0-only
// The programs of a closed card (maps/closed.h), at clsact ingress and egress. They are small, have no table and share
// nothing with the judging programs: whatever keeps a policy from being in force does not keep the card from being
// closed. They copy what they read. No packet that they pass depends on an earlier one.
#include "maps/closed.h"
#include "maps/config.h"
#include "maps/counters.h"

#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/pkt_cls.h>
#include <linux/tcp.h>
#include <linux/udp.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "GPL";

const volatile struct edgefw_closed closed = {};

struct {
    __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
    __uint(max_entries, EDGEFW_CLOSED_COUNTS);
    __type(key, __u32);
    __type(value, struct edgefw_reason_counter);
} counts SEC(".maps");

#define bool _Bool
#define true 1
#define false 0

#define DHCP_SERVER 67
#define DHCP_CLIENT 68
#define DHCPV6_CLIENT 546
#define DHCPV6_SERVER 547

#define ICMPV6 58
#define HOP_BY_HOP 0
#define HOP_BY_HOP_SIZE 8  // as MLD has it: a router alert and padding
#define UNREACHABLE 3
#define FRAGMENTATION_NEEDED 4
#define PACKET_TOO_BIG 2
#define MLD_FIRST 130
#define MLD_LAST 132
#define MLD_V2_REPORT 143
#define ND_FIRST 133
#define ND_LAST 137

#define FRAGMENT_BITS 0x3fff   // of the IPv4 header: more fragments, and the offset
#define ETHERTYPE_SLOW 0x8809  // LACP
#define ETHERTYPE_PAE 0x888e   // 802.1X
#define ETHERTYPE_LLDP 0x88cc
#define LINK_LOCAL 0xfe800000u
#define LINK_LOCAL_MASK 0xffc00000u
#define SHORTEST_ETHERTYPE 0x600  // below it is a length, and LLC follows: STP

// An IP header, of either family.
struct ip {
    __u32 family;                      // enum edgefw_family
    __be32 source[4], destination[4];  // IPv4 as edgefw_closed_network has it
    __u32 protocol;                    // of what follows at `next`
    __u32 hop_limit;
    __u32 next;
};

// The header of ICMP and ICMPv6. Behind its 8 bytes is the packet that an error quotes.
struct icmp {
    __u8 type, code;
    __be16 checksum;
    __be32 rest;
};

static __always_inline bool load(struct __sk_buff* context, __u32 offset, void* to, __u32 size) {
    return bpf_skb_load_bytes(context, offset, to, size) == 0;
}

// Reads the IPv4 header. False: the header is not whole, or the packet is a fragment.
static __always_inline bool read_ipv4(struct __sk_buff* context, __u32 offset, struct ip* ip) {
    struct iphdr header;

    if (!load(context, offset, &header, sizeof(header)) || header.version != 4 || header.ihl < 5) return false;
    if (header.frag_off & bpf_htons(FRAGMENT_BITS)) return false;
    ip->source[3] = header.saddr;
    ip->destination[3] = header.daddr;
    ip->family = EDGEFW_IPV4;
    ip->protocol = header.protocol;
    ip->hop_limit = header.ttl;
    ip->next = offset + header.ihl * 4;
    return true;
}

static __always_inline bool read_ipv6(struct __sk_buff* context, __u32 offset, struct ip* ip) {
    struct ipv6hdr header;

    if (!load(context, offset, &header, sizeof(header)) || header.version != 6) return false;
    __builtin_memcpy(ip->source, &header.saddr, sizeof(ip->source));
    __builtin_memcpy(ip->destination, &header.daddr, sizeof(ip->destination));
    ip->family = EDGEFW_IPV6;
    ip->protocol = header.nexthdr;
    ip->hop_limit = header.hop_limit;
    ip->next = offset + sizeof(header);
    return true;
}

static __always_inline bool is_named(const struct ip* ip, const __be32* address) {
    for (__u32 i = 0; i < EDGEFW_CLOSED_NETWORKS; i++) {
        const volatile struct edgefw_closed_network* network = &closed.network[i];
        __u32 difference = network->family ^ ip->family;

        if (i >= closed.networks) return false;
        for (int word = 0; word < 4; word++)
            difference |= (address[word] ^ network->address[word]) & network->mask[word];
        if (difference == 0) return true;
    }
    return false;
}

static __always_inline bool is_on_link(const __be32* address) {
    return (address[0] & bpf_htonl(LINK_LOCAL_MASK)) == bpf_htonl(LINK_LOCAL);
}

static __always_inline bool is_unspecified(const __be32* address) {
    return (address[0] | address[1] | address[2] | address[3]) == 0;
}

// A packet from a named network to the SSH server, or from the server to that network. The server opens no connection:
// a segment that it sends has ACK or RST.
static __always_inline bool is_ssh(struct __sk_buff* context, const struct ip* ip, __u32 hook) {
    struct tcphdr header;

    if (!load(context, ip->next, &header, sizeof(header))) return false;
    if (hook == EDGEFW_RECEIVED) return header.dest == bpf_htons(closed.ssh_port) && is_named(ip, ip->source);
    return header.source == bpf_htons(closed.ssh_port) && (header.ack || header.rst) && is_named(ip, ip->destination);
}

// A packet of DHCP. A request passes if the host itself sends it, and not another one for which it routes. A DHCPv6
// client's address is that of the link (RFC 8415 section 7.1). Nothing here says whose client an answer by IPv4 is for.
static __always_inline bool is_dhcp(struct __sk_buff* context, const struct ip* ip, __u32 hook) {
    const __u16 client = ip->family == EDGEFW_IPV4 ? DHCP_CLIENT : DHCPV6_CLIENT;
    const __u16 server = ip->family == EDGEFW_IPV4 ? DHCP_SERVER : DHCPV6_SERVER;
    struct udphdr header;

    if (hook == EDGEFW_SENT && context->ingress_ifindex != 0) return false;
    if (ip->family == EDGEFW_IPV6 && !is_on_link(hook == EDGEFW_SENT ? ip->source : ip->destination)) return false;
    if (!load(context, ip->next, &header, sizeof(header))) return false;
    if (hook == EDGEFW_SENT) return header.source == bpf_htons(client) && header.dest == bpf_htons(server);
    return header.source == bpf_htons(server) && header.dest == bpf_htons(client);
}

// A report that the path is too narrow for a packet of the SSH server to a named network. Any router may send it.
static __always_inline bool is_narrow_path(struct __sk_buff* context, const struct ip* ip) {
    const __u32 offset = ip->next + sizeof(struct icmp);
    struct ip quoted = {};
    __be16 port;

    if (ip->family == EDGEFW_IPV4 ? !read_ipv4(context, offset, &quoted) : !read_ipv6(context, offset, &quoted))
        return false;
    return quoted.protocol == IPPROTO_TCP && load(context, quoted.next, &port, sizeof(port)) &&
           port == bpf_htons(closed.ssh_port) && is_named(&quoted, quoted.destination);
}

static __always_inline bool passes_icmp4(struct __sk_buff* context, const struct ip* ip, __u32 hook) {
    struct icmp header;

    if (hook != EDGEFW_RECEIVED || !load(context, ip->next, &header, sizeof(header))) return false;
    return header.type == UNREACHABLE && header.code == FRAGMENTATION_NEEDED && is_narrow_path(context, ip);
}

// Neighbour discovery has crossed no router (RFC 4861). A report of multicast groups comes from the link, or from a
// host that has no address yet (RFC 3810 section 5.2.13).
static __always_inline bool passes_icmp6(struct __sk_buff* context, const struct ip* ip, __u32 hook) {
    struct icmp header;

    if (!load(context, ip->next, &header, sizeof(header))) return false;
    if (header.type >= ND_FIRST && header.type <= ND_LAST) return ip->hop_limit == 255;
    if ((header.type >= MLD_FIRST && header.type <= MLD_LAST) || header.type == MLD_V2_REPORT)
        return ip->hop_limit == 1 && (is_on_link(ip->source) || is_unspecified(ip->source));
    return hook == EDGEFW_RECEIVED && header.type == PACKET_TOO_BIG && is_narrow_path(context, ip);
}

static __always_inline bool passes_ipv4(struct __sk_buff* context, __u32 offset, __u32 hook) {
    struct ip ip = {};

    if (!read_ipv4(context, offset, &ip)) return false;
    if (ip.protocol == IPPROTO_TCP) return is_ssh(context, &ip, hook);
    if (ip.protocol == IPPROTO_UDP) return is_dhcp(context, &ip, hook);
    return ip.protocol == IPPROTO_ICMP && passes_icmp4(context, &ip, hook);
}

static __always_inline bool passes_ipv6(struct __sk_buff* context, __u32 offset, __u32 hook) {
    struct ip ip = {};

    if (!read_ipv6(context, offset, &ip)) return false;
    if (ip.protocol == HOP_BY_HOP) {
        struct {
            __u8 next, size, rest[6];
        } options;

        if (!load(context, ip.next, &options, sizeof(options)) || options.size != 0) return false;
        if (options.next != ICMPV6) return false;
        ip.protocol = ICMPV6;
        ip.next += HOP_BY_HOP_SIZE;
    }
    if (ip.protocol == IPPROTO_TCP) return is_ssh(context, &ip, hook);
    if (ip.protocol == IPPROTO_UDP) return is_dhcp(context, &ip, hook);
    return ip.protocol == ICMPV6 && passes_icmp6(context, &ip, hook);
}

// Whether the frame goes to a group that bridges never forward (IEEE 802.1Q table 8-1), and is of a kind that carries
// no IP.
static __always_inline bool is_link_control(const struct ethhdr* header) {
    const __u16 type = bpf_ntohs(header->h_proto);

    if (header->h_dest[0] != 0x01 || header->h_dest[1] != 0x80 || header->h_dest[2] != 0xc2) return false;
    if (header->h_dest[3] != 0 || header->h_dest[4] != 0 || header->h_dest[5] > 0x0f) return false;
    return type < SHORTEST_ETHERTYPE || type == ETHERTYPE_SLOW || type == ETHERTYPE_PAE || type == ETHERTYPE_LLDP;
}

// Whether the packet passes. What the kernel says of its protocol counts only where no header says it. A tag that the
// kernel has taken off is looked through; a frame that still has one drops.
static __always_inline bool passes(struct __sk_buff* context, __u32 hook) {
    struct ethhdr header;

    if (closed.link_layer != EDGEFW_ETHERNET) {
        if (context->protocol == bpf_htons(ETH_P_IP)) return passes_ipv4(context, 0, hook);
        return context->protocol == bpf_htons(ETH_P_IPV6) && passes_ipv6(context, 0, hook);
    }
    if (!load(context, 0, &header, sizeof(header))) return false;
    if (header.h_proto == bpf_htons(ETH_P_ARP)) return true;
    if (header.h_proto == bpf_htons(ETH_P_IP)) return passes_ipv4(context, sizeof(header), hook);
    if (header.h_proto == bpf_htons(ETH_P_IPV6)) return passes_ipv6(context, sizeof(header), hook);
    return is_link_control(&header);
}

static __always_inline int judge(struct __sk_buff* context, __u32 hook) {
    const bool pass = passes(context, hook);
    __u32 index = pass ? EDGEFW_CLOSED_PASSED : EDGEFW_CLOSED_DROPPED;
    struct edgefw_reason_counter* count = bpf_map_lookup_elem(&counts, &index);

    if (count) {
        count->packets += context->gso_segs > 1 ? context->gso_segs : 1;
        count->bytes += context->len;
    }
    return pass ? TC_ACT_UNSPEC : TC_ACT_SHOT;
}

// A packet that the host sends to a group it is a member of comes back here, without having been on a wire.
SEC("tc")
int closed_received(struct __sk_buff* context) {
    if (context->pkt_type == PACKET_LOOPBACK) return TC_ACT_UNSPEC;
    return judge(context, EDGEFW_RECEIVED);
}

SEC("tc")
int closed_sent(struct __sk_buff* context) {
    return judge(context, EDGEFW_SENT);
}
