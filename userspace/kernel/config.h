// SPDX-License-Identifier: GPL-2.0-only
// The one place that finishes the constants of a program (maps/config.h): image/config.h says what the policy wants,
// here are added the machine's ticks, the generation, and the card.
#pragma once

#include <cstdint>

#include "maps/config.h"
#include "userspace/image/image.h"
#include "userspace/kernel/variant.h"
#include "userspace/policy/policy.h"

namespace edgefw::kernel {

// As it is kept with generation `number`; 0: no policy was pushed.
edgefw_config config_of(const image::Image& image, policy::Side side, std::uint32_t number);

// The constants of a card without a policy: its programs pass everything and learn connections. These time out by the
// defaults.
edgefw_config config_without_policy(policy::Side side);

// The constants of one program: `config`, and what its card is like and doing.
edgefw_config specialised(edgefw_config config, const Variant& variant);

}  // namespace edgefw::kernel
