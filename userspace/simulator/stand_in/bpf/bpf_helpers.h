// SPDX-License-Identifier: GPL-2.0-only
// Stands in for libbpf's header of this name: the helpers that bpf/ calls, in user space. Maps are found by their name
// and made when they are first asked for, by what their declaration says. So a map that bpf/maps.h gets is here, too.
#pragma once

#include <stddef.h>

#include "userspace/simulator/data_path.h"

#define SEC(name)
#define __uint(name, value) int(*name)[value]
#define __type(name, value) typeof(value)* name
#undef __always_inline
#define __always_inline inline __attribute__((always_inline))
#undef __noinline
#define __noinline __attribute__((noinline))

// The table that this instance has for a map. The name follows the `&` of what is handed over.
#define TABLE(map)                                                                                             \
    ({                                                                                                         \
        static const struct simulated_map declared = {.name = &#map[1],                                        \
                                                      .type = sizeof(*(map)->type) / sizeof(int),              \
                                                      .key_size = sizeof(*(map)->key),                         \
                                                      .value_size = sizeof(*(map)->value),                     \
                                                      .entries = sizeof(*(map)->max_entries) / sizeof(int)};   \
        static __u32 number;                                                                                   \
        number < simulated->table_count && simulated->tables[number] ? simulated->tables[number]               \
                                                                     : simulated_table_of(&number, &declared); \
    })

#define bpf_map_lookup_elem(map, key) simulated_lookup(TABLE(map), key)
#define bpf_map_update_elem(map, key, value, flags) simulated_update(TABLE(map), key, value, flags)
#define bpf_map_delete_elem(map, key) simulated_delete(TABLE(map), key)

#define bpf_jiffies64() simulated_ticks_now()
#define bpf_ktime_get_ns() simulated_nanoseconds_now()
#define bpf_ktime_get_coarse_ns() simulated_nanoseconds_about()
#define bpf_get_prandom_u32() simulated_random_number()
#define bpf_get_smp_processor_id() 0u  // an instance has one processor
#define bpf_csum_diff(from, from_size, to, to_size, seed) \
    simulated_checksum_difference(from, from_size, to, to_size, seed)
#define bpf_l4_csum_replace(context, offset, from, to, flags) \
    simulated_replace_checksum(context, offset, from, to, flags)
#define bpf_skb_store_bytes(context, offset, from, size, flags) (save(context, offset, from, size) ? 0 : -14)

// There is no shadow here.
#define bpf_tail_call_static(context, programs, index) ((void)(context))

// Nobody routes here. Programs that record their decisions do not ask (bpf/flow/dhcp.h).
#define bpf_fib_lookup(context, question, size, flags) ((void)(context), (void)(question), -22L)

// The types of the steps differ, as the verifier lets them.
#define bpf_loop(times, step, context, flags)                        \
    ({                                                               \
        const __u32 loop_most = (times);                             \
        __u32 loop_done = 0;                                         \
        while (loop_done < loop_most && !(step)(loop_done, context)) \
            loop_done++;                                             \
        (long)(loop_done < loop_most ? loop_done + 1 : loop_done);   \
    })
