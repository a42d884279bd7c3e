// SPDX-License-Identifier: GPL-2.0-only
// What the verifier must see of a number before a pointer or a helper may use it. Linux before 6.2 forgets what a
// comparison said once the number went over the stack, and keeps 0 as the lower bound of a size that was compared with
// 0. So each number is masked where it is used, by an instruction that the compiler can neither move nor leave out.
#pragma once

#include <linux/types.h>

// Shows the verifier that `value` is at most `mask`. It is already; `mask` + 1 is a power of two.
static __always_inline __u64 within(__u64 value, const __u64 mask) {
    asm volatile("%0 &= %1" : "+r"(value) : "i"(mask));
    return value;
}

// Shows the verifier that `size` is between 1 and `most`, as a helper wants the size of a buffer. It is already; `most`
// is a power of two.
static __always_inline __u32 size_within(__u64 size, const __u64 most) {
    size--;
    asm volatile("%0 &= %1\n\t%0 += 1" : "+r"(size) : "i"(most - 1));
    return size;
}

// Keeps the compiler from reading `variable` from memory a second time: what the verifier learns from a comparison
// holds for one register.
#define ONE_VALUE(variable) asm volatile("" : "+r"(variable))
