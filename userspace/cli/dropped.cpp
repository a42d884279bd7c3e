// SPDX-License-Identifier: GPL-2.0-only
#include "userspace/cli/dropped.h"

#include <algorithm>
#include <vector>

#include "userspace/policy/reasons.h"

namespace edgefw::cli {
namespace {

// The recorded bytes, and zeros to the length that the packet says it has.
std::vector<std::uint8_t> whole_frame(const show::DropRow& row) {
    constexpr std::size_t kShortest = 60, kLongest = 65535;
    std::vector<std::uint8_t> frame = row.newest.frame;
    std::size_t length = row.headers.length;
    if (!row.newest.has_link) {
        std::vector<std::uint8_t> link(14);
        link[12] = static_cast<std::uint8_t>(row.headers.ethertype >> 8);
        link[13] = static_cast<std::uint8_t>(row.headers.ethertype);
        frame.insert(frame.begin(), link.begin(), link.end());
        if (length != 0) length += link.size();
    }
    // A malformed packet is as long as it was, not as long as it says.
    frame.resize(
        std::clamp(std::max(std::min<std::size_t>(length, row.newest.length), frame.size()), kShortest, kLongest));
    return frame;
}

}  // namespace

show::WouldPass judge_again(kernel::Judge& judge, const show::DropRow& row) {
    if (auto forgotten = judge.forget(); !forgotten) return {};
    const auto judgement = judge.judge(row.newest.side, row.newest.hook, whole_frame(row));
    if (!judgement || judgement->verdict != policy::Action::kPass) return {};
    return {true, judgement->rule, policy::to_text(judgement->reason)};
}

}  // namespace edgefw::cli
