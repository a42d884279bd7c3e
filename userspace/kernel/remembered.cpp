// SPDX-License-Identifier: GPL-2.0-only
#include "userspace/kernel/remembered.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>

#include "userspace/kernel/errors.h"
#include "userspace/kernel/netlink.h"
#include "userspace/language/read.h"

namespace edgefw::kernel {
namespace {

constexpr const char* kRoot = "/run/edgefw";
constexpr const char* kHomes = "/sys/fs/bpf/edgefw";

std::string file_of(const Home& home, std::uint32_t ifindex) {
    return home.remembered_folder() + "/card_" + std::to_string(ifindex);
}

// As /proc names it.
std::string own_namespace() {
    struct stat own = {};
    return stat("/proc/thread-self/ns/net", &own) == 0 ? "net:[" + std::to_string(own.st_ino) + "]" : "";
}

nlohmann::json to_json(const edgefw_card& card, const std::string& address) {
    return {{"abi", card.abi},
            {"ifindex", card.ifindex},
            {"interface", card.interface},
            {"address", address},
            {"side", card.side},
            {"xdp_mode", card.xdp_mode},
            {"egress", card.egress},
            {"made_clsact", card.made_clsact},
            {"filter_handle", card.filter_handle},
            {"filter_priority", card.filter_priority},
            {"switched_off", card.switched_off},
            {"namespace", own_namespace()}};
}

// Discarded where it is no such file: a folder, or a pipe that would wait for a writer.
nlohmann::json read_file(const std::string& path) {
    const auto text = policy::read_regular(path);
    return nlohmann::json::parse(text ? *text : "", nullptr, false);
}

std::uint32_t number_in(const nlohmann::json& json, const char* key) {
    const auto found = json.find(key);
    return found != json.end() && found->is_number_unsigned() ? found->get<std::uint32_t>() : 0;
}

std::string text_in(const nlohmann::json& json, const char* key) {
    const auto found = json.find(key);
    return found != json.end() && found->is_string() ? found->get<std::string>() : "";
}

// `ifindex` is that of the file's name: one with nonsense in it is as good as one that says no more.
Remembered from_json(const nlohmann::json& json, std::uint32_t ifindex) {
    Remembered remembered;
    edgefw_card& card = remembered.card;
    card.abi = number_in(json, "abi");
    card.ifindex = ifindex;
    card.side = number_in(json, "side");
    card.xdp_mode = number_in(json, "xdp_mode");
    card.egress = number_in(json, "egress");
    card.made_clsact = number_in(json, "made_clsact");
    card.filter_handle = number_in(json, "filter_handle");
    card.filter_priority = number_in(json, "filter_priority");
    card.switched_off = number_in(json, "switched_off");
    text_in(json, "interface").copy(card.interface, sizeof(card.interface) - 1);
    remembered.address = text_in(json, "address");
    return remembered;
}

bool is_same(const Remembered& remembered, const Link& link) {
    return link.index == static_cast<int>(remembered.card.ifindex) &&
           (link.name == remembered.card.interface || (!link.address.empty() && link.address == remembered.address));
}

std::vector<Remembered> read_all(const Home& home) {
    std::vector<Remembered> all;
    const std::string prefix = "card_";
    for (const std::string& name : entries(home.remembered_folder())) {
        if (!name.starts_with(prefix) || name.find('.') != std::string::npos) continue;
        const auto ifindex = static_cast<std::uint32_t>(std::strtoul(name.c_str() + prefix.size(), nullptr, 10));
        struct stat found = {};
        if (stat(file_of(home, ifindex).c_str(), &found) != 0 || !S_ISREG(found.st_mode)) continue;
        all.push_back(from_json(read_file(file_of(home, ifindex)), ifindex));
    }
    return all;
}

// Whether something keeps a network namespace: a process in it, or a mount of it that a process sees. A namespace that
// only an open descriptor keeps is not found.
bool is_in_use(const std::string& network) {
    for (const std::string& process : entries("/proc")) {
        if (process.find_first_not_of("0123456789") != std::string::npos) continue;
        char target[64] = {};
        const std::string folder = "/proc/" + process;
        if (readlink((folder + "/ns/net").c_str(), target, sizeof(target) - 1) > 0 && network == target) return true;
        std::ifstream mounts(folder + "/mountinfo");
        const std::string text((std::istreambuf_iterator<char>(mounts)), std::istreambuf_iterator<char>());
        if (text.find(" " + network + " ") != std::string::npos) return true;
    }
    return false;
}

// Whether /proc has all processes of this machine: that of a container does not.
bool sees_all_processes() {
    constexpr ino_t kFirstPidNamespace = 0xeffffffc;  // PROC_PID_INIT_INO
    struct stat own = {};
    return stat("/proc/self/ns/pid", &own) == 0 && own.st_ino == kFirstPidNamespace;
}

// The namespace that is remembered; empty: nothing is.
std::string network_of(const std::string& memory) {
    for (const std::string& name : entries(memory)) {
        if (std::string network = text_in(read_file(memory + "/" + name), "namespace"); !network.empty())
            return network;
    }
    return "";
}

void remove_remembered(const std::string& memory) {
    for (const std::string& name : entries(memory))
        unlink((memory + "/" + name).c_str());
    rmdir(memory.c_str());
}

// A crash in the middle leaves what was there before.
Result<Ok> replace_file(const std::string& path, const std::string& text) {
    const std::string later = path + ".new";
    unlink(later.c_str());
    const Fd file = Fd::own(open(later.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (!file.valid()) return system_error("making " + later, errno);
    if (write(file.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size()))
        return system_error("writing " + later, errno);
    if (rename(later.c_str(), path.c_str()) != 0) return system_error("renaming " + later, errno);
    return Ok{};
}

}  // namespace

Result<Ok> check_remembered() {
    return check_folder(kRoot, false, std::string("look at what is in it, then: rm -r ") + kRoot);
}

std::string remembered_folder(const std::string& home) {
    return std::string(kRoot) + home.substr(home.rfind('/'));
}

Result<std::vector<Remembered>> remembered(const Home& home) {
    if (auto checked = check_remembered(); !checked) return checked.error();
    std::vector<Remembered> memory = read_all(home);
    if (memory.empty()) return memory;
    const auto there = links();
    if (!there) return there.error();
    std::erase_if(memory, [&](const Remembered& one) {
        return std::none_of(there->begin(), there->end(), [&](const Link& link) { return is_same(one, link); });
    });
    return memory;
}

const Remembered* find(const std::vector<Remembered>& memory, std::uint32_t ifindex) {
    const auto found =
        std::find_if(memory.begin(), memory.end(), [&](const Remembered& one) { return one.card.ifindex == ifindex; });
    return found == memory.end() ? nullptr : &*found;
}

Result<Ok> remember(const Home& home, const edgefw_card& card) {
    if (auto made = make_directory(kRoot); !made) return made;
    if (auto checked = check_remembered(); !checked) return checked;
    if (auto made = make_directory_in(kRoot, home.remembered_folder()); !made) return made;
    const auto there = links();
    if (!there) return there.error();
    const auto link = std::find_if(there->begin(), there->end(), [&](const Link& candidate) {
        return candidate.index == static_cast<int>(card.ifindex);
    });
    return replace_file(file_of(home, card.ifindex), to_json(card, link == there->end() ? "" : link->address).dump());
}

void forget(const Home& home, std::uint32_t ifindex) {
    unlink(file_of(home, ifindex).c_str());
}

void forget_gone(const Home& home) {
    const auto there = remembered(home);
    if (!there) return;
    for (const Remembered& one : read_all(home)) {
        if (find(*there, one.card.ifindex) == nullptr) forget(home, one.card.ifindex);
    }
}

void remove_empty_remembered(const Home& home) {
    rmdir(home.remembered_folder().c_str());  // fails while a card is remembered: right
    rmdir(kRoot);
}

bool is_remembered_alive(const std::string& home) {
    const std::string network = network_of(remembered_folder(home));
    return !network.empty() && is_in_use(network);
}

void forget_dead_namespaces() {
    if (!check_remembered() || !sees_all_processes()) return;
    for (const std::string& name : entries(kRoot)) {
        const std::string home = std::string(kHomes) + "/" + name;
        if (!is_pinned(home) && !is_remembered_alive(home)) remove_remembered(remembered_folder(home));
    }
}

}  // namespace edgefw::kernel
