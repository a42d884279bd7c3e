// SPDX-License-Identifier: GPL-2.0-only
// The Internet checksum, for the BPF programs of the benchmark.
#pragma once

#include <linux/types.h>

#include <bpf/bpf_helpers.h>

// What a header's field holds: the complement of a one's complement sum of 16-bit words (RFC 1071), folded. `sum` is
// of fewer than 65,536 of them.
static __always_inline __be16 checksum_of(__u32 sum) {
    sum = (sum & 0xffff) + (sum >> 16);
    sum = (sum & 0xffff) + (sum >> 16);
    return ~sum;
}
