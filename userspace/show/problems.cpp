// SPDX-License-Identifier: GPL-2.0-only
#include "userspace/show/problems.h"

namespace edgefw::show {
namespace {

using nlohmann::ordered_json;

constexpr std::string_view kHint = "; ";

ordered_json to_json(const Problem& problem) {
    const bool has_place = problem.line != 0;
    const std::size_t end = problem.message.find(kHint);  // policy::Diagnostics: what is wrong; what would be right
    const std::string hint = end == std::string::npos ? "" : problem.message.substr(end + kHint.size());
    return {{"file", problem.file.empty() ? ordered_json() : ordered_json(problem.file)},
            {"line", has_place ? ordered_json(problem.line) : ordered_json()},
            {"column", has_place ? ordered_json(problem.column) : ordered_json()},
            {"message", problem.message},
            {"hint", hint.empty() ? ordered_json() : ordered_json(hint)}};
}

}  // namespace

ordered_json problems_json(const Error& error) {
    ordered_json json = ordered_json::array();
    for (const Problem& problem : error.problems)
        json.push_back(to_json(problem));
    if (json.empty()) json.push_back(to_json({"", 0, 0, error.message}));
    return json;
}

}  // namespace edgefw::show
