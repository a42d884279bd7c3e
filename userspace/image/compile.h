// SPDX-License-Identifier: GPL-2.0-only
// compile: Policy -> Image.
#pragma once

#include "userspace/base/result.h"
#include "userspace/image/image.h"
#include "userspace/policy/policy.h"

namespace edgefw::image {

// Pure. Fails (kPolicy) only where a limit of the data path is exceeded; the message names the rule and the limit.
Result<Image> compile(const policy::Policy& policy);

}  // namespace edgefw::image
