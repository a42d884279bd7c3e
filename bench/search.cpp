// SPDX-License-Identifier: GPL-2.0-only
#include "bench/search.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <arpa/inet.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <memory>
#include <set>

#include "bench/acl.h"
#include "bench/baseline.h"
#include "bench/driver.h"
#include "bench/ruleset.h"
#include "bench/search_packet.h"
#include "maps/config.h"
#include "search.skel.h"
#include "userspace/image/tree.h"

namespace edgefw::bench {
namespace {

constexpr std::uint32_t kRepeat = 16 * SEARCH_PACKETS;  // the first half warms up
constexpr std::size_t kChecked = 16;                    // every so many packets are searched for in order too

struct Trees {
    std::vector<edgefw_node> nodes;
    std::vector<edgefw_insn> insns;
    image::Forest forest;
};

using Skeleton = std::unique_ptr<search_bpf, void (*)(search_bpf*)>;

// The maps of the judging programs that a search does not touch are not made.
void leave_out_others(search_bpf& skeleton) {
    const std::set<std::string> used = {"nodes",       "insns",       "in_flight",   "packets",
                                        "class_hash4", "class_hash6", "class_trie4", "class_trie6"};
    bpf_map* map = nullptr;
    bpf_object__for_each_map(map, skeleton.obj) {
        if (!bpf_map__is_internal(map) && used.count(bpf_map__name(map)) == 0) bpf_map__set_autocreate(map, false);
    }
}

template <typename T>
Result<Ok> fill(const bpf_map* map, const std::vector<T>& values) {
    std::vector<__u32> keys(values.size());
    for (std::size_t i = 0; i < keys.size(); ++i)
        keys[i] = static_cast<__u32>(i);
    __u32 count = static_cast<__u32>(values.size());
    if (bpf_map_update_batch(bpf_map__fd(map), keys.data(), values.data(), &count, nullptr) == 0) return Ok{};
    return failed(std::string("cannot fill a map of bench/search.bpf.c: ") + std::strerror(errno));
}

std::vector<search_packet> packets_of(const std::vector<Header>& headers) {
    std::vector<search_packet> packets;
    for (const Header& header : headers) {
        search_packet packet = {};
        packet.local = htonl(header[0]);
        packet.remote = htonl(header[1]);
        packet.local_port = htons(static_cast<std::uint16_t>(header[2]));
        packet.remote_port = htons(static_cast<std::uint16_t>(header[3]));
        packet.protocol = header[4];
        packets.push_back(packet);
    }
    return packets;
}

Result<Skeleton> load(const Trees& trees, const std::vector<Header>& headers) {
    Skeleton skeleton(search_bpf__open(), search_bpf__destroy);
    if (!skeleton) return failed("cannot open bench/search.bpf.c");
    leave_out_others(*skeleton);
    bpf_map__set_max_entries(skeleton->maps.nodes, static_cast<__u32>(trees.nodes.size()));
    bpf_map__set_max_entries(skeleton->maps.insns, static_cast<__u32>(trees.insns.size()));
    skeleton->rodata->config.forest[EDGEFW_RECEIVED][EDGEFW_IPV4] = trees.forest.layout;
    if (search_bpf__load(skeleton.get()) != 0)
        return failed(std::string("cannot load bench/search.bpf.c: ") + std::strerror(errno));
    for (const auto& done : {fill(skeleton->maps.nodes, trees.nodes), fill(skeleton->maps.insns, trees.insns),
                             fill(skeleton->maps.packets, packets_of(headers))}) {
        if (!done) return done.error();
    }
    return skeleton;
}

Result<Ok> expect_right(const search_bpf& skeleton, const std::vector<Filter>& filters,
                        const std::vector<Header>& headers) {
    for (__u32 i = 0; i < headers.size(); i += kChecked) {
        search_packet packet = {};
        if (bpf_map_lookup_elem(bpf_map__fd(skeleton.maps.packets), &i, &packet) != 0)
            return failed("cannot read what bench/search.bpf.c found");
        const std::size_t first = first_of(filters, headers[i]);
        const std::size_t found = packet.outcome == 0 ? filters.size() : packet.outcome & EDGEFW_OUTCOME_SLOT_MASK;
        if (found != first) return failed("a search finds another rule than reading them in order");
    }
    return Ok{};
}

Result<double> best(const Driver& driver, search_bpf& skeleton, bool in_turn, int rounds) {
    double least = 1e9;
    skeleton.bss->mask = in_turn ? SEARCH_PACKETS - 1 : 0;
    for (int round = 0; round < rounds; ++round) {
        const auto time = driver.time(Driver::Way::kReceived, packet::Packet(), kRepeat);
        if (!time) return time.error();
        least = std::min(least, *time);
    }
    return least;
}

Result<SearchTimes> time(const Trees& trees, const std::vector<Filter>& filters, const std::vector<Header>& headers,
                         int sent, int rounds) {
    auto skeleton = load(trees, headers);
    if (!skeleton) return skeleton.error();
    search_bpf& loaded = **skeleton;
    auto search = Driver::load(bpf_program__fd(loaded.progs.search_packets), sent);
    auto nothing = Driver::load(bpf_program__fd(loaded.progs.search_nothing), sent);
    if (!search) return search.error();
    if (!nothing) return nothing.error();
    double figures[4] = {};
    for (int i = 0; i < 4; ++i) {
        const auto figure = best(i % 2 == 0 ? *nothing : *search, loaded, i < 2, rounds);
        if (!figure) return figure.error();
        figures[i] = *figure;
        if (i != 1) continue;
        if (auto right = expect_right(loaded, filters, headers); !right) return right.error();
    }
    return SearchTimes{figures[1] - figures[0], figures[3] - figures[2]};
}

Result<SearchCost> measure(const Shape& shape, std::size_t rules, int sent, int rounds) {
    const std::vector<Filter> filters = filters_of(shape, rules);
    const std::vector<Header> headers = headers_of(filters, SEARCH_PACKETS);
    const image::Boxes boxes = boxes_of(filters);
    std::vector<image::Ending> endings;
    for (std::uint32_t rule = 0; rule < filters.size(); ++rule)
        endings.push_back({rule | EDGEFW_OUTCOME_PASS | EDGEFW_OUTCOME_KEEP, {}});

    Trees trees;
    const auto start = std::chrono::steady_clock::now();
    auto forest = image::Ground(trees.nodes, trees.insns).grow({boxes, endings});
    const std::chrono::duration<double> grown = std::chrono::steady_clock::now() - start;
    if (!forest) return forest.error();
    trees.forest = *forest;

    SearchCost cost;
    cost.shape = shape.name;
    cost.rules = rules;
    cost.grow_seconds = grown.count();
    cost.groups = forest->layout.groups;
    cost.worst = forest->worst.nanoseconds;
    cost.bytes = trees.nodes.size() * sizeof(edgefw_node) + trees.insns.size() * sizeof(edgefw_insn);
    auto times = time(trees, filters, headers, sent, rounds);
    if (!times) return times.error();
    cost.edgefw = *times;
    if (rules != kSearchRules[0]) return cost;  // the peer takes seconds to build more
    auto acl = measure_acl(filters, headers, rounds);
    if (!acl) return acl.error();
    cost.acl = *acl;
    return cost;
}

}  // namespace

Result<std::vector<SearchCost>> measure_search(int rounds) {
    auto baseline = Baseline::load();  // a driver wants a program for the other hook, too
    if (!baseline) return baseline.error();
    std::vector<SearchCost> costs;
    for (const std::size_t rules : kSearchRules) {
        for (const Shape& shape : shapes()) {
            auto cost = measure(shape, rules, baseline->noop_sent(), rounds);
            if (!cost) return Error{cost.error().kind, std::string(shape.name) + ": " + cost.error().message};
            costs.push_back(std::move(*cost));
        }
    }
    return costs;
}

}  // namespace edgefw::bench
