// SPDX-License-Identifier: GPL-2.0-only
#include "userspace/engine/load.h"
#include "tests/unit/language/language.h"
#include "userspace/base/sha256.h"
#include "userspace/check/settings.h"
#include "userspace/document/document.h"

namespace edgefw::policy {
namespace {

using testing::errors_of;
using testing::load_lines;

TEST(Load, AllErrorsInOrderOfTheFile) {
    EXPECT_EQ(errors_of("tests:\n- {packet: x, expect: maybe}\n"
                        "rules:\n- {name: a, side: out, action: pass}\n- {name: b, side: external, action: alow}\n"
                        "default: deny\nbuiltin: {}\n"),
              "p:3:23: 'maybe' is not a verdict; write pass or drop\n"
              "p:5:19: 'out' is not a side; write external or internal\n"
              "p:6:37: 'alow' is not an action; write pass or drop\n"
              "p:7:10: 'deny' is not an action; write pass or drop\n"
              "p:8:1: unknown key 'builtin' in a policy; did you mean 'builtins'?");
}

TEST(Load, EmptyAndOtherFiles) {
    EXPECT_EQ(engine::load_policy({"p", ""}, {}).error().message,
              "p:1:1: the file is empty; the smallest policy is `version: 1`, which drops all but the built-in rules");
    EXPECT_EQ(engine::load_policy({"p", "- a\n"}, {}).error().message,
              "p:1:1: a policy is a mapping of `key: value`, this is a list");
    EXPECT_EQ(engine::load_policy({"/nonexistent/p.yaml"}, {}).error().kind, ErrorKind::kFailed);
}

TEST(Load, TestsNameRulesAndReasons) {
    const std::string rule = "rules:\n- {name: ssh, side: external, action: pass}\n";
    const struct {
        const char* test;
        const char* error;
    } rows[] = {
        {"packet: x, expect: pass, rule: ssh, reason: rule", ""},
        {"packet: x, expect: pass, rule: builtin/arp, reason: builtin", ""},
        {"packet: x, expect: pass, rule: shs", "p:5:35: no rule has the id 'shs'; did you mean 'ssh'?"},
        {"packet: x, expect: pass, rule: webserver",
         "p:5:35: no rule has the id 'webserver'; `edgefw show FILE` lists them"},
        {"packet: x, expect: drop, reason: defualt", "p:5:37: 'defualt' is not a reason; did you mean 'default'?"},
        {"packet: x", "p:5:3: a test needs `expect:`"},
        {"expect: drop", "p:5:3: a test needs `packet:`"},
    };
    for (const auto& row : rows)
        EXPECT_EQ(errors_of(rule + "tests:\n- {" + row.test + "}\n"), row.error) << row.test;
    // The id of a rule with an error of its own is not known: no error of the test.
    EXPECT_EQ(
        errors_of("rules:\n- {name: ssh, side: out, action: pass}\ntests:\n- {packet: x, expect: pass, rule: ssh}\n"),
        "p:3:21: 'out' is not a side; write external or internal");
}

TEST(Load, FileAndDigest) {
    const auto policy = load_lines("default: pass\n");
    ASSERT_TRUE(policy);
    EXPECT_EQ(policy->file, "p");
    EXPECT_EQ(policy->digest, *sha256("version: 1\ndefault: pass\n"));
}

TEST(Load, AFileNameIsUtf8) {
    const auto policy = engine::load_policy({"\xff.yaml", "version: 1\n"}, {});
    ASSERT_FALSE(policy);
    EXPECT_EQ(policy.error().message, "the name of the policy file is no UTF-8; give it another one");
    EXPECT_TRUE(engine::load_policy({"b\xc3\xbcro.yaml", "version: 1\n"}, {}));
}

TEST(Load, GarbageIsReportedInPart) {
    std::string text = "rules:\n";
    for (int i = 0; i < 2000; ++i)
        text += "- x\n";
    const std::string message = errors_of(text);
    EXPECT_EQ(std::count(message.begin(), message.end(), '\n'), 1000);
    EXPECT_NE(message.find("p: and 1000 more errors"), std::string::npos);
}

// 5 MB of them take a second, and no more memory than the file's nodes.
// A generator that failed leaves this behind.
TEST(Load, RulesWithoutARuleAreSaid) {
    const auto policy = engine::load_policy({"p", "version: 1\nrules:\n"}, {});
    ASSERT_TRUE(policy) << policy.error().message;
    ASSERT_EQ(policy->warnings.size(), 1u);
    EXPECT_NE(policy->warnings[0].find("`rules:` holds no rule: the defaults alone decide"), std::string::npos);
    EXPECT_TRUE(engine::load_policy({"p", "version: 1\n"}, {})->warnings.empty());
}

TEST(Load, GarbageIsCountedAndNotKept) {
    std::string text = "rules:\n";
    for (int i = 0; i < 200'000; ++i)
        text += "- {}\n";
    const std::string message = errors_of(text);
    EXPECT_EQ(std::count(message.begin(), message.end(), '\n'), 1000);
    EXPECT_TRUE(message.ends_with(" more errors; mend those above first")) << message.substr(message.rfind('\n'));
}

TEST(Load, WhatIsNestedTooDeepIsNamedWithItsLine) {
    const std::string message = errors_of("rules:\n  " + std::string(600, '[') + std::string(600, ']') + "\n");
    EXPECT_EQ(message.substr(0, 4), "p:3:");
    EXPECT_NE(message.find("values are nested more than 500 deep here"), std::string::npos) << message;
}

TEST(PassEverything, PassesByDefault) {
    const Policy policy = pass_everything();
    EXPECT_TRUE(policy.rules.empty());
    EXPECT_EQ(document::write(policy)["defaults"]["internal"]["outbound"], "pass");
    EXPECT_EQ(policy.timeout[EDGEFW_STATE_TCP_OPENING], 60u);
}

}  // namespace
}  // namespace edgefw::policy
