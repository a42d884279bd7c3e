// SPDX-License-Identifier: GPL-2.0-only
// Which connections the words of `edgefw connections` and `edgefw kill` pick.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "userspace/base/result.h"
#include "userspace/kernel/types.h"

namespace edgefw::show {

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

// "ocs" names all of "ocs/access-edge/external-443".
bool is_named(const std::string& id, const std::string& name);

}  // namespace edgefw::show
