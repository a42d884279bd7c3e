// SPDX-License-Identifier: GPL-2.0-only
#include "bench/baseline.h"

#include <linux/bpf.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <arpa/inet.h>

#include <cerrno>
#include <cstring>

#include "floor.skel.h"

namespace edgefw::bench {
edgefw_connection4_key key_of(const packet::Packet& received) {
    edgefw_connection4_key key = {};
    key.local = htonl(static_cast<std::uint32_t>(received.destination.value));
    key.remote = htonl(static_cast<std::uint32_t>(received.source.value));
    key.local_port = htons(received.destination_port);
    key.remote_port = htons(received.source_port);
    key.protocol = received.protocol;
    return key;
}

Result<Baseline> Baseline::load(std::uint32_t connections) {
    Skeleton skeleton(floor_bpf__open(), floor_bpf__destroy);
    if (skeleton && connections != 0) bpf_map__set_max_entries(skeleton->maps.connections, connections);
    if (!skeleton || floor_bpf__load(skeleton.get()) != 0)
        return failed(std::string("cannot load bench/floor.bpf.c: ") + std::strerror(errno));
    return Baseline(std::move(skeleton));
}

Result<Ok> Baseline::learn(const packet::Packet& packet) {
    const edgefw_connection4_key key = key_of(packet);
    const edgefw_connection value = {};
    if (bpf_map_update_elem(bpf_map__fd(skeleton_->maps.connections), &key, &value, BPF_ANY) == 0) return Ok{};
    return failed(std::string("cannot fill the floor's table: ") + std::strerror(errno));
}

Result<Ok> Baseline::learn(const std::vector<edgefw_connection4_key>& keys) {
    const std::vector<edgefw_connection> values(keys.size());
    __u32 count = static_cast<__u32>(keys.size());
    const int map = bpf_map__fd(skeleton_->maps.connections);
    if (bpf_map_update_batch(map, keys.data(), values.data(), &count, nullptr) == 0) return Ok{};
    return failed(std::string("cannot fill the floor's table: ") + std::strerror(errno));
}

int Baseline::noop_received() const {
    return bpf_program__fd(skeleton_->progs.noop_received);
}
int Baseline::noop_sent() const {
    return bpf_program__fd(skeleton_->progs.noop_sent);
}
int Baseline::noop_drop() const {
    return bpf_program__fd(skeleton_->progs.noop_drop);
}
int Baseline::floor_received() const {
    return bpf_program__fd(skeleton_->progs.floor_received);
}
int Baseline::floor_sent() const {
    return bpf_program__fd(skeleton_->progs.floor_sent);
}

}  // namespace edgefw::bench
