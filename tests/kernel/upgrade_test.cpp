// SPDX-License-Identifier: GPL-2.0-only
// upgrade: a card that another version of edgefw attached. There is one version here, so what a card says of its
// version is changed by hand.
#include <linux/pkt_sched.h>
#include <bpf/bpf.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <net/if.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstring>

#include "maps/card.h"
#include "tests/kernel/test_run.h"
#include "tests/support/lab.h"
#include "userspace/kernel/door.h"
#include "userspace/kernel/map.h"
#include "userspace/kernel/netlink.h"
#include "userspace/kernel/pins.h"

namespace edgefw::test {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

const char* const kOne = R"(
rules:
- {name: one, side: external, direction: inbound, protocol: udp, local_port: 1, action: pass}
)";

template <typename T>
T take(Result<T> result) {
    if (!result) throw std::runtime_error(result.error().message);
    return std::move(*result);
}

void attach(const std::string& interface, kernel::Egress egress = kernel::Egress::kAuto) {
    kernel::AttachRequest request;
    request.interface = interface;
    request.egress = egress;
    request.policy = compiled(kOne);
    take(kernel::attach(request));
}

std::string directory_of(const std::string& interface) {
    return take(kernel::Home::look()).card(static_cast<int>(if_nametoindex(interface.c_str())));
}

// Another version, with another layout behind the fields that all have.
void make_foreign(const std::string& interface) {
    const std::string pin = directory_of(interface) + "/card";
    const kernel::Map map = take(kernel::Map::open_pinned(pin));
    std::vector<std::uint8_t> bytes(map.value_size() + 40, 0xee);
    const std::uint32_t index = 0, abi = EDGEFW_ABI_VERSION - 1;
    take(map.read(&index, bytes.data()));
    std::memcpy(bytes.data(), &abi, sizeof(abi));
    const auto larger =
        take(kernel::Map::create({"card", BPF_MAP_TYPE_ARRAY, 4, static_cast<std::uint32_t>(bytes.size()), 1}));
    std::fill(bytes.begin() + offsetof(edgefw_card, bank_generation), bytes.end(), 0xee);
    take(larger.write(&index, bytes.data()));
    ASSERT_EQ(unlink(pin.c_str()), 0);
    take(larger.pin(pin));
}

bpf_link_info link_info(const std::string& path) {
    const Fd link = Fd::own(bpf_obj_get(path.c_str()));
    bpf_link_info info = {};
    __u32 size = sizeof(info);
    if (bpf_link_get_info_by_fd(link.get(), &info, &size) != 0) throw std::runtime_error("no link at " + path);
    return info;
}

Bytes udp(std::uint16_t port) {
    return frame(Ethernet{}, Ipv4{}, Udp{.destination_port = port}, payload(10));
}

void expect_judged(std::uint16_t passes, std::uint16_t drops, Lab& lab) {
    FrameSocket peer = lab.in_peer([] { return FrameSocket("peer-eth0"); });
    FrameSocket host("eth0");
    peer.send(udp(drops));
    peer.send(udp(passes));
    EXPECT_EQ(host.receive(), udp(passes));
}

TEST(Upgrade, OnlyWhatIsAskedForTouchesACardOfAnotherVersion) {
    Lab lab;
    attach("eth0");
    make_foreign("eth0");
    const std::string said = "eth0 was attached by another version of edgefw (ABI " +
                             std::to_string(EDGEFW_ABI_VERSION - 1) + ", this one has " +
                             std::to_string(EDGEFW_ABI_VERSION) +
                             "); `edgefw push --upgrade POLICY` takes it over, `edgefw detach eth0` lets it go";
    EXPECT_EQ(kernel::push(compiled(kOne), {}).error().message, said);
    EXPECT_EQ(kernel::status(false).error().message, said);
    kernel::AttachRequest again;
    again.interface = "eth0";
    EXPECT_EQ(kernel::attach(again).error().message, said);
    expect_judged(1, 2, lab);
    EXPECT_TRUE(kernel::detach("eth0"));
    EXPECT_FALSE(take(kernel::Home::look()).exists());
}

