// SPDX-License-Identifier: GPL-2.0-only
// errno, translated once: which operation on what failed, and what to do about it.
#pragma once

#include <string>

#include "userspace/base/result.h"

namespace edgefw::kernel {

// `number` as errno or as a negative libbpf result. EPERM becomes kNotPermitted; what the kernel refuses to load or
// create for want of a feature or of memory becomes kKernel; the rest kFailed.
Error system_error(const std::string& operation, int number);

}  // namespace edgefw::kernel
