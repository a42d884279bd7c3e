// SPDX-License-Identifier: GPL-2.0-only
// What this host is, for image/martians.h: asked at every push, since addresses change.
#pragma once

#include <vector>

#include "userspace/base/result.h"
#include "userspace/image/martians.h"
#include "userspace/kernel/inventory.h"

namespace edgefw::kernel {

// The addresses of all cards and what those face by the cards that are attached: `inventory`, and where it is given the
// one that is about to be.
Result<std::vector<image::OwnAddress>> own_addresses(const Inventory& inventory, const CardState* newcomer);

}  // namespace edgefw::kernel
