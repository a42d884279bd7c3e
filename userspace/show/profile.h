// SPDX-License-Identifier: GPL-2.0-only
// What `edgefw profile show` prints.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "userspace/document/document.h"

namespace edgefw::show {

// `profile` is document::write() of it.
std::string profile_text(const nlohmann::ordered_json& profile, std::size_t width);

}  // namespace edgefw::show
