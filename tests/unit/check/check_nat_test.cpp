// SPDX-License-Identifier: GPL-2.0-only
#include "userspace/check/check_nat.h"

#include <netinet/in.h>

#include "tests/unit/language/language.h"
#include "userspace/document/document.h"

namespace edgefw::policy {
namespace {

using testing::errors_of;
using testing::load_lines;

// One forward to 10.0.0.5, `rest` being more keys.
std::string forward(const std::string& name, const std::string& rest) {
    return "- { name: " + name + ", type: port-forward, " + rest + " }\n";
}

TEST(CheckNat, EntriesAsShown) {
    const auto policy = load_lines(
        "nat:\n" +
        forward("web", "protocol: [tcp, udp], public: 203.0.113.7, public_port: 80, to: 10.0.0.5, to_port: 8080") +
        forward("mail", "protocol: tcp, public: 203.0.113.7, public_port: 25, to: 10.0.0.6"));
    ASSERT_TRUE(policy) << policy.error().message;
    const auto nat = document::write(*policy)["nat"];
    ASSERT_EQ(nat.size(), 3u);
    EXPECT_EQ(
        nat[0].dump(),
        R"({"id":"web/tcp","type":"port-forward","sides":["external"],"protocol":"tcp","public":"203.0.113.7","public_port":"80",)"
        R"("to":"10.0.0.5","to_port":"8080","profile":null,"document":null,"where":"p:3:3"})");
    EXPECT_EQ(nat[1]["id"], "web/udp");
    EXPECT_EQ(nat[2]["id"], "mail");
    EXPECT_EQ(nat[2]["to_port"], "25");
}

TEST(CheckNat, Errors) {
    const struct {
        const char* rest;
        const char* error;
    } rows[] = {
        {"protocol: icmp, public: 203.0.113.7, public_port: 80, to: 10.0.0.5",
         "p:3:46: 'icmp' is not a protocol of a port forward; write tcp or udp"},
        {"protocol: tcp, public: 2001:db8::1, public_port: 80, to: 10.0.0.5",
         "p:3:59: NAT is for IPv4; '2001:db8::1' is IPv6, which needs no NAT: pass it by a rule"},
        {"protocol: tcp, public: 203.0.113.0/24, public_port: 80, to: 10.0.0.5",
         "p:3:59: '203.0.113.0/24' is more than one address; write one host"},
        {"protocol: tcp, public: 203.0.113.7, public_port: 0, to: 10.0.0.5",
         "p:3:85: '0' is not a port or a range; write 1 to 65535, or first-last"},
        {"protocol: tcp, public: 203.0.113.7, public_port: 65535-65536, to: 10.0.0.5",
         "p:3:85: '65535-65536' is not a port or a range; write 1 to 65535, or first-last"},
        {"protocol: tcp, public: 203.0.113.7, public_port: 80-90, to: 10.0.0.5, to_port: 90-80",
         "p:3:115: the port range '90-80' ends before it starts; write 80-90"},
        {"protocol: tcp, public: 203.0.113.7, public_port: [80-90], to: 10.0.0.5", ""},
        {"protocol: tcp, public: 203.0.113.7, public_port: [80, 90], to: 10.0.0.5",
         "p:3:85: a list is not a port or a range first-last; write one entry for each range"},
        {"protocol: tcp, public: 203.0.113.7, public_port: 80-90, to: 10.0.0.5, to_port: 1-3",
         "p:3:115: there are 11 public ports and 3 of the target; write as many, or the first one alone"},
        {"protocol: tcp, public: 203.0.113.7, public_port: 80-90, to: 10.0.0.5, to_port: 80-80",
         "p:3:115: there are 11 public ports and 1 of the target; write as many, or the first one alone"},
        {"protocol: tcp, public: 203.0.113.7, public_port: 80-90, to: 10.0.0.5, to_port: [80-80]",
         "p:3:115: there are 11 public ports and 1 of the target; write as many, or the first one alone"},
        {"protocol: tcp, public: 203.0.113.7, public_port: 80, to: 10.0.0.5, to_port: 80-80", ""},
        {"protocol: tcp, public: 203.0.113.7, public_port: 80-90, to: 10.0.0.5, to_port: 65530",
         "p:3:115: a range of 11 ports from 65530 on ends beyond 65535"},
        {"protocol: tcp, public: 203.0.113.7, public_port: 80-90, to: 10.0.0.5, to_port: 65526",
         "p:3:115: a range of 11 ports from 65526 on ends beyond 65535"},
        {"protocol: tcp, public: 203.0.113.7, public_port: 80-90, to: 10.0.0.5, to_port: 65525", ""},
        {"protocol: tcp, public: 0.1.2.3, public_port: 80, to: 10.0.0.5",
         "p:3:59: '0.1.2.3' can be no host's address; write the address of a card"},
        {"protocol: tcp, public: 203.0.113.7, public_port: 80, to: 127.0.0.1",
         "p:3:93: '127.0.0.1' can be no host's address; write the address of a card"},
        {"protocol: tcp, public: 203.0.113.7, public_port: 80, to: 224.0.0.1",
         "p:3:93: '224.0.0.1' can be no host's address; write the address of a card"},
        {"protocol: tcp, public: 203.0.113.7, public_port: 80, to: 223.255.255.254", ""},
        {"protocol: tcp, public: 203.0.113.7, public_port: 80, to: 10.0.0.5, ports: 1-5",
         "p:3:110: an entry of type port-forward has no `ports:`; remove it"},
        {"protocol: tcp, public: 203.0.113.7, public_port: 80, to: 203.0.113.7",
         "p:3:93: the target is the public address itself; name the address of the server behind it"},
        {"protocol: tcp, public: 203.0.113.7, to: 10.0.0.5", "p:3:3: a NAT entry needs `public_port:`"},
    };
    for (const auto& row : rows)
        EXPECT_EQ(errors_of("nat:\n" + forward("web", row.rest)), row.error) << row.rest;
    const struct {
        const char* entry;
        const char* error;
    } entries[] = {
        {"{name: a, type: dnat}",
         "p:3:19: 'dnat' is not a type of NAT; write port-forward, static, masquerade or mapped"},
        {"{name: a, type: static, public: 203.0.113.7}", "p:3:3: a NAT entry needs `to:`"},
        {"{name: a, type: static, public: 203.0.113.7, to: 10.0.0.5, to_port: 5}",
         "p:3:71: an entry of type static has no `to_port:`; remove it"},
        {"{name: a, type: masquerade, from: 10.0.0.0/8}", "p:3:3: a NAT entry needs `as:`"},
        {"{name: a, type: masquerade, from: '2001:db8::/32', as: 203.0.113.7}",
         "p:3:37: NAT is for IPv4; '2001:db8::/32' is IPv6, which needs no NAT: pass it by a rule"},
        {"{name: a, type: masquerade, from: 10.0.0.0/8, as: 203.0.113.7, ports: 5, keep_parity: true}",
         "p:3:89: one port is even or odd; `ports:` needs two at least"},
        {"{name: a, type: masquerade, from: 10.0.0.0/8, as: 203.0.113.7, protocol: tcp, keep_parity: true}",
         "p:3:94: `keep_parity` is for UDP, and this masquerade is for tcp; remove it, or write `protocol: udp`"},
        {"{name: a, type: masquerade, from: 10.0.0.0/8, as: 203.0.113.7, protocol: tcp, keep_parity: false}", ""},
        {"{name: a, type: masquerade, from: 10.0.0.0/8, as: 203.0.113.7, protocol: 17, keep_parity: true}", ""},
        {"{name: a, type: masquerade, from: 10.0.0.0/8, as: 203.0.113.7, keep_parity: true}", ""},
        {"{name: a, type: masquerade, from: 10.0.0.0/8, as: 203.0.113.7, protocol: icmp}", ""},
        {"{name: a, type: masquerade, from: 10.0.0.0/8, as: 203.0.113.7, protocol: icmp6}",
         "p:3:76: NAT is for IPv4; 'icmp6' is ICMP of IPv6, which needs no NAT: pass it by a rule"},
        {"{name: a, type: masquerade, from: 10.0.0.0/8, as: 203.0.113.7, protocol: 58}",
         "p:3:76: NAT is for IPv4; '58' is ICMP of IPv6, which needs no NAT: pass it by a rule"},
        {"{name: a, type: masquerade, from: 10.0.0.0/8, as: 203.0.113.7, protocol: tpc}",
         "p:3:76: 'tpc' is not a protocol of a masquerade; write tcp, udp, sctp, dccp, udp-lite, icmp, any, or a "
         "number from 0 to 255"},
        {"{name: a, type: masquerade, from: any, as: 203.0.113.7}",
         "p:3:37: a masquerade names networks, and `any` is none; write 0.0.0.0/0 for all"},
        {"{name: a, type: masquerade, from: 0.0.0.0/0, to: any, protocol: any, as: 203.0.113.7}", ""},
        {"{name: a, type: masquerade, from: 10.0.0.0/8, to: [any], as: 203.0.113.7}",
         "p:3:54: a masquerade names networks, and `any` is none; write 0.0.0.0/0 for all"},
        {"{name: a, type: masquerade, from: 10.0.0.0/8, as: 203.0.113.7, ports: 65535-65536}",
         "p:3:73: '65535-65536' is not a port or a range; write 1 to 65535, or first-last"},
        {"{name: a, type: masquerade, from: 10.0.0.0/8, as: 203.0.113.7, ports: 0-65535}",
         "p:3:73: '0-65535' is not a port or a range; write 1 to 65535, or first-last"},
        {"{name: a, type: masquerade, from: 10.0.0.0/8, as: 203.0.113.7, ports: any}",
         "p:3:73: 'any' is not a port or a range; write 1 to 65535, or first-last"},
        {"{name: a, type: masquerade, from: 10.0.0.0/8, as: 203.0.113.7, ports: 1-65535}", ""},
        {"{name: a, type: masquerade, from: 10.0.0.0/8, as: 203.0.113.7, ports: 65000-64000}",
         "p:3:73: the port range '65000-64000' ends before it starts; write 64000-65000"},
        {"{name: a, type: masquerade, from: 10.0.0.0/8, as: 203.0.113.7, ports: [61000-61999, 63000-63999]}",
         "p:3:73: a list is not a port or a range first-last; a masquerade has one range"},
        {"{name: a, type: mapped, protocol: tcp, public: 10.0.0.1, to_port: 5, map: 9, from: 10.0.0.0/8, as: "
         "203.0.113.7}",
         "p:3:77: `map:` gives each port of the firewall its server; write {9001: 192.0.2.1}"},
        {"{name: a, type: mapped, public: 10.0.0.1, to_port: 5, map: {9: 192.0.2.1}, from: 10.0.0.0/8, as: "
         "203.0.113.7}",
         "p:3:3: a NAT entry needs `protocol:`"},
        {"{name: a, type: mapped, protocol: [tcp, udp], public: 10.0.0.1, to_port: 5, map: {9: 192.0.2.1}, "
         "from: 10.0.0.0/8, as: 203.0.113.7}",
         "p:3:37: a mapped entry has one protocol; write tcp or udp"},
        {"{name: a, type: static, public: 203.0.113.7, to: 10.0.0.5, hairpin: {from: 10.0.0.0/8}}",
         "p:3:71: a hairpin needs `as:`"},
    };
    for (const auto& row : entries)
        EXPECT_EQ(errors_of(std::string("nat:\n- ") + row.entry + "\n"), row.error) << row.entry;
}

TEST(CheckNat, OneEntryMayComeToSeveral) {
    const auto policy = load_lines(
        "nat:\n"
        "- {name: proxy, type: mapped, protocol: tcp, public: 192.168.1.1, to_port: 16384, from: 192.168.1.0/24,\n"
        "   as: 203.0.113.7, map: {9001: 204.164.111.5, 9002: 140.239.229.7}}\n"
        "- {name: media, type: port-forward, protocol: udp, public: 203.0.113.7, public_port: 50000-59999,\n"
        "   to: 192.168.1.5, hairpin: {from: 192.168.1.0/24, as: 192.168.1.1}}\n");
    ASSERT_TRUE(policy) << policy.error().message;
    std::string text;
    for (const policy::Forward& forward : policy->forwards) {
        text += forward.id + " " + std::to_string(forward.sides) + " " + std::to_string(forward.public_port) + "+" +
                std::to_string(forward.ports) + " > " + forward.target.to_text() + ":" +
                std::to_string(forward.target_port) + "\n";
    }
    EXPECT_EQ(text,
              "proxy/9001 2 9001+1 > 204.164.111.5:16384\n"
              "proxy/9002 2 9002+1 > 140.239.229.7:16384\n"
              "media 3 50000+10000 > 192.168.1.5:50000\n");
    ASSERT_EQ(policy->masquerades.size(), 2u);
    EXPECT_EQ(document::write(*policy)["nat"][3].dump(),
              R"({"id":"proxy/masquerade","type":"mapped","sides":["external"],"protocol":"tcp",)"
              R"("from":["192.168.1.0/24"],"to":["140.239.229.7","204.164.111.5"],"to_port":"16384",)"
              R"("public":"203.0.113.7","public_port":"61000-65535","keep_parity":false,"profile":null,)"
              R"("document":null,"where":"p:3:3"})");
    EXPECT_EQ(document::write(*policy)["nat"][0]["type"], "mapped");
    EXPECT_EQ(document::write(*policy)["nat"][2]["type"], "port-forward");
    EXPECT_EQ(document::write(*policy)["nat"][4]["type"], "hairpin");
    EXPECT_EQ(policy->masquerades[1].id, "media/hairpin");
    EXPECT_EQ(policy->masquerades[1].forward, "media");
    EXPECT_EQ(policy->masquerades[1].side, Side::kInternal);
    EXPECT_EQ(policy->masquerades[1].to[0].to_text(), "192.168.1.5");
    EXPECT_EQ(policy->masquerades[1].remote_port, 0) << "its forward has many";
}

// The server's other ports are its own: who is inside with it reaches them as himself.
TEST(CheckNat, TheHairpinOfOnePortIsOfThisPort) {
    const auto policy = load_lines(
        "nat:\n" + forward("web",
                           "protocol: tcp, public: 203.0.113.7, public_port: 80, to: 10.0.0.5, to_port: 8080, "
                           "hairpin: {from: 10.0.0.0/24, as: 10.0.0.1}"));
    ASSERT_TRUE(policy) << policy.error().message;
    ASSERT_EQ(policy->masquerades.size(), 1u);
    EXPECT_EQ(policy->masquerades[0].remote_port, 8080);
    EXPECT_EQ(policy->masquerades[0].protocol, IPPROTO_TCP);
}

TEST(CheckNat, EntriesTogether) {
    const std::string to_web = "protocol: tcp, public: 203.0.113.7, public_port: 80, to: 10.0.0.5";
    EXPECT_EQ(errors_of("nat:\n" + forward("a", to_web) + forward("b", to_web)),
              "p:4:3: 'b' forwards tcp 203.0.113.7:80, which 'a' forwards already; remove one of the two");
    EXPECT_EQ(errors_of("rules:\n- {name: a, side: external, action: drop}\nnat:\n" + forward("a", to_web)),
              "p:5:3: the id 'a' is taken by p:3:3; ids carry counters and must be unique, rename one");

    const auto two = [](const std::string& one, const std::string& other) {
        return errors_of("nat:\n- {name: a, " + one + "}\n- {name: b, " + other + "}\n");
    };
    const std::string range =
        "type: port-forward, protocol: tcp, public: 203.0.113.7, public_port: 80-90, to: 10.0.0.5";
    EXPECT_EQ(two(range, "type: port-forward, protocol: tcp, public: 203.0.113.7, public_port: 85-95, to: 10.0.0.6"),
              "p:4:3: 'b' forwards tcp 203.0.113.7:85, which 'a' forwards already; remove one of the two");
    EXPECT_EQ(two(range, "type: port-forward, protocol: udp, public: 203.0.113.7, public_port: 85-95, to: 10.0.0.6"),
              "");
    EXPECT_EQ(two(range,
                  "side: internal, type: port-forward, protocol: tcp, public: 203.0.113.7, public_port: 85, to: "
                  "10.0.0.6"),
              "");
    EXPECT_EQ(two("type: static, public: 203.0.113.8, to: 10.0.0.5", "type: static, public: 203.0.113.8, to: 10.0.0.6"),
              "p:4:3: 'b' maps 203.0.113.8, which 'a' maps already; remove one of the two");
    EXPECT_EQ(two("type: static, public: 203.0.113.8, to: 10.0.0.5", "type: static, public: 203.0.113.9, to: 10.0.0.5"),
              "p:4:3: 'b' maps to 10.0.0.5, which 'a' maps to already: what it sends can have one public address");
    EXPECT_EQ(
        two("type: static, public: 203.0.113.8, to: 10.0.0.5", "type: masquerade, from: 10.0.0.0/8, as: 203.0.113.8"),
        "p:4:3: 'b' masquerades as 203.0.113.8, all of which 'a' gives to one host; masquerade as another address");
    const auto beside = [&](const std::string& ports) {
        return two(range,
                   "type: port-forward, protocol: tcp, public: 203.0.113.7, to: 10.0.0.6, public_port: " + ports);
    };
    for (const char* ports : {"79", "91"})
        EXPECT_EQ(beside(ports), "") << ports;
    for (const char* ports : {"80", "90"})
        EXPECT_NE(beside(ports).find("which 'a' forwards already"), std::string::npos) << ports;

    // A masquerade gives no port that is forwarded, so some of its ports may be; if all are it has none to give.
    const auto masquerade = [&](const std::string& more) {
        return two(range, "type: masquerade, from: 10.0.0.0/8, as: 203.0.113.7" + more);
    };
    for (const char* ports : {"", ", ports: 79-90", ", ports: 80-91", ", ports: 1-65535"})
        EXPECT_EQ(masquerade(ports), "") << ports;
    for (const char* ports : {"80-90", "80", "90", "81-89"}) {
        const std::string all = std::string(", ports: ") + ports;
        EXPECT_EQ(masquerade(all), std::string("p:4:3: all ports ") + ports +
                                       " of 'b' are forwarded (tcp 203.0.113.7, by 'a'), and it gives none that is; "
                                       "give it other `ports:`");
        EXPECT_EQ(masquerade(", side: internal" + all), "") << ports;
        EXPECT_EQ(masquerade(", protocol: udp" + all), "") << ports;
    }
    // With parity of each kind.
    const auto paired = [&](const std::string& forwarded, const std::string& ports) {
        return two("type: port-forward, protocol: udp, public: 203.0.113.7, to: 10.0.0.5, public_port: " + forwarded,
                   "type: masquerade, from: 10.0.0.0/8, as: 203.0.113.7, keep_parity: true, ports: " + ports);
    };
    EXPECT_EQ(paired("5060", "5060-5061"),
              "p:4:3: all even ports of 5060-5061 of 'b' are forwarded (udp 203.0.113.7, by 'a'), and it gives none "
              "that is; give it other `ports:`");
    EXPECT_NE(paired("5061", "5060-5061").find("all odd ports of 5060-5061"), std::string::npos);
    EXPECT_EQ(paired("5060", "5060-5062"), "");

    // 32 prefixes with 2, and as many as there is room for.
    std::string networks = "10.0.0.0/24";
    for (int i = 1; i < 32; ++i)
        networks += ", 10.0." + std::to_string(2 * i) + ".0/24";
    const std::string pairs =
        "type: masquerade, to: [192.0.2.0/24, 198.51.100.0/24], as: 203.0.113.7, from: [" + networks + "]";
    EXPECT_EQ(errors_of("nat:\n- {name: a, " + pairs + "}\n"), "");
    EXPECT_EQ(two(pairs, "type: masquerade, from: 172.16.0.0-172.16.0.2, as: 203.0.113.8"),
              "p:4:3: with 'b' the masquerades have 66 pairs of a `from` and a `to` prefix, and 64 fit (a range is as "
              "many prefixes as it takes); name fewer or larger networks");

    std::string many = "nat:\n";
    for (int i = 0; i < 993; ++i) {
        many += forward("f" + std::to_string(i),
                        "protocol: tcp, public: 203.0.113.7, to: 10.0.0.5, public_port: " + std::to_string(i + 1));
    }
    EXPECT_EQ(errors_of(many), "p:995:3: there are 993 NAT entries; at most 992 fit");

    const auto every_port = [](const std::string& name, const std::string& address) {
        return forward(name, "protocol: tcp, public: " + address + ", to: 10.0.0.5, public_port: 1-65535");
    };
    const std::string all = every_port("a", "203.0.113.7") + every_port("b", "203.0.113.8");
    const auto and_more = [](const std::string& ports) {
        return forward("c", "protocol: tcp, public: 203.0.113.9, to: 10.0.0.5, public_port: " + ports);
    };
    EXPECT_EQ(errors_of("nat:\n" + all + and_more("1-2")), "");
    EXPECT_EQ(errors_of("nat:\n" + all + and_more("1-3")),
              "p:5:3: the port forwards have more than 131072 ports in all; a static entry forwards all ports of an "
              "address");
}

TEST(CheckNat, WarnsOfPortsThatAStaticEntryDoesNotGet) {
    const auto warnings = [](const std::string& public_address, const std::string& side) {
        const auto policy =
            load_lines("default: pass\nnat:\n- {name: a, type: static, public: 203.0.113.8, to: 10.0.0.5}\n" +
                       forward("b", "side: " + side + ", protocol: tcp, public: " + public_address +
                                        ", public_port: 80, to: 10.0.0.6"));
        EXPECT_TRUE(policy) << policy.error().message;
        std::string text;
        for (const std::string& warning : policy->warnings)
            text += warning;
        return text;
    };
    EXPECT_EQ(warnings("203.0.113.8", "external"),
              "p:5:3: 'b' comes before the static entry 'a' of the same public address: these ports do not reach "
              "10.0.0.5");
    EXPECT_EQ(warnings("203.0.113.8", "internal"), "");
    EXPECT_EQ(warnings("203.0.113.9", "external"), "");
    // They reach the host, where they are its own.
    const auto of_host = [](const std::string& rest) {
        const auto policy =
            load_lines("default: pass\nnat:\n- {name: a, type: static, public: 203.0.113.8, to: 10.0.0.5}\n" +
                       forward("b", "protocol: tcp, public_port: 80, to: 10.0.0.5, " + rest));
        EXPECT_TRUE(policy) << policy.error().message;
        std::string text;
        for (const std::string& warning : policy->warnings)
            text += warning;
        return text;
    };
    EXPECT_EQ(of_host("public: 203.0.113.8"), "");
    EXPECT_NE(of_host("public: 203.0.113.8, to_port: 8080").find("these ports do not reach"), std::string::npos);
    EXPECT_EQ(
        of_host("public: 203.0.113.9"),
        "p:5:3: 'b' and 'a' give 10.0.0.5 two public addresses: what it sends from the forwarded ports and is of no "
        "connection leaves by 203.0.113.9; let its rules keep state");
    EXPECT_EQ(of_host("side: internal, public: 203.0.113.9"), "");
}

}  // namespace
}  // namespace edgefw::policy
