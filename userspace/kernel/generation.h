// SPDX-License-Identifier: GPL-2.0-only
// The maps of one generation: an image laid out in the kernel, and the document it came from.
#pragma once

#include <string>
#include <vector>

#include "maps/classes.h"
#include "userspace/base/result.h"
#include "userspace/image/image.h"
#include "userspace/kernel/host.h"
#include "userspace/kernel/map.h"
#include "userspace/kernel/program.h"

namespace edgefw::kernel {

class Generation {
public:
    // Creates and fills the maps. `image` has its slots; `number` and the tick of the clock are written into the
    // config. `document` is kept as it is.
    static Result<Generation> create(const image::Image& image, const std::string& document, std::uint32_t number);
    static Result<Generation> open(const std::string& directory);

    // Pins everything in `directory`, which is made. Nothing is left there when it fails.
    Result<Ok> pin(const std::string& directory) const;

    Result<edgefw_config> config(policy::Side side) const;
    Result<std::string> document() const;
    // image::hosts_text(); empty where the policy names none.
    Result<std::string> hosts() const;
    Result<Ok> write_hosts(const std::string& text) const;
    Result<std::uint32_t> class_of(const Address& address) const;
    Result<Ok> set_class(const Address& address, std::uint32_t number) const;
    // The port forwards, retired ones of older generations among them.
    Result<std::vector<edgefw_forward>> forwards() const;
    std::vector<Binding> bindings() const;
    // The highest counter slot that its programs count in, plus one.
    static std::uint32_t slots_needed(const image::Slots& slots);

private:
    enum Part {
        kConfig,
        kNodes,
        kTests,
        kClassHosts4,
        kClassHosts6,
        kClassPrefixes4,
        kClassPrefixes6,
        kForwardsIn,
        kForwardsOut,
        kMasquerades,
        kDocument,
        kHosts,
        kParts,
    };
    Result<edgefw_class_table> class_table(Family family) const;
    const Map& class_map_of(Family family, edgefw_class_table table) const;
    std::vector<Map> maps_;  // by Part
};

// The show document with the counter slots and the generation written in, and the slots back out of it.
std::string document_with_slots(const std::string& document, const image::Slots& slots, std::uint32_t generation);
image::Slots slots_of(const std::string& document);

// A policy that names a VLAN fails open on a card that takes tags off: whether `image` names one.
bool names_a_vlan(const image::Image& image);

// Jiffies in `seconds`. The kernel's tick is the resolution of its coarse clock.
std::uint32_t jiffies_of(std::uint32_t seconds);

// Seconds of CLOCK_MONOTONIC, by which the data path ends adoption.
std::uint32_t uptime();

// The configuration of a card without a policy: its programs pass everything and learn connections. These time out by
// the defaults.
edgefw_config config_without_policy(std::uint32_t side);

// Jiffies from `then` to `now`. Packets go on while a table is read: what is later than `now` is 0 ago.
std::uint64_t jiffies_since(std::uint64_t then, std::uint64_t now);

}  // namespace edgefw::kernel
