// SPDX-License-Identifier: GPL-2.0-only
#include "userspace/kernel/config.h"

#include <algorithm>
#include <iterator>

#include "maps/builtins.h"
#include "maps/limits.h"
#include "maps/record.h"
#include "userspace/kernel/clock.h"
#include "userspace/language/states.h"

namespace edgefw::kernel {
namespace {

constexpr std::uint32_t kFragmentSeconds = 30;  // as Linux keeps fragments (net.ipv4.ipfrag_time)

}  // namespace

edgefw_config config_of(const image::Image& image, policy::Side side, std::uint32_t number) {
    if (number == 0) return config_without_policy(side);
    edgefw_config config = image.config[static_cast<std::size_t>(side)];
    config.side = static_cast<std::uint32_t>(side);
    config.generation = number;
    std::transform(std::begin(image.timeout_seconds), std::end(image.timeout_seconds), std::begin(config.timeout),
                   jiffies_of);
    config.fragment_timeout = jiffies_of(kFragmentSeconds);
    config.settled = jiffies_of(EDGEFW_SETTLED_SECONDS);
    config.reserved = jiffies_of(EDGEFW_RESERVED_SECONDS);
    return config;
}

edgefw_config config_without_policy(policy::Side side) {
    edgefw_config config = {};
    config.side = static_cast<std::uint32_t>(side);
    config.builtins = (1u << EDGEFW_BUILTIN_COUNT) - 1;
    config.passes = EDGEFW_KINDS_ALL;
    std::transform(policy::kStateSeconds.begin(), policy::kStateSeconds.end(), std::begin(config.timeout), jiffies_of);
    return config;
}

edgefw_config specialised(edgefw_config config, const Variant& variant) {
    config.link_layer = variant.link_layer;
    config.partial_checksums = variant.partial_checksums ? 1 : 0;
    config.comes_over = variant.comes_over ? 1 : 0;
    config.adopts_until = variant.adopts_until;
    config.record = variant.record ? 1 : 0;
    config.records = variant.records;
    config.rare_records = variant.records / EDGEFW_RECORD_RARE_SHARE;
    // A tick is a hundredth of a second at most.
    config.record_interval = jiffies_of(1) / EDGEFW_RECORD_RATE;
    config.rare_interval = jiffies_of(EDGEFW_RECORD_RARE_SECONDS);
    config.record_window = jiffies_of(1);
    return config;
}

}  // namespace edgefw::kernel
