// SPDX-License-Identifier: GPL-2.0-only
// An image as bytes, to tell whether two are one.
#pragma once

#include <string>

#include "userspace/image/image.h"

namespace edgefw::image {

// Equal exactly for images that the same programs and maps come of, with the same ids.
std::string bytes_of(const Image& image);

}  // namespace edgefw::image
