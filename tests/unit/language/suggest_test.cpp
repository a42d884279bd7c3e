// SPDX-License-Identifier: GPL-2.0-only
#include "userspace/language/suggest.h"

#include <gtest/gtest.h>

namespace edgefw::policy {
namespace {

const std::vector<std::string> kWords = {"action", "local", "local_port", "remote"};

TEST(Suggest, NearestWordOrTheList) {
    const struct {
        const char* word;
        const char* suggestion;
    } rows[] = {
        {"acton", "; did you mean 'action'?"},
        {"aciton", "; did you mean 'action'?"},
        {"localport", "; did you mean 'local_port'?"},
        {"Remote", "; did you mean 'remote'?"},
        {"destination", "; write action, local, local_port or remote"},
        {"", "; write action, local, local_port or remote"},
    };
    for (const auto& row : rows)
        EXPECT_EQ(suggestion(row.word, kWords), row.suggestion) << row.word;
}

TEST(Suggest, LongWordsCostNothing) {
    EXPECT_EQ(nearest(std::string(1 << 20, 'a'), {}), "");
}

}  // namespace
}  // namespace edgefw::policy
