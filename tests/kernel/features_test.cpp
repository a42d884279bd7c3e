// SPDX-License-Identifier: GPL-2.0-only
// features and platform: this kernel has all that edgefw asks for, and a caller without permission is told nothing.
#include "userspace/kernel/features.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <functional>

#include "tests/support/lab.h"
#include "userspace/kernel/platform.h"

namespace edgefw::test {
namespace {

using kernel::Presence;

// In a process of its own, as a user without any capability.
bool holds_for_nobody(const std::function<bool()>& claim) {
    const pid_t child = fork();
    if (child == 0) {
        const bool dropped = setresgid(65534, 65534, 65534) == 0 && setresuid(65534, 65534, 65534) == 0;
        _exit(dropped && claim() ? 0 : 1);
    }
    int status = 0;
    return child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

TEST(Features, ThisKernelHasThemAll) {
    const kernel::Features features = kernel::probe_features();
    for (const kernel::FeatureNote& note : kernel::kFeatureNotes) {
        const Presence presence = features.*note.member;
        if (note.member == &kernel::Features::clsact && features.tcx == Presence::kPresent) {
            EXPECT_EQ(presence, Presence::kUnknown) << "not asked where there is tcx";
        } else if (note.member == &kernel::Features::tcx) {
            EXPECT_NE(presence, Presence::kUnknown);
        } else {
            EXPECT_EQ(presence, Presence::kPresent) << note.id;
        }
    }
}

TEST(Features, AreUnknownToACallerWhoMayNotAsk) {
    EXPECT_TRUE(holds_for_nobody([] {
        const kernel::Features features = kernel::probe_features();
        for (const kernel::FeatureNote& note : kernel::kFeatureNotes) {
            const bool needs_nothing = note.member == &kernel::Features::netns_cookie;
            if (features.*note.member != (needs_nothing ? Presence::kPresent : Presence::kUnknown)) return false;
        }
        return true;
    }));
}

TEST(Features, MachineCodeIsToldInANamespaceOfItsOwnToo) {
    const kernel::Platform outside = kernel::read_platform();
    ASSERT_NE(outside.jit, Presence::kUnknown);
    const Lab lab;
    const kernel::Platform inside = kernel::read_platform();
    EXPECT_EQ(inside.jit, outside.jit);
}

TEST(Platform, OfRootAndOfNobody) {
    const Lab lab;
    const kernel::Platform root = kernel::read_platform();
    EXPECT_TRUE(root.missing_capabilities.empty());
    EXPECT_TRUE(root.bpffs.is_mounted && root.bpffs.is_writable);
    EXPECT_GE(root.libbpf_major, 1u);
    EXPECT_TRUE(holds_for_nobody([] {
        const kernel::Platform nobody = kernel::read_platform();
        return nobody.missing_capabilities.size() == 3 && nobody.user == 65534 && !nobody.may_administer;
    }));
}

}  // namespace
}  // namespace edgefw::test
