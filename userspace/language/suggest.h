// SPDX-License-Identifier: GPL-2.0-only
// "did you mean": the word a person probably wanted.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace edgefw::policy {

// The candidate nearest to `word` by edit distance; empty when none is near enough to be a slip of the fingers.
std::string_view nearest(std::string_view word, std::span<const std::string_view> candidates);

// "; did you mean 'action'?", or "; write one of a, b, c" when nothing is near.
std::string suggestion(std::string_view word, std::span<const std::string_view> candidates);
std::string suggestion(std::string_view word, const std::vector<std::string>& candidates);

// "a, b or c"
std::string alternatives(std::span<const std::string_view> words);

}  // namespace edgefw::policy
