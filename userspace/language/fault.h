// SPDX-License-Identifier: GPL-2.0-only
// Where a text that is no YAML goes wrong, in the words of who writes a policy.
//
// yaml-cpp reports what its grammar meets, which is often a line later and about something else: a line with one space
// too few is the "end of map not found". This looks for the mistakes that people make. It is asked of texts that
// yaml-cpp has refused alone, so that it may be simpler than YAML is: what it does not understand ends the search.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace edgefw::policy {

struct Fault {
    int line = 0;  // from 1
    int column = 0;
    std::string message;
};

// The place behind the quoted scalar that begins at `at`; npos: it does not end in `text`.
std::size_t end_of_quoted(std::string_view text, std::size_t at);

// What is said of one that is not closed.
std::string unclosed_quote(char quote);

// The first mistake, at `last_line` at the latest; nothing: none of the known ones.
std::optional<Fault> find_fault(std::string_view text, int last_line);

}  // namespace edgefw::policy
