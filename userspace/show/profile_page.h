// SPDX-License-Identifier: GPL-2.0-only
// A profile as a page of docs/profiles: its document's tables, row by row, as the vendor lays them out.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "userspace/document/document.h"

namespace edgefw::show {

// Markdown. `profile` is document::write() of it.
std::string profile_page(const nlohmann::ordered_json& profile);

}  // namespace edgefw::show
