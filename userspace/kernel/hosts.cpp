// SPDX-License-Identifier: GPL-2.0-only
// Hosts by name of the policies in force: read, and moved between classes.
#include "userspace/kernel/commit.h"
#include "userspace/kernel/door.h"
#include "userspace/kernel/inventory.h"

namespace edgefw::kernel {
namespace {

Result<Generation> open_in_force(const Home& home, const Inventory& inventory, std::uint32_t number) {
    for (const std::uint32_t in_force : generations_in_force(inventory)) {
        if (in_force == number) return Generation::open(home.generation(number));
    }
    return failed("generation " + std::to_string(number) + " is no longer in force");
}

}  // namespace

Result<std::vector<HostsInForce>> hosts_in_force() {
    silence_libbpf();
    auto home = Home::look();
    if (!home) return home.error();
    auto inventory = take_inventory(*home);
    if (!inventory) return inventory.error();
    std::vector<HostsInForce> all;
    for (const std::uint32_t number : generations_in_force(*inventory)) {
        if (number == 0) continue;
        auto generation = Generation::open(home->generation(number));
        if (!generation) return generation.error();
        auto text = generation->hosts();
        if (!text) return text.error();
        if (!text->empty()) all.push_back({number, std::move(*text)});
    }
    return all;
}

Result<std::uint32_t> class_of(std::uint32_t generation, const Address& address) {
    auto home = Home::look();
    if (!home) return home.error();
    auto opened = Generation::open(home->generation(generation));
    if (!opened) return opened.error();
    return opened->class_of(address);
}

Result<Ok> move_hosts(std::uint32_t generation, const std::vector<ClassChange>& changes, const std::string& text) {
    auto home = Home::lock();
    if (!home) return home.error();
    auto inventory = take_inventory(*home);
    if (!inventory) return inventory.error();
    auto opened = open_in_force(*home, *inventory, generation);
    if (!opened) return opened.error();
    for (const ClassChange& change : changes) {
        if (auto done = opened->set_class(change.address, change.number); !done) return done.error();
    }
    return opened->write_hosts(text);
}

}  // namespace edgefw::kernel
