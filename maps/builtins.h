// Built-in rules: what a network needs to work at all. X(identifier, policy key, rule id, one sentence).
// The key switches one off: `builtins: {dhcp: off}`. Bit n of edgefw_config.builtins is entry n.
#pragma once

#define EDGEFW_BUILTINS(X)                                                                                           \
    X(ARP, "arp", "builtin/arp", "ARP (RFC 826), with or without a VLAN tag.")                                       \
    X(ND, "nd", "builtin/nd", "IPv6 neighbour and router discovery, ICMPv6 133-137, hop limit 255 only (RFC 4861).") \
    X(MLD, "mld", "builtin/mld",                                                                                     \
      "Multicast listener discovery, ICMPv6 130-132 and 143, hop limit 1, link-local source (RFC 3810).")            \
    X(IGMP, "igmp", "builtin/igmp", "IGMP (RFC 3376), TTL 1 only.")                                                  \
    X(LINK_LOCAL, "link-local", "builtin/link-local",                                                                \
      "LLDP, LACP, STP and their kin: frames to 01:80:c2:00:00:00-0f that are not IP (IEEE 802.1Q table 8-1).")      \
    X(DHCP, "dhcp", "builtin/dhcp",                                                                                  \
      "The host's own DHCP client: sent UDP 68 to 67, received UDP 67 to 68 (RFC 2131).")                            \
    X(DHCPV6, "dhcpv6", "builtin/dhcpv6",                                                                            \
      "The host's own DHCPv6 client: sent UDP 546 to 547, received UDP 547 to 546 (RFC 8415).")

#define EDGEFW_BUILTIN_ENUM(identifier, key, id, sentence) EDGEFW_BUILTIN_##identifier,
enum edgefw_builtin { EDGEFW_BUILTINS(EDGEFW_BUILTIN_ENUM) EDGEFW_BUILTIN_COUNT };
#undef EDGEFW_BUILTIN_ENUM
