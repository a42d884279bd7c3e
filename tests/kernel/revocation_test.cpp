// SPDX-License-Identifier: GPL-2.0-only
// Connections over a push: the first packet after it has its opener judged again, under the new policy.
#include <gtest/gtest.h>
#include <unistd.h>

#include "tests/kernel/test_run.h"

namespace edgefw::test {
namespace {

const std::string kSyn1 = "external inbound tcp 198.51.100.9:40000 > 192.0.2.20:443";
const std::string kAck1 = "external inbound tcp 198.51.100.9:40000 > 192.0.2.20:443 ack";
const std::string kReply1 = "external outbound tcp 192.0.2.20:443 > 198.51.100.9:40000 ack";

const char* const kWeb = R"(
rules:
- {name: web, side: external, direction: inbound, protocol: tcp, local_port: 443, action: pass}
)";

TEST(Revocation, WhatAPushDoesToAConnection) {
    const struct {
        const char* name;
        const char* next;  // the policy after kWeb
        const char* expected;
        const char* after;  // the packet after that
    } rows[] = {
        {"unchanged", kWeb, "pass connection web", "pass connection web"},
        {"no rule at all", "rules: []", "drop revoked", "drop default"},
        {"the default passes all", "default: pass", "pass connection", "pass connection"},
        {"another rule",
         "rules:\n- {name: dns, side: external, direction: inbound, protocol: udp, local_port: 53, action: pass}\n",
         "drop revoked", "drop default"},
        {"another rule passes it",
         "rules:\n- {name: tls, side: external, direction: inbound, protocol: tcp, local: 192.0.2.20, action: pass}\n",
         "pass connection tls", "pass connection tls"},
        {"a rule in front drops it",
         "rules:\n- {name: shut, side: external, protocol: tcp, remote: 198.51.100.9, action: drop}\n"
         "- {name: web, side: external, direction: inbound, protocol: tcp, local_port: 443, action: pass}\n",
         "drop revoked", "drop rule shut"},
        {"a rule in front drops what does not open",
         "rules:\n- {name: shut, side: external, protocol: tcp, tcp_flags: ack, action: drop}\n"
         "- {name: web, side: external, direction: inbound, protocol: tcp, local_port: 443, action: pass}\n",
         "pass connection web", "pass connection web"},
        {"only the other direction opens",
         "rules:\n- {name: web, side: external, direction: outbound, protocol: tcp, local_port: 443, action: pass}\n",
         "drop revoked", "drop default"},
        {"the default passes it", "default: {external: {inbound: pass}}", "pass connection", "pass connection"},
        {"state none passes it",
         "rules:\n- {name: web, side: external, direction: both, protocol: tcp, local_port: 443, state: none, action: "
         "pass}\n"
         "- {name: udp, side: external, protocol: udp, action: pass}\n",
         "pass connection web", "pass connection web"},
    };
    // Two connections: of one the opener's end is heard of first after the push, of the other the other end.
    const std::string second = "external inbound tcp 198.51.100.9:40001 > 192.0.2.20:443";
    const std::string reply = "external outbound tcp 192.0.2.20:443 > 198.51.100.9:40001 ack";
    for (const auto& row : rows) {
        TestRun run(kWeb);
        EXPECT_EQ(run.judge(kSyn1), "pass rule web opened");
        EXPECT_EQ(run.judge(second), "pass rule web opened");
        EXPECT_EQ(run.judge(reply), "pass connection web");
        run.push(std::string(row.next));
        for (const std::string& packet : {kAck1, reply}) {
            EXPECT_EQ(run.judge(packet), row.expected) << row.name << ": " << packet;
            EXPECT_EQ(run.judge(packet), row.after) << row.name << ": " << packet;
        }
    }
}

// For some time after a push a revoked connection is kept: each of its packets drops as one of it, and a policy that
// would have it lets it go on.
TEST(Revocation, KeptForAnotherPolicy) {
    for (const bool is_confirmed : {false, true}) {
        TestRun run(kWeb);
        run.judge(kSyn1);
        if (is_confirmed) {
            run.judge("external outbound tcp 192.0.2.20:443 > 198.51.100.9:40000 syn,ack");
            run.judge(kAck1);
        }
        run.retain(60);
        run.push(std::string("rules: []"));
        for (const std::string& packet : {kAck1, kReply1, kAck1})
            EXPECT_EQ(run.judge(packet), "drop revoked") << packet;
        EXPECT_EQ(run.judge(kSyn1), "drop default") << "an opener is not of it: the rules say why it drops";
        run.each_connection([&](const auto&, const edgefw_connection& connection) {
            EXPECT_TRUE(connection.is_revoked);
            EXPECT_EQ(connection.generation, 1u) << "it is of the policy that let it pass";
        });
        EXPECT_EQ(run.confirmed() + run.half_open(), 1u);
        run.push(std::string("rules: []"));
        EXPECT_EQ(run.judge(kAck1), "drop revoked") << "another one that would not have it";
        run.push(std::string(kWeb));
        EXPECT_EQ(run.judge(kAck1), "pass connection web");
        EXPECT_EQ(run.judge(kReply1), "pass connection web");
        run.each_connection(
            [&](const auto&, const edgefw_connection& connection) { EXPECT_FALSE(connection.is_revoked); });
        EXPECT_EQ(run.counter("web").connections, 1u) << "it was opened once";
    }
}

// Behind the time it is as if there were none.
TEST(Revocation, KeptForATimeOnly) {
    TestRun run(kWeb);
    run.judge(kSyn1);
    run.retain(4);  // a slow machine takes a second to load programs
    run.push(std::string("rules: []"));
    EXPECT_EQ(run.judge(kAck1), "drop revoked");
    EXPECT_EQ(run.half_open(), 1u);
    sleep(5);
    EXPECT_EQ(run.judge(kAck1), "drop revoked");
    EXPECT_EQ(run.half_open(), 0u);
    EXPECT_EQ(run.judge(kAck1), "drop default");
    run.push(std::string(kWeb));
    EXPECT_EQ(run.judge(kAck1), "drop default") << "it has ended";
}

// Its packets do not renew it.
TEST(Revocation, WhatIsKeptTimesOut) {
    TestRun run("timeouts: {tcp-established: 100}\n" + std::string(kWeb));
    run.judge(kSyn1);
    run.judge("external outbound tcp 192.0.2.20:443 > 198.51.100.9:40000 syn,ack");
    run.judge(kAck1);
    run.retain(60);
    run.push(std::string("timeouts: {tcp-established: 100}\nrules: []"));
    run.age(60);
    EXPECT_EQ(run.judge(kAck1), "drop revoked");
    run.age(60);
    EXPECT_EQ(run.judge(kAck1), "drop default");
    run.push("timeouts: {tcp-established: 100}\n" + std::string(kWeb));
    EXPECT_EQ(run.judge(kAck1), "drop default");
}

// An opener that the policy passes takes the place of the connection that is kept, of each protocol, from each end, and
// wherever that one lies.
TEST(Revocation, AnOpenerTakesThePlaceOfWhatIsKept) {
    const char* const kOut = R"(
rules:
- {name: out, side: external, direction: outbound, action: pass}
)";
    const char* const kIn = R"(
rules:
- {name: in, side: external, direction: inbound, action: pass}
)";
    const struct {
        const char* name;
        std::vector<const char*> before;  // under kIn
        const char* opener;
        const char* answer;
        const char* of_before;  // a packet of the connection before that opens nothing, under kOut; nullptr: none is
    } rows[] = {
        {"TCP, half open",
         {"external inbound tcp 198.51.100.9:40000 > 192.0.2.20:443"},
         "external outbound tcp 192.0.2.20:443 > 198.51.100.9:40000",
         "external inbound tcp 198.51.100.9:40000 > 192.0.2.20:443 syn,ack",
         "external inbound tcp 198.51.100.9:40000 > 192.0.2.20:443 ack"},
        {"TCP, confirmed",
         {"external inbound tcp 198.51.100.9:40000 > 192.0.2.20:443",
          "external outbound tcp 192.0.2.20:443 > 198.51.100.9:40000 syn,ack",
          "external inbound tcp 198.51.100.9:40000 > 192.0.2.20:443 ack"},
         "external outbound tcp 192.0.2.20:443 > 198.51.100.9:40000",
         "external inbound tcp 198.51.100.9:40000 > 192.0.2.20:443 syn,ack",
         "external inbound tcp 198.51.100.9:40000 > 192.0.2.20:443 ack"},
        {"UDP",
         {"external inbound udp 198.51.100.9:40000 > 192.0.2.20:53",
          "external outbound udp 192.0.2.20:53 > 198.51.100.9:40000"},
         "external outbound udp 192.0.2.20:53 > 198.51.100.9:40000",
         "external inbound udp 198.51.100.9:40000 > 192.0.2.20:53",
         "external inbound udp 198.51.100.9:40000 > 192.0.2.20:53"},
    };
    for (const auto& row : rows) {
        TestRun run{std::string(kIn)};
        for (const char* packet : row.before)
            run.judge(packet);
        run.retain(60);
        run.push(std::string(kOut));
        EXPECT_EQ(run.judge(row.of_before), "drop revoked") << row.name;
        EXPECT_EQ(run.judge(row.opener), "pass rule out opened") << row.name;
        EXPECT_EQ(run.judge(row.answer), "pass connection out") << row.name;
        EXPECT_EQ(run.confirmed() + run.half_open(), 1u) << row.name;
        // The policy before would not have this one.
        run.push(std::string(kIn));
        EXPECT_EQ(run.judge("external outbound tcp 192.0.2.20:443 > 198.51.100.9:40000 ack").substr(0, 4), "drop")
            << row.name;
    }
}

