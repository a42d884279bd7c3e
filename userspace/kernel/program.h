// SPDX-License-Identifier: GPL-2.0-only
// Loading programs: the entry pair of a card, and a judging pair specialised by its config.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "maps/config.h"
#include "userspace/base/fd.h"
#include "userspace/base/result.h"
#include "userspace/kernel/map.h"

namespace edgefw::kernel {

struct ProgramPair {
    Fd received;  // XDP, or tc ingress
    Fd sent;      // tcx or clsact egress
};

// libbpf prints to stderr of its own accord: what matters comes back in our errors.
void silence_libbpf();

// A map of the object by the name it has in bpf/maps.h, replaced by one that exists.
struct Binding {
    const char* name;
    int fd;
};

// Where the received side of a card is judged.
enum class ReceivedAt { kXdp, kTcIngress };

// The verifier's log of a refusal is kept in a file; the message names it (kKernel).
Result<ProgramPair> load_entry(const std::vector<Binding>& bindings, ReceivedAt at = ReceivedAt::kXdp);

// The judging programs: a unit for each hook and program type.
enum class Unit { kReceivedXdp, kReceivedTc, kSentTc };

// One of them, specialised by `config`. A binding that names a map which the unit does not have is left out.
Result<Fd> load_unit(Unit unit, const edgefw_config& config, const std::vector<Binding>& bindings);

// The programs of a unit's shadow, by the verdict that they answer with.
struct ShadowPair {
    Fd drops;
    Fd passes;
};
Result<ShadowPair> load_shadow(Unit unit, const edgefw_config& config, const std::vector<Binding>& bindings);

// The pair of a card.
Result<ProgramPair> load_judge(const edgefw_config& config, const std::vector<Binding>& bindings,
                               ReceivedAt at = ReceivedAt::kXdp);

// Every map of the judging programs as they declare it (bpf/maps.h), by name; each unit has all of them.
std::map<std::string, MapSpec> declared_maps();

Result<Fd> program_by_id(std::uint32_t id);

}  // namespace edgefw::kernel
