// SPDX-License-Identifier: GPL-2.0-only
// boot.conf: what is read of it, also where it is wrong.
#include "userspace/boot/config.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <string>

namespace edgefw::boot {
namespace {

std::string networks(const Config& config) {
    std::string text;
    for (const Prefix& prefix : config.closed.ssh_from)
        text += (text.empty() ? "" : " ") + prefix.to_text();
    return text;
}

std::string error(const Loaded& loaded) {
    return loaded.error ? loaded.error->message : "";
}

TEST(BootConfig, WhatIsNotSaidIsClosedForAll) {
    for (const char* text : {"", "# nothing\n", "cards: {eth1: {side: internal}}\n"}) {
        const Loaded loaded = parse(text, "b", "eth0");
        EXPECT_EQ(error(loaded), "") << text;
        EXPECT_EQ(loaded.config.on_failure, OnFailure::kClosed);
        EXPECT_EQ(networks(loaded.config), "");
        EXPECT_EQ(loaded.config.policy, "/etc/edgefw/policy.yaml");
        EXPECT_EQ(loaded.config.side, policy::Side::kExternal);
    }
    EXPECT_EQ(error(load("/nosuch/boot.conf", "eth0")), "");
}

TEST(BootConfig, EveryKey) {
    const std::string text =
        "on_boot_failure: open\n"
        "ssh_from: [192.0.2.0/24, 2001:db8::/32, 198.51.100.1-198.51.100.2]\n"
        "ssh_port: 2222\n"
        "policy: /a/b.yaml\n"
        "cards:\n"
        "  eth0:\n"
        "  eth1: {side: internal, mode: tc, egress: clsact, policy: /c.yaml}\n";
    const Loaded first = parse(text, "b", "eth0"), second = parse(text, "b", "eth1");
    EXPECT_EQ(error(first), "");
    EXPECT_EQ(first.config.on_failure, OnFailure::kOpen);
    EXPECT_EQ(networks(first.config), "192.0.2.0/24 2001:db8::/32 198.51.100.1 198.51.100.2");
    EXPECT_EQ(first.config.closed.ssh_port, 2222);
    EXPECT_EQ(first.config.policy, "/a/b.yaml");
    EXPECT_EQ(second.config.policy, "/c.yaml");
    EXPECT_EQ(second.config.side, policy::Side::kInternal);
    EXPECT_EQ(second.config.mode, kernel::ReceivedMode::kTc);
    EXPECT_EQ(second.config.egress, kernel::Egress::kClsact);
}

struct Wrong {
    const char* text;
    const char* error;
};

TEST(BootConfig, WrongOnesSayWhereAndWhatWouldBeRight) {
    const Wrong rows[] = {
        {"on_boot_failure: shut\n", "b:1:18: 'shut' is not a value of on_boot_failure; write open or closed"},
        {"on_boot_failur: open\n", "b:1:1: unknown key 'on_boot_failur' in boot.conf; did you mean 'on_boot_failure'?"},
        {"ssh_from: bastion.example.org\n",
         "b:1:11: 'bastion.example.org' is a host name, and here only addresses can stand"},
        {"ssh_from: 192.0.2.1/24\n", "b:1:11: "},
        {"ssh_port: 0\n", "b:1:11: "},
        {"policy: policy.yaml\n", "b:1:9: 'policy.yaml' is no full path; write /etc/edgefw/policy.yaml"},
        {"cards: eth0\n", "b:1:8: `cards:` is a mapping"},
        {"cards: {eth9: {side: extrenal}}\n", "b:1:22: 'extrenal' is not a side; did you mean 'external'?"},
        {"cards: {a-name-that-is-too-long: }\n", "b:1:9: 'a-name-that-is-too-long' is no name of a card"},
        {"- closed\n", "b:1:1: boot.conf is a mapping"},
        {"on_boot_failure: [\n", "b:"},
        {"on_boot_failure: open\non_boot_failure: closed\n", "b:2:1: "},
    };
    for (const Wrong& row : rows) {
        const Loaded loaded = parse(row.text, "b", "eth0");
        ASSERT_TRUE(loaded.error) << row.text;
        EXPECT_EQ(loaded.error->kind, ErrorKind::kPolicy);
        EXPECT_EQ(error(loaded).find(row.error), 0u) << row.text << error(loaded);
        EXPECT_EQ(loaded.config.on_failure, OnFailure::kClosed) << row.text;
    }
}

TEST(BootConfig, OneSlipDoesNotLockTheOperatorOut) {
    const Loaded loaded = parse("on_boot_failure: closed\nssh_from: [192.0.2.0/24, nonsense]\nssh_port: x\n", "b", "e");
    EXPECT_TRUE(loaded.error);
    EXPECT_EQ(networks(loaded.config), "192.0.2.0/24");
    EXPECT_EQ(loaded.config.closed.ssh_port, 22);
}

TEST(BootConfig, ThereIsRoomForSoManyNetworks) {
    std::string text = "ssh_from: [";
    for (int i = 0; i < 64; i++)
        text += "10.0." + std::to_string(i) + ".0/24, ";
    EXPECT_EQ(error(parse(text + "]\n", "b", "e")), "");
    EXPECT_NE(error(parse(text + "10.1.0.0/16]\n", "b", "e")).find("has room for 64 networks"), std::string::npos);
}

// A pipe would be waited for, with the card open.
TEST(BootConfig, WhatIsNoFileIsClosed) {
    const std::string pipe = testing::TempDir() + "boot.conf-" + std::to_string(getpid());
    ASSERT_EQ(mkfifo(pipe.c_str(), 0600), 0);
    for (const std::string& file : {std::string("/"), std::string("/dev/zero"), pipe}) {
        const Loaded loaded = load(file, "eth0");
        EXPECT_EQ(error(loaded), file + " is no regular file; write one there");
        EXPECT_EQ(loaded.config.on_failure, OnFailure::kClosed);
    }
    unlink(pipe.c_str());
}

}  // namespace
}  // namespace edgefw::boot
