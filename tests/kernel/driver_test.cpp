// SPDX-License-Identifier: GPL-2.0-only
// driver: what is said of a card that does not take a native program, and of one that takes it and shows it nothing.
// The cards themselves are tried in virtual machines: scripts/try-cards.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <linux/if_link.h>
#include <net/if.h>

#include <cerrno>

#include "tests/kernel/test_run.h"
#include "tests/support/lab.h"
#include "userspace/kernel/door.h"
#include "userspace/kernel/driver.h"

namespace edgefw::test {
namespace {

using kernel::Driver;
using testing::HasSubstr;
using testing::Not;

constexpr const char* kNextBest = "leave `--mode native` out, for the next best hook";

TEST(Driver, RefusalNamesWhatHelps) {
    struct Row {
        Driver driver;
        const char* said;
        int number;
        const char* message;
    };
    const Row rows[] = {
        {{"eth0", "e1000", 1500, ""},
         "Underlying driver does not support XDP in native mode",
         EOPNOTSUPP,
         "eth0 (e1000) does not take an XDP program in native mode: Underlying driver does not support XDP in native "
         "mode; "},
        {{"eth0", "igb", 9000, ""},
         "igb: The RX buffer size is too small for the frame size",
         EINVAL,
         "eth0 (igb) does not take an XDP program in native mode: igb: The RX buffer size is too small for the frame "
         "size; `ip link set dev eth0 mtu 3046` (it is 9000 now), or "},
        // At the edge: the MTU is not what it refuses.
        {{"eth0", "igb", 3046, ""},
         "",
         EINVAL,
         "eth0 (igb) does not take an XDP program in native mode: Invalid argument; "},
        // No figure is known: the kernel's own words say that it is the MTU.
        {{"eth1", "ionic", 9000, ""},
         "ionic: MTU is too large for XDP without frags support",
         EINVAL,
         "eth1 (ionic) does not take an XDP program in native mode: ionic: MTU is too large for XDP without frags "
         "support; a smaller MTU (it is 9000 now), or "},
        {{"eth0", "hv_netvsc", 1500, ""},
         "hv_netvsc: XDP: not support LRO",
         EOPNOTSUPP,
         "eth0 (hv_netvsc) does not take an XDP program in native mode: hv_netvsc: XDP: not support LRO; "
         "`ethtool -K eth0 lro off rx-gro-hw off`, or "},
        // The host would have to switch it off, not the guest.
        {{"eth0", "virtio_net", 1500, ""},
         "Can't set XDP while host is implementing GRO_HW/CSUM, disable GRO_HW/CSUM first",
         EOPNOTSUPP,
         "eth0 (virtio_net) does not take an XDP program in native mode: Can't set XDP while host is implementing "
         "GRO_HW/CSUM, disable GRO_HW/CSUM first; "},
        {{"eth0", "ice", 1500, ""},
         "Not enough Tx resources for XDP",
         ENOMEM,
         "eth0 (ice) does not take an XDP program in native mode: Not enough Tx resources for XDP; another number of "
         "queues (`ethtool -l eth0` lists them, `ethtool -L` sets them), or "},
        {{"ppp0", "", 1500, ""}, "", EINVAL, "ppp0 does not take an XDP program in native mode: Invalid argument; "},
    };
    for (const Row& row : rows) {
        EXPECT_EQ(kernel::native_refusal(row.driver, row.said, row.number), std::string(row.message) + kNextBest)
            << row.said;
    }
}

// The bits that `features` in /sys has for a device, and what the driver then does with a program.
TEST(Driver, KnowsCardsThatShowAProgramNothing) {
    struct Row {
        const char* what;
        const char* driver;
        const char* features;
        bool unseen;
    };
    const Row rows[] = {
        {"merged buffers", "virtio_net", "1110010111111111111101010000110010000000100000000000000000000000", false},
        {"large buffers, not merged", "virtio_net", "1110010111111110111101010000110010000000100000000000000000000000",
         true},
        {"an MTU of the device's, not merged", "virtio_net", "1111010000011110", true},
        {"small buffers", "virtio_net", "1010010000011110111101010000110010000000100000000000000000000000", false},
        {"not known", "virtio_net", "", false},
        {"no virtio", "igb", "", false},
        {"xen", "vif", "", true},
    };
    for (const Row& row : rows)
        EXPECT_EQ(!kernel::unseen_by_native({"eth0", row.driver, 1500, row.features}).empty(), row.unseen) << row.what;
}

// A device that cannot make its rings anew; and cards that need not.
TEST(Driver, WarnsOfJumboFramesThatAreLost) {
    Lab lab;
    const std::string warning = kernel::renew_receive_buffers({"eth0", "virtio_net", 9000, "1110010111111111"});
    EXPECT_THAT(warning, HasSubstr("eth0 has an MTU of 9000"));
    EXPECT_THAT(warning, HasSubstr("ping -f"));
    EXPECT_THAT(kernel::renew_receive_buffers({"eth0", "virtio_net", 3491, ""}), Not(""));
    EXPECT_EQ(kernel::renew_receive_buffers({"eth0", "virtio_net", 3490, ""}), "");
    EXPECT_EQ(kernel::renew_receive_buffers({"eth0", "igb", 9000, ""}), "");
}

TEST(Driver, IsReadFromTheCard) {
    Lab lab;
    Lab::run("ip link set eth0 mtu 1400");
    const Driver driver = kernel::read_driver("eth0");
    EXPECT_EQ(driver.name, "veth");
    EXPECT_EQ(driver.mtu, 1400u);
    EXPECT_EQ(kernel::read_driver("none").name, "");
}

std::string refusal_of(const std::string& interface) {
    kernel::AttachRequest request;
    request.interface = interface;
    request.mode = kernel::ReceivedMode::kNative;
    const auto card = kernel::attach(request);
    return card ? "" : card.error().message;
}

// The refusal repeats the kernel's words, which a link cannot carry.
TEST(Driver, RefusalHasTheKernelsWords) {
    Lab lab;
    Lab::run("ip link add br0 type bridge");
    EXPECT_EQ(
        refusal_of("br0"),
        std::string("br0 (bridge) does not take an XDP program in native mode: Underlying driver does not support "
                    "XDP in native mode; ") +
            kNextBest);
    Lab::run("ip link add few numrxqueues 1 type veth peer name many numtxqueues 2");
    Lab::run("ethtool -L many tx 2");
    EXPECT_THAT(refusal_of("few"), testing::AllOf(HasSubstr("few (veth)"), HasSubstr("rx queues"), HasSubstr("-L")));
    EXPECT_EQ(refusal_of("eth0"), "");
}

}  // namespace
}  // namespace edgefw::test
