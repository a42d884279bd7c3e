// SPDX-License-Identifier: GPL-2.0-only
// Text for people: what a file, a name or the network says must not steer their terminal.
#pragma once

#include <string>
#include <string_view>

namespace edgefw {

// `text` with every control character but newline and tab written out: ESC as \u001b, the single character CSI of
// 8-bit terminals as \u009b; bytes that are not UTF-8 as \ufffd. In JSON, where they stand in strings alone, that means
// what it meant.
std::string for_terminal(std::string_view text);

}  // namespace edgefw