// A masqueraded connection that is kept keeps its public port: no other one gets it, and it goes on by it.
TEST(Revocation, WhatIsKeptKeepsItsPublicPort) {
    const std::string nat = R"(
nat:
- {name: out, type: masquerade, from: 10.0.0.0/24, as: 203.0.113.7, ports: 40000-40001}
rules:
)";
    TestRun run(nat + "- {name: all, side: external, direction: outbound, protocol: udp, action: pass}\n");
    EXPECT_EQ(run.judge("external outbound udp 10.0.0.6:40000 > 198.51.100.9:53"), "pass rule all via out opened");
    run.retain(60);
    run.push(nat +
             "- {name: some, side: external, direction: outbound, protocol: udp, local: 10.0.0.7, action: pass}\n");
    EXPECT_EQ(run.judge("external inbound udp 198.51.100.9:53 > 203.0.113.7:40000"), "drop revoked");
    EXPECT_EQ(run.judge("external outbound udp 10.0.0.7:40000 > 198.51.100.9:53"), "pass rule some via out opened");
    EXPECT_EQ(run.judge("external inbound udp 198.51.100.9:53 > 203.0.113.7:40001"), "pass connection some via out");
    run.push(nat + "- {name: all, side: external, direction: outbound, protocol: udp, action: pass}\n");
    EXPECT_EQ(run.judge("external inbound udp 198.51.100.9:53 > 203.0.113.7:40000"), "pass connection all via out");
    EXPECT_EQ(run.judge("external outbound udp 10.0.0.6:40000 > 198.51.100.9:53"), "pass connection all via out");
}

