// The two tables of port forwards (maps/forward.h).
#pragma once

#include <vector>

#include "userspace/image/image.h"

namespace edgefw::image {

// The entries of both tables, active ones before retired ones, retired ones newest first. Writes both tables and what
// the external side's config says of them. Retired entries that find no room in their bucket are left out. Fails
// (kPolicy) when more active entries share one target than a bucket holds.
Result<Ok> lay_out_forwards(Image& image, const std::vector<edgefw_forward>& entries);

// An active entry for `forward`; `slot` as in edgefw_forward.
edgefw_forward forward_entry(const policy::Forward& forward, std::uint16_t slot);

// The entries of a table, without its layout.
std::vector<edgefw_forward> entries_of(const std::vector<edgefw_forward>& table);

}  // namespace edgefw::image
