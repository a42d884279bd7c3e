// SPDX-License-Identifier: GPL-2.0-only
// attempt: whatever fails, the card is what boot.conf says or less open, and the steps are in an order that has it
// never open in between.
#include "userspace/boot/attempt.h"

#include <gtest/gtest.h>

#include <string>

namespace edgefw::boot {
namespace {

// A host that writes down what is asked of it, and refuses what it is told to.
struct FakeMachine {
    std::string asked, refused;
    bool attached = false;

    bool works(const std::string& step) {
        asked += (asked.empty() ? "" : " ") + step;
        return refused.find(step) == std::string::npos;
    }
    Result<Ok> answer(const std::string& step) {
        if (works(step)) return Ok{};
        return failed("no " + step);
    }
    Machine machine() {
        return {[this]() -> Result<bool> {
                    if (refused.find("look") != std::string::npos) return failed("no look");
                    return attached;
                },
                [this](const kernel::ClosedRules&) { return answer("close"); },
                [this] { return answer("open"); },
                [this](const Config&) -> Result<std::string> {
                    if (!works("attach")) return Error{ErrorKind::kPolicy, "p:1:1: wrong"};
                    return std::string("eth0 (external, native, tcx)");
                },
                [this] { return answer("down"); },
                [this] { return answer("up"); }};
    }
};

struct Case {
    const char* config;
    const char* refused;
    Standing standing;
    const char* asked;
};

TEST(BootAttempt, EachEnd) {
    const Case cases[] = {
        {"on_boot_failure: closed", "", Standing::kArmed, "close attach open up"},
        {"on_boot_failure: closed", "attach", Standing::kClosed, "close attach up"},
        {"on_boot_failure: closed", "close", Standing::kArmed, "close down attach open up"},
        {"on_boot_failure: closed", "close attach", Standing::kDown, "close down attach"},
        {"on_boot_failure: closed", "close attach down", Standing::kOpen, "close down attach"},
        {"on_boot_failure: closed", "look attach", Standing::kClosed, "close attach up"},
        {"on_boot_failure: open", "", Standing::kArmed, "open up attach open up"},
        {"on_boot_failure: open", "attach", Standing::kOpen, "open up attach"},
        {"on_boot_failure: open", "open attach", Standing::kClosed, "open attach up"},
        {"on_boot_failure: neither", "", Standing::kClosed, "close up"},
        {"on_boot_failure: open\ncards: {eth0: {side: no}}", "", Standing::kOpen, "open up"},
    };
    for (const Case& row : cases) {
        FakeMachine fake{"", row.refused};
        const Outcome outcome = attempt(parse(row.config, "b", "eth0"), fake.machine());
        EXPECT_EQ(outcome.standing, row.standing) << row.config << ", refused: " << row.refused;
        EXPECT_EQ(fake.asked, row.asked) << row.config << ", refused: " << row.refused;
        EXPECT_EQ(outcome.error.has_value(), row.standing != Standing::kArmed) << row.config;
    }
}

TEST(BootAttempt, WhatIsAttachedIsNeverClosed) {
    for (const char* config : {"on_boot_failure: closed", "on_boot_failure: neither"}) {
        FakeMachine fake{"", "", true};
        EXPECT_EQ(attempt(parse(config, "b", "eth0"), fake.machine()).standing, Standing::kArmed);
        EXPECT_EQ(fake.asked, "open up");
    }
}

TEST(BootAttempt, WhatSomebodyElseAttachedMeanwhileIsOpened) {
    FakeMachine fake{"", "attach"};
    Machine machine = fake.machine();
    int looks = 0;
    machine.is_attached = [&]() -> Result<bool> { return looks++ > 0; };
    EXPECT_EQ(attempt(parse("", "b", "eth0"), machine).standing, Standing::kArmed);
    EXPECT_EQ(fake.asked, "close attach open up");
}

TEST(BootAttempt, SaysWhatTheCardIs) {
    const Config config = parse("ssh_from: [192.0.2.0/24, 198.51.100.1]", "b", "eth0").config;
    EXPECT_EQ(describe("eth0", {.standing = Standing::kClosed}, config),
              "eth0 is CLOSED until then: ARP, neighbour discovery and its own DHCP pass, and SSH of 192.0.2.0/24, "
              "198.51.100.1");
    EXPECT_EQ(describe("eth0", {.standing = Standing::kDown, .why_worse = "no BPF"}, config),
              "eth0 is kept DOWN until then: it cannot be closed (no BPF)");
    EXPECT_EQ(describe("eth0", {.standing = Standing::kOpen}, config), "eth0 is OPEN until then: everything passes");
    EXPECT_EQ(describe("eth0", {.standing = Standing::kArmed}, config), "eth0 is attached already");
}

}  // namespace
}  // namespace edgefw::boot
