// SPDX-License-Identifier: GPL-2.0-only
// Hosts by name in what `show` and `status` print: addresses and their age.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "userspace/base/result.h"
#include "userspace/document/document.h"
#include "userspace/kernel/types.h"

namespace edgefw::show {

// The document with the hosts as they are now, where `in_force` knows its generation.
Result<std::string> with_hosts(const std::string& document, const std::vector<kernel::HostsInForce>& in_force);

// A table of hosts: entries as document::to_json() writes them. Empty text: there are none. `now`: seconds since 1970.
std::string hosts_table(const nlohmann::ordered_json& hosts, std::int64_t now, std::size_t width);

// All hosts in force, each name once, the newest answer of it.
Result<nlohmann::ordered_json> hosts_json(const std::vector<kernel::HostsInForce>& in_force);

}  // namespace edgefw::show
