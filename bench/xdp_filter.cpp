// SPDX-License-Identifier: GPL-2.0-only
#include "bench/xdp_filter.h"

#include <algorithm>
#include <limits>

#include "bench/baseline.h"
#include "bench/command.h"
#include "bench/services.h"
#include "bench/test_run.h"
#include "userspace/kernel/program.h"

namespace edgefw::bench {
namespace {

constexpr std::uint32_t kRepeat = 20'000;

struct Setting {
    const char* name;
    const char* features;
    std::vector<std::vector<std::string>> entries;
};

const std::vector<Setting>& settings() {
    static const std::vector<std::string> port = {"port", "443", "-m", "dst", "-p", "tcp"};
    static const std::vector<std::string> address = {"ip", "192.0.2.20", "-m", "dst"};
    static const std::vector<Setting> all = {
        {"xdp-filter, TCP ports", "tcp", {port}},
        {"xdp-filter, IPv4 addresses", "ipv4", {address}},
        {"xdp-filter, everything on", "all", {port, address}},
    };
    return all;
}

Result<Ok> load(const Setting& setting) {
    auto loaded = run({"xdp-filter", "load", "-p", "deny", "-f", setting.features, Lab::kReceiver});
    if (!loaded) return loaded.error();
    for (const auto& entry : setting.entries) {
        std::vector<std::string> command = {"xdp-filter"};
        command.insert(command.end(), entry.begin(), entry.end());
        if (auto added = run(command); !added) return added.error();
    }
    return Ok{};
}

// A SYN that no entry names: judged by every feature, then dropped.
Result<double> cost_of_drop(const Lab& lab, int rounds) {
    auto baseline = Baseline::load();
    if (!baseline) return baseline.error();
    auto id = lab.xdp_program();
    if (!id) return id.error();
    auto program = kernel::program_by_id(*id);
    if (!program) return program.error();
    packet::Packet packet = web(0x02);
    packet.destination = stranger();
    packet.destination_port = 22;
    // Its program cannot be tail-called by a driver of another kind: here the kernel's own figure has to do.
    const Frame frame = packet::frame(packet);
    double noop = std::numeric_limits<double>::infinity(), filter = noop;
    for (int round = 0; round < rounds; round++) {
        auto without = test_run(baseline->noop_received(), frame, kRepeat);
        if (!without) return without;
        auto with = test_run(program->get(), frame, kRepeat);
        if (!with) return with;
        noop = std::min(noop, *without);
        filter = std::min(filter, *with);
    }
    return filter - noop;
}

}  // namespace

Result<std::vector<PeerCost>> measure_xdp_filter(const Lab& lab, int rounds) {
    std::vector<PeerCost> costs;
    for (const auto& setting : settings()) {
        PeerCost cost = {setting.name, 0, ""};
        auto loaded = load(setting);
        auto nanoseconds = loaded ? cost_of_drop(lab, rounds) : Result<double>(loaded.error());
        // Nothing to take off when it could not be put on: then that is the note.
        auto unloaded = run({"xdp-filter", "unload", Lab::kReceiver});
        if (nanoseconds && !unloaded) return unloaded.error();
        if (nanoseconds)
            cost.nanoseconds = *nanoseconds;
        else
            cost.note = nanoseconds.error().message;
        costs.push_back(std::move(cost));
    }
    return costs;
}

}  // namespace edgefw::bench
