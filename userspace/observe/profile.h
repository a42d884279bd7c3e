// SPDX-License-Identifier: GPL-2.0-only
// What `edgefw profile show` prints.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace edgefw::observe {

// `profile` is policy::show() of it.
std::string profile_text(const nlohmann::ordered_json& profile, std::size_t width);

}  // namespace edgefw::observe
