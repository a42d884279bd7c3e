// SPDX-License-Identifier: GPL-2.0-only
#include "userspace/simulator/instance.h"

namespace edgefw::simulator {

Instance::Instance(const edgefw_config& constants, Filled filled, Entries entries)
    : constants_(constants), filled_(std::move(filled)), entries_(std::move(entries)) {
    run_.constants = &constants_;
    run_.owner = this;
}

void Instance::run(edgefw_hook hook, std::uint8_t* frame, std::size_t size) {
    run_.hook = hook;
    simulated_frame context = {reinterpret_cast<unsigned long>(frame), reinterpret_cast<unsigned long>(frame + size),
                               0};
    simulate(&run_, &context);
}

Table* Instance::find(const std::string& name) const {
    const auto found = tables_.find(name);
    return found == tables_.end() ? nullptr : found->second.get();
}

void Instance::forget() {
    for (const auto& [name, table] : tables_) {
        if (!filled_.contains(name)) table->clear();
    }
}

Table* Instance::table(std::uint32_t number, const simulated_map& map) {
    const std::string name = map.name;
    auto& table = tables_[name];
    if (table == nullptr) {
        const auto filled = filled_.find(name);
        const auto entries = entries_.find(name);
        if (filled != filled_.end())
            table = filled->second;
        else
            table = Table::create(map, entries == entries_.end() ? map.entries : entries->second);
    }
    if (table == nullptr) {
        unknown_ = name;
        return nullptr;
    }
    if (by_number_.size() <= number) by_number_.resize(number + 1);
    by_number_[number] = reinterpret_cast<simulated_table*>(table.get());
    run_.tables = by_number_.data();
    run_.table_count = static_cast<__u32>(by_number_.size());
    return table.get();
}

}  // namespace edgefw::simulator
