// SPDX-License-Identifier: GPL-2.0-only
// dhcp: the host's own client gets its address, and nobody gets through a router by its ports.
#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cstring>

#include "maps/builtins.h"
#include "tests/kernel/test_run.h"
#include "tests/support/lab.h"
#include "userspace/kernel/door.h"

namespace edgefw::test {
namespace {

const char* const kOwn = "pass builtin builtin/dhcp";
const char* const kOther = "drop default";
constexpr std::uint8_t kRequest = 1;
constexpr std::uint8_t kReply = 2;

// RFC 2131 section 2: as much of a message as is looked at, and more.
Payload message(std::uint8_t operation, std::uint32_t xid) {
    Bytes bytes(240);
    bytes[0] = operation;
    bytes[1] = 1;
    bytes[2] = 6;
    for (int i = 0; i < 4; i++)
        bytes[4 + static_cast<std::size_t>(i)] = static_cast<std::uint8_t>(xid >> (24 - 8 * i));
    return {bytes};
}

Bytes answer(const std::string& to, std::uint32_t xid, std::uint8_t operation = kReply,
             const std::string& from = "198.51.100.1") {
    return frame(Ethernet{}, Ipv4{.source = from, .destination = to}, Udp{.source_port = 67, .destination_port = 68},
                 message(operation, xid));
}

Bytes request(std::uint32_t xid, const std::string& from = "0.0.0.0", const std::string& to = "255.255.255.255") {
    return frame(Ethernet{}, Ipv4{.source = from, .destination = to}, Udp{.source_port = 68, .destination_port = 67},
                 message(kRequest, xid));
}

TEST(Dhcp, AnOfferComesToAnAddressThatTheHostDoesNotHaveYet) {
    TestRun run("default: drop");
    EXPECT_EQ(run.judge(EDGEFW_RECEIVED, answer("192.0.2.20", 0x11223344)), kOther);
    EXPECT_EQ(run.judge(EDGEFW_SENT, request(0x11223344)), kOwn);
    EXPECT_EQ(run.judge(EDGEFW_RECEIVED, answer("192.0.2.20", 0x11223344)), kOwn);
    EXPECT_EQ(run.judge(EDGEFW_RECEIVED, answer("255.255.255.255", 1)), kOwn);
}

// What whoever sees or guesses can send.
TEST(Dhcp, ForgedAnswersDrop) {
    TestRun run("default: drop");
    EXPECT_EQ(run.judge(EDGEFW_SENT, request(0x11223344)), kOwn);
    EXPECT_EQ(run.judge(EDGEFW_RECEIVED, answer("192.0.2.20", 0x11223345)), kOther) << "another xid";
    EXPECT_EQ(run.judge(EDGEFW_RECEIVED, answer("192.0.2.20", 0x44332211)), kOther) << "turned round";
    EXPECT_EQ(run.judge(EDGEFW_RECEIVED, answer("192.0.2.20", 0x11223344, kRequest)), kOther) << "no answer";
    EXPECT_EQ(run.judge(EDGEFW_RECEIVED,
                        frame(Ethernet{}, Ipv4{}, Udp{.source_port = 67, .destination_port = 68}, payload(7))),
              kOther)
        << "too short for an xid";
    EXPECT_EQ(
        run.judge(EDGEFW_RECEIVED, frame(Ethernet{}, Ipv4{.more = true}, Udp{.source_port = 67, .destination_port = 68},
                                         message(kReply, 0x11223344))),
        kOther)
        << "a first fragment";
    EXPECT_EQ(run.judge(EDGEFW_RECEIVED, frame(Ethernet{}, Ipv4{}, Udp{.source_port = 53, .destination_port = 68},
                                               message(kReply, 0x11223344))),
              kOther)
        << "another port";
    EXPECT_EQ(run.judge(EDGEFW_RECEIVED, frame(Ethernet{}, Vlan{}, Ipv4{.destination = "255.255.255.255"},
                                               Udp{.source_port = 67, .destination_port = 68}, message(kReply, 5))),
              kOwn)
        << "a tagged broadcast stays on its link";
}

// What comes in writes nothing: neither an answer nor a request makes an xid known, nor pushes one out.
TEST(Dhcp, AFloodOfAnswersMakesNothingKnown) {
    TestRun run("default: drop");
    EXPECT_EQ(run.judge(EDGEFW_SENT, request(0xaabbccdd)), kOwn);
    for (std::uint32_t xid = 1; xid <= 2000; xid++) {
        ASSERT_EQ(run.judge(EDGEFW_RECEIVED, answer("192.0.2.20", xid)), kOther);
        ASSERT_EQ(run.judge(EDGEFW_RECEIVED, request(xid, "198.51.100.9", "192.0.2.20")), kOther);
    }
    EXPECT_EQ(run.judge(EDGEFW_RECEIVED, answer("192.0.2.20", 2000)), kOther);
    EXPECT_EQ(run.judge(EDGEFW_RECEIVED, answer("192.0.2.20", 0xaabbccdd)), kOwn);
}

// A request that is not passed as the host's own makes nothing known either.
TEST(Dhcp, RequestsOfOthersDropAndAreNotNoted) {
    TestRun run("default: drop");
    EXPECT_EQ(run.judge(EDGEFW_SENT, request(7, "192.0.2.20")), kOther) << "whose address, a test run does not know";
    EXPECT_EQ(run.judge(EDGEFW_SENT, request(7, "0.0.0.0", "198.51.100.1")), kOther) << "without an address, beyond";
    EXPECT_EQ(run.judge(EDGEFW_RECEIVED, answer("192.0.2.20", 7)), kOther);
}

// The built-in rule knows the packet as it is on the wire.
TEST(Dhcp, ThroughAStaticEntryTheRulesDecide) {
    TestRun run(R"(
default: drop
nat:
- {name: all, type: static, public: 192.0.2.20, to: 10.0.0.6}
rules:
- {name: tftp, side: external, direction: inbound, protocol: udp, local: 10.0.0.6, local_port: 69, action: pass}
)");
    const Bytes in = answer("192.0.2.20", 9);
    EXPECT_EQ(run.judge(EDGEFW_RECEIVED, in), "drop default via all");
    EXPECT_EQ(run.judge(EDGEFW_SENT, request(9, "10.0.0.6", "198.51.100.1")), "drop default via all");
    EXPECT_EQ(run.judge(EDGEFW_SENT, request(9)), kOwn);
    EXPECT_EQ(run.judge(EDGEFW_RECEIVED, in), kOwn);
    EXPECT_EQ(run.left(), in) << "what a built-in rule passes is not translated";
}

TEST(Dhcp, AfterARuleItIsAsAnyOther) {
    TestRun run(
        "rules:\n- {name: relay, side: external, direction: inbound, protocol: udp, local_port: 68, action: pass}");
    EXPECT_EQ(run.judge(EDGEFW_RECEIVED, answer("192.0.2.20", 9)), "pass rule relay opened");
}

struct Row6 {
    const char* name;
    edgefw_hook hook;
    const char* source;
    std::uint16_t source_port;
    const char* destination;
    std::uint16_t destination_port;
    bool passes;
};

TEST(Dhcp, OfIpv6StaysOnItsLink) {
    const Row6 rows[] = {
        {"answered", EDGEFW_RECEIVED, "fe80::1", 547, "fe80::2", 546, true},
        {"answered from any port", EDGEFW_RECEIVED, "fe80::1", 40000, "fe80::2", 546, true},
        {"to the group", EDGEFW_RECEIVED, "fe80::1", 547, "ff02::1:2", 546, true},
        {"from beyond", EDGEFW_RECEIVED, "2001:db8:9::9", 547, "fe80::2", 546, false},
        {"to a host inside", EDGEFW_RECEIVED, "fe80::1", 547, "2001:db8:2::20", 546, false},
        {"from beyond to inside", EDGEFW_RECEIVED, "2001:db8:9::9", 547, "2001:db8:2::20", 546, false},
        {"to another group", EDGEFW_RECEIVED, "fe80::1", 547, "ff02::1:3", 546, false},
        {"to the group of a site", EDGEFW_RECEIVED, "fe80::1", 547, "ff05::1:2", 546, false},
        {"past fe80::/10", EDGEFW_RECEIVED, "fec0::1", 547, "fe80::2", 546, false},
        {"asked", EDGEFW_SENT, "fe80::2", 546, "ff02::1:2", 547, true},
        {"asked of one server", EDGEFW_SENT, "fe80::2", 546, "fe80::1", 547, true},
        {"asked from another port", EDGEFW_SENT, "fe80::2", 40000, "ff02::1:2", 547, false},
        {"asked on another port", EDGEFW_SENT, "fe80::2", 546, "ff02::1:2", 40000, false},
        {"asked from inside", EDGEFW_SENT, "2001:db8:2::20", 546, "ff02::1:2", 547, false},
        {"asked beyond", EDGEFW_SENT, "fe80::2", 546, "2001:db8:9::9", 547, false},
    };
    TestRun run("default: drop");
    for (const Row6& row : rows) {
        const Bytes packet =
            frame(Ethernet{}, Ipv6{.source = row.source, .destination = row.destination},
                  Udp{.source_port = row.source_port, .destination_port = row.destination_port}, payload(40));
        EXPECT_EQ(run.judge(row.hook, packet), row.passes ? "pass builtin builtin/dhcpv6" : kOther) << row.name;
    }
}

// A router between peer-eth0 (outside) and peer-eth1 (inside). The frames go to its cards.
class Router {
public:
    explicit Router(kernel::ReceivedMode mode) {
        lab_.add_card("eth1");
        Lab::run(
            "ip link set eth0 address 02:00:00:00:00:01 && ip link set eth1 address 02:00:00:00:00:02 && "
            "ip addr add 198.51.100.254/24 dev eth0 && ip addr add 10.0.0.1/24 dev eth1 && "
            "ip route add default via 198.51.100.1 && ip route add blackhole 203.0.113.0/24 && "
            "ip neigh add 198.51.100.1 lladdr 02:00:00:00:00:09 dev eth0 && "
            "ip neigh add 10.0.0.5 lladdr 02:00:00:00:00:05 dev eth1");
        forward(true);
        kernel::AttachRequest asks;
        asks.interface = "eth0";
        asks.mode = mode;
        asks.policy = compiled("default: drop");
        if (const auto card = kernel::attach(asks); !card) throw std::runtime_error(card.error().message);
    }
    ~Router() { (void)kernel::detach("eth0"); }

