// SPDX-License-Identifier: GPL-2.0-only
#include "userspace/names/resolve.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "maps/abi.h"
#include "maps/limits.h"

namespace edgefw::names {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr std::int64_t kNow = 1'800'000'000;

Address address(const std::string& text) {
    return *Address::parse(text);
}

policy::Host host(const std::string& name, const std::vector<std::string>& addresses = {}, std::int64_t resolved = 0) {
    policy::Host result{name, {}, resolved, 60, ""};
    for (const std::string& text : addresses)
        result.addresses.push_back(address(text));
    return result;
}

policy::Policy naming(const std::vector<std::string>& names) {
    policy::Policy policy;
    for (const std::string& name : names)
        policy.hosts.push_back(host(name));
    return policy;
}

Answer found(const std::vector<std::string>& addresses, std::uint32_t ttl) {
    Answer answer;
    for (const std::string& text : addresses)
        answer.addresses.push_back(address(text));
    answer.ttl = ttl;
    return answer;
}

Answer lost(const std::string& problem) {
    return {{}, 0, problem};
}

TEST(Resolve, TakesWhatTheServerSays) {
    policy::Policy policy = naming({"a.example", "b.example"});
    std::vector<std::string> asked;
    const auto ask = [&](const std::vector<std::string>& names) {
        asked = names;
        return std::vector<Answer>{found({"192.0.2.1"}, 30), found({"2001:db8::1", "2001:db8::2"}, 7)};
    };
    resolve(policy, {}, ask, kNow);
    EXPECT_THAT(asked, ElementsAre("a.example", "b.example"));
    EXPECT_THAT(policy.hosts[0].addresses, ElementsAre(address("192.0.2.1")));
    EXPECT_THAT(policy.hosts[1].addresses, ElementsAre(address("2001:db8::1"), address("2001:db8::2")));
    EXPECT_EQ(policy.hosts[1].ttl, 7u);
    EXPECT_EQ(policy.hosts[1].resolved, kNow);
    EXPECT_TRUE(policy.warnings.empty());
}

TEST(Resolve, WithoutAnAnswerKeepsWhatIsInForceAndSaysSo) {
    policy::Policy policy = naming({"old.example", "new.example"});
    const auto ask = [](const std::vector<std::string>&) {
        return std::vector<Answer>{lost("there is no such name"), lost("no server answered in time")};
    };
    resolve(policy, {{}, {host("old.example", {"192.0.2.9"}, kNow - 500)}}, ask, kNow);
    EXPECT_THAT(policy.hosts[0].addresses, ElementsAre(address("192.0.2.9")));
    EXPECT_EQ(policy.hosts[0].resolved, kNow - 500);
    EXPECT_TRUE(policy.hosts[1].addresses.empty());
    EXPECT_EQ(policy.hosts[1].resolved, 0);
    ASSERT_EQ(policy.warnings.size(), 2u);
    EXPECT_EQ(policy.warnings[0],
              "the host old.example was not found (there is no such name); it keeps the addresses it had");
    EXPECT_EQ(policy.warnings[1],
              "the host new.example was not found (no server answered in time); rules that name it match nothing until "
              "it is");
}

// One of four addresses at a time: what was seen lately stays, for as long as the policy says.
TEST(Resolve, KeepsForAWhileWhatAnEarlierAnswerHad) {
    policy::Policy policy = naming({"a.example"});
    policy.hosts[0].keep = 100;
    policy::Host before = host("a.example", {"192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.4"}, kNow - 10);
    before.ttl = 2;
    before.earlier = {{address("192.0.2.3"), kNow - 99}, {address("192.0.2.4"), kNow - 100}};
    const auto ask = [](const std::vector<std::string>&) { return std::vector<Answer>{found({"192.0.2.1"}, 2)}; };
    resolve(policy, {{}, {before}}, ask, kNow);
    const policy::Host& now = policy.hosts[0];
    EXPECT_THAT(now.addresses, ElementsAre(address("192.0.2.1"), address("192.0.2.2"), address("192.0.2.3")));
    // It was seen for as long as its answer held.
    EXPECT_EQ(now.earlier.at(address("192.0.2.2")), kNow - 8);
    EXPECT_EQ(now.earlier.at(address("192.0.2.3")), kNow - 99);
    EXPECT_FALSE(now.earlier.contains(address("192.0.2.1")));

    policy.hosts[0].keep = 0;
    resolve(policy, {{}, {now}}, ask, kNow);
    EXPECT_THAT(policy.hosts[0].addresses, ElementsAre(address("192.0.2.1")));
}

TEST(Resolve, KeepsNoMoreThanAHostMayHave) {
    policy::Policy policy = naming({"a.example"});
    policy.hosts[0].keep = 2 * EDGEFW_MAX_HOST_ADDRESSES;
    policy::Host before = host("a.example", {}, kNow - 1);
    for (std::uint32_t i = 0; i < EDGEFW_MAX_HOST_ADDRESSES; ++i) {
        before.addresses.push_back({Family::kIpv4, 0x0a000000u + i});
        before.earlier.emplace(before.addresses.back(), kNow - 1 - i);
    }
    const auto ask = [](const std::vector<std::string>&) { return std::vector<Answer>{found({"192.0.2.1"}, 2)}; };
    resolve(policy, {{}, {before}}, ask, kNow);
    const auto& kept = policy.hosts[0].addresses;
    EXPECT_EQ(kept.size(), EDGEFW_MAX_HOST_ADDRESSES);
    EXPECT_EQ(kept.back(), address("192.0.2.1"));
    EXPECT_FALSE(policy.hosts[0].earlier.contains(before.addresses.back())) << "the one seen first goes";
}

TEST(Resolve, WhoDoesNotWaitAsksForWhatNobodyKnows) {
    policy::Policy policy = naming({"known.example", "lost.example", "new.example"});
    std::vector<std::string> asked;
    const auto ask = [&](const std::vector<std::string>& names) {
        asked = names;
        return std::vector<Answer>{lost("no server answered in time"), found({"192.0.2.3"}, 60)};
    };
    policy::Host known = host("known.example", {"192.0.2.1"}, kNow - 500);
    known.earlier = {{address("192.0.2.1"), kNow - 400}};
    resolve(policy, {{}, {known, host("lost.example")}, Wanted::kInForce}, ask, kNow);
    EXPECT_THAT(asked, ElementsAre("lost.example", "new.example"));
    EXPECT_THAT(policy.hosts[0].addresses, ElementsAre(address("192.0.2.1")));
    EXPECT_EQ(policy.hosts[0].resolved, kNow - 500);
    EXPECT_EQ(policy.hosts[0].earlier.size(), 1u);
    EXPECT_TRUE(policy.hosts[1].addresses.empty());
    EXPECT_THAT(policy.hosts[2].addresses, ElementsAre(address("192.0.2.3")));
    EXPECT_EQ(policy.warnings.size(), 1u);
}

TEST(Resolve, AsksForNothingThatIsGiven) {
    policy::Policy policy = naming({"a.example"});
    const Result<Fixed> fixed = parse_fixed({"A.example.=192.0.2.7,2001:db8::7,192.0.2.7"});
    ASSERT_TRUE(fixed);
    const auto ask = [](const std::vector<std::string>&) -> std::vector<Answer> {
        ADD_FAILURE() << "asked";
        return {};
    };
    resolve(policy, {*fixed}, ask, kNow);
    EXPECT_THAT(policy.hosts[0].addresses, ElementsAre(address("192.0.2.7"), address("2001:db8::7")));
}

TEST(Resolve, RefusesWhatIsNoFixedName) {
    for (const char* text : {"", "=", "a.example", "=192.0.2.1", "a.example=", "a.example=192.0.2.1,", "a.example=x",
                             "a.example=192.0.2.0/24"}) {
        const Result<Fixed> fixed = parse_fixed({text});
        ASSERT_FALSE(fixed) << text;
        EXPECT_EQ(fixed.error().kind, ErrorKind::kUsage);
        EXPECT_THAT(fixed.error().message, HasSubstr("NAME=ADDR"));
    }
}

TEST(Resolve, PutsAddressesIntoPackets) {
    const std::vector<policy::Host> hosts = {host("a.example", {"192.0.2.1", "192.0.2.2"}),
                                             host("b.example", {"2001:db8::1"}), host("none.example")};
    const std::pair<const char*, const char*> rows[] = {
        {"external outbound tcp 10.0.0.5:4 > a.example:80", "external outbound tcp 10.0.0.5:4 > 192.0.2.1:80"},
        {"external inbound udp A.Example:53 > 10.0.0.5:4", "external inbound udp 192.0.2.1:53 > 10.0.0.5:4"},
        {"external outbound tcp [2001:db8::5]:4 > b.example:80",
         "external outbound tcp [2001:db8::5]:4 > [2001:db8::1]:80"},
        {"external outbound icmp6 2001:db8::5 > b.example echo-request",
         "external outbound icmp6 2001:db8::5 > 2001:db8::1 echo-request"},
        {"external outbound tcp 10.0.0.5:4 > none.example:80", "external outbound tcp 10.0.0.5:4 > none.example:80"},
        {"external outbound tcp 10.0.0.5:4 > xa.example:80", "external outbound tcp 10.0.0.5:4 > xa.example:80"},
    };
    for (const auto& [packet, expected] : rows)
        EXPECT_EQ(with_addresses(packet, hosts), expected);
}

TEST(Resolver, TakesNoAddressThatNoHostHas) {
    for (const char* text :
         {"0.0.0.0", "0.1.2.3", "127.0.0.1", "127.255.255.255", "224.0.0.1", "239.1.2.3", "240.0.0.1",
          "255.255.255.255", "::", "::1", "::ffff:192.0.2.1", "::192.0.2.1", "ff02::1"}) {
        EXPECT_FALSE(is_host_address(address(text))) << text;
    }
    for (const char* text : {"1.0.0.1", "10.0.0.1", "126.255.255.255", "128.0.0.1", "192.168.1.1", "223.255.255.255",
                             "2001:db8::1", "fd00::1", "fe80::1", "64:ff9b::c000:201"}) {
        EXPECT_TRUE(is_host_address(address(text))) << text;
    }
}

TEST(Resolver, RefusesWhatIsNoServer) {
    for (const char* text : {"nonsense", "192.0.2.1:port", "300.1.2.3"}) {
        const Result<Resolver> resolver = Resolver::create(text);
        ASSERT_FALSE(resolver) << text;
        EXPECT_EQ(resolver.error().kind, ErrorKind::kUsage);
    }
    EXPECT_TRUE(Resolver::create("192.0.2.53"));
    EXPECT_TRUE(Resolver::create("192.0.2.53:5353"));
    EXPECT_TRUE(Resolver::create("[2001:db8::53]:53"));
}

}  // namespace
}  // namespace edgefw::names
