// SPDX-License-Identifier: GPL-2.0-only
// The one word that every packet reads: which bank judges, and whether that stays so. The word changes at once, and
// each change of it is the whole of a push, of a confirmation, or of a fallback.
//
//   settled (g, bank a) ── push ──────────────> settled (g+1, b)
//   settled (g, bank a) ── push --confirm ────> pending (g+1, b), with confirmation[b] = {deadline, (g+2, c)}
//   pending (g+1, b) ───── confirm ───────────> settled (g+1, b)
//   pending (g+1, b) ───── deadline, or "no" ─> fell back (g+2, c)
//   pending (g+1, b) ───── push --replace ────> settled or pending (g+3, d)
//   fell back is settled: the bit only says how it came to be.
//
// Who leaves `pending` does so by compare and exchange, from the very word that he has read: of a confirmation, a
// packet behind the deadline, and a push that replaces it, one wins, and the others read what it has written. The
// element of `confirmation` is written before the word that names its bank, and not again while it does: a push fills a
// bank that is neither the active one nor its fallback. The fallback is of a newer generation than the push: what the
// withdrawn policy let open is judged again (bpf/connection/rejudge.h), which goes by age.
//
// Word and element are two reads. A packet that stops between them for as long as two pushes take may read another
// deadline for its word. Then it falls back too early or too late, and the exchange fails, because the word has
// changed: no word comes back, since generations only grow.
#pragma once

#include "maps/abi.h"

#define EDGEFW_BANKS 4  // active, its fallback, the one that replaces both, and the fallback of that

// Bit 0: the low bit of the bank; bits 1 to 32: the newest generation in force. A word of an earlier version has
// nothing above.
#define EDGEFW_ACTIVE_LOW_BANK 1ull
#define EDGEFW_ACTIVE_GENERATION_SHIFT 1
#define EDGEFW_ACTIVE_HIGH_BANK (1ull << 33)
#define EDGEFW_ACTIVE_PENDING (1ull << 34)    // falls back at its deadline
#define EDGEFW_ACTIVE_FELL_BACK (1ull << 35)  // came into force because a push was not confirmed

struct edgefw_confirmation {
    __u64 deadline;  // jiffies
    __u64 fallback;  // the word from then on
};
EDGEFW_ABI_SIZE(edgefw_confirmation, 16);
