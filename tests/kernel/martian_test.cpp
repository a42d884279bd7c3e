// SPDX-License-Identifier: GPL-2.0-only
// martian: what an external card receives from a source that nobody outside can have.
#include <gtest/gtest.h>
#include <netinet/in.h>

#include "maps/builtins.h"
#include "tests/kernel/test_run.h"
#include "tests/support/lab.h"
#include "userspace/kernel/clock.h"
#include "userspace/kernel/door.h"

namespace edgefw::test {
namespace {

const char* const kMartian = "drop martian builtin/martian";
const std::string kPassAll = "default: pass\n";

Bytes from(const std::string& source, const std::string& destination = "192.0.2.20") {
    if (source.find(':') == std::string::npos)
        return frame(Ethernet{}, Ipv4{.source = source, .destination = destination}, Udp{}, payload(8));
    const std::string to = destination == "192.0.2.20" ? "2001:db8:2::20" : destination;
    return frame(Ethernet{}, Ipv6{.source = source, .destination = to}, Udp{}, payload(8));
}

std::vector<Prefix> inside() {
    return {{*Address::parse("10.0.0.0"), 24},
            {*Address::parse("203.0.113.7"), 32},
            {*Address::parse("2001:db8:5::"), 64},
            {*Address::parse("2001:db8:2::1"), 128}};
}

TEST(Martian, SourcesThatNobodyHas) {
    TestRun run(kPassAll);
    for (const char* source :
         {"0.0.0.0",     "0.0.0.1",         "0.255.255.255",          "127.0.0.1",  "127.255.255.255", "192.0.0.16",
          "192.0.0.255", "224.0.0.1",       "239.255.255.255",        "240.0.0.1",  "255.255.255.255", "::",
          "::1",         "::ffff:10.0.0.5", "::ffff:255.255.255.255", "2001:10::1", "2001:1f:ffff::1", "ff02::1",
          "ff0e::1",     "ffff::1"}) {
        EXPECT_EQ(run.judge(EDGEFW_RECEIVED, from(source)), kMartian) << source;
        EXPECT_EQ(run.judge(EDGEFW_SENT, from(source)), "pass default") << source << ", sent";
    }
    for (const char* source :
         {"1.0.0.0",       "10.0.0.5",       "126.255.255.255", "128.0.0.0",   "169.254.1.1",     "192.0.0.15",
          "192.0.1.0",     "192.0.2.1",      "198.51.100.9",    "203.0.113.7", "223.255.255.255", "::2",
          "::fffe:a00:5",  "::1:ffff:a00:5", "64:ff9b::a00:5",  "100::1",      "2001:f:ffff::1",  "2001:20::1",
          "2001:db8:9::9", "fd00::1",        "fe80::1",         "feff::1"})
        EXPECT_EQ(run.judge(EDGEFW_RECEIVED, from(source)), "pass default") << source;
    EXPECT_EQ(run.counter("builtin/martian").packets, 20u);
    EXPECT_EQ(run.reason(EDGEFW_RECEIVED, EDGEFW_DROP, EDGEFW_REASON_MARTIAN).packets, 20u);
}

// RFC 1122 section 3.2.1.3, RFC 4291 section 2.5.2.
TEST(Martian, WhoHasNoAddressYetAsksItsLink) {
    TestRun run(kPassAll);
    EXPECT_EQ(run.judge(EDGEFW_RECEIVED, from("0.0.0.0", "255.255.255.255")), "pass default");
    EXPECT_EQ(run.judge(EDGEFW_RECEIVED, from("0.0.0.1", "255.255.255.255")), kMartian);
    EXPECT_EQ(run.judge(EDGEFW_RECEIVED, from("127.0.0.1", "255.255.255.255")), kMartian);
    EXPECT_EQ(run.judge(EDGEFW_RECEIVED, from("::", "ff02::2")), "pass default");
    EXPECT_EQ(run.judge(EDGEFW_RECEIVED, from("::", "ff05::2")), kMartian);
    EXPECT_EQ(run.judge(EDGEFW_RECEIVED, from("::1", "ff02::2")), kMartian);
    const Ipv6 nobody{.source = "::", .destination = "ff02::1:ff00:20", .hop_limit = 255};
    EXPECT_EQ(run.judge(EDGEFW_RECEIVED, frame(Ethernet{}, nobody, Icmp{.type = 135}, payload(16))),
              "pass builtin builtin/nd");
    const Ipv6 joins{.source = "::", .destination = "ff02::16", .hop_limit = 1};
    EXPECT_EQ(run.judge(EDGEFW_RECEIVED, frame(Ethernet{}, joins, Icmp{.type = 143}, payload(16))),
              "pass builtin builtin/mld");
}

TEST(Martian, TheHostAndItsNetworksInside) {
    TestRun run;
    run.inside(inside());
    run.push(kPassAll);
    for (const char* source :
         {"10.0.0.0", "10.0.0.255", "203.0.113.7", "2001:db8:5::", "2001:db8:5:0:ffff::1", "2001:db8:2::1"})
        EXPECT_EQ(run.judge(EDGEFW_RECEIVED, from(source)), kMartian) << source;
    for (const char* source : {"9.255.255.255", "10.0.1.0", "203.0.113.6", "203.0.113.8", "2001:db8:4:ffff::1",
                               "2001:db8:6::", "2001:db8:2::2", "2001:db8:2::"})
        EXPECT_EQ(run.judge(EDGEFW_RECEIVED, from(source)), "pass default") << source;
}

TEST(Martian, SourceIsDestination) {
    TestRun run(kPassAll);
    EXPECT_EQ(run.judge(EDGEFW_RECEIVED, from("192.0.2.20")), kMartian);
    EXPECT_EQ(run.judge(EDGEFW_RECEIVED, from("2001:db8:2::20")), kMartian);
    EXPECT_EQ(run.judge(EDGEFW_RECEIVED, from("2001:db8:2::21")), "pass default");
    TestRun translates(kPassAll + "nat:\n- {name: all, type: static, public: 203.0.113.8, to: 10.0.0.6}\n");
    EXPECT_EQ(translates.judge(EDGEFW_RECEIVED, from("203.0.113.8", "203.0.113.8")),
              std::string(kMartian) + " via all");
    EXPECT_EQ(translates.judge(EDGEFW_RECEIVED, from("10.0.0.6", "203.0.113.8")), std::string(kMartian) + " via all");
}

// No rule passes what drops before it, and no default; of an internal card it is for rules to say.
TEST(Martian, ComesBeforeTheRulesOnExternalCardsAlone) {
    const std::string all =
        "rules:\n- {name: all, side: external, direction: inbound, action: pass}\n"
        "- {name: in, side: internal, action: pass}\n";
    TestRun run(all);
    EXPECT_EQ(run.judge(EDGEFW_RECEIVED, from("127.0.0.1")), kMartian);
    EXPECT_EQ(run.judge(EDGEFW_RECEIVED, from("198.51.100.9")), "pass rule all opened");
    EXPECT_EQ(
        run.judge(EDGEFW_RECEIVED, frame(Ethernet{}, Ipv4{.source = "127.0.0.1", .more = true}, Udp{}, payload(64))),
        kMartian);
    TestRun off("builtins: {martian: off}\n" + all);
    EXPECT_EQ(off.judge(EDGEFW_RECEIVED, from("127.0.0.1")), "pass rule all opened");
    EXPECT_EQ(off.judge(EDGEFW_RECEIVED, from("192.0.2.20")), "pass rule all opened");
    TestRun internal({.side = policy::Side::kInternal});
    internal.inside(inside());
    internal.push(all);
    EXPECT_EQ(internal.judge(EDGEFW_RECEIVED, from("10.0.0.5")), "pass rule in opened");
}

// What belongs to a live connection passes; one that a martian opened, under a policy that did not know, ends.
TEST(Martian, ConnectionsPassBefore) {
    const std::string lines =
        "default: {external: {inbound: drop, outbound: pass}}\n"
        "rules:\n- {name: dns, side: external, direction: inbound, protocol: udp, local_port: 53, action: pass}\n";
    TestRun run(lines);
    const Bytes answer =
        frame(Ethernet{}, Ipv4{.source = "10.0.0.5"}, Udp{.source_port = 53, .destination_port = 4000});
    const Bytes question = frame(Ethernet{}, Ipv4{.source = "192.0.2.20", .destination = "10.0.0.5"},
                                 Udp{.source_port = 4000, .destination_port = 53});
    const Bytes asks = frame(Ethernet{}, Ipv4{.source = "10.0.0.6"}, Udp{.source_port = 4000, .destination_port = 53});
    EXPECT_EQ(run.judge(EDGEFW_SENT, question), "pass default");
    EXPECT_EQ(run.judge(EDGEFW_RECEIVED, asks), "pass rule dns opened");
    run.inside(inside());
    run.push(lines);
    EXPECT_EQ(run.judge(EDGEFW_RECEIVED, answer), "pass connection");
    EXPECT_EQ(run.judge(EDGEFW_RECEIVED, asks), "drop revoked");
    EXPECT_EQ(run.judge(EDGEFW_RECEIVED, asks), kMartian);
}

// A martian segment in mid-stream is not adopted, also where the other end could have opened its connection.
TEST(Martian, NothingOfItIsAdopted) {
    TestRun run;
    run.inside(inside());
    run.push("default: {external: {inbound: drop, outbound: pass}}\n");
    run.adopt_until(kernel::uptime() + 3600);
    EXPECT_EQ(run.judge("external inbound tcp 10.0.0.5:443 > 192.0.2.20:22 ack"), kMartian);
    EXPECT_EQ(run.judge("external inbound tcp 10.0.1.5:443 > 192.0.2.20:22 ack"), "pass default");
}

kernel::AttachRequest request(const std::string& interface, policy::Side side, bool with_policy) {
    kernel::AttachRequest asks;
    asks.interface = interface;
    asks.side = side;
    if (with_policy) asks.policy = compiled(kPassAll);
    return asks;
}

// The addresses of a real host, as of the last push; and a policy that is not in force knows none of them.
TEST(Martian, AddressesOfTheHostAreThoseOfThePush) {
    Lab lab;
    lab.add_card("eth1");
    lab.add_card("eth2");
    Lab::run(
        "ip addr add 198.51.100.7/24 dev eth0 && ip addr add 10.0.0.1/24 dev eth1 && "
        "ip addr add 10.9.0.1 peer 10.9.0.2/32 dev eth1 && "
        "ip link add over1 link eth1 type macvlan && ip addr add 10.0.10.1/24 dev over1 && "
        "ip link add over0 link eth0 type macvlan && ip addr add 172.16.0.1/16 dev over0 && "
        "ip link add bridge type bridge && ip link set eth2 master bridge && ip addr add 10.0.20.1/24 dev bridge && "
        "echo 0 >/proc/sys/net/ipv6/conf/eth1/disable_ipv6 && ip -6 addr add 2001:db8:5::1/64 dev eth1 nodad");
    for (const char* inside : {"eth1", "eth2"})
        ASSERT_TRUE(kernel::attach(request(inside, policy::Side::kInternal, false)));
    const auto card = kernel::attach(request("eth0", policy::Side::kExternal, true));
    ASSERT_TRUE(card) << card.error().message;
    const auto is_martian = [](kernel::Judge& judge, const char* source) {
        const auto judged = judge.judge(policy::Side::kExternal, EDGEFW_RECEIVED, from(source));
        return judged && judged->reason == EDGEFW_REASON_MARTIAN && judged->rule == "builtin/martian";
    };
    Lab::run("ip addr add 10.0.1.1/24 dev eth1");  // later than the policy
    auto first = kernel::Judge::in_force("eth0");
    ASSERT_TRUE(first) << first.error().message;
    for (const char* source :
         {"198.51.100.7", "10.0.0.5", "10.9.0.1", "10.9.0.2", "10.0.10.5", "10.0.20.5", "172.16.0.1", "2001:db8:5::5"})
        EXPECT_TRUE(is_martian(*first, source)) << source;
    for (const char* source : {"198.51.100.9", "10.0.1.5", "10.9.0.3", "172.16.0.2", "2001:db8:6::5", "fe80::1"})
        EXPECT_FALSE(is_martian(*first, source)) << source;

    const auto pushed = kernel::push(compiled(kPassAll), std::nullopt);
    ASSERT_TRUE(pushed) << pushed.error().message;
    auto second = kernel::Judge::in_force("eth0");
    ASSERT_TRUE(second) << second.error().message;
    EXPECT_TRUE(is_martian(*second, "10.0.1.5"));

    auto other = kernel::Judge::of(compiled(kPassAll), 1024);
    ASSERT_TRUE(other);
    const auto judged = other->judge(policy::Side::kExternal, EDGEFW_RECEIVED, from("10.0.0.5"));
    ASSERT_TRUE(judged);
    EXPECT_EQ(judged->reason, EDGEFW_REASON_DEFAULT);
    for (const char* card : {"eth0", "eth1", "eth2"})
        ASSERT_TRUE(kernel::detach(card));
}

// Who has more addresses than there is room for hears of it.
TEST(Martian, APushSaysThatThereAreMoreThanThereIsRoomFor) {
    const Lab lab;
    for (int i = 0; i < EDGEFW_MARTIANS + 3; i++)
        Lab::run("ip addr add 10.1." + std::to_string(i) + ".1/32 dev eth0");
    ASSERT_TRUE(kernel::attach(request("eth0", policy::Side::kExternal, false)));
    const auto pushed = kernel::push(compiled(kPassAll), std::nullopt);
    ASSERT_TRUE(pushed) << pushed.error().message;
    EXPECT_NE(pushed->warning.find("3 of the host's own addresses are not among the martians"), std::string::npos)
        << pushed->warning;
    ASSERT_TRUE(kernel::detach("eth0"));
}

}  // namespace
}  // namespace edgefw::test