    static void forward(bool on) {
        Lab::run(std::string("echo ") + (on ? "1" : "0") + " > /proc/sys/net/ipv4/ip_forward");
    }
    // What the built-in rule passes of it.
    template <typename Send>
    static std::uint64_t counted(const Send& send) {
        const std::uint64_t before = count();
        send();
        return count() - before;
    }
    // From outside.
    std::uint64_t passed(const std::string& to, std::uint32_t xid = 1) {
        return counted([&] {
            lab_.in_peer([&] {
                FrameSocket("peer-eth0").send(on_wire(answer(to, xid), 0x01));
                return 0;
            });
        });
    }
    // From the host's own client.
    static std::uint64_t asks(std::uint32_t xid) {
        return counted([&] {
            const int client = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
            const Bytes bytes = message(kRequest, xid).bytes;
            sockaddr_in own = {}, server = {};
            own.sin_family = server.sin_family = AF_INET;
            own.sin_port = htons(68);
            server.sin_port = htons(67);
            inet_pton(AF_INET, "198.51.100.254", &own.sin_addr);
            inet_pton(AF_INET, "198.51.100.1", &server.sin_addr);
            EXPECT_EQ(bind(client, reinterpret_cast<sockaddr*>(&own), sizeof(own)), 0);
            EXPECT_GT(
                sendto(client, bytes.data(), bytes.size(), 0, reinterpret_cast<sockaddr*>(&server), sizeof(server)), 0);
            close(client);
        });
    }
    // From inside, to be forwarded. Whether it came to the card and what became of it, its counters say.
    std::uint64_t passed_from_inside(const std::string& source, std::uint32_t xid) {
        return counted([&] {
            const std::uint64_t before = sent();
            lab_.in_peer([&] {
                FrameSocket("peer-eth1").send(on_wire(request(xid, source, "198.51.100.1"), 0x02));
                return 0;
            });
            EXPECT_EQ(sent(), before + 1) << "the router forwards " << source;
        });
    }

private:
    static Bytes on_wire(Bytes frame, std::uint8_t card) {
        const std::uint8_t to[] = {0x02, 0, 0, 0, 0, card};
        std::memcpy(frame.data(), to, sizeof(to));
        return frame;
    }
    static kernel::CardCounters counters() {
        const auto all = kernel::counters("eth0");
        if (!all) throw std::runtime_error(all.error().message);
        return all->front();
    }
    static std::uint64_t count() {
        return counters().slots.at(EDGEFW_SLOT_FIRST_BUILTIN + EDGEFW_BUILTIN_DHCP).packets;
    }
    static std::uint64_t sent() {
        std::uint64_t sum = 0;
        for (const auto& verdict : counters().reasons[EDGEFW_SENT]) {
            for (const auto& reason : verdict)
                sum += reason.packets;
        }
        return sum;
    }

