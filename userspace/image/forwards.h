// SPDX-License-Identifier: GPL-2.0-only
// The two tables of port forwards and static entries (maps/forward.h).
#pragma once

#include <vector>

#include "userspace/image/image.h"

namespace edgefw::image {

// `entries`: active ones before retired ones, retired ones newest first. Writes both tables, and what the configs say
// of them and of the image's masquerades. Retired entries that find no room in their bucket are left out. Fails
// (kPolicy) when the active ones find none.
Result<Ok> lay_out_forwards(Image& image, const std::vector<edgefw_forward>& entries);

// The active entries of `forward`, one a port; `slot` as in edgefw_forward.
std::vector<edgefw_forward> forward_entries(const policy::Forward& forward, std::uint16_t slot);

// Where several of `entries` have one target end, it opens by the first of them.
void let_first_open(std::vector<edgefw_forward>& entries);

// The entries of a table, without its layout.
std::vector<edgefw_forward> entries_of(const std::vector<edgefw_forward>& table);

}  // namespace edgefw::image
