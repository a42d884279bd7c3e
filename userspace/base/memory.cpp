// SPDX-License-Identifier: GPL-2.0-only
#include "userspace/base/memory.h"

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <optional>
#include <sstream>

namespace edgefw {
namespace {

// The number that a file begins with; nothing where there is none ("max" is none).
std::optional<std::uint64_t> number_in(const std::string& path) {
    std::ifstream file(path);
    std::uint64_t number = 0;
    if (!(file >> number)) return std::nullopt;
    return number;
}

// The number behind `key` in lines of "KEY NUMBER ...".
std::uint64_t value_of(const std::string& path, const std::string& key) {
    std::ifstream file(path);
    for (std::string line; std::getline(file, line);) {
        std::istringstream words(line);
        std::string word;
        std::uint64_t number = 0;
        if (words >> word >> number && word == key) return number;
    }
    return 0;
}

// One version's names for the files of a group. What is cached of files makes room.
struct Controller {
    const char* hierarchy;  // of the line in /proc/self/cgroup: ID:HIERARCHY:PATH
    const char* folder;
    const char* limit;
    const char* usage;
    const char* cached;
};
constexpr Controller kControllers[] = {
    {"", "", "memory.max", "memory.current", "inactive_file"},
    {"memory", "/memory", "memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"},
};

void limit_by(Memory& memory, const Controller& controller, const std::string& group) {
    const std::string limit_file = group + "/" + controller.limit;
    const auto limit = number_in(limit_file), usage = number_in(group + "/" + controller.usage);
    if (!limit || !usage) return;
    const std::uint64_t used = *usage - std::min(*usage, value_of(group + "/memory.stat", controller.cached));
    const std::uint64_t left = *limit - std::min(*limit, used);
    if (left < memory.bytes) memory = {left, limit_file};
}

// The group and all that it is in.
void limit_by_all(Memory& memory, const Controller& controller, const std::string& root, std::string path) {
    while (true) {
        limit_by(memory, controller, root + path);
        const std::size_t slash = path.rfind('/');
        if (slash == std::string::npos) return;
        path.resize(slash);
    }
}

}  // namespace

Memory available_memory(const std::string& proc, const std::string& cgroups) {
    constexpr std::uint64_t kKilo = 1024;
    const std::uint64_t available = value_of(proc + "/meminfo", "MemAvailable:") * kKilo;
    Memory memory{available != 0 ? available : UINT64_MAX, "MemAvailable"};
    std::ifstream groups(proc + "/self/cgroup");
    for (std::string line; std::getline(groups, line);) {
        const std::size_t first = line.find(':'), second = line.find(':', first + 1);
        if (second == std::string::npos) continue;
        const std::string hierarchy = line.substr(first + 1, second - first - 1);
        for (const Controller& controller : kControllers) {
            if (hierarchy == controller.hierarchy)
                limit_by_all(memory, controller, cgroups + controller.folder, line.substr(second + 1));
        }
    }
    return memory;
}

std::string memory_text(std::uint64_t bytes) {
    constexpr double kMega = 1e6, kGiga = 1e9;
    const auto number = static_cast<double>(bytes);
    char text[32];
    if (number < kGiga) {
        std::snprintf(text, sizeof text, "%.0f MB", number / kMega);
    } else {
        std::snprintf(text, sizeof text, "%.1f GB", number / kGiga);
    }
    return text;
}

}  // namespace edgefw