// A policy that opens no connections of a kind of protocol, and follows none that did, asks no table about it. What was
// learned shows it: after a push that is not told of that, the connection stays.
TEST(Revocation, NoTableIsAskedOfAKindThatNobodyOpens) {
    const struct {
        const char* kind;
        const char* opener;
        const char* reply;
        const char* rule;
    } rows[] = {
        {"tcp", "tcp 198.51.100.9:40000 > 192.0.2.20:443", "tcp 192.0.2.20:443 > 198.51.100.9:40000 ack", "6"},
        {"udp", "udp 198.51.100.9:40000 > 192.0.2.20:53", "udp 192.0.2.20:53 > 198.51.100.9:40000", "17"},
        {"icmp", "icmp 198.51.100.9 > 192.0.2.20 echo-request", "icmp 192.0.2.20 > 198.51.100.9 echo-reply", "1"},
        {"icmp6", "icmp6 2001:db8::9 > 2001:db8::20 echo-request", "icmp6 2001:db8::20 > 2001:db8::9 echo-reply", "58"},
        {"gre", "47 198.51.100.9 > 192.0.2.20", "47 192.0.2.20 > 198.51.100.9", "47"},
        {"sctp", "sctp 198.51.100.9:40000 > 192.0.2.20:53", "sctp 192.0.2.20:53 > 198.51.100.9:40000", "132"},
    };
    for (const auto& row : rows) {
        for (const auto& opens : rows) {
            const std::string policy =
                std::string("rules:\n- {name: one, side: external, direction: inbound, protocol: ") + opens.rule +
                ", remote: any, action: pass}\n";
            const std::string opener = std::string("external inbound ") + row.opener;
            const std::string reply = std::string("external outbound ") + row.reply;
            const std::string where = std::string(row.kind) + " under a rule for " + opens.kind;
            const auto kind = [](const std::string& name) {
                if (name == "icmp6") return std::string("icmp");
                return name == "sctp" ? std::string("gre") : name;
            };
            const bool is_asked = kind(row.kind) == kind(opens.kind);
            const bool passes = std::string(row.kind) == opens.kind;
            for (const bool knows : {false, true}) {
                TestRun run;
                EXPECT_EQ(run.judge(opener), "pass no-policy");
                EXPECT_EQ(run.half_open(), 1u) << where;
                if (!knows) run.hide_learned();
                run.push(policy);
                // A packet that may open a connection itself goes on to the rules when its own is revoked.
                const bool ends = (is_asked || knows) && kind(row.kind) != "udp" && kind(row.kind) != "gre";
                const char* const expected = passes ? "pass connection one" : ends ? "drop revoked" : "drop default";
                EXPECT_EQ(run.judge(reply), expected) << where;
                EXPECT_EQ(run.half_open(), passes || !(is_asked || knows) ? 1u : 0u) << where;
            }
        }
    }
}

