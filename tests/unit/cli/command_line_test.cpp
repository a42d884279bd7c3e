// SPDX-License-Identifier: GPL-2.0-only
#include "userspace/cli/command_line.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>

#include "userspace/cli/exit_code.h"

namespace edgefw::cli {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

// The command line as main builds it, but for the running.
class Parsed {
public:
    explicit Parsed(std::vector<std::string> words) {
        add_global_to(app_, line.global, "0.1.0");
        for_each_command(app_, line, [this](CLI::App& parent, auto& options) {
            CLI::App* command = add_to(parent, options);
            command->callback([this, command] { chosen = command->get_name(); });
        });
        std::reverse(words.begin(), words.end());
        try {
            app_.parse(words);
        } catch (const CLI::ParseError& error) {
            stopped = error.get_exit_code();
            message = error.what();
        }
    }

    CommandLine line;
    std::string chosen;
    std::optional<int> stopped;  // CLI11's code; 0: --help or --version
    std::string message;

private:
    CLI::App app_{"test", "edgefw"};
};

TEST(CommandLine, AttachTakesAllItsOptions) {
    const Parsed parsed({"attach", "eth0", "--side", "internal", "--mode", "generic", "--egress", "clsact",
                         "--connections", "4096", "--policy", "p.yaml"});
    ASSERT_FALSE(parsed.stopped) << parsed.message;
    EXPECT_EQ(parsed.chosen, "attach");
    EXPECT_EQ(parsed.line.attach.interface, "eth0");
    EXPECT_EQ(parsed.line.attach.side, policy::Side::kInternal);
    EXPECT_EQ(parsed.line.attach.mode, kernel::ReceivedMode::kGeneric);
    EXPECT_EQ(parsed.line.attach.egress, kernel::Egress::kClsact);
    EXPECT_EQ(parsed.line.attach.connections, 4096u);
    EXPECT_EQ(parsed.line.attach.policy, "p.yaml");
}

TEST(CommandLine, ReplayTakesTwoPoliciesAndSeveralNetworks) {
    const Parsed parsed({"replay", "--policy", "a.yaml", "--local", "10.0.0.0/8", "--policy", "b.yaml", "--local",
                         "52:54:00:12:34:56", "--side", "internal", "x.pcap"});
    ASSERT_FALSE(parsed.stopped) << parsed.message;
    EXPECT_EQ(parsed.line.replay.file, "x.pcap");
    EXPECT_THAT(parsed.line.replay.policies, ElementsAre("a.yaml", "b.yaml"));
    EXPECT_THAT(parsed.line.replay.local, ElementsAre("10.0.0.0/8", "52:54:00:12:34:56"));
    EXPECT_EQ(parsed.line.replay.side, policy::Side::kInternal);
}

TEST(CommandLine, FirstAndAgainStandAlone) {
    for (const char* alone : {"--first", "--again"}) {
        const Parsed parsed({"attach", alone, "eth0"});
        ASSERT_FALSE(parsed.stopped) << parsed.message;
        EXPECT_EQ(parsed.line.attach.first, std::string(alone) == "--first");
        EXPECT_EQ(parsed.line.attach.again, std::string(alone) == "--again");
        for (const auto& [other, value] : {std::pair{"--policy", "100"},
                                           {"--mode", "tc"},
                                           {"--side", "internal"},
                                           {"--egress", "tcx"},
                                           {"--connections", "100"}}) {
            const Parsed both({"attach", alone, "eth0", other, value});
            EXPECT_TRUE(both.stopped) << alone << other;
        }
    }
    EXPECT_TRUE(Parsed({"attach", "--first", "--again", "eth0"}).stopped);
}

TEST(CommandLine, AttachIsExternalAndAutomaticUnlessSaidOtherwise) {
    const Parsed parsed({"attach", "eth0"});
    ASSERT_FALSE(parsed.stopped);
    EXPECT_EQ(parsed.line.attach.side, policy::Side::kExternal);
    EXPECT_EQ(parsed.line.attach.mode, kernel::ReceivedMode::kAuto);
    EXPECT_EQ(parsed.line.attach.egress, kernel::Egress::kAuto);
    EXPECT_EQ(parsed.line.attach.connections, 0u);
    EXPECT_EQ(parsed.line.attach.policy, "");
}

TEST(CommandLine, GlobalOptionsStandBeforeAndAfterTheSubcommand) {
    const Parsed parsed({"--profiles", "a", "show", "p.yaml", "--json", "--profiles", "b", "--verbose"});
    ASSERT_FALSE(parsed.stopped) << parsed.message;
    EXPECT_THAT(parsed.line.global.profiles, ElementsAre("a", "b"));
    EXPECT_TRUE(parsed.line.global.json);
    EXPECT_TRUE(parsed.line.global.verbose);
    EXPECT_EQ(parsed.line.show.policy, "p.yaml");
}

TEST(CommandLine, ProfilesTakesOneFolderAtATime) {
    const Parsed parsed({"check", "--profiles", "a", "p.yaml"});
    ASSERT_FALSE(parsed.stopped) << parsed.message;
    EXPECT_THAT(parsed.line.global.profiles, ElementsAre("a"));
    EXPECT_EQ(parsed.line.check.policy, "p.yaml");
}

TEST(CommandLine, GlobalOptionsStandAfterANestedSubcommand) {
    const Parsed parsed({"profile", "show", "office", "--json"});
    ASSERT_FALSE(parsed.stopped) << parsed.message;
    EXPECT_EQ(parsed.chosen, "show");
    EXPECT_EQ(parsed.line.profile_show.name, "office");
    EXPECT_TRUE(parsed.line.global.json);
}

TEST(CommandLine, ExplainTakesSeveralPackets) {
    const Parsed parsed(
        {"explain", "--fresh", "--policy", "p.yaml", "external inbound 47 192.0.2.1 > 192.0.2.2", "two"});
    ASSERT_FALSE(parsed.stopped) << parsed.message;
    EXPECT_THAT(parsed.line.explain.packets, ElementsAre("external inbound 47 192.0.2.1 > 192.0.2.2", "two"));
    EXPECT_TRUE(parsed.line.explain.fresh);
    EXPECT_FALSE(parsed.line.explain.batch);
    EXPECT_EQ(parsed.line.explain.policy, "p.yaml");
}

TEST(CommandLine, TheRestHasItsOptionsToo) {
    EXPECT_EQ(Parsed({"detach", "eth0"}).line.detach.interface, "eth0");
    const Parsed push({"push", "p.yaml", "--iface", "eth0", "--dry-run"});
    EXPECT_EQ(push.line.push.policy, "p.yaml");
    EXPECT_EQ(push.line.push.interface, "eth0");
    EXPECT_TRUE(push.line.push.dry_run.wanted);
    EXPECT_FALSE(push.line.push.force);
    const Parsed rollback({"rollback", "7", "--iface", "eth0", "--force"});
    EXPECT_EQ(rollback.line.rollback.entry, 7u);
    EXPECT_EQ(rollback.line.rollback.interface, "eth0");
    EXPECT_TRUE(rollback.line.rollback.force);
    EXPECT_EQ(Parsed({"rollback", "--dry-run"}).line.rollback.entry, 0u);
    EXPECT_EQ(Parsed({"history"}).chosen, "history");
    const Parsed counters({"counters", "eth0", "--watch"});
    EXPECT_EQ(counters.line.counters.interface, "eth0");
    EXPECT_TRUE(counters.line.counters.watch);
    const Parsed serve({"serve", "--listen", "[::1]:1", "--policy", "p.yaml", "--interval", "5"});
    EXPECT_EQ(serve.line.serve.listen, "[::1]:1");
    EXPECT_EQ(serve.line.serve.policy, "p.yaml");
    EXPECT_EQ(serve.line.serve.interval, 5u);
    EXPECT_EQ(Parsed({"serve"}).line.serve.listen, "127.0.0.1:9477");
    EXPECT_EQ(Parsed({"status"}).chosen, "status");
    EXPECT_EQ(Parsed({"doctor"}).line.doctor.interface, "");
    EXPECT_EQ(Parsed({"doctor", "eth0"}).line.doctor.interface, "eth0");
    EXPECT_EQ(Parsed({"profile", "list"}).chosen, "list");
}

// One way in every command; what was there before still works.
TEST(CommandLine, ACardIsNamedInOneWay) {
    const auto interface_of = [](const std::vector<std::string>& words) -> std::string {
        const Parsed parsed(words);
        EXPECT_FALSE(parsed.stopped) << parsed.message;
        const CommandLine& line = parsed.line;
        for (const std::string& interface :
             {line.attach.interface, line.detach.interface, line.push.interface, line.show.interface,
              line.explain.interface, line.counters.interface, line.connections.interface, line.status.interface,
              line.doctor.interface, line.boot.interface}) {
            if (!interface.empty()) return interface;
        }
        return "";
    };
    for (const char* command : {"attach", "detach", "show", "counters", "connections", "status", "doctor", "boot"})
        EXPECT_EQ(interface_of({command, "--iface", "eth0"}), "eth0") << command;
    EXPECT_EQ(interface_of({"push", "p.yaml", "--iface", "eth0"}), "eth0");
    EXPECT_EQ(interface_of({"explain", "--batch", "--iface", "eth0"}), "eth0");
    for (const char* command : {"attach", "detach", "counters", "doctor", "boot"})
        EXPECT_EQ(interface_of({command, "eth0"}), "eth0") << command;
    EXPECT_THAT(Parsed({"connections", "kill", "--iface", "eth0", "rule=a"}).line.connections.words,
                ElementsAre("kill", "rule=a"));
}

struct BadRow {
    std::vector<std::string> words;
    const char* message;
};

TEST(CommandLine, WhatIsWrongIsNamed) {
    const BadRow rows[] = {
        {{}, "subcommand is required"},
        {{"attach"}, "--iface is required"},
        {{"detach"}, "--iface is required"},
        {{"push"}, "FILE is required"},
        {{"check"}, "FILE is required"},
        {{"rollback", "0"}, "N"},
        {{"rollback", "last"}, "N"},
        {{"attach", "eth0", "--force"}, "--policy"},
        {{"profile"}, "subcommand is required"},
        {{"profile", "show"}, "NAME is required"},
        {{"attach", "eth0", "--side", "outside"}, "external"},
        {{"attach", "eth0", "--mode", "offload"}, "native"},
        {{"attach", "eth0", "--egress", "xdp"}, "clsact"},
        {{"attach", "eth0", "--connections", "0"}, "--connections"},
        {{"attach", "eth0", "eth1"}, "eth1"},
        {{"counters", "eth0", "--iface", "eth1"}, "--iface"},
        {{"doctor", "eth0", "eth1"}, "eth1"},
        {{"explain", "--batch", "p"}, "--batch"},
        {{"explain", "p", "--policy", "f", "--iface", "eth0"}, "--iface"},
        {{"show", "p.yaml", "--iface", "eth0"}, "--iface"},
        {{"serve", "--interval", "5"}, "--policy"},
        {{"serve", "--policy", "f", "--interval", "0"}, "--interval"},
        {{"status", "--jsn"}, "--jsn"},
    };
    for (const BadRow& row : rows) {
        const Parsed parsed(row.words);
        ASSERT_TRUE(parsed.stopped) << row.message;
        EXPECT_NE(*parsed.stopped, 0);
        EXPECT_THAT(parsed.message, HasSubstr(row.message));
    }
}

TEST(CommandLine, HelpAndVersionAreNoErrors) {
    EXPECT_EQ(Parsed({"--help"}).stopped, 0);
    EXPECT_EQ(Parsed({"attach", "--help"}).stopped, 0);
    EXPECT_EQ(Parsed({"--version"}).stopped, 0);
}

TEST(ExitCode, IsThatOfTheReference) {
    EXPECT_EQ(exit_code(ErrorKind::kFailed), 1);
    EXPECT_EQ(exit_code(ErrorKind::kUsage), 2);
    EXPECT_EQ(exit_code(ErrorKind::kPolicy), 3);
    EXPECT_EQ(exit_code(ErrorKind::kKernel), 4);
    EXPECT_EQ(exit_code(ErrorKind::kNotPermitted), 5);
}

TEST(CommandLine, BootTakesItsCardAndItsFile) {
    const Parsed parsed({"boot", "eth0", "--once", "--config", "b.conf"});
    ASSERT_FALSE(parsed.stopped) << parsed.message;
    EXPECT_EQ(parsed.chosen, "boot");
    EXPECT_EQ(parsed.line.boot.interface, "eth0");
    EXPECT_TRUE(parsed.line.boot.once);
    EXPECT_EQ(parsed.line.boot.config, "b.conf");
    EXPECT_EQ(Parsed({"boot", "eth0"}).line.boot.config, "/etc/edgefw/boot.conf");
    EXPECT_TRUE(Parsed({"boot"}).stopped);
}

}  // namespace
}  // namespace edgefw::cli
