// SPDX-License-Identifier: GPL-2.0-only
// Other programs (ip, nft, xdp-filter), run to completion.
#pragma once

#include <string>
#include <vector>

#include "userspace/base/result.h"

namespace edgefw::bench {

// What the program printed on stdout, given `input` on stdin. Fails with what it printed on stderr, or when there is no
// such program.
Result<std::string> run(const std::vector<std::string>& arguments, const std::string& input = "");

}  // namespace edgefw::bench
