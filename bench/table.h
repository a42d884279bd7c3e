// SPDX-License-Identifier: GPL-2.0-only
// A Markdown table with its columns lined up.
#pragma once

#include <string>
#include <vector>

namespace edgefw::bench {

class Table {
public:
    explicit Table(std::vector<std::string> header) : rows_{std::move(header)} {}
    void add(std::vector<std::string> row) { rows_.push_back(std::move(row)); }
    std::string to_text() const;

private:
    std::vector<std::vector<std::string>> rows_;
};

// `digits` behind the point; 1 and more digits before it.
std::string fixed(double value, int digits);

}  // namespace edgefw::bench