// The kinds of the generations before are handed on: their connections end with their own reason.
TEST(Revocation, TheKindsOfOlderGenerationsAreAsked) {
    TestRun run(
        "rules:\n- {name: dns, side: external, direction: inbound, protocol: udp, local_port: 53, action: pass}\n");
    EXPECT_EQ(run.judge("external inbound udp 198.51.100.9:40000 > 192.0.2.20:53"), "pass rule dns opened");
    run.push(kWeb);
    run.push(kWeb);
    EXPECT_EQ(run.judge("external outbound udp 192.0.2.20:53 > 198.51.100.9:40000"), "drop revoked");
    EXPECT_EQ(run.half_open(), 0u);
}

// No longer than a connection lives: the longest timeout but TCP's is 600 s, and ten are for the push.
TEST(Revocation, TheKindsOfOlderGenerationsAreAskedForAsLongAsTheyLive) {
    const std::string keeps =
        "rules:\n- {name: dns, side: external, direction: inbound, protocol: udp, local_port: 53, action: pass}\n";
    const std::string passes =
        "rules:\n- {name: dns, side: external, direction: inbound, protocol: udp, local_port: 53, action: pass, "
        "state: none}\n";
    const auto reply_after = [&](const std::string& between, std::uint32_t seconds) {
        TestRun run(keeps);
        EXPECT_EQ(run.judge("external inbound udp 198.51.100.9:40000 > 192.0.2.20:53"), "pass rule dns opened");
        run.push(between);
        run.later(seconds);
        run.push(kWeb);
        run.push(kWeb);
        return run.judge("external outbound udp 192.0.2.20:53 > 198.51.100.9:40000");
    };
    EXPECT_EQ(reply_after(kWeb, 605), "drop revoked");
    EXPECT_EQ(reply_after(kWeb, 615), "drop default") << "no table is asked";
    EXPECT_EQ(reply_after(passes, 615), "drop revoked") << "it may have gone on until now";
}

