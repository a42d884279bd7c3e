// SPDX-License-Identifier: GPL-2.0-only
// SHA-256 (FIPS 180-4).
#pragma once

#include <string>
#include <string_view>

#include "userspace/base/result.h"

namespace edgefw {

// In lower-case hex: what `sha256sum` prints. Fails only where the system's libcrypto has no SHA-256.
Result<std::string> sha256(std::string_view bytes);

}  // namespace edgefw
