// SPDX-License-Identifier: GPL-2.0-only
#include "userspace/image/cost.h"

#include <algorithm>
#include <vector>

namespace edgefw::image {
namespace {

constexpr std::uint32_t kPackets = 512;

// xorshift64* (Vigna 2016): packets that are spread out, and the same in each run.
std::uint32_t next(std::uint64_t& state) {
    state ^= state >> 12;
    state ^= state << 25;
    state ^= state >> 27;
    return static_cast<std::uint32_t>((state * 0x2545f4914f6cdd1du) >> 32);
}

Fields packet_in(const Boxes& boxes, std::uint32_t box, std::uint64_t& state) {
    Fields fields{};
    for (const unsigned field : boxes.fields()) {
        const Interval interval = boxes.at(field, box);
        const std::uint64_t values = std::uint64_t{interval.high} - interval.low + 1;
        fields[field] = interval.low + static_cast<std::uint32_t>(next(state) * values >> 32);
    }
    return fields;
}

}  // namespace

double mean_cost(std::span<const edgefw_node> nodes, std::span<const edgefw_insn> insns, const edgefw_forest& forest,
                 const Boxes& boxes) {
    std::uint64_t state = 1;
    double sum = 0;
    std::uint32_t packets = 0;
    const std::uint32_t stride = std::max<std::uint32_t>(1, boxes.size() / kPackets);
    for (std::uint32_t box = 0; box < boxes.size(); box += stride, ++packets) {
        const Walk found = walk(nodes, insns, forest, packet_in(boxes, box, state));
        sum += found.groups * kGroupNanoseconds + found.levels * kLevelNanoseconds + found.steps * kStepNanoseconds;
    }
    return packets == 0 ? 0 : sum / packets;
}

std::uint32_t longest_path(std::span<const edgefw_insn> run) {
    std::vector<std::uint32_t> from(run.size() + 1);
    for (std::size_t i = run.size(); i-- > 0;) {
        from[i] = 1;
        if (run[i].kind != EDGEFW_INSN_TEST) continue;
        from[i] += std::max(from[i + 1], from[std::min(run.size(), i + run[i].skip)]);
    }
    return from[0];
}

}  // namespace edgefw::image
