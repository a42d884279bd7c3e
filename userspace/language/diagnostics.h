// SPDX-License-Identifier: GPL-2.0-only
// Errors and warnings of one run over a policy: collected while stages go on, reported in the order of the file.
#pragma once

#include <string>
#include <vector>

#include "userspace/base/result.h"
#include "userspace/language/syntax.h"
#include "userspace/policy/policy.h"

namespace edgefw::policy {

class Diagnostics {
public:
    // `message` says what is wrong and, after a semicolon, what would be right.
    void error(const Location& where, std::string message);
    void error(const Node& at, std::string message) { error(at.where(), std::move(message)); }
    void warning(const Location& where, std::string message);

    // Takes over what another run found.
    void append(Diagnostics other);

    bool ok() const { return errors_.empty(); }
    std::size_t errors() const { return errors_.size() + more_errors_; }

    // "file:line:column: message" lines. Those of `first_file` come first, other files (profiles) after it.
    Error to_error(const std::string& first_file) const;
    std::vector<std::string> warnings(const std::string& first_file) const;

private:
    struct Entry {
        Location where;
        std::string message;
        std::string line() const { return where.to_text() + ": " + message; }
    };
    static std::vector<Entry> in_order(std::vector<Entry> entries, const std::string& first_file);

    // The first ones found; of the others there is the number alone.
    std::vector<Entry> errors_;
    std::vector<Entry> warnings_;
    std::size_t more_errors_ = 0;
    std::size_t more_warnings_ = 0;
};

}  // namespace edgefw::policy