TEST(Revocation, OfASyn) {
    TestRun run(kWeb);
    EXPECT_EQ(run.judge(kSyn1), "pass rule web opened");
    run.push(kWeb);
    EXPECT_EQ(run.judge(kSyn1), "pass connection web");
    run.push(
        std::string("rules:\n- {name: shut, side: external, protocol: tcp, action: drop}\n"
                    "- {name: udp, side: external, protocol: udp, action: pass}\n"));
    EXPECT_EQ(run.judge(kSyn1), "drop rule shut");
}

// What opened it had a VLAN, ECN's flags, a message type: it is judged again with them, whatever the next packet has.
TEST(Revocation, JudgesTheOpenerNotThePacket) {
    TestRun run("rules:\n- {name: seven, side: external, direction: inbound, vlan: 7, protocol: tcp, action: pass}\n");
    EXPECT_EQ(run.judge(kSyn1 + " syn vlan 7"), "pass rule seven opened");
    run.push(std::string(
        "rules:\n- {name: seven, side: external, direction: inbound, vlan: 7, protocol: tcp, action: pass}\n"));
    EXPECT_EQ(run.judge(kReply1 + " vlan 7"), "pass connection seven");
    run.push(std::string(
        "rules:\n- {name: eight, side: external, direction: inbound, vlan: 8, protocol: tcp, action: pass}\n"));
    EXPECT_EQ(run.judge(kAck1 + " vlan 8"), "drop default") << "of another VLAN";
    EXPECT_EQ(run.judge(kAck1 + " vlan 7"), "drop revoked");
}

TEST(Revocation, OfEchoesAndOtherProtocols) {
    const char* const rules =
        "rules:\n- {name: ping, side: external, direction: inbound, protocol: icmp, icmp: echo-request, action: pass}\n"
        "- {name: gre, side: external, direction: inbound, protocol: 47, action: pass}\n";
    const char* const request = "external inbound icmp 198.51.100.9 > 192.0.2.20 echo-request";
    const char* const reply = "external outbound icmp 192.0.2.20 > 198.51.100.9 echo-reply";
    const char* const gre = "external outbound 47 192.0.2.20 > 198.51.100.9";
    TestRun run{std::string(rules)};
    EXPECT_EQ(run.judge(request), "pass rule ping opened");
    EXPECT_EQ(run.judge("external inbound 47 198.51.100.9 > 192.0.2.20"), "pass rule gre opened");
    run.push(std::string(rules));
    EXPECT_EQ(run.judge(reply), "pass connection ping");
    EXPECT_EQ(run.judge(gre), "pass connection gre");
    run.push(kWeb);
    EXPECT_EQ(run.judge(reply), "drop revoked");
    EXPECT_EQ(run.judge(gre), "drop revoked");
    EXPECT_EQ(run.judge(reply), "drop default");
}

