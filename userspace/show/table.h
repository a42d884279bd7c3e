// SPDX-License-Identifier: GPL-2.0-only
// A text table that fits its reader's width: cells that are too long go on in the next line of their column.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace edgefw::show {

enum class Align { kLeft, kRight };

struct Column {
    std::string header;
    Align align = Align::kLeft;
};

class Table {
public:
    explicit Table(std::vector<Column> columns) : columns_(std::move(columns)) {}

    // `cells` in the order of the columns, one each.
    void add(std::vector<std::string> cells) { rows_.push_back(std::move(cells)); }
    // A line across all columns, after an empty one.
    void add_heading(std::string text) { rows_.push_back({std::move(text)}); }
    bool empty() const { return rows_.empty(); }

    // Not wider than `width` where words allow it; the widest columns give way first.
    std::string to_text(std::size_t width) const;

private:
    bool is_heading(const std::vector<std::string>& row) const { return row.size() < columns_.size(); }
    // Returns for each column the largest `measure` of its cells.
    std::vector<std::size_t> widest(std::size_t (*measure)(const std::string&)) const;

    std::vector<Column> columns_;
    std::vector<std::vector<std::string>> rows_;
};

}  // namespace edgefw::show
