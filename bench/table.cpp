// SPDX-License-Identifier: GPL-2.0-only
#include "bench/table.h"

#include <algorithm>
#include <cstdio>

namespace edgefw::bench {
namespace {

std::string line(const std::vector<std::string>& row, const std::vector<std::size_t>& widths) {
    std::string text = "|";
    for (std::size_t i = 0; i < widths.size(); i++) {
        const std::string cell = i < row.size() ? row[i] : std::string();
        const std::string space(widths[i] - cell.size(), ' ');
        // The first column is text, the others are figures.
        text += " " + (i == 0 ? cell + space : space + cell) + " |";
    }
    return text + "\n";
}

}  // namespace

std::string Table::to_text() const {
    std::vector<std::size_t> widths(rows_.front().size(), 3);
    for (const auto& row : rows_) {
        for (std::size_t i = 0; i < row.size() && i < widths.size(); i++)
            widths[i] = std::max(widths[i], row[i].size());
    }
    std::string text = line(rows_.front(), widths) + "|";
    for (std::size_t i = 0; i < widths.size(); i++)
        text += i == 0 ? " " + std::string(widths[i], '-') + " |" : " " + std::string(widths[i] - 1, '-') + ": |";
    text += "\n";
    for (std::size_t i = 1; i < rows_.size(); i++)
        text += line(rows_[i], widths);
    return text;
}

std::string fixed(double value, int digits) {
    char text[64];
    std::snprintf(text, sizeof(text), "%.*f", digits, value);
    return text;
}

}  // namespace edgefw::bench
