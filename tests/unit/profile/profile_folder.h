// SPDX-License-Identifier: GPL-2.0-only
// A folder with profiles of a test's own, removed with it.
#pragma once

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "userspace/engine/load.h"
#include "userspace/profile/profile_path.h"

namespace edgefw::policy::testing {

class ProfileFolder : public ::testing::Test {
protected:
    void SetUp() override { ASSERT_NE(mkdtemp(folder_), nullptr); }
    void TearDown() override { std::filesystem::remove_all(folder_); }

    void add(const std::string& name, const std::string& text) {
        std::ofstream(std::string(folder_) + "/" + name + ".yaml") << text;
    }
    ProfilePath path() const { return {{folder_}}; }

    // The ids of the rules, or the errors with the folder's name taken out.
    std::string rules_of(const std::string& policy) const {
        const auto loaded = engine::load_policy({"p", "version: 1\n" + policy}, path());
        if (!loaded) return without_folder(loaded.error().message);
        std::string ids;
        for (const Rule& rule : loaded->rules)
            ids += (ids.empty() ? "" : " ") + rule.id;
        return ids;
    }
    std::string without_folder(std::string text) const {
        const std::string folder = std::string(folder_) + "/";
        for (auto at = text.find(folder); at != std::string::npos; at = text.find(folder))
            text.erase(at, folder.size());
        return text;
    }

    char folder_[40] = "/tmp/edgefw-profiles-XXXXXX";
};

}  // namespace edgefw::policy::testing
