#include "userspace/policy/diagnostics.h"

#include <algorithm>
#include <functional>
#include <iterator>
#include <tuple>

namespace edgefw::policy {
namespace {

// A person reads a screenful; a file of garbage must not become gigabytes of text.
constexpr std::size_t kMaxErrors = 1000;

}  // namespace

void Diagnostics::error(const Location& where, std::string message) {
    errors_.push_back({where, std::move(message)});
}

void Diagnostics::warning(const Location& where, std::string message) {
    warnings_.push_back({where, std::move(message)});
}

void Diagnostics::append(Diagnostics other) {
    std::move(other.errors_.begin(), other.errors_.end(), std::back_inserter(errors_));
    std::move(other.warnings_.begin(), other.warnings_.end(), std::back_inserter(warnings_));
}

std::vector<std::string> Diagnostics::lines(std::vector<Entry> entries, const std::string& first_file) {
    const auto place = [&](const Entry& entry) {
        const Location& where = entry.where;
        return std::make_tuple(where.file != first_file, std::cref(where.file), where.line, where.column);
    };
    std::stable_sort(entries.begin(), entries.end(),
                     [&](const Entry& a, const Entry& b) { return place(a) < place(b); });
    std::vector<std::string> lines;
    for (const Entry& entry : entries) {
        std::string line = entry.where.to_text() + ": " + entry.message;
        // One row of a profile bound several times is wrong once.
        if (lines.empty() || lines.back() != line) lines.push_back(std::move(line));
    }
    return lines;
}

Error Diagnostics::to_error(const std::string& first_file) const {
    const auto all = lines(errors_, first_file);
    std::string message;
    for (std::size_t i = 0; i < std::min(all.size(), kMaxErrors); ++i) {
        if (i > 0) message += '\n';
        message += all[i];
    }
    if (all.size() > kMaxErrors) {
        message += "\n" + first_file + ": and " + std::to_string(all.size() - kMaxErrors) +
                   " more errors; mend those above first";
    }
    return {ErrorKind::kPolicy, message};
}

std::vector<std::string> Diagnostics::warnings(const std::string& first_file) const {
    return lines(warnings_, first_file);
}

}  // namespace edgefw::policy
