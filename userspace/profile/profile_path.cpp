// SPDX-License-Identifier: GPL-2.0-only
#include "userspace/profile/profile_path.h"

#include <algorithm>
#include <filesystem>
#include <set>

#include "userspace/language/read.h"

namespace edgefw::policy {
namespace {

namespace fs = std::filesystem;

bool is_profile_name(const std::string& name) {
    const auto is_plain = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
    };
    return !name.empty() && name.front() != '.' && std::all_of(name.begin(), name.end(), is_plain);
}

fs::path running_binary() {
    std::error_code error;
    return fs::read_symlink("/proc/self/exe", error);
}

bool lies_below(const fs::path& file, const fs::path& folder) {
    const auto [end, ignored] = std::mismatch(folder.begin(), folder.end(), file.begin(), file.end());
    return end == folder.end();
}

}  // namespace

ProfilePath ProfilePath::standard(const std::vector<std::string>& extra) {
    ProfilePath path{extra, {}};
    const fs::path binary = running_binary();
    if (lies_below(binary, EDGEFW_BUILD_DIR)) path.folders.emplace_back(EDGEFW_SOURCE_PROFILES);
    path.folders.emplace_back("/etc/edgefw/profiles");
    path.folders.emplace_back("/usr/share/edgefw/profiles");
    const fs::path installed = binary.parent_path().parent_path() / "share/edgefw/profiles";
    if (installed != "/usr/share/edgefw/profiles") path.folders.push_back(installed.string());
    return path;
}

std::vector<std::string> profile_names(const ProfilePath& profiles) {
    std::set<std::string> names;
    for (const ProfileText& known : profiles.texts)
        names.insert(known.name);
    for (const std::string& folder : profiles.folders) {
        std::error_code error;  // a folder that is not there offers nothing
        for (fs::directory_iterator entry(folder, error), end; !error && entry != end; entry.increment(error)) {
            const fs::path& file = entry->path();
            if (file.extension() == ".yaml" && is_profile_name(file.stem().string())) {
                names.insert(file.stem().string());
            }
        }
    }
    return {names.begin(), names.end()};
}

std::string profile_file(const std::string& name, const ProfilePath& profiles) {
    if (!is_profile_name(name)) return "";
    for (const ProfileText& known : profiles.texts) {
        if (known.name == name) return known.file;
    }
    for (const std::string& folder : profiles.folders) {
        const fs::path file = fs::path(folder) / (name + ".yaml");
        std::error_code error;
        if (fs::is_regular_file(file, error)) return file.string();
    }
    return "";
}

Result<std::optional<ProfileText>> read_profile(const std::string& name, const ProfilePath& profiles) {
    for (const ProfileText& known : profiles.texts) {
        if (known.name == name) return std::optional(known);
    }
    const std::string file = profile_file(name, profiles);
    if (file.empty()) return std::optional<ProfileText>();
    auto text = read(file);
    if (!text) return text.error();
    return std::optional(ProfileText{name, file, std::move(*text)});
}

}  // namespace edgefw::policy
