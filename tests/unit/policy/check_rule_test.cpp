#include "userspace/policy/check_rule.h"

#include "tests/unit/policy/language.h"

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
        {"", "state", R"("keep")"},
        {"state: none", "state", R"("none")"},
        {"", "table", "null"},
        {"", "where", R"("p:3:3")"},
    };
    for (const auto& row : rows)
        EXPECT_EQ(shown_rule(row.rest)[row.key].dump(), row.shown) << row.rest;
    EXPECT_EQ(shown_rule("", "drop")["state"], "none");
    for (const char* absent : {"vlan", "tcp_flags", "established", "icmp", "role"}) {
        EXPECT_FALSE(shown_rule("").contains(absent)) << absent;
    }
}

TEST(CheckRule, Errors) {
    const struct {
        const char* rest;
        const char* error;
    } rows[] = {
        {"acton: pass", "p:3:44: unknown key 'acton' in a rule; did you mean 'action'?"},
        {"direction: in", "p:3:55: 'in' is not a direction; write inbound, outbound or both"},
        {"protocol: sctp",
         "p:3:54: 'sctp' is not a protocol; write tcp, udp, icmp, icmp6, any, or a number from 0 to 255"},
        {"protocol: 256",
         "p:3:54: '256' is not a protocol; write tcp, udp, icmp, icmp6, any, or a number from 0 to 255"},
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
        {"local_port: 22", "p:3:56: ports go with `protocol: tcp` or `udp`"},
        {"protocol: icmp, remote_port: 22", "p:3:73: ports go with `protocol: tcp` or `udp`"},
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
        {"table: 9",
         "p:3:44: unknown key 'table' in a rule; write name, side, direction, protocol, local, remote, "
         "local_port, remote_port, tcp_flags, established, icmp, vlan, state, action or description"},
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

TEST(CheckRule, SetsOfOneFamily) {
    const std::string sets = "sets: {v6: 2001:db8::/32, mixed: [192.0.2.1, 2001:db8::1], none: []}\n";
    EXPECT_NE(errors_of(sets + one_rule("local: 192.0.2.1, remote: $v6")), "");
    EXPECT_EQ(errors_of(sets + one_rule("local: 192.0.2.1, remote: $mixed")), "");
    EXPECT_EQ(errors_of(sets + one_rule("local: 192.0.2.1, remote: $none")), "");
}

}  // namespace
}  // namespace edgefw::policy
