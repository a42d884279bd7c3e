// SPDX-License-Identifier: GPL-2.0-only
// A thread that stays where it is: what is of one processor (the kernel's LRU sets entries aside for each, a packet in
// flight is of one) is then exact.
#pragma once

#include <sched.h>

namespace edgefw::test {

// While it lives this thread stays on one processor, the first or the last that it may use.
class OneProcessor {
public:
    enum Which { kFirst, kLast };
    explicit OneProcessor(Which which = kFirst) {
        sched_getaffinity(0, sizeof(before_), &before_);
        cpu_set_t one;
        CPU_ZERO(&one);
        for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
            if (!CPU_ISSET(cpu, &before_) || (which == kFirst && CPU_COUNT(&one) != 0)) continue;
            CPU_ZERO(&one);
            CPU_SET(cpu, &one);
        }
        sched_setaffinity(0, sizeof(one), &one);
    }
    OneProcessor(const OneProcessor&) = delete;
    OneProcessor& operator=(const OneProcessor&) = delete;
    ~OneProcessor() { sched_setaffinity(0, sizeof(before_), &before_); }

private:
    cpu_set_t before_ = {};
};

}  // namespace edgefw::test
