// SPDX-License-Identifier: GPL-2.0-only
// Any YAML, by yaml-cpp.
#pragma once

#include <string>

#include "userspace/language/diagnostics.h"
#include "userspace/language/syntax.h"

namespace edgefw::policy {

// The tree of one document; a null node without a place when there is none. Reports as parse does. Nodes point to
// `file`.
Node read_yaml(const std::string& text, const std::string* file, Diagnostics& diagnostics);

}  // namespace edgefw::policy
