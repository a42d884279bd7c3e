// SPDX-License-Identifier: GPL-2.0-only
#include "userspace/engine/sessions.h"

#include <gtest/gtest.h>

#include <set>

namespace edgefw::engine {
namespace {

// Passes the segments of the session that it is told; what it was asked is in `asked`, "received S", "sent SA" ...
struct Fake {
    std::set<std::string> passes;
    std::string asked = {};
    std::string nat = {};
    int forgotten = 0;

    SessionJudge judge() {
        return {[this](policy::Side, edgefw_hook hook,
                       const std::vector<std::uint8_t>& frame) -> Result<kernel::Judgement> {
                    constexpr std::size_t kFlags = 14 + 20 + 13;
                    const std::string text = std::string(hook == EDGEFW_RECEIVED ? "received " : "sent ") +
                                             ((frame[kFlags] & 2) != 0 ? "S" : "") +
                                             ((frame[kFlags] & 16) != 0 ? "A" : "");
                    asked += (asked.empty() ? "" : ", ") + text;
                    kernel::Judgement judgement;
                    judgement.reason = EDGEFW_REASON_DEFAULT;
                    if (passes.contains(text)) judgement.verdict = policy::Action::kPass;
                    judgement.nat = nat;
                    return judgement;
                },
                [this]() -> Result<Ok> {
                    forgotten++;
                    return Ok{};
                }};
    }
};

SessionOnCard session() {
    SessionOnCard on;
    on.session.ends = {*Address::parse("192.0.2.20"), *Address::parse("198.51.100.9"), 22, 50122};
    on.session.accepted = true;
    on.interface = "eth0";
    return on;
}

std::string why(const SessionOnCard& on, Fake& fake) {
    const auto ends = ends_session(on, fake.judge());
    if (!ends) return ends.error().message;
    return ends->value_or("goes on");
}

const std::set<std::string> kHandshake{"received S", "sent SA", "received A"};

TEST(Sessions, AKnownOneIsJudgedAsItsOpener) {
    SessionOnCard on = session();
    on.opener = EDGEFW_RECEIVED;
    Fake passes{kHandshake};
    EXPECT_EQ(why(on, passes), "goes on");
    EXPECT_EQ(passes.asked, "received S, sent SA, received A");
    EXPECT_EQ(passes.forgotten, 1);
    Fake drops{};
    EXPECT_EQ(why(on, drops), "drop, reason default");
    EXPECT_EQ(drops.asked, "received S");
    // What opens here and cannot be answered is no session.
    Fake mute{{"received S", "received A"}};
    EXPECT_EQ(why(on, mute), "drop, reason default");
    on.opener = EDGEFW_SENT;
    EXPECT_EQ(why(on, passes), "drop, reason default");
}

TEST(Sessions, OneInMidStreamMayHaveBeenOpenedByEither) {
    SessionOnCard on = session();
    on.adopts = true;
    Fake fake{{"sent S", "received SA", "sent A"}};
    EXPECT_EQ(why(on, fake), "goes on");
    Fake drops{};
    EXPECT_EQ(why(on, drops), "drop, reason default");
    EXPECT_EQ(drops.asked, "received S, sent S");
}

TEST(Sessions, OneThatIsNeitherKnownNorAdoptedIsJudgedAsItIs) {
    Fake fake{kHandshake};
    EXPECT_EQ(why(session(), fake), "drop, reason default");
    EXPECT_EQ(fake.asked, "received A, sent A");
    Fake stateless{{"received A", "sent A"}};
    EXPECT_EQ(why(session(), stateless), "goes on");
}

TEST(Sessions, WhatIsTranslatedIsSomebodyElses) {
    SessionOnCard on = session();
    on.opener = EDGEFW_RECEIVED;
    Fake fake{kHandshake, {}, "web"};
    EXPECT_EQ(why(on, fake), "nat web would translate it");
}

}  // namespace
}  // namespace edgefw::engine
