// SPDX-License-Identifier: GPL-2.0-only
#include "userspace/check/check_rule.h"

#include "tests/unit/language/language.h"

namespace edgefw::policy {
namespace {

using testing::errors_of;
using testing::one_rule;
using testing::shown_rule;

TEST(CheckRule, ValuesAsShown) {
    const struct {
        const char* rest;
        const char* key;
        const char* shown;  // JSON
    } rows[] = {
        {"", "direction", R"("both")"},
        {"direction: inbound", "direction", R"("inbound")"},
        {"", "protocol", R"("any")"},
        {"protocol: any", "protocol", R"("any")"},
        {"protocol: 6", "protocol", R"("tcp")"},
        {"protocol: 47", "protocol", R"("47")"},
        {"", "local", R"("any")"},
        {"local: any", "local", R"("any")"},
        {"local: 192.0.2.1/32", "local", R"("192.0.2.1")"},
        {"local: [192.0.2.1]", "local", R"("192.0.2.1")"},
        {"local: [192.0.2.2, 192.0.2.1]", "local", R"(["192.0.2.1","192.0.2.2"])"},
        {"local: [192.0.2.0/24, 192.0.2.128-192.0.3.9]", "local", R"("192.0.2.0-192.0.3.9")"},
        {"local: [2001:db8::1, 192.0.2.1]", "local", R"(["192.0.2.1","2001:db8::1"])"},
        {"protocol: tcp, local_port: 22", "local_port", R"("22")"},
        {"protocol: udp, local_port: 50000-59999", "local_port", R"("50000-59999")"},
        {"protocol: udp, local_port: 0-65535", "local_port", R"("any")"},
        {"local_port: any", "local_port", R"("any")"},
        {"protocol: tcp, remote_port: [443, 80, 8000-8080, 8040-9000]", "remote_port", R"(["80","443","8000-9000"])"},
        {"protocol: tcp, state: none, tcp_flags: 'ack,!syn'", "tcp_flags", R"("!syn,ack")"},
        {"protocol: tcp, tcp_flags: [syn, '!ack']", "tcp_flags", R"("syn,!ack")"},
        {"protocol: tcp, state: none, established: true", "established", "true"},
        {"protocol: icmp, icmp: echo-request", "icmp", R"("echo-request")"},
        {"protocol: icmp6, icmp: [128, 3/1, 200]", "icmp", R"(["echo-request","3/1","200"])"},
        {"vlan: 4094", "vlan", "4094"},
        {"ethertype: macsec", "ethertype", R"("macsec")"},
        {"ethertype: 0x88E5", "ethertype", R"("macsec")"},
        {"ethertype: 1536", "ethertype", R"("0x0600")"},
        {"ethertype: 0xffff", "ethertype", R"("0xffff")"},
        {"ethertype: 802.3", "ethertype", R"("802.3")"},
        {"ethertype: [ptp, 802.3, 0x88f7, 0x88b5]", "ethertype", R"(["802.3","0x88b5","ptp"])"},
        {"ethertype: macsec, local: any, protocol: any", "state", R"("none")"},
        {"ethertype: macsec, vlan: 7", "vlan", "7"},
        {"", "state", R"("keep")"},
        {"state: none", "state", R"("none")"},
        {"", "table", "null"},
        {"", "where", R"("p:3:3")"},
    };
    for (const auto& row : rows)
        EXPECT_EQ(shown_rule(row.rest)[row.key].dump(), row.shown) << row.rest;
    EXPECT_EQ(shown_rule("", "drop")["state"], "none");
    for (const char* absent : {"vlan", "tcp_flags", "established", "icmp", "role", "ethertype"}) {
        EXPECT_FALSE(shown_rule("").contains(absent)) << absent;
    }
    for (const char* absent : {"protocol", "local", "local_port", "remote", "remote_port"}) {
        EXPECT_FALSE(shown_rule("ethertype: ptp").contains(absent)) << absent;
    }
}

TEST(CheckRule, Errors) {
    const struct {
        const char* rest;
        const char* error;
    } rows[] = {
        {"acton: pass", "p:3:44: unknown key 'acton' in a rule; did you mean 'action'?"},
        {"direction: in", "p:3:55: 'in' is not a direction; write inbound, outbound or both"},
        {"protocol: stcp",
         "p:3:54: 'stcp' is not a protocol; write tcp, udp, sctp, dccp, udp-lite, icmp, icmp6, any, or a number "
         "from 0 to 255"},
        {"protocol: 256",
         "p:3:54: '256' is not a protocol; write tcp, udp, sctp, dccp, udp-lite, icmp, icmp6, any, or a number "
         "from 0 to 255"},
        {"local: 192.0.2.9/24",
         "p:3:51: '192.0.2.9/24' has host bits set; the prefix is 192.0.2.0/24, the host alone 192.0.2.9"},
        {"local: lookup", "p:3:51: 'lookup' is neither an address nor a full host name (host.example.com)"},
        {"local: look-.example.com",
         "p:3:51: 'look-.example.com' is not a host name: labels have 1 to 63 letters, digits or '-', and all of it at "
         "most 253"},
        {"local: [any, 192.0.2.1]", "p:3:52: `any` stands alone: it is no member of a list or set"},
        {"local: []", "p:3:51: the list of addresses is empty; write an address, or any"},
        {"local: {a: b}", "p:3:51: an address is text, this is a mapping; write a host, a prefix or first-last"},
        {"remote: $offices", "p:3:52: no set is named 'offices'; define it under `sets:`"},
        {"local: 192.0.2.1, remote: 2001:db8::1",
         "p:3:70: this rule can never match: local and remote are of different families; write both in IPv4 or both in "
         "IPv6"},
        {"local_port: 22", "p:3:56: ports go with `protocol: tcp`, `udp`, `sctp`, `dccp` or `udp-lite`"},
        {"protocol: icmp, remote_port: 22",
         "p:3:73: ports go with `protocol: tcp`, `udp`, `sctp`, `dccp` or `udp-lite`"},
        {"protocol: tcp, local_port: 65536",
         "p:3:71: '65536' is not a port; write 0 to 65535, first-last, or a list of those"},
        {"protocol: tcp, local_port: '50,000-59,999'",
         "p:3:71: '50,000-59,999' is not a port; write 0 to 65535, first-last, or a list of those"},
        {"protocol: tcp, local_port: 90-80", "p:3:71: the port range '90-80' ends before it starts; write 80-90"},
        {"protocol: tcp, local_port: []", "p:3:71: the list of ports is empty; write a port, or any"},
        {"protocol: udp, tcp_flags: syn", "p:3:70: `tcp_flags:` goes with `protocol: tcp`"},
        {"protocol: tcp, state: none, tcp_flags: sin",
         "p:3:83: 'sin' is not a TCP flag; did you mean 'fin'? (!flag: clear)"},
        {"protocol: tcp, tcp_flags: 'syn,!syn'", "p:3:70: the flag 'syn' cannot be set and clear at once; keep one"},
        {"protocol: tcp, tcp_flags: ack",
         "p:3:70: this rule can never match: one that keeps state matches segments that open, SYN without ACK, RST and "
         "FIN; add `state: none`"},
        {"protocol: tcp, established: true",
         "p:3:72: `established: true` goes with `state: none`: a rule that keeps state passes replies by itself"},
        {"protocol: udp, state: none, established: true", "p:3:85: `established:` goes with `protocol: tcp`"},
        {"icmp: 8", "p:3:50: `icmp:` goes with `protocol: icmp` or `icmp6`"},
        {"protocol: icmp, icmp: 8/300",
         "p:3:66: '8/300' is not an ICMP type; write a number, TYPE/CODE, or a name (echo-reply, "
         "destination-unreachable, "
         "source-quench, redirect, echo-request, router-advertisement, router-solicitation, time-exceeded, "
         "parameter-problem, timestamp-request or timestamp-reply)"},
        {"protocol: icmp6, icmp: echo-reply",
         "p:3:67: this rule can never match: one that keeps state passes echo-reply with its request; add `state: "
         "none`"},
        {"vlan: 0", "p:3:50: '0' is not a VLAN id; write 1 to 4094"},
        {"vlan: 4095", "p:3:50: '4095' is not a VLAN id; write 1 to 4094"},
        {"state: kept", "p:3:51: 'kept' is not a state; write keep or none"},
        {"ethertype: foo",
         "p:3:55: 'foo' is not an ethertype; write a number such as 0x88b5, or a name (802.3, arp, wake-on-lan, rarp, "
         "mpls, pppoe-discovery, pppoe-session, eapol, lldp, macsec or ptp)"},
        {"ethertype: any",
         "p:3:55: 'any' is not an ethertype; write a number such as 0x88b5, or a name (802.3, arp, wake-on-lan, rarp, "
         "mpls, pppoe-discovery, pppoe-session, eapol, lldp, macsec or ptp)"},
        {"ethertype: 0x05ff", "p:3:55: the ethertype '0x05ff' is a length; write 802.3 for all frames that have one"},
        {"ethertype: 0x0800", "p:3:55: the ethertype '0x0800' is IP, of which rules without `ethertype:` are"},
        {"ethertype: [ptp, 34525]", "p:3:61: the ethertype '34525' is IP, of which rules without `ethertype:` are"},
        {"ethertype: 0x8100", "p:3:55: the ethertype '0x8100' is a VLAN tag; name what is behind it, and its `vlan:`"},
        {"ethertype: []", "p:3:55: the list of ethertypes is empty; leave `ethertype:` out for IP packets"},
        {"ethertype: ptp, local: 192.0.2.1",
         "p:3:67: `local:` is of IP packets, `ethertype:` of all other frames; make it two rules"},
        {"ethertype: ptp, protocol: tcp, local_port: 22",
         "p:3:70: `protocol:` is of IP packets, `ethertype:` of all other frames; make it two rules\n"
         "p:3:87: `local_port:` is of IP packets, `ethertype:` of all other frames; make it two rules"},
        {"ethertype: ptp, state: keep", "p:3:67: frames that are not IP have no connections; leave `state:` out"},
        {"table: 9",
         "p:3:44: unknown key 'table' in a rule; write name, side, direction, ethertype, protocol, local, remote, "
         "local_port, remote_port, tcp_flags, established, icmp, vlan, state, action, log or description"},
    };
    for (const auto& row : rows)
        EXPECT_EQ(errors_of(one_rule(row.rest)), row.error) << row.rest;
    EXPECT_EQ(errors_of(one_rule("state: keep", "drop")), "p:3:51: a drop rule keeps no state; leave `state:` out");
}

TEST(CheckRule, WhatARuleNeeds) {
    EXPECT_EQ(errors_of("rules:\n- {}\n"),
              "p:3:3: a rule needs `name:`, the identity that its counters and connections keep to\n"
              "p:3:3: a rule needs `side:`, external or internal\n"
              "p:3:3: a rule needs `action:`, pass or drop");
    EXPECT_EQ(errors_of("rules:\n- allow all\n"), "p:3:3: a rule is a mapping of `key: value`, this is 'allow all'");
    EXPECT_EQ(errors_of("rules:\n  ssh: {}\n"),
              "p:3:3: `rules:` is a list, this is a mapping; start each item with '- '");
}

TEST(CheckRule, Ids) {
    const struct {
        std::string name;
        const char* error;
    } rows[] = {
        {"a/b.c_D-9", ""},
        {"builtin/arp", "p:3:11: 'builtin/' belongs to the built-in rules; choose another name than 'builtin/arp'"},
        {"builtins", ""},
        {"a b",
         "p:3:11: the id 'a b' holds other characters than letters, digits, '.', '_' and '-' (and '/' between parts)"},
        {"/a", "p:3:11: the id '/a' has an empty part; write '/' between parts only"},
        {"a//b", "p:3:11: the id 'a//b' has an empty part; write '/' between parts only"},
        {"''", "p:3:11: a name cannot be empty"},
        {std::string(127, 'a'), ""},
        {std::string(128, 'a'),
         "p:3:11: the id 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa...' has 128 bytes; shorten it to 127"},
    };
    for (const auto& row : rows) {
        EXPECT_EQ(errors_of("rules:\n- { name: " + row.name + ", side: external, action: pass }\n"), row.error);
    }
    EXPECT_EQ(
        errors_of("rules:\n- {name: a, side: external, action: pass}\n- {name: a, side: internal, action: pass}\n"),
        "p:4:3: the id 'a' is taken by p:3:3; ids carry counters and must be unique, rename one");
}

// bpf/frame/dissect_ip.h walks through them; TEST(Dissect, ExtensionHeaders) is the data path's word.
TEST(CheckRule, Ipv6ExtensionHeadersAreNoProtocol) {
    const auto said = [](const std::string& rest) {
        const auto policy = testing::load_lines(one_rule(rest));
        if (!policy) return policy.error().message;
        return policy->warnings.empty() ? "" : policy->warnings.front();
    };
    for (const char* number : {"0", "43", "44", "51", "60", "135", "139", "140"}) {
        const std::string protocol = "protocol: " + std::string(number);
        const std::string why = std::string("in IPv6 ") + number +
                                " is an extension header, and rules see the protocol behind it; name that one";
        EXPECT_EQ(said(protocol + ", remote: 2001:db8::1"), "p:3:54: this rule can never match: " + why);
        EXPECT_EQ(said(protocol),
                  "p:3:3: the rule 'r' matches IPv4 alone: " + why + " in another rule, and IPv4 addresses in this");
        EXPECT_EQ(said(protocol + ", local: 192.0.2.1"), "") << "a protocol like any other";
    }
    for (const char* number : {"50", "59", "47", "132"})
        EXPECT_EQ(said("protocol: " + std::string(number) + ", remote: 2001:db8::1"), "") << number;
}

TEST(CheckRule, ProtocolsWithPorts) {
    for (const char* word : {"tcp", "udp", "sctp", "dccp", "udp-lite", "132", "33", "136"})
        EXPECT_EQ(errors_of(one_rule("protocol: " + std::string(word) + ", local_port: 2905, remote_port: [1, 5-9]")),
                  "")
            << word;
    for (const char* word : {"47", "50", "icmp", "131"})
        EXPECT_NE(errors_of(one_rule("protocol: " + std::string(word) + ", local_port: 2905")), "") << word;
}

TEST(CheckRule, SetsOfOneFamily) {
    const std::string sets = "sets: {v6: 2001:db8::/32, mixed: [192.0.2.1, 2001:db8::1], none: []}\n";
    EXPECT_NE(errors_of(sets + one_rule("local: 192.0.2.1, remote: $v6")), "");
    EXPECT_EQ(errors_of(sets + one_rule("local: 192.0.2.1, remote: $mixed")), "");
    EXPECT_EQ(errors_of(sets + one_rule("local: 192.0.2.1, remote: $none")), "");
}

}  // namespace
}  // namespace edgefw::policy
