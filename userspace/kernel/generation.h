// SPDX-License-Identifier: GPL-2.0-only
// The maps of one generation: an image laid out in the kernel, and the document it came from.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "maps/classes.h"
#include "userspace/base/result.h"
#include "userspace/image/hosts.h"
#include "userspace/image/image.h"
#include "userspace/image/plan.h"
#include "userspace/kernel/map.h"
#include "userspace/kernel/program.h"
#include "userspace/kernel/registry.h"
#include "userspace/kernel/summary.h"
#include "userspace/kernel/types.h"

namespace edgefw::kernel {

// What is kept with a generation beside the maps of its programs, each as it was written to a text of the caller's.
struct Kept {
    std::string_view document;      // document::write_text(...)
    std::string_view listing = {};  // document::Listing
    std::string_view summary = {};  // Summary
    std::string_view sources = {};  // document::Sources; empty: it was not told
};

class Generation {
public:
    // Creates and fills the maps. `image` has its slots; `number` and the tick of the clock are written into the
    // config.
    // `retains_until`: as in edgefw_config.
    static Result<Generation> create(const image::Image& image, const Kept& kept, std::uint32_t number,
                                     std::uint32_t retains_until = 0);
    // One that judges and is never in force: nobody asks for what else would be kept with it.
    static Result<Generation> create(const image::Image& image, const std::string& document, std::uint32_t number) {
        return create(image, Kept{document}, number);
    }
    static Result<Generation> open(const std::string& directory);
    // The policy of the generation pinned in `directory` as a newer one: rules, classes and texts are the same maps,
    // and stay those of both. Its own are the constants and the forwards, among which those of `known` that it does not
    // have are retired ones. `shadow`: the one that it asks, 0: none; nothing: the one that the policy asks now.
    static Result<Generation> again(const std::string& directory, std::uint32_t number, const image::InForce& known,
                                    std::uint32_t retains_until, std::optional<std::uint32_t> shadow = std::nullopt);

    // Pins everything in `directory`, which is made. Nothing is left there when it fails.
    Result<Ok> pin(const std::string& directory) const;

    Result<edgefw_config> config(policy::Side side) const;
    Result<std::string> document() const;
    Result<document::Listing> listing() const;
    // The kernel's number of the map that the listing is in, which no other listing has before the next boot.
    std::uint32_t listing_id() const { return maps_[kListing].id(); }
    Result<Summary> summary() const;
    // document::Sources::to_text(); empty where it was not told.
    Result<std::string> sources() const;
    // image::hosts_text(); empty where the policy names none.
    Result<std::string> hosts() const;
    Result<Ok> write_hosts(const std::string& text) const;
    // As its programs find it; 0: none.
    Result<std::uint32_t> class_of(const Address& address) const;
    // Of this address alone, whatever prefix holds it; 0: it has none of its own any more.
    Result<Ok> set_class(const Address& address, std::uint32_t number) const;
    // The port forwards, retired ones of older generations among them.
    Result<std::vector<edgefw_forward>> forwards() const;
    std::vector<Binding> bindings() const;
    // The highest counter slot that its programs count in, plus one.
    static std::uint32_t slots_needed(const image::Slots& slots);
    static std::uint32_t slots_needed(const document::Listing& listing);

private:
#define EDGEFW_PART(part, name) part,
    enum Part { EDGEFW_GENERATION_MAPS(EDGEFW_PART) kParts };
#undef EDGEFW_PART
    // Where the classes of a family are, and by which lengths an address is looked up there, longest first.
    struct ClassTable {
        const Map* map = nullptr;  // nullptr: the generation needs none
        std::vector<int> lengths = {};
    };
    Result<ClassTable> class_table(Family family) const;
    std::vector<Map> maps_;  // by Part
};

}  // namespace edgefw::kernel
