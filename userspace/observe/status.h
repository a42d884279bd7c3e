// What `edgefw status` prints, and cards as `attach` and `push` print them.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "userspace/kernel/host.h"

namespace edgefw::observe {

nlohmann::ordered_json card_json(const kernel::Card& card);
// "eth0 (external, native, tcx)"
std::string card_text(const kernel::Card& card);

// A line for each.
std::string closed_text(const std::vector<kernel::ClosedCard>& closed);

nlohmann::ordered_json status_json(const kernel::Status& status);
std::string status_text(const kernel::Status& status, std::size_t width);

}  // namespace edgefw::observe
