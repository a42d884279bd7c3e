// SPDX-License-Identifier: GPL-2.0-only
// Rules and NAT entries of JSON documents (of a policy, of a profile) as cells of a table.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace edgefw::show {

using Json = nlohmann::ordered_json;

// Null where `object` has no such key.
const Json& at(const Json& object, const char* key);
// Texts as they are, lists joined with commas, mappings as "key value", null as nothing.
std::string cell(const Json& value);
// The same, "any" for nothing.
std::string or_any(const Json& value);

// Protocol and what else the rule asks of the packet's headers: "tcp syn,!ack vlan 12".
std::string protocol_cell(const Json& rule);
// Addresses and ports of one end: "192.0.2.10 :22", "any :443", "any".
std::string end_cell(const Json& addresses, const Json& ports);
// The same of a rule's `end`, "local" or "remote"; nothing where its frames have none.
std::string rule_end_cell(const Json& rule, const std::string& end);
// "pass", "drop", "pass, no state".
std::string action_cell(const Json& rule);
// Where the rule is written: "table 10, figure 5: Step 2.3. Configure Firewalls"; empty: unknown.
std::string source_text(const Json& rule);

}  // namespace edgefw::show
