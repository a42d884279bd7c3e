// What `edgefw show` prints: made from the document of a policy alone, because the one in force is kept with its
// generation.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "userspace/base/result.h"

namespace edgefw::observe {

// The document as it was shown before it was pushed: without the counter slots that the kernel layer adds.
Result<nlohmann::ordered_json> show_json(const std::string& document);

// The rules in order, headed by profile, table, figure and document; then NAT entries and defaults.
Result<std::string> show_text(const std::string& document, std::size_t width);

}  // namespace edgefw::observe
