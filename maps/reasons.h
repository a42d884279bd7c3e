// SPDX-License-Identifier: GPL-2.0-only
// Why a packet ended as it did. Every packet ends in exactly one of these; the sum over them is the packets seen.
// The one list for the data path, the command line, the metrics and docs/reasons.md:
//   X(identifier, text name, verdict it goes with, one sentence)
// where the verdict is PASS, DROP or EITHER. Numbers are positions: append only within one ABI version.
#pragma once

#define EDGEFW_REASONS(X)                                                                                              \
    X(NO_POLICY, "no-policy", PASS, "The card is attached and no policy is pushed: everything passes and is counted.") \
    X(RULE, "rule", EITHER, "The first rule that matches decided.")                                                    \
    X(CONNECTION, "connection", PASS, "The packet belongs to a known connection and counts for its rule.")             \
    X(DEFAULT, "default", EITHER, "No rule matched: the default of this side and direction decided.")                  \
    X(BUILTIN, "builtin", PASS, "A built-in rule passed it (ARP, neighbour discovery, DHCP client, ...).")             \
    X(FRAGMENT, "fragment", PASS, "A later fragment whose first fragment has passed.")                                 \
    X(REVOKED, "revoked", DROP,                                                                                        \
      "Its connection was opened under an older policy, and the policy in force would not open it.")                   \
    X(CONNECTION_TABLE, "connection-table", DROP,                                                                      \
      "The kernel could not store the connection that a rule would have opened.")                                      \
    X(NO_GENERATION, "no-generation", DROP, "The entry program found no program to judge with.")                       \
    X(TRANSLATE_FAILED, "translate-failed", DROP, "The kernel refused to write the translated address or checksum.")   \
    X(MALFORMED_ETHERNET, "malformed-ethernet", DROP, "Frame shorter than its Ethernet header or VLAN tag.")           \
    X(VLAN_DEPTH, "vlan-depth", DROP, "More than two VLAN tags.")                                                      \
    X(UNSUPPORTED_ETHERTYPE, "unsupported-ethertype", DROP, "Neither IPv4 nor IPv6, and no rule names its ethertype.") \
    X(MALFORMED_IPV4, "malformed-ipv4", DROP,                                                                          \
      "IPv4 header truncated, of a wrong version or length, or with broken options.")                                  \
    X(IPV4_SOURCE_ROUTE, "ipv4-source-route", DROP,                                                                    \
      "IPv4 loose or strict source route option (RFC 7126 section 4.3, 4.4).")                                         \
    X(MALFORMED_IPV6, "malformed-ipv6", DROP, "IPv6 header truncated, of a wrong version or length.")                  \
    X(MALFORMED_EXTENSION, "malformed-extension", DROP, "IPv6 extension header truncated or out of place.")            \
    X(EXTENSION_DEPTH, "extension-depth", DROP, "More than eight IPv6 extension headers.")                             \
    X(IPV6_ROUTING_HEADER, "ipv6-routing-header", DROP,                                                                \
      "IPv6 routing header with segments left: of type 0 (RFC 5095), or segment routing from outside.")                \
    X(FRAGMENT_WITHOUT_FIRST, "fragment-without-first", DROP,                                                          \
      "A later fragment whose first fragment was not seen, or has dropped.")                                           \
    X(FRAGMENT_SHORT_FIRST, "fragment-short-first", DROP,                                                              \
      "A first fragment shorter than its transport header (RFC 8200 section 5, RFC 3128).")                            \
    X(FRAGMENT_OFFSET_ONE, "fragment-offset-one", DROP,                                                                \
      "A TCP fragment at offset 1 would overwrite the flags (RFC 1858).")                                              \
    X(FRAGMENT_OVERLONG, "fragment-overlong", DROP, "A fragment that ends beyond 65,535 bytes.")                       \
    X(MALFORMED_TCP, "malformed-tcp", DROP, "TCP header truncated or with a data offset out of range.")                \
    X(MALFORMED_UDP, "malformed-udp", DROP, "UDP header truncated or with a length that does not fit.")                \
    X(MALFORMED_ICMP, "malformed-icmp", DROP, "ICMP or ICMPv6 header truncated.")                                      \
    X(TCP_SEQUENCE, "tcp-sequence", DROP,                                                                              \
      "A TCP reset whose sequence number is not what the other end of its connection expects (RFC 5961).")             \
    X(ICMP_ERROR, "icmp-error", PASS,                                                                                  \
      "An ICMP error about a packet of a known connection: it counts for the connection's rule.")                      \
    X(ICMP_UNRELATED, "icmp-unrelated", DROP,                                                                          \
      "An ICMP error about a packet of no known connection, and no rule passes it.")                                   \
    X(NAT_PORTS, "nat-ports", DROP, "A masquerade has no public port left for the connection.")                        \
    X(NAT_COLLISION, "nat-collision", DROP,                                                                            \
      "Its connection would have the same ends inside as another one, which came by another public end.")              \
    X(NAT_UNTRACKED, "nat-untracked", DROP,                                                                            \
      "NAT by ports needs a connection: the packet belongs to none and opens none.")                                   \
    X(BUSY, "busy", DROP, "The program was judging another packet on this processor, which this one interrupted.")     \
    X(VLAN_COLLISION, "vlan-collision", DROP,                                                                          \
      "Its connection would have the same ends as another one, of another VLAN.")                                      \
    X(MARTIAN, "martian", DROP,                                                                                        \
      "Received on an external card from a source that nobody outside can have, or that is its own destination.")      \
    X(MALFORMED_TRANSPORT, "malformed-transport", DROP, "SCTP, DCCP or UDP-Lite header truncated.")

#define EDGEFW_REASON_ENUM(identifier, name, verdict, sentence) EDGEFW_REASON_##identifier,
enum edgefw_reason { EDGEFW_REASONS(EDGEFW_REASON_ENUM) EDGEFW_REASON_COUNT };
#undef EDGEFW_REASON_ENUM
