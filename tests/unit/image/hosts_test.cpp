// SPDX-License-Identifier: GPL-2.0-only
// Hosts by name: their classes foreseen, and moved to when addresses change.
#include "userspace/image/hosts.h"
#include "userspace/image/compile.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/walk.h"
#include "tests/unit/image/policies.h"
#include "userspace/packet/notation.h"

namespace edgefw::test {
namespace {

using image::Hosts;
using image::Move;
using policy::Policy;

Address address(const std::string& text) {
    return *Address::parse(text);
}

// Two hosts and a set, each named by a rule of its own port.
Policy naming(const std::vector<std::string>& first, const std::vector<std::string>& second) {
    Policy policy = policy_of({drop_rule("first"), drop_rule("second"), drop_rule("set")});
    policy.rules[0].protocol = policy.rules[1].protocol = policy.rules[2].protocol = 6;
    policy.rules[0].local_port = {{1, 1}};
    policy.rules[1].local_port = {{2, 2}};
    policy.rules[2].local_port = {{3, 3}};
    policy.rules[0].remote.hosts = {"a.example"};
    policy.rules[1].remote.hosts = {"b.example"};
    policy.rules[2].remote = set("net");
    policy.sets = {{"net", ranges({"198.51.100.0/24"}), {}}};
    policy.hosts = {{"a.example", {}, 1, 60, ""}, {"b.example", {}, 1, 60, ""}};
    for (const std::string& text : first)
        policy.hosts[0].addresses.push_back(address(text));
    for (const std::string& text : second)
        policy.hosts[1].addresses.push_back(address(text));
    return policy;
}

// An image whose class table can be written, as the kernel's.
class Tables {
public:
    explicit Tables(const Policy& policy) : image_(*image::compile(policy)) {
        hosts_ = *image::parse_hosts(image::hosts_text(image_));
    }

    bool move(const std::string& name, const std::vector<std::string>& texts) {
        std::vector<Address> next;
        for (const std::string& text : texts)
            next.push_back(address(text));
        policy::Host& host =
            *std::find_if(hosts_.hosts.begin(), hosts_.hosts.end(), [&](const auto& one) { return one.name == name; });
        const auto moves = image::moves(hosts_, host, next, [&](const Address& at) { return class_of(at); });
        if (!moves) return false;
        for (const Move& one : *moves)
            write(one);
        host.addresses = next;
        hosts_ = *image::parse_hosts(hosts_.to_text());
        return true;
    }

    // Which of the three rules' ports `remote` reaches.
    std::string reached(const std::string& remote) const {
        std::string ports;
        for (const char* port : {"1", "2", "3"}) {
            const auto packet = packet::parse("external inbound tcp " + remote + ":9 > 192.0.2.1:" + port);
            if (walk(image_, *packet).rule) ports += port;
        }
        return ports;
    }

private:
    std::vector<image::ClassPrefix>& prefixes() { return image_.classes[EDGEFW_IPV4]; }

    std::uint32_t class_of(const Address& at) {
        std::uint32_t number = 0;
        int longest = -1;
        for (const auto& entry : prefixes()) {
            if (entry.prefix.length <= longest || !AddressRange::of(entry.prefix).contains(at)) continue;
            longest = entry.prefix.length;
            number = entry.number;
        }
        return number;
    }

    void write(const Move& move) {
        const Prefix host{move.address, width_of(move.address.family)};
        std::erase_if(prefixes(), [&](const auto& entry) { return entry.prefix == host; });
        if (move.number != 0) prefixes().push_back({host, move.number});
    }

    image::Image image_;
    Hosts hosts_;
};

TEST(Hosts, MatchTheirAddresses) {
    const Tables tables(naming({"203.0.113.1"}, {"203.0.113.1", "198.51.100.7"}));
    EXPECT_EQ(tables.reached("203.0.113.1"), "12");
    EXPECT_EQ(tables.reached("198.51.100.7"), "23");
    EXPECT_EQ(tables.reached("198.51.100.8"), "3");
    EXPECT_EQ(tables.reached("203.0.113.2"), "");
}

TEST(Hosts, WithoutAddressesMatchNothingUntilTheyHaveSome) {
    Tables tables(naming({}, {}));
    EXPECT_EQ(tables.reached("203.0.113.1"), "");
    ASSERT_TRUE(tables.move("a.example", {"203.0.113.1"}));
    EXPECT_EQ(tables.reached("203.0.113.1"), "1");
    ASSERT_TRUE(tables.move("a.example", {}));
    EXPECT_EQ(tables.reached("203.0.113.1"), "");
}

TEST(Hosts, MoveBesideAndWithinSetsAndEachOther) {
    Tables tables(naming({"203.0.113.1"}, {"203.0.113.2"}));
    ASSERT_TRUE(tables.move("a.example", {"198.51.100.7", "203.0.113.2"}));
    EXPECT_EQ(tables.reached("203.0.113.1"), "");
    EXPECT_EQ(tables.reached("203.0.113.2"), "12");
    EXPECT_EQ(tables.reached("198.51.100.7"), "13");
    ASSERT_TRUE(tables.move("b.example", {"203.0.113.1"}));
    EXPECT_EQ(tables.reached("203.0.113.2"), "1");
    EXPECT_EQ(tables.reached("203.0.113.1"), "2");
    ASSERT_TRUE(tables.move("a.example", {}));
    EXPECT_EQ(tables.reached("198.51.100.7"), "3");
    EXPECT_EQ(tables.reached("203.0.113.2"), "");
}

// Two hosts within a set at one address: nobody has foreseen that, and a push must.
TEST(Hosts, SayWhenOnlyAPushWill) {
    Tables tables(naming({"198.51.100.7"}, {"203.0.113.2"}));
    EXPECT_FALSE(tables.move("b.example", {"198.51.100.7"}));
    EXPECT_EQ(tables.reached("198.51.100.7"), "13");
    EXPECT_EQ(tables.reached("203.0.113.2"), "2");
}

TEST(Hosts, RefuseATextThatIsNone) {
    for (const char* text : {"x", "{}", "[]", R"({"hosts": [{}]})", R"({"hosts": [], "ipv4": [1], "ipv6": []})"})
        EXPECT_FALSE(image::parse_hosts(text)) << text;
    const auto none = image::parse_hosts("");
    ASSERT_TRUE(none);
    EXPECT_TRUE(none->hosts.empty());
}

}  // namespace
}  // namespace edgefw::test
