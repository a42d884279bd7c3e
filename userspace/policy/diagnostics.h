// Errors and warnings of one run over a policy: collected while stages go on, reported in the order of the file.
#pragma once

#include <string>
#include <vector>

#include "userspace/base/result.h"
#include "userspace/policy/policy.h"
#include "userspace/policy/syntax.h"

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
    std::size_t errors() const { return errors_.size(); }

    // "file:line:column: message" lines. Those of `first_file` come first, other files (profiles) after it.
    Error to_error(const std::string& first_file) const;
    std::vector<std::string> warnings(const std::string& first_file) const;

private:
    struct Entry {
        Location where;
        std::string message;
    };
    static std::vector<std::string> lines(std::vector<Entry> entries, const std::string& first_file);

    std::vector<Entry> errors_;
    std::vector<Entry> warnings_;
};

}  // namespace edgefw::policy