TEST(Upgrade, TheLinksStayAndTheirProgramsChange) {
    Lab lab;
    attach("eth0");
    lab.add_card("eth1");
    attach("eth1");
    const std::string directory = directory_of("eth0");
    const bpf_link_info received = link_info(directory + "/link_received"), sent = link_info(directory + "/link_sent");
    make_foreign("eth0");
    make_foreign("eth1");
    const std::string two =
        "rules:\n"
        "- {name: two, side: external, direction: inbound, protocol: udp, local_port: 2, action: pass}\n";
    EXPECT_THAT(take(kernel::upgrade(compiled(two))), ElementsAre("eth0", "eth1"));

    const bpf_link_info received_now = link_info(directory + "/link_received");
    const bpf_link_info sent_now = link_info(directory + "/link_sent");
    EXPECT_EQ(received_now.id, received.id);
    EXPECT_NE(received_now.prog_id, received.prog_id);
    EXPECT_EQ(sent_now.id, sent.id);
    EXPECT_NE(sent_now.prog_id, sent.prog_id);
    expect_judged(2, 1, lab);

    const auto status = take(kernel::status(false));
    ASSERT_EQ(status.cards.size(), 2u);
    EXPECT_EQ(status.generation, 3u);
    for (const kernel::CardStatus& card : status.cards) {
        EXPECT_EQ(card.card.generation, 3u);
        EXPECT_GT(card.card.adopts, 50u) << "TCP in mid-stream";
    }
    EXPECT_THAT(take(kernel::Home::look()).generations(), ElementsAre(3u));
    EXPECT_TRUE(take(kernel::Home::look()).upgrades().empty());
    EXPECT_EQ(take(kernel::push(compiled(kOne), {})).generation, 4u);
    expect_judged(1, 2, lab);
    EXPECT_TRUE(take(kernel::upgrade(compiled(kOne))).empty()) << "nothing to do any more";
}

TEST(Upgrade, AClsactFilterIsReplacedToo) {
    Lab lab;
    attach("eth0", kernel::Egress::kClsact);
    make_foreign("eth0");
    const int ifindex = static_cast<int>(if_nametoindex("eth0"));
    const auto filters = [&] { return take(kernel::count_filters(ifindex, TC_H_MAKE(TC_H_CLSACT, TC_H_MIN_EGRESS))); };
    const int before = filters();
    EXPECT_THAT(take(kernel::upgrade(compiled(kOne))), ElementsAre("eth0"));
    EXPECT_EQ(filters(), before);
    // What is sent is judged by the new program: nothing may be.
    FrameSocket host("eth0");
    host.send(udp(7));
    for (int i = 0; i < 200; i++) {
        const auto counters = take(kernel::counters("eth0"));
        if (counters[0].reasons[EDGEFW_SENT][EDGEFW_DROP][EDGEFW_REASON_DEFAULT].packets == 1) break;
        ASSERT_LT(i, 199) << "the new program has not seen it";
        usleep(5000);
    }
    ASSERT_TRUE(kernel::detach("eth0"));
    EXPECT_EQ(filters(), 0);
}

TEST(Upgrade, OneThatWasKilledIsBegunAnew) {
    Lab lab;
    attach("eth0");
    make_foreign("eth0");
    const std::string half_made = take(kernel::Home::look()).upgrade(0);
    ASSERT_EQ(mkdir(half_made.c_str(), 0700), 0);
    const kernel::Map map = take(kernel::Map::create({"card", BPF_MAP_TYPE_ARRAY, 4, 8, 1}));
    take(map.pin(half_made + "/card"));
    EXPECT_THAT(take(kernel::upgrade(compiled(kOne))), ElementsAre("eth0"));
    EXPECT_TRUE(take(kernel::Home::look()).upgrades().empty());
    expect_judged(1, 2, lab);
}

TEST(Upgrade, WhatCannotBeBuiltLeavesTheCardAsItWas) {
    Lab lab;
    attach("eth0");
    make_foreign("eth0");
    const std::string directory = directory_of("eth0");
    const bpf_link_info before = link_info(directory + "/link_received");
    ASSERT_EQ(unlink((directory + "/link_sent").c_str()), 0);
    const auto refused = kernel::upgrade(compiled(kOne));
    ASSERT_FALSE(refused);
    EXPECT_THAT(refused.error().message, HasSubstr("eth0 was not taken over: "));
    EXPECT_EQ(link_info(directory + "/link_received").prog_id, before.prog_id);
    EXPECT_TRUE(take(kernel::Home::look()).upgrades().empty());
    expect_judged(1, 2, lab);
}

// What has to be confirmed is settled first: the cards of the two versions would be under two policies for long.
TEST(Upgrade, NotWhileAPushWaits) {
    Lab lab;
    lab.add_card("eth1");
    attach("eth0");
    attach("eth1");
    take(kernel::push(compiled(kOne), {}, {600, false}));
    make_foreign("eth1");
    const auto refused = kernel::upgrade(compiled(kOne));
    ASSERT_FALSE(refused);
    EXPECT_THAT(refused.error().message, HasSubstr("waits to be confirmed"));
    take(kernel::fall_back());
    EXPECT_THAT(take(kernel::upgrade(compiled(kOne))), ElementsAre("eth1"));
    take(kernel::push(compiled(kOne), {}));
}

}  // namespace
}  // namespace edgefw::test
