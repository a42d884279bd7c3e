// SPDX-License-Identifier: GPL-2.0-only
// Built-in rules: what a network needs to work at all passes, and what no network sends drops. X(identifier, policy
// key, rule id, PASS or DROP, one sentence). The key switches one off: `builtins: {dhcp: off}`. Bit n of
// edgefw_config.builtins is entry n.
#pragma once

#define EDGEFW_BUILTINS(X)                                                                                           \
    X(ARP, "arp", "builtin/arp", PASS, "ARP (RFC 826), with or without a VLAN tag.")                                 \
    X(ND, "nd", "builtin/nd", PASS,                                                                                  \
      "IPv6 neighbour and router discovery, ICMPv6 133-137, hop limit 255 only (RFC 4861).")                         \
    X(MLD, "mld", "builtin/mld", PASS,                                                                               \
      "Multicast listener discovery, ICMPv6 130-132 and 143, hop limit 1, link-local source (RFC 3810).")            \
    X(IGMP, "igmp", "builtin/igmp", PASS, "IGMP (RFC 3376), TTL 1 only.")                                            \
    X(LINK_LOCAL, "link-local", "builtin/link-local", PASS,                                                          \
      "LLDP, LACP, STP and their kin: frames to 01:80:c2:00:00:00-0f that are not IP (IEEE 802.1Q table 8-1).")      \
    X(DHCP, "dhcp", "builtin/dhcp", PASS,                                                                            \
      "The host's own DHCP client alone: sent UDP 68 to 67, received UDP 67 to 68 (RFC 2131).")                      \
    X(DHCPV6, "dhcpv6", "builtin/dhcpv6", PASS,                                                                      \
      "DHCPv6 clients of the link: sent UDP 546 to 547, received UDP to 546, link-local addresses only (RFC 8415).") \
    X(PPPOE, "pppoe", "builtin/pppoe", PASS, "PPPoE discovery and sessions (RFC 2516), whatever is inside.")         \
    X(EAPOL, "eapol", "builtin/eapol", PASS, "EAPOL, to and from any address of the link (IEEE 802.1X).")            \
    X(SEGMENT_ROUTING, "segment-routing", "builtin/segment-routing", DROP,                                           \
      "IPv6 with segments left to route that an external card receives (RFC 8754 section 5.1).")                     \
    X(MARTIAN, "martian", "builtin/martian", DROP,                                                                   \
      "What an external card receives from loopback, multicast, the host itself, a network inside (RFC 6890).")

#define EDGEFW_BUILTIN_ENUM(identifier, key, id, verdict, sentence) EDGEFW_BUILTIN_##identifier,
enum edgefw_builtin { EDGEFW_BUILTINS(EDGEFW_BUILTIN_ENUM) EDGEFW_BUILTIN_COUNT };
#undef EDGEFW_BUILTIN_ENUM
