// SPDX-License-Identifier: GPL-2.0-only
// What `edgefw drops` prints: the packets that cards have recorded, as flows.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "userspace/base/result.h"
#include "userspace/kernel/types.h"
#include "userspace/packet/headers.h"

namespace edgefw::show {

// What the policy in force would do with a packet that dropped.
struct WouldPass {
    bool passes = false;
    std::string rule;  // that passes it; empty: none, it is `reason`
    std::string reason;
};

// The recorded packets of one flow, reason, rule and generation.
struct DropRow {
    kernel::Drop newest;
    packet::Headers headers;
    std::uint64_t first = 0;  // milliseconds since 1970
    std::uint64_t count = 0;  // packets
    std::string where;        // file:line:column of the rule; empty: unknown, or there is no rule
    WouldPass now = {};

    std::string direction() const;
};

// The places of rules in the files they were written in, by id. `document`: that of the policy in force.
std::map<std::string, std::string> places_of(const std::string& document);

// Only rows that all words pick. KEY=VALUE with interface, side, direction, protocol, source, destination, source_port,
// destination_port, local, remote, local_port, remote_port, reason, rule, nat or vlan, or an address alone, which
// either end may have. kUsage names the word that is none of these.
class DropFilter {
public:
    static Result<DropFilter> parse(const std::vector<std::string>& words);
    bool picks(const DropRow& row) const;

private:
    using Test = std::function<bool(const DropRow&)>;
    static Result<Test> test_of(const std::string& word);
    std::vector<Test> tests_;
};

DropRow row_of(kernel::Drop drop);
// One row for all packets of a flow, reason, rule and generation; newest first.
std::vector<DropRow> grouped(std::vector<DropRow> rows);

// Packets that dropped for a reason, and how many of them no record tells of.
nlohmann::ordered_json drops_json(const std::vector<DropRow>& rows, const std::vector<kernel::CardDrops>& cards);
nlohmann::ordered_json drop_json(const DropRow& row);
// A line in a stream of them: so many others have no line.
nlohmann::ordered_json left_out_json(std::uint64_t milliseconds, std::size_t count);
std::string drops_text(const std::vector<DropRow>& rows, const std::vector<kernel::CardDrops>& cards,
                       std::size_t width);
std::string drop_line(const DropRow& row);
std::string flow_text(const DropRow& row);  // "udp 198.51.100.9:7000 > 198.51.100.1:9"
// "edgefw: drop, reason default, generation 3; now passes: rule web-alt"
std::string drop_comment(const DropRow& row);
std::string drops_pcapng(const std::vector<DropRow>& rows, const std::string& application);

}  // namespace edgefw::show
