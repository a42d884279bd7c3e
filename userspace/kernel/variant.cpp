// SPDX-License-Identifier: GPL-2.0-only
#include "userspace/kernel/variant.h"

#include <cstring>
#include <future>
#include <optional>

#include "maps/limits.h"
#include "userspace/image/plan.h"
#include "userspace/kernel/card_state.h"
#include "userspace/kernel/config.h"
#include "userspace/kernel/door.h"
#include "userspace/kernel/generation.h"
#include "userspace/kernel/program.h"

namespace edgefw::kernel {
namespace {

// One program to try.
struct Trial {
    Unit unit;
    edgefw_config config;
};

// A program that adopts and to whose tables connections come over has all the code of one that does not.
Variant busiest(const edgefw_config& config, edgefw_link_layer link_layer, bool partial_checksums) {
    constexpr std::uint32_t kForEver = 0xffffffff;
    constexpr std::uint32_t kRecords = 1;
    return {link_layer, partial_checksums, true, config.adopt != 0 ? kForEver : 0, false, kRecords};
}

void add_trials(std::vector<Trial>& trials, const edgefw_config& config) {
    const auto add = [&](Unit unit, edgefw_link_layer link_layer, bool partial_checksums) {
        trials.push_back({unit, specialised(config, busiest(config, link_layer, partial_checksums))});
        trials.back().config.shadow = 1;  // one that asks a shadow has all the code of one that does not
    };
    add(Unit::kReceivedXdp, EDGEFW_ETHERNET, false);
    if (config.translates != 0) add(Unit::kReceivedXdp, EDGEFW_ETHERNET, true);
    for (const edgefw_link_layer link_layer : {EDGEFW_ETHERNET, EDGEFW_NO_LINK}) {
        add(Unit::kReceivedTc, link_layer, false);
        add(Unit::kSentTc, link_layer, false);
    }
}

// A policy that says nothing of a side leaves both alike.
bool is_same_but_for_side(edgefw_config one, const edgefw_config& other) {
    one.side = other.side;
    return std::memcmp(&one, &other, sizeof(one)) == 0;
}

Result<std::vector<Trial>> trials_of(const Generation& generation) {
    std::vector<Trial> trials;
    auto external = generation.config(policy::Side::kExternal);
    if (!external) return external.error();
    auto internal = generation.config(policy::Side::kInternal);
    if (!internal) return internal.error();
    add_trials(trials, *external);
    if (!is_same_but_for_side(*internal, *external)) add_trials(trials, *internal);
    return trials;
}

}  // namespace

Variant explaining() {
    return {EDGEFW_ETHERNET, true, false, 0, true, 0};
}

Result<Ok> verify(const Compiled& policy) {
    silence_libbpf();
    if (auto allowed = may_load_programs(); !allowed) return allowed.error();
    image::Image image = policy.image;
    auto slots = image::assign_slots(image, {});
    if (!slots) return slots.error();
    auto generation = Generation::create(image, "{}", 1);
    if (!generation) return generation.error();
    auto maps = CardMaps::create(capacity_of(EDGEFW_CONNECTIONS_MIN), Generation::slots_needed(*slots));
    if (!maps) return maps.error();
    std::vector<Binding> bindings = maps->bindings();
    const auto rules = generation->bindings();
    bindings.insert(bindings.end(), rules.begin(), rules.end());
    auto trials = trials_of(*generation);
    if (!trials) return trials.error();

    // The verifier takes one processor a program.
    std::vector<std::future<Result<Fd>>> loads;
    for (const Trial& trial : *trials) {
        loads.push_back(std::async(std::launch::async, [&] { return load_unit(trial.unit, trial.config, bindings); }));
    }
    std::optional<Error> refused;
    for (auto& load : loads) {
        const auto program = load.get();
        if (!program && !refused) refused = program.error();
    }
    if (refused) return *refused;
    return Ok{};
}

}  // namespace edgefw::kernel
