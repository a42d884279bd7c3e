// SPDX-License-Identifier: GPL-2.0-only
#include "bench/drop_rate.h"

#include <linux/bpf.h>
#include <bpf/libbpf.h>

#include <algorithm>
#include <cstring>
#include <memory>

#include "bench/contenders.h"
#include "bench/services.h"
#include "bench/test_run.h"
#include "flood.skel.h"

namespace edgefw::bench {
namespace {

constexpr double kVisitSeconds = 0.2;
constexpr std::uint32_t kBurst = 10'000;      // frames: some milliseconds, short enough to fall between other work
constexpr std::uint64_t kFramesOfHost = 100;  // neighbour discovery and its like, at most
constexpr std::size_t kIpChecksum = 24, kTcpChecksum = 50;  // as in flood.bpf.c

using Flood = std::unique_ptr<flood_bpf, void (*)(flood_bpf*)>;

// A SYN to a closed port of the web server. The generator fills in the low half of the source and the port.
packet::Packet closed_syn() {
    packet::Packet syn = web(0x02);
    syn.source = {Family::kIpv4, stranger().value & 0xffff0000};
    syn.source_port = 0;
    syn.destination_port = 22;
    return syn;
}

// The sum behind a checksum of `frame`, in which the words that change are still zero.
std::uint16_t sum_at(const Frame& frame, std::size_t offset) {
    std::uint16_t checksum = 0;
    std::memcpy(&checksum, frame.data() + offset, sizeof(checksum));
    return static_cast<std::uint16_t>(~checksum);
}

Result<Flood> load_flood(const Lab& lab, const Frame& frame) {
    Flood flood(flood_bpf__open(), flood_bpf__destroy);
    if (!flood) return failed("cannot open bench/flood.bpf.c");
    flood->rodata->ifindex = static_cast<__u32>(lab.sender());
    flood->rodata->ip_sum = sum_at(frame, kIpChecksum);
    flood->rodata->tcp_sum = sum_at(frame, kTcpChecksum);
    if (flood_bpf__load(flood.get()) != 0) return failed("cannot load bench/flood.bpf.c");
    return flood;
}

struct Visit {
    double packets_per_second = 0;  // of the fastest burst
    std::uint64_t frames = 0;       // that the receiver took
};

// Seconds from the first frame to the last.
Result<double> send_burst(const Flood& flood, const Frame& frame) {
    flood->bss->frames = kBurst;
    flood->bss->sequence = 0;
    if (auto sent = send_live(bpf_program__fd(flood->progs.flood), frame, kBurst); !sent) return sent.error();
    return static_cast<double>(flood->bss->last_ns - flood->bss->first_ns) / 1e9;
}

Result<Visit> flood_for_a_while(const Lab& lab, const Flood& flood, const Frame& frame) {
    auto before = lab.received();
    if (!before) return before.error();
    Visit visit;
    std::uint64_t sent = 0;
    for (double spent = 0; spent < kVisitSeconds; sent += kBurst) {
        auto seconds = send_burst(flood, frame);
        if (!seconds) return seconds.error();
        spent += *seconds;
        visit.packets_per_second = std::max(visit.packets_per_second, kBurst / *seconds);
    }
    auto after = lab.received();
    if (!after) return after.error();
    visit.frames = *after - *before;
    // What the veth lost on the way was dropped by nobody's rule.
    visit.packets_per_second *= std::min(1.0, static_cast<double>(visit.frames) / static_cast<double>(sent));
    return visit;
}

// Fails when the contender did not drop what it was sent: then another thing was measured.
Result<Visit> visit(const Lab& lab, const Flood& flood, const Frame& frame, const Contender& contender) {
    auto visit = flood_for_a_while(lab, flood, frame);
    if (!visit || !contender.dropped) return visit;
    auto dropped = contender.dropped();
    if (!dropped) return dropped.error();
    if (*dropped + kFramesOfHost < visit->frames) {
        return failed(contender.who + " dropped " + std::to_string(*dropped) + " of " + std::to_string(visit->frames) +
                      " frames: another thing was measured");
    }
    return visit;
}

// One contender in place, flooded, and taken away again whatever came of it.
Result<Ok> take_turn(const Lab& lab, const Flood& flood, const Frame& frame, const Contender& contender,
                     DropRate& rate) {
    if (auto started = contender.start(); !started) {
        rate.note = started.error().message;
        return Ok{};
    }
    auto visited = visit(lab, flood, frame, contender);
    auto stopped = contender.stop();
    if (!visited) return visited.error();
    rate.packets_per_second = std::max(rate.packets_per_second, visited->packets_per_second);
    return stopped;
}

}  // namespace

Result<std::vector<DropRate>> measure_drop_rates(const Lab& lab) {
    auto baseline = Baseline::load();
    if (!baseline) return baseline.error();
    const Frame frame = packet::frame(closed_syn());
    auto flood = load_flood(lab, frame);
    if (!flood) return flood.error();
    auto all = contenders(lab, *baseline);
    if (!all) return all.error();
    std::vector<DropRate> rates;
    int rounds = 0;
    for (const auto& contender : *all) {
        rates.push_back({contender.who, 0, 0, contender.target, ""});
        rounds = std::max(rounds, contender.visits);
    }
    for (int round = 0; round < rounds; round++) {
        for (std::size_t i = 0; i < all->size(); i++) {
            if (round >= (*all)[i].visits || !rates[i].note.empty()) continue;
            if (auto done = take_turn(lab, *flood, frame, (*all)[i], rates[i]); !done) return done.error();
        }
    }
    for (auto& rate : rates)
        rate.share = rate.packets_per_second / rates.front().packets_per_second;
    return rates;
}

}  // namespace edgefw::bench
