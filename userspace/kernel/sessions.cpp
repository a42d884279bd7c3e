// SPDX-License-Identifier: GPL-2.0-only
#include "userspace/kernel/sessions.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <set>
#include <sstream>

#include "userspace/kernel/netlink.h"
#include "userspace/kernel/pins.h"
#include "userspace/kernel/route.h"

namespace edgefw::kernel {
namespace {

constexpr std::uint16_t kSshPort = 22;
constexpr unsigned kEstablished = 1, kListens = 10;  // TCP_ESTABLISHED, TCP_LISTEN: states of /proc/net/tcp
constexpr int kMostParents = 64;

std::string file_text(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

template <typename Number>
std::optional<Number> number(std::string_view text, int base = 10) {
    Number value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
    if (error != std::errc() || end != text.data() + text.size() || text.empty()) return std::nullopt;
    return value;
}

// ::ffff:192.0.2.1 is 192.0.2.1.
Address unmapped(const Address& address) {
    if (address.family == Family::kIpv4 || address.value >> 32 != 0xffff) return address;
    return {Family::kIpv4, address.value & 0xffffffff};
}

// Words of 32 bits, each in the byte order of the machine, in hex: "0100007F".
std::optional<Address> hex_address(std::string_view text) {
    if (text.size() != 8 && text.size() != 32) return std::nullopt;
    std::uint8_t bytes[16] = {};
    for (std::size_t word = 0; word < text.size() / 8; word++) {
        const auto value = number<std::uint32_t>(text.substr(word * 8, 8), 16);
        if (!value) return std::nullopt;
        std::copy_n(reinterpret_cast<const std::uint8_t*>(&*value), 4, bytes + word * 4);
    }
    return unmapped(Address::from_bytes(text.size() == 8 ? Family::kIpv4 : Family::kIpv6, bytes));
}

bool read_end(std::string_view text, Address& address, std::uint16_t& port) {
    const std::size_t colon = text.find(':');
    if (colon == std::string_view::npos) return false;
    const auto found = hex_address(text.substr(0, colon));
    const auto found_port = number<std::uint16_t>(text.substr(colon + 1), 16);
    if (!found || !found_port) return false;
    address = *found;
    port = *found_port;
    return true;
}

std::optional<TcpSocket> socket_of(const std::string& line) {
    std::istringstream words(line);
    std::vector<std::string> word((std::istream_iterator<std::string>(words)), std::istream_iterator<std::string>());
    constexpr std::size_t kLocal = 1, kRemote = 2, kState = 3, kInode = 9;
    if (word.size() <= kInode) return std::nullopt;
    TcpSocket socket;
    const auto state = number<unsigned>(word[kState], 16);
    const auto inode = number<std::uint64_t>(word[kInode]);
    if (!state || !inode || (*state != kEstablished && *state != kListens)) return std::nullopt;
    if (!read_end(word[kLocal], socket.ends.local, socket.ends.local_port)) return std::nullopt;
    if (!read_end(word[kRemote], socket.ends.remote, socket.ends.remote_port)) return std::nullopt;
    socket.listens = *state == kListens;
    socket.inode = *inode;
    return socket;
}

// What an environment says, as /proc has it: words that end with a zero byte.
std::optional<TcpEnds> in_environment(const std::string& environment) {
    constexpr std::string_view kName = "SSH_CONNECTION=";
    std::istringstream words(environment);
    for (std::string word; std::getline(words, word, '\0');) {
        if (word.starts_with(kName)) return parse_ssh_connection(std::string_view(word).substr(kName.size()));
    }
    return std::nullopt;
}

// 0: there is none.
int parent_of(int process) {
    // The name, in brackets, may hold anything.
    const std::string text = file_text("/proc/" + std::to_string(process) + "/stat");
    const std::size_t end = text.rfind(')');
    if (end == std::string::npos) return 0;
    std::istringstream words(text.substr(end + 1));
    std::string state;
    int parent = 0;
    words >> state >> parent;
    return parent;
}

// Of this process, or of the nearest that started it: sudo leaves the variable out.
std::optional<TcpEnds> own_connection() {
    if (const char* text = std::getenv("SSH_CONNECTION")) return parse_ssh_connection(text);
    int process = getppid();
    for (int i = 0; i < kMostParents && process > 1; i++, process = parent_of(process)) {
        if (auto found = in_environment(file_text("/proc/" + std::to_string(process) + "/environ"))) return found;
    }
    return std::nullopt;
}

bool is_sshd(const std::string& process) {
    const std::string name = file_text("/proc/" + process + "/comm");
    return name == "sshd\n" || name == "sshd-session\n" || name == "sshd-auth\n";
}

// The inodes of what processes of the name have open.
std::set<std::uint64_t> sockets_of_sshd() {
    std::set<std::uint64_t> inodes;
    for (const std::string& process : entries("/proc")) {
        if (process.find_first_not_of("0123456789") != std::string::npos || !is_sshd(process)) continue;
        const std::string folder = "/proc/" + process + "/fd";
        for (const std::string& fd : entries(folder)) {
            char target[64] = {};
            if (readlink((folder + "/" + fd).c_str(), target, sizeof(target) - 1) <= 0) continue;
            std::string_view text(target);
            constexpr std::string_view kSocket = "socket:[";
            if (!text.starts_with(kSocket) || !text.ends_with("]")) continue;
            text = text.substr(kSocket.size(), text.size() - kSocket.size() - 1);
            if (const auto inode = number<std::uint64_t>(text)) inodes.insert(*inode);
        }
    }
    return inodes;
}

}  // namespace

std::string TcpEnds::to_text() const {
    const auto end = [](const Address& address, std::uint16_t port) {
        const std::string text = address.to_text();
        return (address.family == Family::kIpv4 ? text : "[" + text + "]") + ":" + std::to_string(port);
    };
    return end(remote, remote_port) + " > " + end(local, local_port);
}

std::vector<TcpSocket> parse_tcp_sockets(std::string_view text) {
    std::vector<TcpSocket> sockets;
    std::istringstream lines{std::string(text)};
    for (std::string line; std::getline(lines, line);) {
        if (auto socket = socket_of(line)) sockets.push_back(*socket);
    }
    return sockets;
}

std::optional<TcpEnds> parse_ssh_connection(std::string_view text) {
    std::istringstream words{std::string(text)};
    std::string remote, remote_port, local, local_port;
    words >> remote >> remote_port >> local >> local_port;
    // A link-local address has its card behind it.
    const auto from = Address::parse(std::string_view(remote).substr(0, remote.find('%')));
    const auto to = Address::parse(std::string_view(local).substr(0, local.find('%')));
    const auto from_port = number<std::uint16_t>(remote_port), to_port = number<std::uint16_t>(local_port);
    if (!from || !to || !from_port || !to_port) return std::nullopt;
    return TcpEnds{unmapped(*to), unmapped(*from), *to_port, *from_port};
}

std::vector<Session> sessions(SessionLook look) {
    const auto own = look == SessionLook::kSshd ? own_connection() : std::nullopt;
    const std::set<std::uint64_t> sshd = look == SessionLook::kSshd ? sockets_of_sshd() : std::set<std::uint64_t>();
    std::vector<Session> found;
    if (look == SessionLook::kSshd && !own && sshd.empty()) return found;
    std::vector<TcpSocket> sockets;
    for (const char* file : {"/proc/thread-self/net/tcp", "/proc/thread-self/net/tcp6"}) {
        for (TcpSocket& socket : parse_tcp_sockets(file_text(file)))
            sockets.push_back(std::move(socket));
    }
    std::set<std::uint16_t> served;
    for (const TcpSocket& socket : sockets) {
        if (socket.listens) served.insert(socket.ends.local_port);
    }
    for (const TcpSocket& socket : sockets) {
        if (socket.listens) continue;
        const bool is_own = own && *own == socket.ends;
        const bool is_one =
            look == SessionLook::kPort ? socket.ends.local_port == kSshPort : sshd.contains(socket.inode);
        if (!is_own && !is_one) continue;
        found.push_back({socket.ends, is_own, is_own || served.contains(socket.ends.local_port)});
    }
    std::stable_sort(found.begin(), found.end(), [](const Session& a, const Session& b) { return a.own && !b.own; });
    return found;
}

std::vector<int> cards_towards(const TcpEnds& ends) {
    const int first = route_card(ends.local, ends.remote);
    const auto all = links();
    if (first == 0 || !all) return {};
    std::vector<int> cards{first};
    for (std::size_t i = 0; i < cards.size(); i++) {
        for (const Link& link : *all) {
            const bool is_port = link.master == cards[i];
            const bool lies_on = link.index == cards[i] && link.below != 0;
            const int next = is_port ? link.index : lies_on ? link.below : 0;
            if (next != 0 && std::find(cards.begin(), cards.end(), next) == cards.end()) cards.push_back(next);
        }
    }
    return cards;
}

}  // namespace edgefw::kernel
