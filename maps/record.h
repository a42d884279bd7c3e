// SPDX-License-Identifier: GPL-2.0-only
// The recorder: what a card dropped lately, packet by packet. One processor writes one part of the ring, and nobody
// else does. A reader needs no lock and no program: it copies a record and looks whether it changed meanwhile.
#pragma once

#include "maps/abi.h"
#include "maps/counters.h"

#define EDGEFW_RECORD_FRAME 96         // bytes of a frame: the headers that a packet has on the wire nearly always
#define EDGEFW_RECORD_FLOWS 256        // flows that a processor remembers of the last second
#define EDGEFW_RECORD_RATE 25          // records a second of a reason and hook, on each processor
#define EDGEFW_RECORD_BURST 64         // as many at once
#define EDGEFW_RECORD_RARE_SECONDS 60  // a reason keeps one record in so many seconds where no other one overwrites it
#define EDGEFW_RECORD_RARE_BURST 4     // as many at once
#define EDGEFW_RECORD_RARE_SHARE 32    // that part is this share of the ring

// Of each reason's counter, and once more of what a shadow would decide otherwise, by its reason.
#define EDGEFW_RECORD_BUCKETS (2 * EDGEFW_REASON_COUNTERS)

// What a record says beside numbers.
#define EDGEFW_RECORD_SENT 0x01u     // enum edgefw_hook
#define EDGEFW_RECORD_PASSED 0x02u   // enum edgefw_verdict: a rule with `log: true` passed it
#define EDGEFW_RECORD_TAG 0x04u      // the kernel held the outermost tag apart: `tag` is not among the frame's bytes
#define EDGEFW_RECORD_NO_LINK 0x08u  // the frame begins with its IP header
// Verdict, reason, rule and generation are a shadow's: what is in force decided otherwise. The frame is as it passed.
#define EDGEFW_RECORD_SHADOW 0x10u

struct edgefw_record {
    __u32 sequence;    // odd while it is written, 0: it never was
    __u32 count;       // frames on the wire: of this packet, and of others of its flow and reason within a second
    __u64 time;        // jiffies
    __u32 generation;  // that judged it
    __u32 slot;        // counter slot of the rule or built-in, EDGEFW_SLOT_NONE: none
    __u32 flow;        // hash of flow, reason and hook; 0: it has none
    __u32 length;      // bytes on the wire
    __u16 nat;         // counter slot of the NAT entry, 0: none
    __u16 tag;         // with EDGEFW_RECORD_TAG: as on the wire, host order
    __u8 reason;       // enum edgefw_reason
    __u8 flags;        // EDGEFW_RECORD_*
    __u8 captured;     // how many bytes of the frame are here
    __u8 pad;
    __u8 frame[EDGEFW_RECORD_FRAME];  // as it came, before it is translated
};
EDGEFW_ABI_SIZE(edgefw_record, 136);

// Admission of a reason, by index of its counter. Both words are when the next record would be due if none were early:
// one that is due later than now and the burst is refused.
struct edgefw_record_bucket {
    __u64 due;       // jiffies
    __u64 rare_due;  // jiffies: of the small part of the ring
    __u64 recorded;  // frames on the wire that records count; the reason's counter less this is what none tells of
};
EDGEFW_ABI_SIZE(edgefw_record_bucket, 24);

// A flow of which there is a record of the last second.
struct edgefw_record_flow {
    __u64 time;   // of the record, jiffies
    __u32 flow;   // as in the record
    __u32 index;  // of the record in the whole ring
};
EDGEFW_ABI_SIZE(edgefw_record_flow, 16);

// One processor's writer.
struct edgefw_recorder {
    __u32 busy;       // it writes: whoever comes in between records nothing
    __u32 seed;       // of the hashes, 0: none yet
    __u32 next;       // in its part of the ring
    __u32 rare_next;  // likewise, of the small part behind
    struct edgefw_record_flow flow[EDGEFW_RECORD_FLOWS];
};
EDGEFW_ABI_SIZE(edgefw_recorder, 16 + 16 * EDGEFW_RECORD_FLOWS);
