// SPDX-License-Identifier: GPL-2.0-only
// Stands in for bpf/frame/bounds.h in user space, where no verifier has to be shown a bound: the same numbers, without
// the instructions of BPF.
#pragma once

#include <linux/types.h>

static __always_inline __u64 within(__u64 value, const __u64 mask) {
    return value & mask;
}

static __always_inline __u32 size_within(__u64 size, const __u64 most) {
    return ((size - 1) & (most - 1)) + 1;
}

#define ONE_VALUE(variable) ((void)0)
