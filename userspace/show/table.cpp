// SPDX-License-Identifier: GPL-2.0-only
#include "userspace/show/table.h"

#include <algorithm>
#include <numeric>
#include <string_view>

namespace edgefw::show {
namespace {

constexpr std::size_t kGap = 2;
constexpr std::size_t kNarrowest = 9;  // of a column that gave way

using Widths = std::vector<std::size_t>;

// Places where a reader expects a break, the better ones first.
constexpr const char* kPlaces[] = {" ,", "/-_"};

// The widest column that is wider than its floor; the end where there is none.
Widths::iterator widest_above(const Widths& floors, Widths& widths) {
    auto widest = widths.end();
    for (std::size_t i = 0; i < widths.size(); ++i) {
        const auto candidate = widths.begin() + static_cast<std::ptrdiff_t>(i);
        if (widths[i] > floors[i] && (widest == widths.end() || *candidate > *widest)) widest = candidate;
    }
    return widest;
}

// Takes from the widest column, one character at a time, until the line fits or all columns are at their floors.
Widths fit(Widths widths, const Widths& floors, std::size_t line) {
    std::size_t total = std::accumulate(widths.begin(), widths.end(), kGap * (widths.size() - 1));
    while (total > line) {
        const auto widest = widest_above(floors, widths);
        if (widest == widths.end()) break;
        --*widest;
        --total;
    }
    return widths;
}

// Length of the longest piece of `text` that can only be cut.
std::size_t longest_word(const std::string& text) {
    std::size_t longest = 0;
    std::size_t begin = 0;
    while (begin < text.size()) {
        const std::size_t end = std::min(text.find_first_of(" ,/-_", begin), text.size() - 1);
        longest = std::max(longest, end + 1 - begin);
        begin = end + 1;
    }
    return longest;
}

// How much of `text` goes into one line of `width`.
std::size_t break_at(std::string_view text, std::size_t width) {
    for (const char* places : kPlaces) {
        const std::size_t found = text.find_last_of(places, width - 1);
        if (found != std::string::npos && found >= width / 3) return found + 1;
    }
    return width;
}

std::vector<std::string> wrap(std::string_view text, std::size_t width) {
    std::vector<std::string> lines;
    while (text.size() > width) {
        const std::size_t end = break_at(text, width);
        lines.emplace_back(text.substr(0, end));
        while (lines.back().ends_with(' '))
            lines.back().pop_back();
        text.remove_prefix(end);
    }
    lines.emplace_back(text);
    return lines;
}

void append_cell(std::string& line, const std::string& cell, std::size_t width, Align align) {
    const std::string padding(width - std::min(width, cell.size()), ' ');
    line += align == Align::kRight ? padding + cell : cell + padding;
}

void append_row(std::string& text, const std::vector<std::string>& row, const Widths& widths,
                const std::vector<Column>& columns) {
    std::vector<std::vector<std::string>> cells;
    std::size_t height = 1;
    for (std::size_t i = 0; i < row.size(); ++i) {
        cells.push_back(wrap(row[i], widths[i]));
        height = std::max(height, cells.back().size());
    }
    for (std::size_t y = 0; y < height; ++y) {
        std::string line;
        for (std::size_t i = 0; i < cells.size(); ++i) {
            if (i > 0) line.append(kGap, ' ');
            append_cell(line, y < cells[i].size() ? cells[i][y] : "", widths[i], columns[i].align);
        }
        line.erase(line.find_last_not_of(' ') + 1);
        text += line + '\n';
    }
}

}  // namespace

std::vector<std::size_t> Table::widest(std::size_t (*measure)(const std::string&)) const {
    Widths widths;
    for (const Column& column : columns_)
        widths.push_back(measure(column.header));
    for (const auto& row : rows_) {
        if (is_heading(row)) continue;
        for (std::size_t i = 0; i < row.size(); ++i)
            widths[i] = std::max(widths[i], measure(row[i]));
    }
    return widths;
}

std::string Table::to_text(std::size_t width) const {
    // Words stay whole where they can; else columns give way down to the narrowest.
    const Widths natural = widest([](const std::string& cell) { return cell.size(); });
    const Widths whole = fit(natural, widest(longest_word), width);
    const Widths widths = fit(whole, Widths(columns_.size(), kNarrowest), width);
    std::vector<std::string> headers;
    for (const Column& column : columns_)
        headers.push_back(column.header);
    std::string text;
    append_row(text, headers, widths, columns_);
    for (const auto& row : rows_) {
        if (is_heading(row)) {
            text += '\n';
            for (const std::string& line : wrap(row.front(), width))
                text += line + '\n';
        } else {
            append_row(text, row, widths, columns_);
        }
    }
    return text;
}

}  // namespace edgefw::show
