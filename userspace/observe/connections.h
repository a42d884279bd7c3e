// What `edgefw connections` prints, and which connections its words pick.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "userspace/base/result.h"
#include "userspace/kernel/host.h"

namespace edgefw::observe {

// A connection must have all that the words name.
class ConnectionFilter {
public:
    // KEY=VALUE with the keys of the JSON (interface, side, direction, protocol, local, remote, local_port,
    // remote_port, state, rule, nat), or an address alone, which either end may have. Addresses: host, prefix or range.
    // A rule or nat entry is named by its id, or by the part of it before a '/'. kUsage names the word that is none of
    // these.
    static Result<ConnectionFilter> parse(const std::vector<std::string>& words);

    bool picks(const kernel::Connection& connection) const;

private:
    using Test = std::function<bool(const kernel::Connection&)>;
    static Result<Test> test_of(const std::string& word);

    std::vector<Test> tests_;
};

nlohmann::ordered_json connections_json(const std::vector<kernel::Connection>& connections);
// One line each, oldest first, and their number.
std::string connections_text(std::vector<kernel::Connection> connections, std::size_t width);

}  // namespace edgefw::observe
