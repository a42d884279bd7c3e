// SPDX-License-Identifier: GPL-2.0-only
#include "userspace/show/connections.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>

#include "tests/unit/show/cards.h"
#include "userspace/show/connection_filter.h"

namespace edgefw::show {
namespace {

using ::testing::HasSubstr;

Address address(const char* text) {
    return *Address::parse(text);
}

kernel::Connection web() {
    kernel::Connection connection;
    connection.interface = "eth0";
    connection.protocol = IPPROTO_TCP;
    connection.local = address("10.0.0.5");
    connection.local_port = 9555;
    connection.remote = address("198.51.100.9");
    connection.remote_port = 40000;
    connection.rule = "office/v2/inbound-9555";
    connection.nat = "office/v2/map-9555";
    connection.public_address = address("203.0.113.7");
    connection.public_port = 9555;
    connection.state = "tcp-established";
    connection.age = 7200;
    connection.idle = 61;
    connection.bytes[EDGEFW_RECEIVED] = 1000;
    connection.bytes[EDGEFW_SENT] = 2000;
    return connection;
}

kernel::Connection ping() {
    kernel::Connection connection;
    connection.interface = "eth1";
    connection.side = policy::Side::kInternal;
    connection.opener = EDGEFW_SENT;
    connection.protocol = IPPROTO_ICMPV6;
    connection.local = address("2001:db8::1");
    connection.remote = address("2001:db8::2");
    connection.local_port = 7;
    connection.state = "icmp-echo";
    connection.half_open = true;
    connection.age = 5;
    return connection;
}

bool picks(const std::vector<std::string>& words, const kernel::Connection& connection) {
    const auto filter = ConnectionFilter::parse(words);
    EXPECT_TRUE(filter) << words.front();
    return filter && filter->picks(connection);
}

TEST(ConnectionFilter, EachKey) {
    const struct {
        const char* word;
        bool web, ping;
    } rows[] = {
        {"interface=eth0", true, false},
        {"side=internal", false, true},
        {"direction=inbound", true, true},
        {"direction=outbound", false, false},
        {"protocol=tcp", true, false},
        {"protocol=58", false, true},
        {"local=10.0.0.0/24", true, false},
        {"remote=10.0.0.0/24", false, false},
        {"local=2001:db8::1", false, true},
        {"local_port=9555", true, false},
        {"remote_port=9555", false, false},
        {"remote_port=40000", true, false},
        {"state=icmp-echo", false, true},
        {"rule=office", true, false},
        {"rule=office/v2/inbound-9555", true, false},
        {"rule=off", false, false},
        {"nat=office/v2", true, false},
        {"198.51.100.9", true, false},
        {"2001:db8::/64", false, true},
        {"10.0.0.4-10.0.0.5", true, false},
        {"203.0.113.7", true, false},
        {"state=half-open", false, true},
    };
    for (const auto& row : rows) {
        EXPECT_EQ(picks({row.word}, web()), row.web) << row.word;
        EXPECT_EQ(picks({row.word}, ping()), row.ping) << row.word;
    }
}

TEST(ConnectionFilter, AllWordsMustHold) {
    EXPECT_TRUE(picks({}, web()));
    EXPECT_TRUE(picks({"protocol=tcp", "rule=office"}, web()));
    EXPECT_FALSE(picks({"protocol=tcp", "rule=other"}, web()));
}

TEST(ConnectionFilter, WordsThatPickNothingAreNamed) {
    for (const char* word :
         {"port=7", "local_port=65536", "local_port=x", "protocol=tpc", "side=left", "direction=up",
          "local=10.0.0.1/24", "remote=", "rule=", "state=tcp-bogus", "eth0", "=", "2001:db8::/129"}) {
        const auto filter = ConnectionFilter::parse({word});
        ASSERT_FALSE(filter) << word;
        EXPECT_EQ(filter.error().kind, ErrorKind::kUsage);
        EXPECT_THAT(filter.error().message, HasSubstr(std::string("'") + word + "'"));
    }
}

TEST(Connections, TextHasTheOldestFirst) {
    EXPECT_EQ(connections_text({ping(), web()}, 300),
              "interface  direction  protocol  local          remote              state                  rule          "
              "          nat                 age   idle  received  sent\n"
              "eth0       inbound    tcp       10.0.0.5:9555  198.51.100.9:40000  tcp-established        "
              "office/v2/inbound-9555  office/v2/map-9555  2 h  1 min      1000  2000\n"
              "eth1       inbound    icmp6     2001:db8::1    2001:db8::2         icmp-echo (half open)  -             "
              "          -                   5 s    0 s         0     0\n"
              "\n2 connections\n");
    EXPECT_EQ(connections_text({}, 80), "0 connections\n");
}

TEST(Connections, Json) {
    const auto json = connections_json({web(), ping()});
    EXPECT_EQ(
        json["connections"][0].dump(),
        R"({"interface":"eth0","side":"external","direction":"inbound","protocol":"tcp","local":"10.0.0.5",)"
        R"("local_port":9555,"remote":"198.51.100.9","remote_port":40000,"state":"tcp-established",)"
        R"("half_open":false,"revoked":false,"rule":"office/v2/inbound-9555","nat":"office/v2/map-9555","public":"203.0.113.7",)"
        R"("public_port":9555,"age":7200,"idle":61,"bytes":{"received":1000,"sent":2000}})");
    EXPECT_TRUE(json["connections"][1]["rule"].is_null());
    EXPECT_TRUE(json["connections"][1]["public"].is_null());
    EXPECT_TRUE(json["connections"][1]["half_open"].get<bool>());
}

TEST(Connections, WhatIsRevokedIsSaid) {
    kernel::Connection kept = ping();
    kept.revoked = true;
    EXPECT_THAT(connections_text({kept}, 300), HasSubstr("icmp-echo (revoked)"));
    EXPECT_TRUE(connections_json({kept})["connections"][0]["revoked"].get<bool>());
    const auto filter = ConnectionFilter::parse({"state=revoked"});
    ASSERT_TRUE(filter) << filter.error().message;
    EXPECT_TRUE(filter->picks(kept));
    EXPECT_FALSE(filter->picks(web()));
}

TEST(UnknownNames, OfWhatNobodyHas) {
    const std::vector<kernel::CardCounters> cards = {external_counters(), internal_counters()};
    const auto unknown = [&](const std::vector<std::string>& words) { return unknown_names(words, cards); };
    EXPECT_THAT(unknown({"rule=admin-ssh", "nat=office", "interface=eth1", "192.0.2.1", "state=half-open"}),
                testing::IsEmpty());
    EXPECT_THAT(unknown({"rule=ocs"}), testing::IsEmpty()) << "the part before a slash";
    EXPECT_THAT(unknown({"rule=nosuch", "nat=admin-ssh", "interface=eth9"}),
                testing::ElementsAre("no rule in force is called nosuch; `edgefw show` lists them",
                                     "no NAT entry in force is called admin-ssh; `edgefw show` lists them",
                                     "eth9 is not attached; `edgefw status` lists the cards that are"));
}

}  // namespace
}  // namespace edgefw::show
