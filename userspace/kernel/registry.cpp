// SPDX-License-Identifier: GPL-2.0-only
#include "userspace/kernel/registry.h"

#include <algorithm>

#include "userspace/kernel/program.h"

namespace edgefw::kernel {

Result<MapSpec> spec_of(const char* name) {
    static const std::map<std::string, MapSpec> specs = declared_maps();
    const auto found = specs.find(name);
    if (found == specs.end()) return failed(std::string("the data path has no map ") + name);
    return found->second;
}

Result<Map> create_map(const char* name, std::size_t entries) {
    auto spec = spec_of(name);
    if (!spec) return spec.error();
    spec->max_entries = static_cast<std::uint32_t>(std::max<std::size_t>(entries, 1));
    return Map::create(*spec);
}

Result<Map> create_map(const char* name) {
    const auto spec = spec_of(name);
    if (!spec) return spec.error();
    return Map::create(*spec);
}

}  // namespace edgefw::kernel
