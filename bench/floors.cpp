// SPDX-License-Identifier: GPL-2.0-only
#include "bench/floors.h"

namespace edgefw::bench {

Result<Floors> Floors::load() {
    auto baseline = Baseline::load();
    if (!baseline) return baseline.error();
    auto noop = Driver::load(baseline->noop_received(), baseline->noop_sent());
    if (!noop) return noop.error();
    auto floor = Driver::load(baseline->floor_received(), baseline->floor_sent());
    if (!floor) return floor.error();
    return Floors(std::move(*baseline), std::move(*noop), std::move(*floor));
}

Result<Floors::Pair> Floors::beside(Stopwatch& stopwatch, const Timed& what) {
    if (const auto found = pairs_.find(what.way); found != pairs_.end()) return found->second;
    if (auto learnt = baseline_.learn(what.packet); !learnt) return learnt.error();
    Timed alone;
    alone.way = what.way;
    alone.packet = what.packet;
    alone.repeat = what.repeat;
    alone.spread = what.spread;
    alone.driver = &noop_;
    Pair pair;
    pair.noop = stopwatch.add(alone);
    alone.driver = &floor_;
    alone.less = pair.noop;
    pair.floor = stopwatch.add(alone);
    pairs_[what.way] = pair;
    return pair;
}

}  // namespace edgefw::bench
