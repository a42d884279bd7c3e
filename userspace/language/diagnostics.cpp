// SPDX-License-Identifier: GPL-2.0-only
#include "userspace/language/diagnostics.h"

#include <algorithm>
#include <functional>
#include <tuple>

namespace edgefw::policy {
namespace {

// A person reads a screenful; a file of garbage must not become gigabytes of memory or text.
constexpr std::size_t kMost = 1000;

}  // namespace

void Diagnostics::error(const Location& where, std::string message) {
    if (errors_.size() < kMost)
        errors_.push_back({where, std::move(message)});
    else
        ++more_errors_;
}

void Diagnostics::warning(const Location& where, std::string message) {
    if (warnings_.size() < kMost)
        warnings_.push_back({where, std::move(message)});
    else
        ++more_warnings_;
}

void Diagnostics::append(Diagnostics other) {
    for (Entry& entry : other.errors_)
        error(entry.where, std::move(entry.message));
    for (Entry& entry : other.warnings_)
        warning(entry.where, std::move(entry.message));
    more_errors_ += other.more_errors_;
    more_warnings_ += other.more_warnings_;
}

std::vector<Diagnostics::Entry> Diagnostics::in_order(std::vector<Entry> entries, const std::string& first_file) {
    const auto place = [&](const Entry& entry) {
        const Location& where = entry.where;
        return std::make_tuple(where.file != first_file, std::cref(where.file), where.line, where.column);
    };
    std::stable_sort(entries.begin(), entries.end(),
                     [&](const Entry& a, const Entry& b) { return place(a) < place(b); });
    // One row of a profile bound several times is wrong once.
    const auto same = [&](const Entry& a, const Entry& b) { return place(a) == place(b) && a.message == b.message; };
    entries.erase(std::unique(entries.begin(), entries.end(), same), entries.end());
    return entries;
}

Error Diagnostics::to_error(const std::string& first_file) const {
    const auto all = in_order(errors_, first_file);
    Error error{ErrorKind::kPolicy, ""};
    for (const Entry& entry : all) {
        if (!error.message.empty()) error.message += '\n';
        error.message += entry.line();
        error.problems.push_back({entry.where.file, entry.where.line, entry.where.column, entry.message});
    }
    if (more_errors_ > 0) {
        const std::string more = "and " + std::to_string(more_errors_) + " more errors; mend those above first";
        error.message.append("\n").append(first_file).append(": ").append(more);
        error.problems.push_back({first_file, 0, 0, more});
    }
    return error;
}

std::vector<std::string> Diagnostics::warnings(const std::string& first_file) const {
    std::vector<std::string> lines;
    for (const Entry& entry : in_order(warnings_, first_file))
        lines.push_back(entry.line());
    if (more_warnings_ > 0) lines.push_back(first_file + ": and " + std::to_string(more_warnings_) + " more warnings");
    return lines;
}

}  // namespace edgefw::policy
