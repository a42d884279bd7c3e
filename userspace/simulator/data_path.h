// SPDX-License-Identifier: GPL-2.0-only
// The data path in user space, as C and C++ see it: what bpf/ is compiled against instead of the kernel, and the one
// call that judges a frame by it.
#pragma once

#ifdef __cplusplus
#include <cstdint>
extern "C" {
#endif

#include <linux/types.h>

#include "maps/config.h"

// A map of an instance (userspace/simulator/table.h).
struct simulated_table;

// The programs of one side, with constants and tables of their own. Instances share nothing but what their owner gave
// to both.
struct simulated_instance {
    const struct edgefw_config* constants;
    __u32 hook;                       // enum edgefw_hook: where the frame in flight is seen
    struct simulated_table** tables;  // by number (simulated_table_of()); NULL: nobody has asked for this map yet
    __u32 table_count;
    void* owner;
};

// What a program is given of a frame. Lengths are bytes.
struct simulated_frame {
    unsigned long data;
    unsigned long data_end;
    __u32 gso_size;  // 0: it is one frame on the wire
};

// A map as bpf/maps.h declares it.
struct simulated_map {
    const char* name;
    __u32 type;  // BPF_MAP_TYPE_*
    __u32 key_size;
    __u32 value_size;
    __u32 entries;
};

// The instance whose frame this thread judges.
extern __thread struct simulated_instance* simulated;

// Runs the judging program of the hook over a frame, which it may rewrite. Returns what the hook would take for an
// answer; the decision is in the map `decision`.
int simulate(struct simulated_instance* instance, struct simulated_frame* frame);

// The calls behind the helpers of stand_in/bpf/bpf_helpers.h. They return what the kernel's return.
struct simulated_table* simulated_table_of(__u32* number, const struct simulated_map* map);
void* simulated_lookup(struct simulated_table* table, const void* key);
long simulated_update(struct simulated_table* table, const void* key, const void* value, __u64 flags);
long simulated_delete(struct simulated_table* table, const void* key);
__u64 simulated_ticks_now(void);          // as kernel::jiffies_of() counts them
__u64 simulated_nanoseconds_now(void);    // CLOCK_MONOTONIC
__u64 simulated_nanoseconds_about(void);  // CLOCK_MONOTONIC_COARSE
__u32 simulated_random_number(void);
long simulated_checksum_difference(const void* from, __u32 from_size, const void* to, __u32 to_size, __u32 seed);
// As bpf_l4_csum_replace() does it for a packet whose checksum is not left to an offload.
long simulated_replace_checksum(struct simulated_frame* frame, __u32 offset, __u64 from, __u64 to, __u64 flags);

#ifdef __cplusplus
}
#endif
