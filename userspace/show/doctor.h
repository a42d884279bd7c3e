// SPDX-License-Identifier: GPL-2.0-only
// What `edgefw doctor` prints.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "userspace/show/diagnosis.h"

namespace edgefw::show {

// One line a finding, broken between words where it is wider than `width`; below it the remedy, in one line to be
// copied. Features that are all well share a line.
std::string doctor_text(const std::vector<Finding>& findings, std::size_t width);

// {"findings": [{"id", "severity", "text", "do", "read"}], "cards": [...]}
nlohmann::ordered_json doctor_json(const std::vector<Finding>& findings, const Facts& facts);

// kFailed: something stands in the way of attach. kNotPermitted: nothing does, of what this caller could read.
Result<Ok> doctor_result(const std::vector<Finding>& findings);

}  // namespace edgefw::show
