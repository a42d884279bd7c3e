// SPDX-License-Identifier: GPL-2.0-only
#include "userspace/show/shadow.h"

#include <gtest/gtest.h>

namespace edgefw::show {
namespace {

kernel::CardShadow shadow() {
    kernel::CardShadow shadow{.interface = "eth0", .number = 4, .file = "edge.yaml", .digest = "0123456789abcdef"};
    shadow.asked = 900;
    shadow.different = 13;
    kernel::ShadowDifference passes, drops;
    passes.shadow_rule = "web-alt";
    passes.shadow_reason = EDGEFW_REASON_RULE;
    passes.packets = 11;
    drops.verdict = policy::Action::kPass;
    drops.rule = "backup";
    drops.reason = EDGEFW_REASON_RULE;
    drops.direction = policy::Direction::kOutbound;
    drops.connections = 2;
    shadow.differences = {passes, drops};
    return shadow;
}

TEST(Shadow, AsText) {
    EXPECT_EQ(shadows_text({shadow()}, 80),
              "eth0: edge.yaml, asked about 900, would decide 13 otherwise\n"
              "\n"
              "direction  in force       shadow         packets  open connections\n"
              "inbound    drop, default  pass, web-alt       11                 0\n"
              "outbound   pass, backup   drop, default        0                 2\n");
    kernel::CardShadow nameless = shadow();
    nameless.file.clear();
    nameless.differences.clear();
    nameless.uncounted = 5;
    EXPECT_EQ(shadows_text({nameless}, 200),
              "eth0: 0123456789ab, asked about 900, would decide 13 otherwise\n"
              "5 more are of pairs of rules for which there was no room; `edgefw diff` has them all\n");
}

TEST(Shadow, AsJson) {
    const auto json = shadows_json({shadow()})["shadows"][0];
    EXPECT_EQ(json["file"], "edge.yaml");
    EXPECT_EQ(json["asked"], 900);
    EXPECT_EQ(json["differences"].dump(),
              R"([{"direction":"inbound","in_force":{"verdict":"drop","reason":"default","rule":null},)"
              R"("shadow":{"verdict":"pass","reason":"rule","rule":"web-alt"},"packets":11,"connections":0},)"
              R"({"direction":"outbound","in_force":{"verdict":"pass","reason":"rule","rule":"backup"},)"
              R"("shadow":{"verdict":"drop","reason":"default","rule":null},"packets":0,"connections":2}])");
}

}  // namespace
}  // namespace edgefw::show
