// pins: where things live in bpffs, the lock, and what is cleaned up.
#include "userspace/kernel/pins.h"

#include <linux/bpf.h>
#include <gtest/gtest.h>
#include <sys/mount.h>

#include "tests/kernel/test_run.h"
#include "tests/support/lab.h"
#include "userspace/kernel/host.h"

namespace edgefw::test {
namespace {

using kernel::Home;

const std::string kRoot = "/sys/fs/bpf/edgefw";

void attach_eth0() {
    kernel::AttachRequest request;
    request.interface = "eth0";
    const auto card = kernel::attach(request);
    ASSERT_TRUE(card) << card.error().message;
}

TEST(Pins, UnderTheNamespacesCookie) {
    Lab lab;
    const auto here = Home::look();
    const auto there = lab.in_peer([] { return Home::look(); });
    ASSERT_TRUE(here && there);
    EXPECT_NE(here->path(), there->path());
    EXPECT_TRUE(here->path().starts_with(kRoot + "/"));
    EXPECT_FALSE(here->exists());
    EXPECT_EQ(here->generation(3), here->path() + "/generation_3");
    EXPECT_EQ(here->card(4), here->path() + "/card_4");
}

TEST(Pins, WithoutABpffs) {
    const Lab lab;
    ASSERT_EQ(umount("/sys/fs/bpf"), 0);
    // There may be another one below, that of the machine.
    while (umount("/sys/fs/bpf") == 0) {
    }
    const auto home = Home::look();
    ASSERT_FALSE(home);
    EXPECT_NE(home.error().message.find("mount -t bpf bpf /sys/fs/bpf"), std::string::npos) << home.error().message;
}

TEST(Pins, Numbered) {
    const Lab lab;
    auto home = Home::lock();
    ASSERT_TRUE(home) << home.error().message;
    for (const int number : {12, 3, 7})
        ASSERT_TRUE(kernel::make_directory(home->generation(static_cast<std::uint32_t>(number))));
    ASSERT_TRUE(kernel::make_directory(home->card(2)));
    EXPECT_EQ(home->generations(), (std::vector<std::uint32_t>{3, 7, 12}));
    EXPECT_EQ(home->cards(), (std::vector<std::uint32_t>{2}));
    home->remove_if_empty();
    EXPECT_TRUE(kernel::is_pinned(home->path())) << "a card is there";
    kernel::remove_directory(home->card(2));
    home->remove_if_empty();
    EXPECT_FALSE(kernel::is_pinned(home->path()));
    EXPECT_FALSE(kernel::is_pinned(kRoot));
}

// The lock goes with the directory that was locked: who waited for one that is gone takes the new one.
TEST(Pins, LockIsOfTheDirectoryThatIsThere) {
    const Lab lab;
    auto first = Home::lock();
    ASSERT_TRUE(first);
    first->remove_if_empty();
    const auto second = Home::lock();
    ASSERT_TRUE(second) << second.error().message;
    EXPECT_TRUE(second->exists());
    EXPECT_TRUE(kernel::is_pinned(second->path()));
}

TEST(Pins, DetachLeavesNothing) {
    const Lab lab;
    attach_eth0();
    EXPECT_TRUE(kernel::is_pinned(kRoot));
    const auto detached = kernel::detach("eth0");
    ASSERT_TRUE(detached) << detached.error().message;
    EXPECT_FALSE(kernel::is_pinned(kRoot));
}

// A card that goes away under us: its pins are what the next attach finds and removes.
TEST(Pins, OfACardThatIsGone) {
    Lab lab;
    attach_eth0();
    const auto home = Home::look();
    ASSERT_TRUE(home);
    ASSERT_EQ(home->cards().size(), 1u);
    const std::string dead = home->card(static_cast<int>(home->cards().front()));
    Lab::run("ip link delete eth0");
    const auto status = kernel::status(false);
    ASSERT_TRUE(status) << status.error().message;
    EXPECT_TRUE(status->cards.empty());
    lab.add_card("eth1");
    kernel::AttachRequest request;
    request.interface = "eth1";
    ASSERT_TRUE(kernel::attach(request));
    EXPECT_FALSE(kernel::is_pinned(dead));
    EXPECT_EQ(Home::look()->cards().size(), 1u);
}

// A namespace that is gone with all its cards leaves pins that another one's attach removes.
TEST(Pins, OfANamespaceThatIsGone) {
    Lab lab;
    const std::string gone = lab.in_peer([] {
        kernel::AttachRequest request;
        request.interface = "peer-eth0";
        EXPECT_TRUE(kernel::attach(request));
        return Home::look()->path();
    });
    EXPECT_TRUE(kernel::is_pinned(gone));
    Lab::run("ip link delete eth0");  // the wire has two ends: the peer's card goes, too
    lab.add_card("eth1");
    kernel::AttachRequest request;
    request.interface = "eth1";
    ASSERT_TRUE(kernel::attach(request));
    EXPECT_FALSE(kernel::is_pinned(gone));
}

}  // namespace
}  // namespace edgefw::test
