// SPDX-License-Identifier: GPL-2.0-only
#include "userspace/names/answer.h"

#include <ares.h>
#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netdb.h>

#include <deque>

#include "maps/limits.h"

namespace edgefw::names {
namespace {

using ::testing::ElementsAre;

// Records as c-ares hands them out.
class Records {
public:
    void add(const char* text, int ttl) {
        sockaddr_storage& socket = sockets_.emplace_back();
        auto* ipv4 = reinterpret_cast<sockaddr_in*>(&socket);
        auto* ipv6 = reinterpret_cast<sockaddr_in6*>(&socket);
        socket.ss_family = inet_pton(AF_INET, text, &ipv4->sin_addr) == 1 ? AF_INET : AF_INET6;
        if (socket.ss_family == AF_INET6) {
            ASSERT_EQ(inet_pton(AF_INET6, text, &ipv6->sin6_addr), 1) << text;
        }
        add_node(socket.ss_family, ttl, reinterpret_cast<sockaddr*>(&socket));
    }
    void add_node(int family, int ttl, sockaddr* socket) {
        ares_addrinfo_node& node = nodes_.emplace_back();
        node.ai_family = family;
        node.ai_ttl = ttl;
        node.ai_addr = socket;
        node.ai_next = info_.nodes;
        info_.nodes = &node;
    }
    void add_alias(int ttl) {
        ares_addrinfo_cname& alias = aliases_.emplace_back();
        alias.ttl = ttl;
        alias.next = info_.cnames;
        info_.cnames = &alias;
    }
    Answer answer() const { return answer_of(ARES_SUCCESS, &info_); }

private:
    ares_addrinfo info_{};
    std::deque<sockaddr_storage> sockets_;
    std::deque<ares_addrinfo_node> nodes_;
    std::deque<ares_addrinfo_cname> aliases_;
};

Address address(const char* text) {
    return *Address::parse(text);
}

TEST(Answer, SortedEachOnceWithTheLeastTtl) {
    Records records;
    records.add("192.0.2.9", 60);
    records.add("2001:db8::1", 50);
    records.add("192.0.2.1", 40);
    records.add("192.0.2.9", 70);
    records.add_alias(30);
    const Answer answer = records.answer();
    EXPECT_THAT(answer.addresses, ElementsAre(address("192.0.2.1"), address("192.0.2.9"), address("2001:db8::1")));
    EXPECT_EQ(answer.ttl, 30u);
    EXPECT_EQ(answer.problem, "");
}

TEST(Answer, AddressesThatNoHostCanHaveAreLeftOut) {
    Records records;
    records.add("127.0.0.1", 60);
    EXPECT_EQ(records.answer().problem, "the server names only addresses that no host can have");
    records.add("192.0.2.1", 60);
    EXPECT_THAT(records.answer().addresses, ElementsAre(address("192.0.2.1")));
}

TEST(Answer, AnotherFamilyIsNotLookedAt) {
    Records records;
    records.add_node(AF_UNIX, 1, nullptr);
    EXPECT_EQ(records.answer().problem, "it has no address");
}

TEST(Answer, TtlWithTheHighestBitIsZero) {
    Records records;
    records.add("192.0.2.1", -1);
    EXPECT_EQ(records.answer().ttl, 0u);
}

TEST(Answer, NoMoreOfAFamilyThanThereIsRoomFor) {
    Records records;
    for (int i = 0; i < EDGEFW_MAX_HOST_ADDRESSES + 2; ++i)
        records.add(("11.0." + std::to_string(i / 256) + "." + std::to_string(i % 256)).c_str(), 60);
    records.add("2001:db8::1", 60);
    EXPECT_EQ(records.answer().addresses.size(), EDGEFW_MAX_HOST_ADDRESSES + 1u);
}

TEST(Answer, EachStatusHasItsProblem) {
    EXPECT_EQ(answer_of(ARES_ENOTFOUND, nullptr).problem, "there is no such name");
    EXPECT_EQ(answer_of(ARES_ENODATA, nullptr).problem, "it has no address");
    EXPECT_EQ(answer_of(ARES_ECONNREFUSED, nullptr).problem, "no server answers");
    EXPECT_EQ(answer_of(ARES_ETIMEOUT, nullptr).problem, "no server answered in time");
    EXPECT_EQ(answer_of(ARES_ECANCELLED, nullptr).problem, "no server answered in time");
    EXPECT_NE(answer_of(ARES_SUCCESS, nullptr).problem, "");
}

}  // namespace
}  // namespace edgefw::names
