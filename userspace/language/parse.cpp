// SPDX-License-Identifier: GPL-2.0-only
#include "userspace/language/parse.h"

#include <algorithm>

#include "userspace/language/encoding.h"
#include "userspace/language/plain.h"
#include "userspace/language/yaml.h"

namespace edgefw::policy {
namespace {

Location location_of(const std::string& text, std::size_t offset, const std::string& file) {
    const auto begin = text.begin();
    const auto end = begin + static_cast<std::ptrdiff_t>(offset);
    const auto line = std::count(begin, end, '\n');
    const std::size_t newline = offset == 0 ? std::string::npos : text.rfind('\n', offset - 1);
    const std::size_t start = newline == std::string::npos ? 0 : newline + 1;
    return {file, static_cast<int>(line) + 1, static_cast<int>(offset - start) + 1};
}

Syntax parse(const std::string& text, const std::string& file, std::string_view deferred, Diagnostics& diagnostics) {
    Syntax syntax{std::make_unique<const std::string>(file), {}};
    if (const auto bad = find_bad_byte(text)) {
        diagnostics.error(location_of(text, bad->offset, file), bad->message);
    } else if (auto plain = read_plain(text, syntax.file.get(), deferred)) {
        syntax.root = std::move(*plain);
    } else {
        syntax.root = read_yaml(text, syntax.file.get(), diagnostics);
    }
    if (syntax.root.file == nullptr) {
        syntax.root.file = syntax.file.get();
        syntax.root.line = syntax.root.column = 1;
    }
    return syntax;
}

}  // namespace

Syntax parse(const std::string& text, const std::string& file, Diagnostics& diagnostics) {
    return parse(text, file, "", diagnostics);
}

Syntax parse_policy(const std::string& text, const std::string& file, Diagnostics& diagnostics) {
    return parse(text, file, "rules", diagnostics);
}

}  // namespace edgefw::policy
