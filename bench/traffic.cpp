// SPDX-License-Identifier: GPL-2.0-only
#include "bench/traffic.h"

#include <linux/bpf.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "bench/test_run.h"
#include "router.skel.h"

namespace edgefw::bench {
namespace {

constexpr std::size_t kIp = 14, kIpLength = 16, kIpChecksum = 24, kAddresses = 26, kTransport = 34, kUdpLength = 38;
constexpr std::size_t kAddressBytes = 8;
constexpr std::size_t kTemplate = 64;  // as in router.bpf.c
// enum bpf_attach_type (Linux 6.6): the headers of an older distribution do not have them.
constexpr auto kTcxIngress = static_cast<bpf_attach_type>(46), kTcxEgress = static_cast<bpf_attach_type>(47);
constexpr int kWaitMicroseconds = 1000, kMostWaits = 100;

// One's complement sum of an even number of bytes, in the order of memory (RFC 1071 section 2B).
std::uint32_t sum_of(const Frame& frame, std::size_t first, std::size_t bytes) {
    std::uint32_t sum = 0;
    for (std::size_t i = first; i < first + bytes; i += 2) {
        std::uint16_t word = 0;
        std::memcpy(&word, frame.data() + i, sizeof(word));
        sum += word;
    }
    return sum;
}

void put16(Frame& frame, std::size_t offset, std::size_t value) {
    const std::uint16_t word = htons(static_cast<std::uint16_t>(value));
    std::memcpy(frame.data() + offset, &word, sizeof(word));
}

// What the generator completes: a frame without checksums, and the sums it starts from.
struct Template {
    Frame frame;
    std::uint32_t ip_sum = 0, transport_sum = 0;
};

Template template_of(const Stream& stream) {
    const bool is_tcp = stream.packet.protocol == IPPROTO_TCP;
    const std::size_t header = is_tcp ? 20 : 8, checksum = kTransport + (is_tcp ? 16 : 6);
    const std::size_t length = header + stream.payload;
    Template result;
    Frame& frame = result.frame;
    frame = packet::frame(stream.packet);
    frame.resize(kTransport + length);
    put16(frame, kIpLength, kTransport - kIp + length);
    if (!is_tcp) put16(frame, kUdpLength, length);
    put16(frame, kIpChecksum, 0);
    put16(frame, checksum, 0);
    result.ip_sum = sum_of(frame, kIp, kTransport - kIp);
    result.transport_sum = sum_of(frame, kTransport, length) + sum_of(frame, kAddresses, kAddressBytes) +
                           htons(stream.packet.protocol) + htons(static_cast<std::uint16_t>(length));
    frame.resize(std::max(frame.size(), kTemplate));
    return result;
}

}  // namespace

Result<Traffic> Traffic::load(const Router& router, const Address& target, std::uint16_t port) {
    Skeleton skeleton(router_bpf__open_and_load(), router_bpf__destroy);
    if (!skeleton) return failed(std::string("cannot load bench/router.bpf.c: ") + std::strerror(errno));
    skeleton->bss->target = htonl(static_cast<std::uint32_t>(target.value));
    skeleton->bss->target_port = htons(port);
    return Traffic(router, std::move(skeleton));
}

Result<Fd> Traffic::put(Place place) const {
    const auto& programs = skeleton_->progs;
    auto attach = [](const bpf_program* program, int card, bpf_attach_type hook) -> Result<Fd> {
        const int link = bpf_link_create(bpf_program__fd(program), card, hook, nullptr);
        if (link < 0) return failed(std::string("cannot attach bench/router.bpf.c: ") + std::strerror(errno));
        return Fd::own(link);
    };
    auto attach_inside = [&](const bpf_program* program, const char* card, bpf_attach_type hook) -> Result<Fd> {
        Fd link;
        auto done = router_->inside([&]() -> Result<Ok> {
            auto attached = attach(program, static_cast<int>(if_nametoindex(card)), hook);
            if (!attached) return attached.error();
            link = std::move(*attached);
            return Ok{};
        });
        if (!done) return done.error();
        return link;
    };
    switch (place) {
        case Place::kAnswer:
            return attach(programs.answer, router_->server(), BPF_XDP);
        case Place::kAcknowledge:
            return attach(programs.acknowledge, router_->client(), BPF_XDP);
        case Place::kSinkWire:
            return attach(programs.sink_wire, router_->server(), BPF_XDP);
        case Place::kSinkAnswers:
            return attach(programs.sink_answers, router_->client(), BPF_XDP);
        case Place::kSinkReceived:
            return attach_inside(programs.sink_received, Router::kExternal, kTcxIngress);
        case Place::kSinkSent:
            break;
    }
    return attach_inside(programs.sink_sent, Router::kInternal, kTcxEgress);
}

Result<Burst> Traffic::send(const Stream& stream, std::uint32_t first, std::uint32_t count) const {
    const Template prepared = template_of(stream);
    auto& shared = *skeleton_->bss;
    shared.card = static_cast<__u32>(stream.is_answer ? router_->server() : router_->client());
    std::memcpy(shared.header, prepared.frame.data(), sizeof(shared.header));
    shared.ip_sum = prepared.ip_sum;
    shared.transport_sum = prepared.transport_sum;
    shared.first_flow = first;
    shared.flow_mask = stream.remotes - 1;
    shared.emitted = shared.arrived = shared.stamped = 0;
    const auto& program = stream.is_answer ? skeleton_->progs.emit_to : skeleton_->progs.emit_from;
    if (auto sent = send_live(bpf_program__fd(program), prepared.frame, count); !sent) return sent.error();
    // The last frames may be on their way still, where the kernel has left them to a thread of its own.
    const volatile __u32& arrived = shared.arrived;
    for (int wait = 0; arrived < count && wait < kMostWaits; wait++)
        usleep(kWaitMicroseconds);
    return Burst{static_cast<double>(shared.last_ns - shared.first_ns) / 1e9, shared.stamped, shared.arrived};
}

}  // namespace edgefw::bench
