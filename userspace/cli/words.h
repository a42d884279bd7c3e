// SPDX-License-Identifier: GPL-2.0-only
// Options whose value is one word of a short list.
#pragma once

#include <CLI/CLI.hpp>
#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "userspace/policy/words.h"

namespace edgefw::cli {

// Adds `name` to `command`; `value` keeps what it holds when the option is not given. Any other word is a usage error
// that lists the right ones.
template <typename T>
CLI::Option* add_word_option(CLI::App& command, const std::string& name, T& value,
                             const std::vector<std::pair<std::string, T>>& words) {
    std::vector<std::string> texts;
    texts.reserve(words.size());
    for (const auto& word : words)
        texts.push_back(word.first);
    return command
        .add_option_function<std::string>(name,
                                          [&value, words](const std::string& text) {
                                              const auto found =
                                                  std::find_if(words.begin(), words.end(),
                                                               [&](const auto& word) { return word.first == text; });
                                              if (found != words.end()) value = found->second;
                                          })
        ->check(CLI::IsMember(texts))
        ->type_name("");
}

// The same with the words of policy/words.h.
template <typename T, std::size_t kCount>
CLI::Option* add_word_option(CLI::App& command, const std::string& name, T& value,
                             const std::array<policy::Word<T>, kCount>& words) {
    std::vector<std::pair<std::string, T>> pairs;
    for (const policy::Word<T>& word : words)
        pairs.emplace_back(word.text, word.value);
    return add_word_option(command, name, value, pairs);
}

}  // namespace edgefw::cli
