// SPDX-License-Identifier: GPL-2.0-only
// The one error language: a function that can fail returns Result<T>; nothing throws, nothing is logged where it fails.
#pragma once

#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace edgefw {

// What went wrong decides the exit code (docs/commands.md#exit-codes).
enum class ErrorKind {
    kFailed = 1,        // no such card, already attached, foreign program, nothing attached, table full, no bpffs
    kUsage = 2,         // the command line
    kPolicy = 3,        // the policy is rejected (a failing policy test too)
    kKernel = 4,        // the kernel refused
    kNotPermitted = 5,  // root is needed
};

// One place of a file that is wrong.
struct Problem {
    std::string file;
    int line = 0;  // from 1; 0: the file as a whole
    int column = 0;
    std::string message;
};

// One line for a person: what is wrong, and what to do next. A policy may be wrong in several places: then `message`
// holds one line each, already with file:line:column, and `problems` has them apart.
struct Error {
    ErrorKind kind = ErrorKind::kFailed;
    std::string message;
    std::vector<Problem> problems = {};
};

struct Ok {};

template <typename T = Ok>
class [[nodiscard]] Result {
public:
    Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}
    Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}

    explicit operator bool() const { return state_.index() == 0; }

    T& operator*() & { return std::get<0>(state_); }
    const T& operator*() const& { return std::get<0>(state_); }
    T&& operator*() && { return std::get<0>(std::move(state_)); }
    T* operator->() { return &std::get<0>(state_); }
    const T* operator->() const { return &std::get<0>(state_); }

    const Error& error() const { return std::get<1>(state_); }

private:
    std::variant<T, Error> state_;
};

inline Error failed(std::string message) {
    return {ErrorKind::kFailed, std::move(message)};
}

}  // namespace edgefw
