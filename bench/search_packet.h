// SPDX-License-Identifier: GPL-2.0-only
// What bench/search.bpf.c searches for, and what it found.
#pragma once

#include <linux/types.h>

#define SEARCH_PACKETS 4096

struct search_packet {
    __be32 local;
    __be32 remote;
    __be16 local_port;
    __be16 remote_port;
    __u32 protocol;
    __u32 outcome;
    __u32 pad[3];
};
