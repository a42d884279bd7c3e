// SPDX-License-Identifier: GPL-2.0-only
// What a fuzz target promises of every input. A promise that is broken ends the run, and libFuzzer keeps the input.
#pragma once

#include <cstdio>
#include <cstdlib>
#include <string>

#include "userspace/base/result.h"

namespace edgefw::fuzz {

inline void require(bool holds, const char* promise, const std::string& found = "") {
    if (holds) return;
    std::fprintf(stderr, "fuzz: broken promise: %s: '%s'\n", promise, found.c_str());
    std::abort();
}

// Requires that an input was refused as the user's fault, with a sentence.
inline void require_refusal(const Error& error, ErrorKind kind) {
    require(error.kind == kind, "a bad input is the user's fault, nobody else's", error.message);
    require(!error.message.empty(), "a refusal says why");
}

// The same of a file: each problem has its line but the one that counts those left out.
inline void require_places(const Error& error) {
    require_refusal(error, ErrorKind::kPolicy);
    require(!error.problems.empty(), "an error of a file names the places", error.message);
    for (const Problem& problem : error.problems)
        require(problem.line > 0 || &problem == &error.problems.back(), "a problem has a line", problem.message);
    require(error.problems.front().line > 0, "the first problem has a line", error.message);
}

}  // namespace edgefw::fuzz
