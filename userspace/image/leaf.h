// SPDX-License-Identifier: GPL-2.0-only
// A leaf's run: the rules of a region as tests and matches (maps/tree.h).
//
// Boxes that follow one another often ask the same question: the same host, the same protocol. It is asked once, and a
// packet that fails it skips all of them.
#pragma once

#include <cstdint>
#include <unordered_map>
#include <vector>

#include "userspace/image/boxes.h"

namespace edgefw::image {

using Run = std::vector<edgefw_insn>;

// One element each for what the path to `region` has not settled of `box`.
Run tests_of(const Boxes& boxes, std::uint32_t box, const Region& region, const FlagTests& flags);

// One box of a leaf: its tests, and the match they lead to.
struct Candidate {
    Run tests;
    edgefw_insn match;
};

// The run for `candidates` in order, with its end.
Run run_of(std::vector<Candidate> candidates);

// All runs of an image. Equal ones are stored once.
class Runs {
public:
    explicit Runs(std::vector<edgefw_insn>& insns) : insns_(insns) {}

    std::uint32_t add(const Run& run);  // index of its first element

private:
    std::vector<edgefw_insn>& insns_;
    std::unordered_map<std::uint64_t, std::uint32_t> by_hash_;
};

bool same(const edgefw_insn& a, const edgefw_insn& b);

}  // namespace edgefw::image
