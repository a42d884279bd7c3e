#include "userspace/policy/check_nat.h"

#include "tests/unit/policy/language.h"

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
    const auto nat = show(*policy)["nat"];
    ASSERT_EQ(nat.size(), 3u);
    EXPECT_EQ(nat[0].dump(),
              R"({"id":"web/tcp","type":"port-forward","protocol":"tcp","public":"203.0.113.7","public_port":"80",)"
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
         "p:3:59: a port forward is for IPv4; '2001:db8::1' is IPv6, which needs no NAT: pass it by a rule"},
        {"protocol: tcp, public: 203.0.113.0/24, public_port: 80, to: 10.0.0.5",
         "p:3:59: '203.0.113.0/24' is more than one address; write one host"},
        {"protocol: tcp, public: 203.0.113.7, public_port: 0, to: 10.0.0.5",
         "p:3:85: '0' is not a port; write 1 to 65535"},
        {"protocol: tcp, public: 203.0.113.7, public_port: 80-90, to: 10.0.0.5",
         "p:3:85: '80-90' is not a port; write 1 to 65535"},
        {"protocol: tcp, public: 203.0.113.7, public_port: 80, to: 203.0.113.7",
         "p:3:93: the target is the public address itself; name the address of the server behind it"},
        {"protocol: tcp, public: 203.0.113.7, to: 10.0.0.5", "p:3:3: a NAT entry needs `public_port:`"},
    };
    for (const auto& row : rows)
        EXPECT_EQ(errors_of("nat:\n" + forward("web", row.rest)), row.error) << row.rest;
    EXPECT_EQ(errors_of("nat:\n- { name: a, type: masquerade, protocol: tcp, public: 203.0.113.7, public_port: 80, to: "
                        "10.0.0.5 }\n"),
              "p:3:20: 'masquerade' is not a type of NAT in this release; write port-forward (others follow)");
}

TEST(CheckNat, EntriesTogether) {
    const std::string to_web = "protocol: tcp, public: 203.0.113.7, public_port: 80, to: 10.0.0.5";
    EXPECT_EQ(errors_of("nat:\n" + forward("a", to_web) + forward("b", to_web)),
              "p:4:3: 'b' forwards tcp 203.0.113.7:80, which 'a' forwards already; remove one of the two");
    EXPECT_EQ(errors_of("rules:\n- {name: a, side: external, action: drop}\nnat:\n" + forward("a", to_web)),
              "p:5:3: the id 'a' is taken by p:3:3; ids carry counters and must be unique, rename one");

    std::string crowd = "nat:\n";
    for (int i = 0; i < 4; ++i) {
        crowd += forward(
            "f" + std::to_string(i),
            "protocol: tcp, public: 203.0.113.7, to_port: 80, to: 10.0.0.5, public_port: " + std::to_string(80 + i));
    }
    EXPECT_EQ(errors_of(crowd), "");
    crowd += forward("f4", "protocol: tcp, public: 203.0.113.7, to_port: 80, to: 10.0.0.5, public_port: 90");
    EXPECT_EQ(
        errors_of(crowd),
        "p:7:3: more than 4 forwards lead to tcp 10.0.0.5:80; give the server another address or port for the rest");

    std::string many = "nat:\n";
    for (int i = 0; i < 993; ++i) {
        many += forward("f" + std::to_string(i),
                        "protocol: tcp, public: 203.0.113.7, to: 10.0.0.5, public_port: " + std::to_string(i + 1));
    }
    EXPECT_EQ(errors_of(many), "p:995:3: there are 993 forwards; at most 992 fit");
}

}  // namespace
}  // namespace edgefw::policy
