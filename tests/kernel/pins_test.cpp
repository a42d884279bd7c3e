// SPDX-License-Identifier: GPL-2.0-only
// pins: where things live in bpffs, the lock, and what is cleaned up.
#include "userspace/kernel/pins.h"

#include <linux/bpf.h>
#include <gtest/gtest.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <thread>

#include "tests/kernel/test_run.h"
#include "tests/support/lab.h"
#include "userspace/kernel/door.h"

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
    EXPECT_NE(home.error().message.find("mount -t bpf -o mode=0700 bpf /sys/fs/bpf"), std::string::npos)
        << home.error().message;
}

// Who is the last to leave, in another network namespace, takes the common folder away whenever it is empty.
TEST(Pins, TheCommonFolderMayGoAtAnyMoment) {
    const Lab lab;
    std::atomic<bool> done = false;
    std::thread leaving([&] {
        // Not without a pause: in step with ours, each of its calls would come between two of them for ever.
        for (useconds_t pause = 0; !done; pause = (pause + 7) % 50) {
            rmdir(kRoot.c_str());
            usleep(pause);
        }
    });
    for (int i = 0; i < 3000; i++) {
        auto home = Home::lock();
        EXPECT_TRUE(home) << home.error().message;
        if (!home) break;
        home->remove_if_empty();
    }
    done = true;
    leaving.join();
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

// Whoever may write here could have made the folder first, take it away, or keep it locked.
TEST(Pins, NobodyElsesFolder) {
    const Lab lab;
    struct stat before = {};
    ASSERT_EQ(stat(kernel::kBpffs, &before), 0);
    const auto refusal = [] {
        const auto locked = Home::lock(), looked = Home::look();
        EXPECT_EQ(locked ? "" : locked.error().message, looked ? "" : looked.error().message);
        return locked ? "" : locked.error().message;
    };
    ASSERT_EQ(mkdir(kRoot.c_str(), 0700), 0);
    EXPECT_EQ(refusal(), "");
    ASSERT_EQ(chown(kRoot.c_str(), 1000, 0), 0);
    EXPECT_EQ(
        refusal(),
        "/sys/fs/bpf/edgefw belongs to user 1000, who could take away what edgefw keeps there, or keep it locked; "
        "mend it: look at what is in it, then: rm -r /sys/fs/bpf/edgefw");
    ASSERT_EQ(chown(kRoot.c_str(), 0, 0), 0);
    for (const mode_t open : {0777, 0720, 0702, 01777}) {
        ASSERT_EQ(chmod(kRoot.c_str(), open), 0);
        EXPECT_NE(refusal().find("/sys/fs/bpf/edgefw can be changed by other users"), std::string::npos) << open;
    }
    ASSERT_EQ(chmod(kRoot.c_str(), 0700), 0);
    for (const auto& [mode, is_well] : {std::pair{0700, true}, {01777, true}, {0755, true}, {0777, false}}) {
        ASSERT_EQ(chmod(kernel::kBpffs, static_cast<mode_t>(mode)), 0);
        EXPECT_EQ(refusal().empty(), is_well) << mode;
    }
    EXPECT_NE(refusal().find("mend it: chmod 0700 /sys/fs/bpf"), std::string::npos);
    ASSERT_EQ(chmod(kernel::kBpffs, before.st_mode & 07777), 0);
    auto home = Home::lock();
    ASSERT_TRUE(home) << home.error().message;
    home->remove_if_empty();
    const auto map = kernel::Map::create({"theirs", BPF_MAP_TYPE_ARRAY, 4, 4, 1});
    ASSERT_TRUE(map) << map.error().message;
    const auto pinned = map->pin(kRoot);
    ASSERT_TRUE(pinned) << pinned.error().message;
    EXPECT_NE(refusal().find("/sys/fs/bpf/edgefw is no directory"), std::string::npos);
    ASSERT_EQ(unlink(kRoot.c_str()), 0);
}

TEST(Pins, ALockNamesItsHolder) {
    const Lab lab;
    const auto held = Home::lock();
    ASSERT_TRUE(held) << held.error().message;
    const auto refused = Home::lock(std::chrono::milliseconds(20));
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().message, "another edgefw, process " + std::to_string(getpid()) +
                                           " (kernel_tests), is changing this network namespace and did not finish in "
                                           "0 s; try again");
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
