// SPDX-License-Identifier: GPL-2.0-only
// Precompiled for the fuzz targets: most of the time clang++ takes for a file goes into these.
#pragma once

#include <algorithm>
#include <array>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "userspace/image/image.h"