// The one that named it by set is gone, another set has the address: the opener passes still.
TEST(Revocation, OverIpv6AndSets) {
    const auto policy = [](const char* members) {
        return std::string("sets: {friends: [") + members +
               "]}\nrules:\n- {name: friends, side: external, direction: inbound, remote: $friends, protocol: udp, "
               "action: pass}\n";
    };
    const char* const there = "external inbound udp [2001:db8:9::9]:1 > [2001:db8::2]:53";
    const char* const back = "external outbound udp [2001:db8::2]:53 > [2001:db8:9::9]:1";
    TestRun run(policy("'2001:db8:9::/48'"));
    EXPECT_EQ(run.judge(there), "pass rule friends opened");
    run.push(policy("'2001:db8:9::9'"));
    EXPECT_EQ(run.judge(back), "pass connection friends");
    run.push(policy("'2001:db8:8::/48', 192.0.2.0/24"));
    EXPECT_EQ(run.judge(back), "drop revoked");
    EXPECT_EQ(run.judge(there), "drop default");
}

// Pushed twice in between: the opener is judged under the newest only.
TEST(Revocation, OnlyTheNewestPolicyCounts) {
    TestRun run(kWeb);
    EXPECT_EQ(run.judge(kSyn1), "pass rule web opened");
    run.push(std::string("rules: []"));
    run.push(kWeb);
    EXPECT_EQ(run.judge(kReply1), "pass connection web");
}

// What began before an entry was pushed that would translate it ends: it would leave untranslated for as long as it
// speaks. What no entry would translate goes on.
TEST(Revocation, WhatAPushWouldTranslate) {
    const std::string rules =
        "rules:\n"
        "- {name: out, side: external, direction: outbound, local: 10.0.0.0/8, action: pass}\n"
        "- {name: in, side: external, direction: inbound, protocol: udp, action: pass}\n";
    const std::string there = "external outbound udp 10.0.0.5:5060 > 198.51.100.9:5060";
    const std::string back = "external inbound udp 198.51.100.9:5060 > 10.0.0.5:5060";
    const struct {
        const char* name;
        const char* nat;
        std::string opener, next;
        const char* expected;
    } rows[] = {
        {"a masquerade", "- {name: all, type: masquerade, from: 10.0.0.0/8, as: 203.0.113.7}", there, there,
         "drop revoked"},
        {"asked by a reply", "- {name: all, type: masquerade, from: 10.0.0.0/8, as: 203.0.113.7}", there, back,
         "drop revoked"},
        {"of other hosts", "- {name: all, type: masquerade, from: 10.1.0.0/16, as: 203.0.113.7}", there, there,
         "pass connection out"},
        {"opened from outside", "- {name: all, type: masquerade, from: 10.0.0.0/8, as: 203.0.113.7}", back, there,
         "pass connection in"},
        {"a static entry", "- {name: all, type: static, public: 203.0.113.8, to: 10.0.0.5}", there, there,
         "drop revoked"},
        {"its public address", "- {name: all, type: static, public: 10.0.0.5, to: 10.0.0.6}", back, there,
         "drop revoked"},
        {"a port forward",
         "- {name: all, type: port-forward, public: 10.0.0.5, protocol: udp, public_port: 5060, to: 10.0.0.6}", back,
         there, "drop revoked"},
        {"of another port",
         "- {name: all, type: port-forward, public: 10.0.0.5, protocol: udp, public_port: 5061, to: 10.0.0.6}", back,
         there, "pass connection in"},
    };
    for (const bool learned : {false, true}) {
        for (const auto& row : rows) {
            TestRun run;
            if (!learned) run.push(rules);
            run.judge(row.opener);
            run.push("nat:\n" + std::string(row.nat) + "\n" + rules);
            // Learned, and asked by the end that was not seen first: that one may have opened it, and may now.
            const bool instead = learned && row.next != row.opener && row.expected == std::string("drop revoked");
            const char* const anew = row.next == back ? "pass rule in opened" : "pass rule out opened";
            EXPECT_EQ(run.judge(row.next), instead ? anew : row.expected) << row.name << (learned ? ", learned" : "");
        }
    }
}

}  // namespace
}  // namespace edgefw::test
