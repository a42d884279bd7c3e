// SPDX-License-Identifier: GPL-2.0-only
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>

#include "tests/support/walk.h"
#include "tests/unit/image/policies.h"
#include "userspace/image/compile.h"
#include "userspace/image/config.h"
#include "userspace/image/image.h"
#include "userspace/image/leaf.h"

namespace edgefw::test {
namespace {

using policy::Action;
using policy::Direction;
using policy::Policy;
using policy::Rule;
using policy::Side;
using policy::State;
using ::testing::ElementsAre;

image::Image compiled(const Policy& policy) {
    Result<image::Image> image = image::compile(policy);
    EXPECT_TRUE(image) << image.error().message;
    return image ? *std::move(image) : image::Image{};
}

// The id of the rule that decides, "-" for none.
std::string decides(const image::Image& image, const std::string& packet) {
    const Walk found = walk(image, packet_of(packet));
    return found.rule ? image.rule_ids[*found.rule] : "-";
}

struct Case {
    const char* packet;
    const char* rule;
};

void expect(const Policy& policy, const std::vector<Case>& cases) {
    const image::Image image = compiled(policy);
    for (const Case& row : cases)
        EXPECT_EQ(decides(image, row.packet), row.rule) << row.packet;
}

TEST(Compile, GoldenText) {
    Rule ssh = tcp_rule("ssh");
    ssh.local = addresses({"192.0.2.10"});
    ssh.local_port = {{22, 22}};
    ssh.remote = set("offices");
    Rule media = tcp_rule("media");
    media.direction = Direction::kBoth;
    media.protocol = IPPROTO_UDP;
    media.local = addresses({"192.0.2.20"});
    media.local_port = {{50000, 59999}};
    media.state = State::kNone;
    Policy policy = policy_of({ssh, media});
    policy.sets = {{"offices", ranges({"198.51.100.0/24", "203.0.113.9"}), {}}};
    EXPECT_EQ(compiled(policy).to_text(),
              R"(external: armed, builtins 0x0, keeps state
  received: default drop
    ipv4: 1 groups, uses remote-class keep
      from rule 0
        0: local_port == 22, else 6
        1: local == 0xc000020a, else 6
        2: remote_class == 1, else 6
        3: protocol == 6, else 6
        4: opens == 1, else 6
        5: pass keep ssh
        6: local_port in 50000-59999, else 10
        7: local == 0xc0000214, else 10
        8: protocol == 17, else 10
        9: pass media
  sent: default drop
    ipv4: 1 groups, uses nothing
      from rule 1
        0: local_port in 50000-59999, else 4
        1: local == 0xc0000214, else 4
        2: protocol == 17, else 4
        3: pass media
        4: local_port == 22, else 9
        5: local == 0xc000020a, else 9
        6: protocol == 6, else 9
        7: opens == 1, else 9
        8: ask
internal: armed, builtins 0x0
  received: default drop
  sent: default drop
classes ipv4: hash /32 /24
  198.51.100.0/24 = 1
  203.0.113.9 = 1
)");
}

TEST(Compile, SidesAndDirections) {
    Rule outbound = tcp_rule("from-inside");
    outbound.side = Side::kInternal;
    outbound.direction = Direction::kOutbound;
    outbound.local_port = {{8057, 8057}};
    Rule inbound = tcp_rule("to-next-hop");
    inbound.side = Side::kInternal;
    inbound.remote_port = {{5061, 5061}};
    expect(policy_of({outbound, inbound}), {{"internal outbound tcp 10.0.0.9:40000 > 10.0.0.1:8057", "from-inside"},
                                            {"internal inbound tcp 10.0.0.1:40000 > 10.0.0.9:5061", "to-next-hop"},
                                            {"internal inbound tcp 10.0.0.9:40000 > 10.0.0.1:8057", "-"},
                                            {"internal outbound tcp 10.0.0.1:40000 > 10.0.0.9:5061", "-"},
                                            {"external outbound tcp 10.0.0.9:40000 > 10.0.0.1:8057", "-"}});
}

TEST(Compile, FlagsAndWhatOpens) {
    Rule established = tcp_rule("established");
    established.established = true;
    established.state = State::kNone;
    established.local_port = {{80, 80}};
    Rule null_scan = drop_rule("null-scan");
    null_scan.protocol = IPPROTO_TCP;
    null_scan.tcp_flags = policy::TcpFlags{0x3f, 0x00};
    Rule keep = tcp_rule("keep");
    expect(policy_of({established, null_scan, keep}),
           {{"external inbound tcp 192.0.2.1:9 > 192.0.2.2:80 ack", "established"},
            {"external inbound tcp 192.0.2.1:9 > 192.0.2.2:80 rst", "established"},
            {"external inbound tcp 192.0.2.1:9 > 192.0.2.2:80 syn", "keep"},
            {"external inbound tcp 192.0.2.1:9 > 192.0.2.2:81 syn,ack", "-"},
            {"external inbound tcp 192.0.2.1:9 > 192.0.2.2:81 psh", "-"},
            {"external inbound tcp [2001:db8::1]:9 > [2001:db8::2]:81", "keep"}});
    const image::Image image = compiled(policy_of({null_scan}));
    packet::Packet packet = packet_of("external inbound tcp 192.0.2.1:9 > 192.0.2.2:80");
    EXPECT_FALSE(walk(image, packet).rule);
    packet.tcp_flags = 0;
    EXPECT_TRUE(walk(image, packet).rule);
    packet.tcp_flags = 0xc0;  // ECN's two are not among the six
    EXPECT_TRUE(walk(image, packet).rule);
}

TEST(Compile, IcmpTypesAndFamilies) {
    Rule ping = tcp_rule("ping");
    ping.protocol = IPPROTO_ICMP;
    ping.icmp = {{8, {}}, {3, 4}};
    Rule ping6 = tcp_rule("ping6");
    ping6.protocol = IPPROTO_ICMPV6;
    Rule stateless = tcp_rule("replies");
    stateless.protocol = IPPROTO_ICMP;
    stateless.state = State::kNone;
    stateless.icmp = {{0, {}}};
    expect(policy_of({ping, ping6, stateless}), {{"external inbound icmp 192.0.2.1 > 192.0.2.2 8/0", "ping"},
                                                 {"external inbound icmp 192.0.2.1 > 192.0.2.2 8/255", "ping"},
                                                 {"external inbound icmp 192.0.2.1 > 192.0.2.2 3/4", "ping"},
                                                 {"external inbound icmp 192.0.2.1 > 192.0.2.2 3/3", "-"},
                                                 {"external inbound icmp 192.0.2.1 > 192.0.2.2 0/0", "replies"},
                                                 {"external inbound icmp6 2001:db8::1 > 2001:db8::2 128/0", "ping6"},
                                                 {"external inbound icmp6 2001:db8::1 > 2001:db8::2 1/0", "ping6"},
                                                 {"external inbound icmp6 2001:db8::1 > 2001:db8::2 129/0", "-"}});
}

TEST(Compile, Vlan) {
    Rule tagged = tcp_rule("tagged");
    tagged.vlan = 30;
    expect(policy_of({tagged}), {{"external inbound tcp 192.0.2.1:9 > 192.0.2.2:80 syn vlan 30", "tagged"},
                                 {"external inbound tcp 192.0.2.1:9 > 192.0.2.2:80 syn vlan 29", "-"},
                                 {"external inbound tcp 192.0.2.1:9 > 192.0.2.2:80 syn", "-"}});
}

// Five prefixes: they sit in the tree, and the hosts just outside do not match.
TEST(Compile, Ipv6Ranges) {
    Rule rule = tcp_rule("range");
    rule.remote = addresses({"2001:db8::fff3-2001:db8::1:2"});
    const Policy policy = policy_of({rule});
    expect(policy, {{"external inbound tcp [2001:db8::fff2]:9 > [2001:db8::9]:80", "-"},
                    {"external inbound tcp [2001:db8::fff3]:9 > [2001:db8::9]:80", "range"},
                    {"external inbound tcp [2001:db8::ffff]:9 > [2001:db8::9]:80", "range"},
                    {"external inbound tcp [2001:db8::1:2]:9 > [2001:db8::9]:80", "range"},
                    {"external inbound tcp [2001:db8::1:3]:9 > [2001:db8::9]:80", "-"},
                    {"external inbound tcp 192.0.2.1:9 > 192.0.2.2:80", "-"}});
    EXPECT_TRUE(compiled(policy).classes[EDGEFW_IPV6].empty());
}

TEST(Compile, LongListsGoThroughClasses) {
    std::vector<std::string> hosts;
    for (int i = 1; i < 20; i += 2)
        hosts.push_back("198.51.100." + std::to_string(i));
    Rule rule = tcp_rule("list");
    rule.remote = addresses(hosts);
    const image::Image image = compiled(policy_of({rule}));
    EXPECT_EQ(image.classes[EDGEFW_IPV4].size(), hosts.size());
    EXPECT_EQ(image.config[EDGEFW_EXTERNAL].class_table[EDGEFW_IPV4], unsigned{EDGEFW_CLASSES_HASH});
    EXPECT_EQ(image.config[EDGEFW_INTERNAL].class_table[EDGEFW_IPV4], unsigned{EDGEFW_CLASSES_NONE});
    EXPECT_EQ(image.config[EDGEFW_EXTERNAL].forest[EDGEFW_RECEIVED][EDGEFW_IPV4].uses,
              EDGEFW_USES_REMOTE_CLASS | EDGEFW_USES_KEEP);
    EXPECT_EQ(decides(image, "external inbound tcp 198.51.100.7:9 > 192.0.2.2:80"), "list");
    EXPECT_EQ(decides(image, "external inbound tcp 198.51.100.8:9 > 192.0.2.2:80"), "-");
}

// What the programs of the side that asks for classes know of their table.
TEST(Compile, LengthsOfClasses) {
    Rule rule = tcp_rule("sets");
    rule.remote = {{}, {"nets", "all"}};
    Policy policy = policy_of({rule});
    policy.sets = {{"nets", ranges({"198.51.100.0/24", "203.0.113.9", "2001:db8::/33"}), {}},
                   {"all", ranges({"::/0"}), {}}};
    const image::Image image = compiled(policy);
    const edgefw_config& config = image.config[EDGEFW_EXTERNAL];
    EXPECT_THAT(image::class_lengths(config, Family::kIpv4), ElementsAre(32, 24));
    EXPECT_EQ(config.class_length4[0].mask, htonl(0xffffffff));
    EXPECT_EQ(config.class_length4[1].mask, htonl(0xffffff00));
    EXPECT_THAT(image::class_lengths(config, Family::kIpv6), ElementsAre(33, 0));
    EXPECT_THAT(config.class_length6[0].mask, ElementsAre(htonl(0xffffffff), htonl(0x80000000), 0, 0));
    EXPECT_THAT(config.class_length6[1].mask, ElementsAre(0, 0, 0, 0));
    EXPECT_TRUE(image::class_lengths(image.config[EDGEFW_INTERNAL], Family::kIpv4).empty());
    policy.rules.push_back(drop_rule("named"));
    policy.rules.back().remote.hosts = {"a.example"};
    policy.hosts = {{"a.example", {*Address::parse("203.0.113.1")}, 1, 60, ""}};
    const image::Image named = compiled(policy);
    EXPECT_THAT(image::class_lengths(named.config[EDGEFW_EXTERNAL], Family::kIpv4), ElementsAre(32, 24));
    EXPECT_TRUE(image::class_lengths(named.config[EDGEFW_EXTERNAL], Family::kIpv6).empty()) << "128, 33 and 0: a trie";
}

// A product of lists beyond 64 boxes: the longer address list becomes a set of its own.
TEST(Compile, LargeProductsGoThroughClasses) {
    Rule rule = tcp_rule("product");
    rule.local = addresses({"192.0.2.1", "192.0.2.3", "192.0.2.5"});
    rule.remote = addresses({"198.51.100.1", "198.51.100.3", "198.51.100.5", "198.51.100.7"});
    for (std::uint16_t port = 10; port < 40; port += 4)
        rule.local_port.push_back({port, port});
    const image::Image image = compiled(policy_of({rule}));
    EXPECT_EQ(image.classes[EDGEFW_IPV4].size(), 4u);
    EXPECT_EQ(decides(image, "external inbound tcp 198.51.100.7:9 > 192.0.2.5:38"), "product");
    EXPECT_EQ(decides(image, "external inbound tcp 198.51.100.7:9 > 192.0.2.4:38"), "-");
    EXPECT_EQ(decides(image, "external inbound tcp 198.51.100.6:9 > 192.0.2.5:38"), "-");
}

TEST(Compile, SetWithoutTheFamilyNeverMatches) {
    Rule rule = drop_rule("six");
    rule.remote = set("v6");
    Policy policy = policy_of({rule});
    policy.sets = {{"v6", ranges({"2001:db8::/32"}), {}}};
    expect(policy, {{"external inbound tcp 192.0.2.1:9 > 192.0.2.2:80", "-"},
                    {"external inbound tcp [2001:db8::1]:9 > [2001:db8::2]:80", "six"}});
    EXPECT_EQ(compiled(policy).config[EDGEFW_EXTERNAL].forest[EDGEFW_RECEIVED][EDGEFW_IPV4].groups, 0u);
}

TEST(Compile, DefaultsKeepStateWhereTheOtherDirectionDrops) {
    Policy policy = policy_of({});
    policy.defaults[EDGEFW_EXTERNAL][1] = Action::kPass;
    policy.defaults[EDGEFW_INTERNAL][0] = Action::kPass;
    policy.defaults[EDGEFW_INTERNAL][1] = Action::kPass;
    const image::Image image = compiled(policy);
    const edgefw_config& external = image.config[EDGEFW_EXTERNAL];
    EXPECT_EQ(external.default_outcome[EDGEFW_RECEIVED], EDGEFW_OUTCOME_ASK);
    EXPECT_EQ(external.default_outcome[EDGEFW_SENT], EDGEFW_OUTCOME_PASS | EDGEFW_OUTCOME_KEEP);
    EXPECT_EQ(external.forest[EDGEFW_SENT][EDGEFW_IPV6].uses, EDGEFW_USES_KEEP);
    EXPECT_EQ(external.keeps_state, 1u);
    const edgefw_config& internal = image.config[EDGEFW_INTERNAL];
    EXPECT_EQ(internal.default_outcome[EDGEFW_RECEIVED], EDGEFW_OUTCOME_PASS);
    EXPECT_EQ(internal.default_outcome[EDGEFW_SENT], EDGEFW_OUTCOME_PASS);
    EXPECT_EQ(internal.keeps_state, 0u);
}

TEST(Compile, KindsOfConnections) {
    const auto kinds_of = [](const Policy& policy) {
        return std::pair{compiled(policy).config[EDGEFW_EXTERNAL].kinds,
                         compiled(policy).config[EDGEFW_INTERNAL].kinds};
    };
    const std::pair<std::uint8_t, std::uint32_t> protocols[] = {{IPPROTO_TCP, EDGEFW_KIND_TCP},
                                                                {IPPROTO_UDP, EDGEFW_KIND_UDP},
                                                                {IPPROTO_ICMP, EDGEFW_KIND_ICMP},
                                                                {IPPROTO_ICMPV6, EDGEFW_KIND_ICMP},
                                                                {IPPROTO_GRE, EDGEFW_KIND_OTHER}};
    for (const auto& [protocol, kind] : protocols) {
        Rule rule = tcp_rule("r");
        rule.local_port = {};
        rule.protocol = protocol;
        rule.side = policy::Side::kInternal;
        EXPECT_EQ(kinds_of(policy_of({rule})), (std::pair{0u, kind})) << int{protocol};
        rule.state = policy::State::kNone;
        EXPECT_EQ(kinds_of(policy_of({rule})), (std::pair{0u, 0u})) << "keeps no state";
        rule.action = Action::kDrop;
        EXPECT_EQ(kinds_of(policy_of({rule})), (std::pair{0u, 0u})) << "drops";
    }
    Rule any = tcp_rule("any");
    any.local_port = {};
    any.protocol.reset();
    EXPECT_EQ(kinds_of(policy_of({any})), (std::pair{EDGEFW_KINDS_ALL, 0u}));

    // What is translated by port needs a connection, whatever the rule's state, but only where something passes it.
    policy::Masquerade office;
    office.id = "office";
    office.from = {*AddressRange::parse("10.0.0.0/8")};
    office.public_address = *Address::parse("203.0.113.7");
    office.ports = {61000, 61999};
    Rule stateless = tcp_rule("r");
    stateless.state = policy::State::kNone;
    Policy policy = policy_of({stateless});
    policy.masquerades = {office};
    EXPECT_EQ(kinds_of(policy), (std::pair{EDGEFW_KIND_TCP, 0u}));
    policy.masquerades[0].protocol = IPPROTO_UDP;
    EXPECT_EQ(kinds_of(policy), (std::pair{0u, 0u}));

    policy = policy_of({});
    policy.defaults[EDGEFW_EXTERNAL][1] = Action::kPass;
    EXPECT_EQ(kinds_of(policy), (std::pair{EDGEFW_KINDS_ALL, 0u})) << "a default that keeps state";
    policy.defaults[EDGEFW_EXTERNAL][0] = Action::kPass;
    EXPECT_EQ(kinds_of(policy), (std::pair{0u, 0u})) << "one that keeps none";
}

TEST(Compile, RefusesAnUnknownSet) {
    Rule rule = drop_rule("blocked");
    rule.remote = set("nowhere");
    const Result<image::Image> image = image::compile(policy_of({rule}));
    ASSERT_FALSE(image);
    EXPECT_EQ(image.error().kind, ErrorKind::kPolicy);
    EXPECT_EQ(image.error().message, "rule blocked: there is no set named nowhere");
}

TEST(Compile, RefusesAProductBeyondTheLimit) {
    Rule rule = tcp_rule("ports");
    for (int port = 1; port < 1000; port += 3) {
        rule.local_port.push_back({static_cast<std::uint16_t>(port), static_cast<std::uint16_t>(port)});
        rule.remote_port = rule.local_port;
    }
    const Result<image::Image> image = image::compile(policy_of({rule}));
    ASSERT_FALSE(image);
    EXPECT_EQ(image.error().message,
              "rule ports: its lists combine to more than 65536 cases; split it, or join ranges of ports");
}

// Forests and trees grow in threads: of both sides, directions and families, with several trees each.
TEST(Compile, OnePolicyIsOneImageWhateverTheThreadsDo) {
    std::vector<Rule> rules;
    for (std::uint32_t i = 0; i < 600; ++i) {
        Rule rule = tcp_rule("r" + std::to_string(i));
        rule.side = i % 2 == 0 ? Side::kExternal : Side::kInternal;
        rule.direction = i % 3 == 0 ? Direction::kBoth : i % 3 == 1 ? Direction::kInbound : Direction::kOutbound;
        const std::uint32_t network = i * 2654435761u;
        if (i % 5 < 3) rule.local.ranges = {AddressRange::of({{Family::kIpv4, network >> 8 << 8}, 24})};
        if (i % 5 > 1) rule.remote.ranges = {AddressRange::of({{Family::kIpv4, network >> 16 << 16}, 16})};
        rule.local_port = {{static_cast<std::uint16_t>(i), static_cast<std::uint16_t>(i + 1000 * (i % 7))}};
        rules.push_back(rule);
    }
    const Policy policy = policy_of(std::move(rules));
    const image::Image first = compiled(policy);
    EXPECT_GT(first.shape.forests[EDGEFW_EXTERNAL][EDGEFW_RECEIVED][EDGEFW_IPV4].groups, 1u);
    const auto same_node = [](const edgefw_node& a, const edgefw_node& b) {
        return a.split == b.split && a.link == b.link;
    };
    for (int i = 0; i < 5; ++i) {
        const image::Image again = compiled(policy);
        ASSERT_TRUE(
            std::equal(again.nodes.begin(), again.nodes.end(), first.nodes.begin(), first.nodes.end(), same_node));
        ASSERT_TRUE(
            std::equal(again.insns.begin(), again.insns.end(), first.insns.begin(), first.insns.end(), image::same));
        ASSERT_EQ(std::memcmp(again.config, first.config, sizeof(first.config)), 0);
    }
}

// Each rule is within its limit, all of them are not.
TEST(Compile, RefusesMoreCasesThanTreesHold) {
    Rule rule = tcp_rule("ports");
    for (std::uint16_t port = 2; port < 500; port += 2) {
        rule.local_port.push_back({port, port});
        rule.remote_port = rule.local_port;
    }
    rule.local.ranges = {range("192.0.2.1")};
    const Result<image::Image> image = image::compile(policy_of(std::vector<Rule>(100, rule)));
    ASSERT_FALSE(image);
    EXPECT_EQ(image.error().message.find("the sets and lists of the rules combine to more than 6000000 cases, those of "
                                         "'ports' alone to 62001: "),
              0u)
        << image.error().message;
}

}  // namespace
}  // namespace edgefw::test
