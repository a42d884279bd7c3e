// SPDX-License-Identifier: GPL-2.0-only
// The programs of one side in user space: their constants and their maps.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "maps/config.h"
#include "userspace/policy/policy.h"
#include "userspace/simulator/data_path.h"
#include "userspace/simulator/table.h"

namespace edgefw::simulator {

// Maps that were filled before the first frame, by name. Instances may share them.
using Filled = std::map<std::string, std::shared_ptr<Table>>;
// How many entries a map gets that is not as large as its declaration says, by name.
using Entries = std::map<std::string, std::size_t>;

class Instance {
public:
    Instance(const edgefw_config& constants, Filled filled, Entries entries);
    Instance(const Instance&) = delete;
    Instance& operator=(const Instance&) = delete;

    // Runs the program of `hook` over the frame, which it may rewrite.
    void run(edgefw_hook hook, std::uint8_t* frame, std::size_t size);
    // The map of this name; nullptr: no program has asked for it yet.
    Table* find(const std::string& name) const;
    // Empties the maps that were not filled before.
    void forget();
    // The name of a map of a kind that there is not in user space; empty: none was asked for.
    const std::string& unknown() const { return unknown_; }

    // The map of this number and declaration, made where there is none. nullptr: of an unknown kind.
    Table* table(std::uint32_t number, const simulated_map& map);

private:
    edgefw_config constants_;
    Filled tables_;
    Filled filled_;
    Entries entries_;
    std::vector<simulated_table*> by_number_;
    simulated_instance run_ = {};
    std::string unknown_;
};

}  // namespace edgefw::simulator
