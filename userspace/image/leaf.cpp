// SPDX-License-Identifier: GPL-2.0-only
#include "userspace/image/leaf.h"

#include <algorithm>
#include <span>

namespace edgefw::image {
namespace {

using Candidates = std::span<Candidate>;

edgefw_insn test(unsigned field, std::uint32_t low, std::uint32_t width, std::uint32_t mask = EDGEFW_INSN_MASK_ALL) {
    return {low, width, EDGEFW_INSN_TEST, static_cast<__u8>(field), static_cast<__u16>(mask), 0};
}

bool is_in(const Run& questions, const edgefw_insn& question) {
    return std::any_of(questions.begin(), questions.end(),
                       [&](const edgefw_insn& other) { return same(other, question); });
}

void keep_shared(Run& questions, const Candidate& candidate) {
    std::erase_if(questions, [&](const edgefw_insn& question) { return !is_in(candidate.tests, question); });
}

// How many candidates from the first on share at least one question, and the questions all of these share.
struct Cluster {
    std::size_t members = 1;
    Run shared;
};

Cluster cluster_of(Candidates candidates) {
    Cluster cluster{1, candidates[0].tests};
    for (; cluster.members < candidates.size(); ++cluster.members) {
        Run shared = cluster.shared;
        keep_shared(shared, candidates[cluster.members]);
        if (shared.empty()) break;
        cluster.shared = std::move(shared);
    }
    return cluster;
}

void write(Run& run, Candidates candidates);

void write_cluster(Run& run, Candidates members, const Run& shared) {
    const std::size_t first = run.size();
    run.insert(run.end(), shared.begin(), shared.end());
    for (Candidate& member : members) {
        std::erase_if(member.tests, [&](const edgefw_insn& question) { return is_in(shared, question); });
    }
    if (members.size() == 1) {
        run.push_back(members[0].match);
    } else {
        write(run, members);
    }
    for (std::size_t i = first; i < first + shared.size(); ++i) {
        run[i].skip = static_cast<__u32>(run.size() - i);
    }
}

void write(Run& run, Candidates candidates) {
    while (!candidates.empty()) {
        const Cluster cluster = cluster_of(candidates);
        write_cluster(run, candidates.first(cluster.members), cluster.shared);
        candidates = candidates.subspan(cluster.members);
    }
}

std::uint64_t hash_of(const Run& run) {
    std::uint64_t hash = 0xcbf29ce484222325u;
    const auto mix = [&hash](std::uint64_t value) {
        hash = (hash ^ value) * 0x9e3779b97f4a7c15u;
        hash ^= hash >> 29;
    };
    for (const edgefw_insn& element : run) {
        mix(std::uint64_t{element.low} << 32 | element.width);
        mix(std::uint64_t{element.kind} << 56 | std::uint64_t{element.field} << 48 | std::uint64_t{element.mask} << 32 |
            element.skip);
    }
    return hash;
}

}  // namespace

bool same(const edgefw_insn& a, const edgefw_insn& b) {
    return a.low == b.low && a.width == b.width && a.kind == b.kind && a.field == b.field && a.mask == b.mask &&
           a.skip == b.skip;
}

Run tests_of(const Boxes& boxes, std::uint32_t box, const Region& region, const FlagTests& flags) {
    Run tests;
    for (const unsigned field : boxes.fields()) {
        const Interval interval = boxes.at(field, box);
        if (interval.covers(region[field])) continue;
        // Within the region: what two boxes ask here is often the same, though the boxes differ.
        const Interval asked = interval.within(region[field]);
        tests.push_back(test(field, asked.low, asked.high - asked.low));
    }
    if (flags.mask != 0) {
        tests.push_back(test(EDGEFW_FIELD_DETAIL, flags.value, 0, flags.mask));
    }
    if (flags.any_of != 0) {
        tests.push_back(test(EDGEFW_FIELD_DETAIL, 1, EDGEFW_INSN_MASK_ALL, flags.any_of));
    }
    return tests;
}

Run run_of(std::vector<Candidate> candidates) {
    Run run;
    write(run, candidates);
    run.push_back({0, 0, EDGEFW_INSN_END, 0, 0, 0});
    return run;
}

std::uint32_t Runs::add(const Run& run) {
    const std::uint64_t hash = hash_of(run);
    const auto known = by_hash_.find(hash);
    // A stored place is a hint: a given-up tree's runs are cut off, and others take their room.
    if (known != by_hash_.end() && known->second + run.size() <= insns_.size() &&
        std::equal(run.begin(), run.end(), insns_.begin() + known->second, same)) {
        return known->second;
    }
    const auto index = static_cast<std::uint32_t>(insns_.size());
    insns_.insert(insns_.end(), run.begin(), run.end());
    by_hash_[hash] = index;
    return index;
}

}  // namespace edgefw::image