    Lab lab_;
};

// The kernel is asked whose an address is, at each hook and of each program type.
TEST(Dhcp, NothingGetsThroughARouter) {
    for (const auto mode : {kernel::ReceivedMode::kAuto, kernel::ReceivedMode::kTc}) {
        Router router(mode);
        EXPECT_EQ(router.passed("198.51.100.254"), 1u) << "the host's own";
        EXPECT_EQ(router.passed("198.51.100.255"), 1u) << "the broadcast of its network";
        EXPECT_EQ(router.passed("10.0.0.1"), 1u) << "its own on another card";
        EXPECT_EQ(router.passed("10.0.0.5"), 0u) << "a host inside";
        EXPECT_EQ(router.passed("192.0.2.7"), 0u) << "by the default route";
        EXPECT_EQ(router.passed("203.0.113.7"), 0u) << "a blackhole is nobody's address";
        EXPECT_EQ(router.passed("198.51.100.77", 0x77), 0u) << "an address it may get, without having asked";

        EXPECT_EQ(router.passed_from_inside("10.0.0.5", 0x77), 0u) << "a host inside asks";
        EXPECT_EQ(router.passed_from_inside("192.0.2.7", 0x78), 0u) << "from an address that is not inside";
        EXPECT_EQ(router.passed("10.0.0.5", 0x77), 0u) << "and is answered";
        EXPECT_EQ(router.passed("10.0.0.5", 0x78), 0u);

        EXPECT_EQ(router.asks(0x79), 1u) << "its own client";
        EXPECT_EQ(router.passed("198.51.100.77", 0x79), 1u) << "is offered an address";
        EXPECT_EQ(router.passed("198.51.100.77", 0x80), 0u);

        Router::forward(false);
        EXPECT_EQ(router.passed("10.0.0.5"), 1u) << "the kernel forwards nothing";
        Router::forward(true);
        // A new address counts at once.
        Lab::run("ip addr add 198.51.100.77/24 dev eth0");
        EXPECT_EQ(router.passed("198.51.100.77"), 1u);
        Lab::run("ip addr del 198.51.100.77/24 dev eth0");
        EXPECT_EQ(router.passed("198.51.100.77"), 0u);
    }
}

}  // namespace
}  // namespace edgefw::test
