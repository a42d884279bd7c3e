// SPDX-License-Identifier: GPL-2.0-only
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
#include <fstream>
#include <sstream>
#include <thread>

#include "maps/card.h"
#include "userspace/kernel/errors.h"
#include "userspace/kernel/map.h"
#include "userspace/kernel/remembered.h"

namespace edgefw::kernel {
namespace {

constexpr const char* kRoot = "/sys/fs/bpf/edgefw";
constexpr int kNetnsCookie = 71;  // SO_NETNS_COOKIE, Linux 5.14: inode numbers of namespaces are reused, cookies never

Result<std::string> home_path() {
    struct statfs info = {};
    if (statfs(kBpffs, &info) != 0 || info.f_type != static_cast<decltype(info.f_type)>(BPF_FS_MAGIC)) {
        return failed(std::string("no bpffs at ") + kBpffs + "; mount one: mount -t bpf -o mode=0700 bpf " + kBpffs +
                      " (`ip netns exec` hides the host's: use nsenter --net=/run/netns/NAME)");
    }
    auto cookie = namespace_cookie();
    if (!cookie) return cookie.error();
    return std::string(kRoot) + "/" + std::to_string(*cookie);
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
    if (!map || map->value_size() < offsetof(edgefw_card, bank_generation)) return false;
    std::vector<std::uint8_t> value(map->value_size());
    const std::uint32_t index = 0;
    if (!map->read(&index, value.data())) return false;
    edgefw_card card = {};
    std::memcpy(&card, value.data(), offsetof(edgefw_card, bank_generation));
    return card.xdp_mode == EDGEFW_XDP_NONE && card.egress == EDGEFW_EGRESS_CLSACT;
}

// A card whose links are gone may be there without them: then its namespace is, too.
bool is_stale(const std::string& home) {
    for (const auto& name : entries(home)) {
        if (!name.starts_with("card_")) continue;
        const std::string directory = home + "/" + name;
        if (is_judged_by_a_filter(directory) || !has_lost_its_card(directory + "/link_received")) return false;
    }
    return !is_remembered_alive(home);
}

void remove_home(const std::string& home) {
    for (const auto& name : entries(home)) {
        if (name == "active" || name == "confirmations")
            unlink((home + "/" + name).c_str());
        else
            remove_directory(home + "/" + name);
    }
    rmdir(home.c_str());
}

// The process that holds the lock of this open directory, as /proc/locks has it: "123 (edgefw)". Empty: not told.
std::string lock_holder(int directory) {
    struct stat held = {};
    if (fstat(directory, &held) != 0) return "";
    std::ifstream locks("/proc/locks");
    for (std::string line; std::getline(locks, line);) {
        std::istringstream words(line);
        std::string number, kind, advice, mode, process, file;
        words >> number >> kind >> advice >> mode >> process >> file;
        const std::size_t colon = file.rfind(':');
        if (kind != "FLOCK" || colon == std::string::npos || process == "-1" || process == "0") continue;
        if (file.substr(colon + 1) != std::to_string(held.st_ino)) continue;
        std::ifstream command("/proc/" + process + "/comm");
        std::string name;
        std::getline(command, name);
        return process + (name.empty() ? "" : " (" + name + ")");
    }
    return "";
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

Result<Ok> check_folder(const std::string& path, bool is_shared, const std::string& mend) {
    struct stat found = {};
    if (lstat(path.c_str(), &found) != 0) return Ok{};  // not there, or not for us to see
    std::string fault;
    if (!S_ISDIR(found.st_mode))
        fault = " is no directory";
    else if (found.st_uid != 0)
        fault = " belongs to user " + std::to_string(found.st_uid);
    else if ((found.st_mode & 0022) != 0 && !(is_shared && (found.st_mode & S_ISVTX) != 0))
        fault = " can be changed by other users";
    else
        return Ok{};
    return failed(path + fault + ", who could take away what edgefw keeps there, or keep it locked; mend it: " + mend);
}

Result<Ok> check_bpffs() {
    if (auto checked = check_folder(kBpffs, true, std::string("chmod 0700 ") + kBpffs); !checked) return checked;
    return check_folder(kRoot, false, std::string("look at what is in it, then: rm -r ") + kRoot);
}

Result<Ok> make_directory(const std::string& path) {
    if (mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) return system_error("making " + path, errno);
    return Ok{};
}

Result<Ok> make_directory_in(const std::string& root, const std::string& path) {
    constexpr int kTries = 1000;
    for (int i = 0;; i++) {
        if (auto made = make_directory(root); !made) return made;
        if (mkdir(path.c_str(), 0700) == 0 || errno == EEXIST) return Ok{};
        if (errno != ENOENT || i == kTries) return system_error("making " + path, errno);
    }
}

void remove_directory(const std::string& path) {
    for (const auto& name : entries(path))
        unlink((path + "/" + name).c_str());
    rmdir(path.c_str());
}

bool is_pinned(const std::string& path) {
    return access(path.c_str(), F_OK) == 0;
}

Result<Home> Home::lock(std::chrono::milliseconds wait) {
    auto path = home_path();
    if (!path) return path.error();
    const auto deadline = std::chrono::steady_clock::now() + wait;
    for (;;) {
        if (auto made = make_directory(kRoot); !made) return made.error();
        if (auto checked = check_bpffs(); !checked) return checked.error();
        if (auto made = make_directory_in(kRoot, *path); !made) return made.error();
        Home home;
        home.path_ = *path;
        home.directory_ = Fd::own(open(path->c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
        // Who held the lock before may have removed the directory: then ours is not the one that is there now.
        if (home.directory_.valid() && flock(home.directory_.get(), LOCK_EX | LOCK_NB) == 0 &&
            is_same_directory(home.directory_.get(), *path))
            return home;
        if (std::chrono::steady_clock::now() > deadline) {
            const std::string holder = lock_holder(home.directory_.get());
            return failed("another edgefw" + (holder.empty() ? "" : ", process " + holder + ",") +
                          " is changing this network namespace and did not finish in " +
                          std::to_string(std::chrono::duration_cast<std::chrono::seconds>(wait).count()) +
                          " s; try again");
        }
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
}

Result<Home> Home::look() {
    auto path = home_path();
    if (!path) return path.error();
    if (auto checked = check_bpffs(); !checked) return checked.error();
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

std::string Home::remembered_folder() const {
    return kernel::remembered_folder(path_);
}

bool Home::while_nobody_changes(const std::function<void()>& work) const {
    const Fd directory = Fd::own(open(path_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!directory.valid() || flock(directory.get(), LOCK_SH | LOCK_NB) != 0) return false;
    work();
    return true;
}

void Home::remove_if_empty() {
    remove_empty_remembered(*this);
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
    forget_dead_namespaces();
}

}  // namespace edgefw::kernel
