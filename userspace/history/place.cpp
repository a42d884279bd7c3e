// SPDX-License-Identifier: GPL-2.0-only
// Which folder is that of this network namespace.
#include <sys/stat.h>

#include <algorithm>
#include <optional>

#include "userspace/history/folder.h"
#include "userspace/kernel/pins.h"

namespace edgefw::history {
namespace {

constexpr const char* kNamed = "/run/netns";

struct Namespace {
    dev_t device = 0;
    ino_t inode = 0;

    bool operator==(const Namespace&) const = default;
};

std::optional<Namespace> namespace_at(const std::string& path) {
    struct stat found = {};
    if (stat(path.c_str(), &found) != 0) return std::nullopt;
    return Namespace{found.st_dev, found.st_ino};
}

// The first by name, where it has several.
std::optional<std::string> name_of_namespace(const Namespace& own) {
    std::vector<std::string> names = kernel::entries(kNamed);
    std::sort(names.begin(), names.end());
    for (const std::string& name : names) {
        if (namespace_at(std::string(kNamed) + "/" + name) == own) return name;
    }
    return std::nullopt;
}

}  // namespace

Result<Place> place() {
    const auto own = namespace_at("/proc/thread-self/ns/net");
    if (!own) return failed("/proc does not tell the network namespace; mount it");
    const auto first = namespace_at("/proc/1/ns/net");
    const Place machine{"/var/lib", {"edgefw", "history", "machine"}, {}};
    if (own == first) return machine;
    if (const auto name = name_of_namespace(*own))
        return Place{"/var/lib", {"edgefw", "history", "netns_" + *name}, {}};
    // A service without CAP_SYS_PTRACE may not look at process 1: it is the machine's, as services are.
    if (!first) return machine;
    const auto cookie = kernel::namespace_cookie();
    if (!cookie) return cookie.error();
    return Place{"/run", {"edgefw", "history_" + std::to_string(*cookie)}, "net:[" + std::to_string(own->inode) + "]"};
}

}  // namespace edgefw::history
