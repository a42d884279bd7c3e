// SPDX-License-Identifier: GPL-2.0-only
#include "userspace/check/settings.h"
#include "userspace/engine/load.h"

#include "tests/unit/language/language.h"
#include "userspace/document/document.h"

namespace edgefw::policy {
namespace {

using testing::errors_of;
using testing::load_lines;

std::string defaults_of(const std::string& text) {
    const auto policy = load_lines(text);
    return policy ? document::write(*policy)["defaults"].dump() : policy.error().message;
}

TEST(Settings, Defaults) {
    const struct {
        const char* text;
        const char* shown;
    } rows[] = {
        {"", R"({"external":{"inbound":"drop","outbound":"drop"},"internal":{"inbound":"drop","outbound":"drop"}})"},
        {"default: pass",
         R"({"external":{"inbound":"pass","outbound":"pass"},"internal":{"inbound":"pass","outbound":"pass"}})"},
        {"default: {internal: pass}",
         R"({"external":{"inbound":"drop","outbound":"drop"},"internal":{"inbound":"pass","outbound":"pass"}})"},
        {"default: {external: {outbound: pass}}",
         R"({"external":{"inbound":"drop","outbound":"pass"},"internal":{"inbound":"drop","outbound":"drop"}})"},
        {"default: allow", "p:2:10: 'allow' is not an action; write pass or drop"},
        {"default: {extern: pass}", "p:2:11: unknown key 'extern' in `default:`; did you mean 'external'?"},
        {"default: {external: {both: pass}}",
         "p:2:22: unknown key 'both' in the default of a side; write inbound or outbound"},
        {"default: [pass]", "p:2:10: a list is not an action; write pass or drop"},
    };
    for (const auto& row : rows)
        EXPECT_EQ(defaults_of(row.text), row.shown) << row.text;
}

TEST(Settings, Builtins) {
    const auto policy = load_lines("builtins: {dhcp: off, arp: on, link-local: no}\n");
    ASSERT_TRUE(policy) << policy.error().message;
    const std::uint32_t all = (1u << EDGEFW_BUILTIN_COUNT) - 1;
    EXPECT_EQ(policy->builtins, all & ~(1u << EDGEFW_BUILTIN_DHCP) & ~(1u << EDGEFW_BUILTIN_LINK_LOCAL));
    EXPECT_EQ(load_lines("")->builtins, all);
    EXPECT_EQ(errors_of("builtins: {dhcpv4: off}\n"),
              "p:2:12: unknown key 'dhcpv4' in `builtins:`; did you mean 'dhcpv6'?");
    EXPECT_EQ(errors_of("builtins: {dhcp: maybe}\n"),
              "p:2:18: 'maybe' is not a switch; write true, false, on, off, yes or no");
}

TEST(Settings, Names) {
    EXPECT_EQ(load_lines("")->names_keep, 600u);
    const std::pair<const char*, std::uint32_t> rows[] = {{"0", 0},     {"90", 90},   {"90s", 90},
                                                          {"10m", 600}, {"2h", 7200}, {"1000000", 1000000}};
    for (const auto& [text, seconds] : rows) {
        const auto policy = load_lines("names: {keep: " + std::string(text) +
                                       "}\nrules:\n- {name: a, side: external, "
                                       "direction: outbound, remote: a.example, action: drop}\n");
        ASSERT_TRUE(policy) << policy.error().message;
        EXPECT_EQ(policy->names_keep, seconds);
        EXPECT_EQ(document::write(*policy)["hosts"][0]["keep"], seconds);
    }
    for (const char* text : {"''", "m", "-1", "1.5m", "10 m", "1d", "1000001", "300h", "99999999999999999999h"}) {
        EXPECT_EQ(errors_of("names: {keep: " + std::string(text) + "}\n").substr(0, 7), "p:2:15:") << text;
    }
    EXPECT_EQ(errors_of("names: {keep: soon}\n"),
              "p:2:15: 'soon' is not a time; write seconds, or as in 90s, 10m, 2h, up to 1000000 seconds");
    EXPECT_EQ(errors_of("names: {kept: 1}\n"), "p:2:9: unknown key 'kept' in `names:`; write keep");
}

TEST(Settings, Timeouts) {
    const auto policy = load_lines("timeouts: {tcp-established: 3600, tcp-closing: 7}\n");
    ASSERT_TRUE(policy) << policy.error().message;
    EXPECT_EQ(policy->timeout[EDGEFW_STATE_TCP_ESTABLISHED], 3600u);
    EXPECT_EQ(policy->timeout[EDGEFW_STATE_TCP_CLOSING_OPENER], 7u);
    EXPECT_EQ(policy->timeout[EDGEFW_STATE_TCP_CLOSING_OTHER], 7u);
    EXPECT_EQ(policy->timeout[EDGEFW_STATE_UDP_TWO_WAY], 300u);
    EXPECT_EQ(errors_of("timeouts: {tcp-closing: 0}\n"), "p:2:25: '0' is not a number of seconds; write 1 to 1000000");
    EXPECT_EQ(errors_of("timeouts: {tcp: 9}\n"),
              "p:2:12: unknown key 'tcp' in `timeouts:`; write tcp-opening, tcp-established, tcp-closing, tcp-closed, "
              "udp-one-way, udp-answered, udp-two-way, icmp-echo, other-one-way, other-two-way, tcp-unproven or "
              "udp-query");
}

TEST(Settings, RoomForConnections) {
    const auto capacity_of = [](const std::string& text) {
        const auto policy = load_lines(text);
        return policy ? document::write(*policy)["connections"].dump() : policy.error().message;
    };
    const struct {
        const char* text;
        const char* shown;
    } rows[] = {
        {"",
         R"({"confirmed":{"ipv4":131072,"ipv6":131072},"datagrams":{"ipv4":65536,"ipv6":65536},"half_open":{"ipv4":65536,"ipv6":65536}})"},
        {"connections:",
         R"({"confirmed":{"ipv4":131072,"ipv6":131072},"datagrams":{"ipv4":65536,"ipv6":65536},"half_open":{"ipv4":65536,"ipv6":65536}})"},
        {"connections: {confirmed: 1000000}",
         R"({"confirmed":{"ipv4":1000000,"ipv6":1000000},"datagrams":{"ipv4":65536,"ipv6":65536},"half_open":{"ipv4":65536,"ipv6":65536}})"},
        {"connections: {confirmed: {ipv6: 16}, datagrams: 99, half_open: {ipv4: 16777216}}",
         R"({"confirmed":{"ipv4":131072,"ipv6":16},"datagrams":{"ipv4":99,"ipv6":99},"half_open":{"ipv4":16777216,"ipv6":65536}})"},
        {"connections: {confirmed: 15}", "p:2:26: '15' is not a number of connections; write 16 to 16777216"},
        {"connections: {half_open: {ipv4: 16777217}}",
         "p:2:33: '16777217' is not a number of connections; write 16 to 16777216"},
        {"connections: {confirmed: many}", "p:2:26: 'many' is not a number of connections; write 16 to 16777216"},
        {"connections: {confirmed: [16, 17]}", "p:2:26: a list is not a number of connections; write 16 to 16777216"},
        {"connections: {half-open: 16}",
         "p:2:15: unknown key 'half-open' in `connections:`; did you mean 'half_open'?"},
        {"connections: {confirmed: {ip4: 16}}", "p:2:27: unknown key 'ip4' in `confirmed:`; did you mean 'ipv4'?"},
        {"connections: 5000", "p:2:14: `connections:` is a mapping of `key: value`, this is '5000'"},
    };
    for (const auto& row : rows)
        EXPECT_EQ(capacity_of(row.text), row.shown) << row.text;
}

TEST(Settings, Adopt) {
    EXPECT_EQ(load_lines("")->adopt, 60u);
    EXPECT_EQ(load_lines("adopt: 0\n")->adopt, 0u);
    const auto policy = load_lines("adopt: 1000000\n");
    ASSERT_TRUE(policy) << policy.error().message;
    EXPECT_EQ(document::write(*policy)["adopt"], 1000000);
    EXPECT_EQ(errors_of("adopt: 1000001\n"),
              "p:2:8: '1000001' is not a number of seconds, 0 for none; write 0 to 1000000");
    EXPECT_EQ(errors_of("adopt: [1]\n"), "p:2:8: a list is not a number of seconds, 0 for none; write 0 to 1000000");
}

TEST(Settings, RollbackGrace) {
    EXPECT_EQ(load_lines("")->rollback_grace, 60u);
    EXPECT_EQ(load_lines("rollback_grace: 0\n")->rollback_grace, 0u);
    EXPECT_EQ(load_lines("rollback_grace: 5m\n")->rollback_grace, 300u);
    EXPECT_EQ(document::write(*load_lines("rollback_grace: 1h\n"))["rollback_grace"], 3600);
    EXPECT_EQ(errors_of("rollback_grace: 25h\n"),
              "p:2:17: '25h' is not a time; write seconds, or as in 90s, 10m, 2h, up to 86400 seconds");
}

TEST(Settings, Sets) {
    const auto policy =
        load_lines("sets:\n  a: [198.51.100.7, 198.51.100.0/24, 2001:db8::/32]\n  b: 192.0.2.1\n  c: []\n");
    ASSERT_TRUE(policy) << policy.error().message;
    EXPECT_EQ(
        document::write(*policy)["sets"].dump(),
        R"([{"name":"a","members":["198.51.100.0/24","2001:db8::/32"]},{"name":"b","members":["192.0.2.1"]},{"name":"c","members":[]}])");
    EXPECT_EQ(errors_of("sets: {a: $b}\n"), "p:2:11: a set cannot be named here; write addresses");
    EXPECT_EQ(errors_of("sets: {a b: 192.0.2.1}\n"),
              "p:2:8: 'a b' is not a name of a set; write letters, digits, '.', '_' and '-'");
    EXPECT_EQ(errors_of("sets: [192.0.2.1]\n"), "p:2:7: `sets:` is a mapping of name to addresses, this is a list");
}

TEST(Settings, Version) {
    const auto policy = engine::load_policy({"p", "rules: []\n"}, {});
    ASSERT_FALSE(policy);
    EXPECT_EQ(policy.error().message, "p:1:1: a policy needs `version: 1`");
    EXPECT_EQ(engine::load_policy({"p", "version: 2\n"}, {}).error().message,
              "p:1:10: version '2' is not known here; write 1");
}

}  // namespace
}  // namespace edgefw::policy
