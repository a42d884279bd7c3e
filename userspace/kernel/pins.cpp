#include "userspace/kernel/pins.h"

#include <linux/bpf.h>
#include <linux/magic.h>
#include <bpf/bpf.h>
#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <thread>

#include "maps/card.h"
#include "userspace/kernel/errors.h"
#include "userspace/kernel/map.h"

namespace edgefw::kernel {
namespace {

constexpr const char* kRoot = "/sys/fs/bpf/edgefw";
constexpr int kNetnsCookie = 71;  // SO_NETNS_COOKIE, Linux 5.14: inode numbers of namespaces are reused, cookies never
constexpr auto kLockWait = std::chrono::seconds(10);

Result<std::string> home_path() {
    struct statfs info = {};
    if (statfs(kBpffs, &info) != 0 || info.f_type != static_cast<decltype(info.f_type)>(BPF_FS_MAGIC)) {
        return failed(std::string("no bpffs at ") + kBpffs + "; mount one: mount -t bpf bpf " + kBpffs +
                      " (`ip netns exec` hides the host's: use nsenter --net=/run/netns/NAME)");
    }
    auto cookie = namespace_cookie();
    if (!cookie) return cookie.error();
    return std::string(kRoot) + "/" + std::to_string(*cookie);
}

std::vector<std::string> entries(const std::string& path) {
    std::vector<std::string> names;
    DIR* directory = opendir(path.c_str());
    if (directory == nullptr) return names;
    while (const dirent* entry = readdir(directory)) {
        const std::string name = entry->d_name;
        if (name != "." && name != "..") names.push_back(name);
    }
    closedir(directory);
    return names;
}

// The link of a card that is gone says 0.
bool has_lost_its_card(const std::string& link_path) {
    const Fd link = Fd::own(bpf_obj_get(link_path.c_str()));
    bpf_link_info info = {};
    __u32 size = sizeof(info);
    return !link.valid() || bpf_link_get_info_by_fd(link.get(), &info, &size) != 0 || info.xdp.ifindex == 0;
}

// What is received is judged by a clsact filter, which has no link. It says nothing to another namespace of whether its
// card is there: such a home stays until edgefw is used in its own namespace again, or until the next boot.
bool is_judged_by_a_filter(const std::string& directory) {
    auto map = Map::open_pinned(directory + "/card");
    if (!map || map->value_size() < offsetof(edgefw_card, slot_generation)) return false;
    std::vector<std::uint8_t> value(map->value_size());
    const std::uint32_t index = 0;
    if (!map->read(&index, value.data())) return false;
    edgefw_card card = {};
    std::memcpy(&card, value.data(), offsetof(edgefw_card, slot_generation));
    return card.xdp_mode == EDGEFW_XDP_NONE && card.egress == EDGEFW_EGRESS_CLSACT;
}

bool is_stale(const std::string& home) {
    for (const auto& name : entries(home)) {
        if (!name.starts_with("card_")) continue;
        const std::string directory = home + "/" + name;
        if (is_judged_by_a_filter(directory) || !has_lost_its_card(directory + "/link_received")) return false;
    }
    return true;
}

void remove_home(const std::string& home) {
    for (const auto& name : entries(home)) {
        if (name == "active")
            unlink((home + "/active").c_str());
        else
            remove_directory(home + "/" + name);
    }
    rmdir(home.c_str());
}

bool is_same_directory(int fd, const std::string& path) {
    struct stat held = {}, there = {};
    return fstat(fd, &held) == 0 && stat(path.c_str(), &there) == 0 && held.st_ino == there.st_ino;
}

}  // namespace

Result<std::uint64_t> namespace_cookie() {
    const Fd socket = Fd::own(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    if (!socket.valid()) return system_error("opening a socket", errno);
    std::uint64_t cookie = 0;
    socklen_t size = sizeof(cookie);
    if (getsockopt(socket.get(), SOL_SOCKET, kNetnsCookie, &cookie, &size) != 0)
        return system_error("asking for the network namespace's cookie (Linux 5.14)", errno);
    return cookie;
}

Result<Ok> make_directory(const std::string& path) {
    if (mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) return system_error("making " + path, errno);
    return Ok{};
}

void remove_directory(const std::string& path) {
    for (const auto& name : entries(path))
        unlink((path + "/" + name).c_str());
    rmdir(path.c_str());
}

bool is_pinned(const std::string& path) {
    return access(path.c_str(), F_OK) == 0;
}

Result<Home> Home::lock() {
    auto path = home_path();
    if (!path) return path.error();
    const auto deadline = std::chrono::steady_clock::now() + kLockWait;
    for (;;) {
        if (auto made = make_directory(kRoot); !made) return made.error();
        if (auto made = make_directory(*path); !made) return made.error();
        Home home;
        home.path_ = *path;
        home.directory_ = Fd::own(open(path->c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
        // Who held the lock before may have removed the directory: then ours is not the one that is there now.
        if (home.directory_.valid() && flock(home.directory_.get(), LOCK_EX | LOCK_NB) == 0 &&
            is_same_directory(home.directory_.get(), *path))
            return home;
        if (std::chrono::steady_clock::now() > deadline)
            return failed("another edgefw is changing this network namespace and did not finish in 10 s; try again");
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
}

Result<Home> Home::look() {
    auto path = home_path();
    if (!path) return path.error();
    Home home;
    home.path_ = *path;
    home.directory_ = Fd::own(open(path->c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!home.directory_.valid() && errno != ENOENT) return system_error("opening " + *path, errno);
    return home;
}

std::vector<std::uint32_t> Home::numbered(const std::string& prefix) const {
    std::vector<std::uint32_t> numbers;
    for (const auto& name : entries(path_)) {
        if (!name.starts_with(prefix)) continue;
        numbers.push_back(static_cast<std::uint32_t>(std::strtoul(name.c_str() + prefix.size(), nullptr, 10)));
    }
    std::sort(numbers.begin(), numbers.end());
    return numbers;
}

void Home::remove_if_empty() {
    if (!cards().empty()) return;
    remove_home(path_);
    rmdir(kRoot);  // fails while another namespace has one: right
}

void remove_stale_homes() {
    for (const auto& name : entries(kRoot)) {
        const std::string home = std::string(kRoot) + "/" + name;
        const Fd directory = Fd::own(open(home.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
        if (directory.valid() && flock(directory.get(), LOCK_EX | LOCK_NB) == 0 && is_stale(home)) remove_home(home);
    }
}

}  // namespace edgefw::kernel
