// SPDX-License-Identifier: GPL-2.0-only
#include "tests/support/lab.h"

#include <linux/if_packet.h>
#include <arpa/inet.h>
#include <fcntl.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <stdexcept>

namespace edgefw::test {
namespace {

// struct virtio_net_hdr: its header is not C++.
struct Offload {
    std::uint8_t flags;
    std::uint8_t gso_type;
    std::uint16_t header_length;
    std::uint16_t gso_size;
    std::uint16_t checksum_start;
    std::uint16_t checksum_offset;
};
static_assert(sizeof(Offload) == 10);
constexpr std::uint8_t kNeedsChecksum = 1;
constexpr std::uint8_t kGsoTcp4 = 1;
constexpr std::uint16_t kTransport = 34;
constexpr std::uint16_t kTcpBytes = 20;
constexpr std::uint16_t kTcpChecksum = 16;

// GoogleTest ends the test that throws, as failed.
void require(bool done, const std::string& what) {
    if (!done) throw std::runtime_error(what + ": " + std::strerror(errno));
}

Fd open_own(const char* path) {
    Fd fd = Fd::own(open(path, O_RDONLY | O_CLOEXEC));
    require(fd.valid(), path);
    return fd;
}

// No address, route or neighbour of IPv6 comes and goes by itself: what is counted is what the test sends.
void silence_ipv6() {
    for (const char* path :
         {"/proc/sys/net/ipv6/conf/all/disable_ipv6", "/proc/sys/net/ipv6/conf/default/disable_ipv6"}) {
        const Fd file = Fd::own(open(path, O_WRONLY | O_CLOEXEC));
        if (file.valid()) require(write(file.get(), "1", 1) == 1, path);
    }
}

Fd new_network() {
    require(unshare(CLONE_NEWNET) == 0, "a network namespace of its own (root is needed)");
    silence_ipv6();
    Lab::run("ip link set lo up");
    return open_own("/proc/thread-self/ns/net");
}

}  // namespace

FrameSocket::FrameSocket(const std::string& interface) {
    socket_ = Fd::own(socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, htons(ETH_P_ALL)));
    require(socket_.valid(), "a packet socket");
    sockaddr_ll address = {};
    address.sll_family = AF_PACKET;
    address.sll_protocol = htons(ETH_P_ALL);
    address.sll_ifindex = static_cast<int>(if_nametoindex(interface.c_str()));
    require(bind(socket_.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0, interface);
    const int on = 1;
    require(setsockopt(socket_.get(), SOL_PACKET, PACKET_VNET_HDR, &on, sizeof(on)) == 0, "PACKET_VNET_HDR");
    require(setsockopt(socket_.get(), SOL_PACKET, PACKET_IGNORE_OUTGOING, &on, sizeof(on)) == 0,
            "PACKET_IGNORE_OUTGOING");
}

void FrameSocket::send(const Bytes& frame, std::uint16_t gso_size) {
    Offload offload = {};
    if (gso_size != 0) offload = {kNeedsChecksum, kGsoTcp4, kTransport + kTcpBytes, gso_size, kTransport, kTcpChecksum};
    Bytes message(sizeof(offload));
    std::memcpy(message.data(), &offload, sizeof(offload));
    message.insert(message.end(), frame.begin(), frame.end());
    require(::send(socket_.get(), message.data(), message.size(), 0) >= 0 || errno == ENOBUFS, "sending a frame");
}

std::optional<Bytes> FrameSocket::receive(std::chrono::milliseconds wait) {
    pollfd ready = {socket_.get(), POLLIN, 0};
    if (poll(&ready, 1, static_cast<int>(wait.count())) <= 0) return std::nullopt;
    Bytes message(sizeof(Offload) + 65536 + 64);
    const ssize_t size = recv(socket_.get(), message.data(), message.size(), 0);
    require(size >= static_cast<ssize_t>(sizeof(Offload)), "receiving a frame");
    return Bytes(message.begin() + sizeof(Offload), message.begin() + size);
}

Lab::Lab() {
    outside_network_ = open_own("/proc/thread-self/ns/net");
    outside_mounts_ = open_own("/proc/thread-self/ns/mnt");
    require(unshare(CLONE_NEWNS) == 0, "a mount namespace of its own (root is needed)");
    // Only /sys is made private: in a chroot the root is no mount of its own.
    require(mount("none", "/sys", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0, "private mounts");
    require(mount("bpf", "/sys/fs/bpf", "bpf", 0, nullptr) == 0, "a bpffs of its own at /sys/fs/bpf");
    peer_ = new_network();
    host_ = new_network();
    add_card("eth0");
}

void Lab::remove_memory(const Fd& network) {
    constexpr int kNetnsCookie = 71;  // SO_NETNS_COOKIE
    std::uint64_t cookie = 0;
    socklen_t size = sizeof(cookie);
    if (setns(network.get(), CLONE_NEWNET) != 0) return;
    const Fd asked = Fd::own(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    if (getsockopt(asked.get(), SOL_SOCKET, kNetnsCookie, &cookie, &size) != 0) return;
    std::error_code ignored;
    std::filesystem::remove_all("/run/edgefw/" + std::to_string(cookie), ignored);
    std::filesystem::remove("/run/edgefw", ignored);  // not while another namespace has a card
}

Lab::~Lab() {
    for (const Fd* network : {&host_, &peer_})
        remove_memory(*network);
    // A test that goes on in the wrong namespace would tell lies.
    if (setns(outside_network_.get(), CLONE_NEWNET) != 0 || setns(outside_mounts_.get(), CLONE_NEWNS) != 0)
        std::abort();
}

void Lab::enter(const Fd& network) {
    require(setns(network.get(), CLONE_NEWNET) == 0, "entering a namespace");
}

void Lab::run(const std::string& command) {
    if (std::system(command.c_str()) != 0) throw std::runtime_error("failed: " + command);
}

void Lab::add_card(const std::string& name) {
    const std::string far = "peer-" + name;
    run("ip link add " + name + " type veth peer name " + far);
    run("ip link set " + far + " netns /proc/" + std::to_string(getpid()) + "/fd/" + std::to_string(peer_.get()));
    run("ip link set " + name + " up");
    in_peer([&] {
        run("ip link set " + far + " up");
        return 0;
    });
}

}  // namespace edgefw::test
