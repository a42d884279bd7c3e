// SPDX-License-Identifier: GPL-2.0-only
#include "bench/driver.h"

#include <linux/bpf.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include <cerrno>
#include <cstring>

#include "bench/baseline.h"
#include "drive.skel.h"

namespace edgefw::bench {
namespace {

// As in drive.bpf.c.
constexpr std::size_t kIpHeader = 14;
constexpr std::size_t kSaved = 64;
constexpr std::size_t kSavedSize = 40;
constexpr std::uint32_t kPortBits = 15;

// With the copy of its headers that the drivers rewind to.
Frame driven_frame(const packet::Packet& packet) {
    Frame frame = packet::frame(packet);
    frame.resize(kSaved + kSavedSize);
    std::memcpy(frame.data() + kSaved, frame.data() + kIpHeader, kSavedSize);
    return frame;
}

}  // namespace

Result<Driver> Driver::load(int received, int sent, std::optional<int> connections) {
    Skeleton skeleton(drive_bpf__open(), drive_bpf__destroy);
    if (!skeleton || (connections && bpf_map__reuse_fd(skeleton->maps.connections, *connections) != 0) ||
        drive_bpf__load(skeleton.get()) != 0)
        return failed(std::string("cannot load bench/drive.bpf.c: ") + std::strerror(errno));
    const __u32 slot = 0;
    if (bpf_map_update_elem(bpf_map__fd(skeleton->maps.received_target), &slot, &received, BPF_ANY) != 0 ||
        bpf_map_update_elem(bpf_map__fd(skeleton->maps.sent_target), &slot, &sent, BPF_ANY) != 0)
        return failed(std::string("cannot hand a program to its driver: ") + std::strerror(errno));
    return Driver(std::move(skeleton));
}

int Driver::program(Way way) const {
    const auto& programs = skeleton_->progs;
    switch (way) {
        case Way::kReceived:
            return bpf_program__fd(programs.drive_received);
        case Way::kRotatedReceived:
            return bpf_program__fd(programs.rotate_received);
        case Way::kReopenedReceived:
            return bpf_program__fd(programs.reopen_received);
        case Way::kRewoundReceived:
            return bpf_program__fd(programs.rewind_received);
        case Way::kRewoundRotatedReceived:
            return bpf_program__fd(programs.rewind_rotated_received);
        case Way::kRewoundRotatedSent:
            return bpf_program__fd(programs.rewind_rotated_sent);
        case Way::kSpreadReceived:
            return bpf_program__fd(programs.spread_received);
        case Way::kSpreadSent:
            return bpf_program__fd(programs.spread_sent);
        case Way::kRewoundSent:
            break;
    }
    return bpf_program__fd(programs.rewind_sent);
}

packet::Packet Driver::with_remote(packet::Packet packet, std::uint32_t number) {
    const bool is_received = packet.hook() == EDGEFW_RECEIVED;
    Address& address = is_received ? packet.source : packet.destination;
    address.value = (address.value & ~uint128{0xffff}) | number >> kPortBits;
    (is_received ? packet.source_port : packet.destination_port) =
        static_cast<std::uint16_t>(kFirstPort + (number & ((1u << kPortBits) - 1)));
    return packet;
}

Result<double> Driver::time(Way way, const packet::Packet& packet, std::uint32_t repeat, const Spread& spread) const {
    auto& shared = *skeleton_->bss;
    shared.first = repeat / 2;
    shared.last = repeat - 1;
    const edgefw_connection4_key opened = key_of(packet);
    std::memcpy(&shared.opened, &opened, sizeof(opened));
    shared.sequence = 0;
    shared.spread_first = spread.first;
    shared.spread_step = spread.step;
    shared.spread_count = spread.count;
    shared.excluded_ns = 0;
    if (auto ran = test_run(program(way), driven_frame(packet), repeat); !ran) return ran.error();
    return static_cast<double>(shared.last_ns - shared.first_ns - shared.excluded_ns) / (shared.last - shared.first);
}

}  // namespace edgefw::bench
