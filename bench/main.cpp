// SPDX-License-Identifier: GPL-2.0-only
// edgefw_bench [FILE]: measures everything, prints the tables, and writes them to FILE too. Needs root.
#include <sched.h>

#include <chrono>
#include <cstdio>
#include <fstream>

#include "bench/lab.h"
#include "bench/machine.h"
#include "bench/report.h"
#include "userspace/kernel/program.h"

namespace edgefw::bench {
namespace {

constexpr int kRounds = 50;
constexpr int kPeerRounds = 20;
constexpr int kKindRounds = 20;
constexpr int kMillionRounds = 5;
constexpr int kSearchRounds = 7;

// The last core: the first is where a machine's interrupts tend to go.
void stay_on_one_core() {
    cpu_set_t allowed, last;
    CPU_ZERO(&last);
    if (sched_getaffinity(0, sizeof(allowed), &allowed) != 0) return;
    for (int cpu = CPU_SETSIZE - 1; cpu >= 0; cpu--) {
        if (!CPU_ISSET(cpu, &allowed)) continue;
        CPU_SET(cpu, &last);
        sched_setaffinity(0, sizeof(last), &last);
        return;
    }
}

// Runs one part and keeps what it found; a person who waits sees which.
template <typename T, typename Part>
Result<Ok> measure(T& to, const char* what, const Part& part) {
    std::fprintf(stderr, "bench: %s\n", what);
    auto result = part();
    if (!result) return result.error();
    to = std::move(*result);
    return Ok{};
}

Result<Ok> measure_all(Results& results) {
    auto lab = Lab::enter();
    if (!lab) return lab.error();
    auto done = measure(results.path, "what a packet costs", [] { return measure_packet_path(kRounds); });
    if (done)
        done =
            measure(results.connections, "kinds of connections", [] { return measure_connection_costs(kKindRounds); });
    if (done) done = measure(results.profiles, "every profile", [] { return measure_profiles(kKindRounds); });
    if (done) done = measure(results.breakdown, "where it goes", [] { return measure_breakdown(kRounds); });
    if (done) done = measure(results.search, "the search alone", [] { return measure_search(kSearchRounds); });
    if (done) done = measure(results.peers, "xdp-filter", [&] { return measure_xdp_filter(*lab, kPeerRounds); });
    if (done) done = measure(results.drop_rates, "drop rates on veth", [&] { return measure_drop_rates(*lab); });
    if (done) done = measure(results.router, "a router", [&] { return measure_router(*lab); });
    if (done) done = measure(results.control_plane, "time into force", [&] { return measure_control_plane(*lab); });
    if (done) done = measure(results.memory, "memory", [] { return measure_memory(); });
    if (done) done = measure(results.connection_memory, "memory of a connection", measure_connection_memory);
    if (done) done = measure(results.million, "a million connections", [] { return measure_million(kMillionRounds); });
    return done;
}

int main_of(const char* file) {
    kernel::silence_libbpf();
    Results results;
    results.machine = machine_facts();
    stay_on_one_core();
    const auto start = std::chrono::steady_clock::now();
    if (auto done = measure_all(results); !done) {
        std::fprintf(stderr, "bench: %s\n", done.error().message.c_str());
        return static_cast<int>(done.error().kind);
    }
    results.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    const std::string text = to_markdown(results);
    std::fputs(text.c_str(), stdout);
    if (file == nullptr) return 0;
    std::ofstream out(file);
    out << text;
    out.close();
    if (out) return 0;
    std::fprintf(stderr, "bench: cannot write %s\n", file);
    return 1;
}

}  // namespace
}  // namespace edgefw::bench

int main(int count, char** arguments) {
    if (count > 2 || (count == 2 && arguments[1][0] == '-')) {
        std::fprintf(stderr, "usage: edgefw_bench [FILE]\n");
        return 2;
    }
    return edgefw::bench::main_of(count == 2 ? arguments[1] : nullptr);
}
