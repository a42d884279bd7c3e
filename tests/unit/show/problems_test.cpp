// SPDX-License-Identifier: GPL-2.0-only
#include "userspace/show/problems.h"
#include "userspace/engine/load.h"

#include <gtest/gtest.h>

namespace edgefw::show {
namespace {

TEST(ProblemsJson, HoldsEachErrorOfAPolicyWithItsPlace) {
    const auto policy = engine::load_policy({"a:1.yaml", "version: 1\ndefault: deny\nrulse: []\n"}, {});
    ASSERT_FALSE(policy);
    EXPECT_EQ(problems_json(policy.error()).dump(),
              R"([{"file":"a:1.yaml","line":2,"column":10,"message":"'deny' is not an action; write pass or drop","hint":"write pass or drop"},)"
              R"({"file":"a:1.yaml","line":3,"column":1,)"
              R"("message":"unknown key 'rulse' in a policy; did you mean 'rules'?","hint":"did you mean 'rules'?"}])");
}

TEST(ProblemsJson, HoldsWhatHasNoPlace) {
    EXPECT_EQ(problems_json({ErrorKind::kPolicy, "too much"}).dump(),
              R"([{"file":null,"line":null,"column":null,"message":"too much","hint":null}])");
    EXPECT_EQ(problems_json({ErrorKind::kPolicy, "p: bad", {{"p", 0, 0, "bad"}}}).dump(),
              R"([{"file":"p","line":null,"column":null,"message":"bad","hint":null}])");
}

}  // namespace
}  // namespace edgefw::show
