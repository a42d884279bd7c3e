// SPDX-License-Identifier: GPL-2.0-only
#include "userspace/language/fault.h"

#include <algorithm>
#include <vector>

namespace edgefw::policy {
namespace {

constexpr std::size_t kNone = std::string_view::npos;
constexpr std::size_t kMaxWordBytes = 40;

// A block map, list or scalar that goes on for as long as lines begin in its column.
struct Level {
    enum class Kind { kMap, kList, kScalar };
    Kind kind = Kind::kMap;
    std::size_t column = 0;  // from 0
    int line = 0;            // where it began
    std::string word;        // that begins it; a list begins with '-'
};

struct Opening {
    char character = 0;
    int line = 0;
    std::size_t column = 0;
};

bool is_space(char c) {
    return c == ' ' || c == '\t';
}

bool ends_word(std::string_view text, std::size_t at) {
    return at >= text.size() || is_space(text[at]);
}

bool is_comment(std::string_view text, std::size_t at) {
    return text[at] == '#' && (at == 0 || is_space(text[at - 1]));
}

// The colon behind the key that begins `text`; kNone: it begins with none.
std::size_t colon_of_key(std::string_view text) {
    std::size_t at = 0;
    if (text[0] == '"' || text[0] == '\'') {
        at = end_of_quoted(text, 0);
        if (at == kNone) return kNone;
    } else if (text[0] == '[' || text[0] == '{') {
        return kNone;
    }
    for (; at < text.size() && !is_comment(text, at); ++at) {
        if (text[at] == ':' && ends_word(text, at + 1)) return at;
    }
    return kNone;
}

char closer_of(char opener) {
    return opener == '[' ? ']' : opener == '{' ? '}' : opener;
}

bool is_quote(char c) {
    return c == '"' || c == '\'';
}

std::string unclosed_bracket(char bracket) {
    std::string text = "this '";
    text += bracket;
    text += "' is not closed; write '";
    text += closer_of(bracket);
    text += "' where it ends";
    return text;
}

class FaultFinder {
public:
    FaultFinder(std::string_view text, int last_line) : rest_(text), last_line_(last_line) {}

    std::optional<Fault> find() {
        while (!fault_ && !lost_ && (number_ < last_line_ || !openings_.empty()) && next_line())
            read_line();
        // A bracket or quote takes the rest of the file with it.
        if (!fault_ && !lost_ && !openings_.empty()) unclosed(openings_.back());
        return fault_;
    }

private:
    bool next_line() {
        if (rest_.empty()) return false;
        const std::size_t end = std::min(rest_.find('\n'), rest_.size());
        line_ = rest_.substr(0, end);
        rest_.remove_prefix(std::min(end + 1, rest_.size()));
        if (line_.ends_with('\r')) line_.remove_suffix(1);
        ++number_;
        return true;
    }

    void read_line() {
        const std::size_t begin = line_.find_first_not_of(' ');
        if (begin == kNone) return;
        if (in_block_scalar_ && begin > block_scalar_) return;
        in_block_scalar_ = false;
        if (!openings_.empty()) return read_flow_line(begin);
        if (line_[begin] == '#') return;
        if (line_[begin] == '\t') {
            if (line_.find_first_not_of(" \t") == kNone) return;
            return report(begin, "a tab in the indentation; write spaces");
        }
        // Beyond what policies hold: documents, directives, keys that are no words, anchors, tags.
        if (line_.starts_with("---") || line_.starts_with("...") || line_[begin] == '%' || line_[begin] == '?') {
            lost_ = true;
            return;
        }
        read_block(begin);
    }

    // Block style from `column` on: dashes, then a key or a value.
    void read_block(std::size_t column) {
        leave_levels(column);
        while (line_[column] == '-' && ends_word(line_, column + 1)) {
            if (!enter_list(column)) return;
            const std::size_t next = line_.find_first_not_of(' ', column + 1);
            awaits_value_ = true;
            if (next == kNone || line_[next] == '#') return;
            column = next;
        }
        const std::string_view text = line_.substr(column);
        if (text[0] == '-' && text.size() > 1)
            return report(column,
                          "no space behind the '-'; write `- " + std::string(text.substr(1, kMaxWordBytes)) + "`");
        if (text[0] == ']' || text[0] == '}') return stray(text[0], column);
        const std::size_t colon = colon_of_key(text);
        if (colon == kNone) return read_scalar(column);
        if (!enter_map(column, text.substr(0, std::min(colon, kMaxWordBytes)))) return;
        const std::size_t value = line_.find_first_not_of(' ', column + colon + 1);
        awaits_value_ = value == kNone || line_[value] == '#';
        if (!awaits_value_) read_value(value, column);
    }

    // Ends the levels that a line in `column` ends, and keeps them for a message.
    void leave_levels(std::size_t column) {
        left_.clear();
        while (!levels_.empty() && levels_.back().column > column)
            leave_level();
    }

    void leave_level() {
        left_.push_back(std::move(levels_.back()));
        levels_.pop_back();
        awaits_value_ = false;
    }

    bool begins_here(std::size_t column) const { return !levels_.empty() && levels_.back().column == column; }

    // Whether something new may begin in a column: at the start, or as the value of what is above.
    bool may_begin() const { return levels_.empty() ? !has_begun_ : awaits_value_; }

    bool enter_list(std::size_t column) {
        if (begins_here(column) && levels_.back().kind == Level::Kind::kList) return true;
        if (!may_begin()) return misplaced(column);
        return enter(Level::Kind::kList, column, "-");
    }

    bool enter_map(std::size_t column, std::string_view key) {
        // A list may lie in the column of its key: it ends with the next key.
        if (begins_here(column) && levels_.back().kind == Level::Kind::kList) leave_level();
        if (begins_here(column)) {
            if (levels_.back().kind == Level::Kind::kMap) return true;
            if (levels_.back().kind == Level::Kind::kScalar) {
                without_colon(levels_.back().line, column, levels_.back().word);
                return false;
            }
        }
        if (!may_begin()) return misplaced(column);
        return enter(Level::Kind::kMap, column, key);
    }

    bool enter(Level::Kind kind, std::size_t column, std::string_view word) {
        levels_.push_back({kind, column, number_, std::string(word)});
        has_begun_ = true;
        return true;
    }

    // What is no key: the value of what is above, more of a value, or a key whose colon is missing.
    void read_scalar(std::size_t column) {
        const std::string word(line_.substr(column));
        if (begins_here(column) && levels_.back().kind == Level::Kind::kMap)
            return without_colon(number_, column, word);
        if (!may_begin()) {
            const bool goes_on = left_.empty() && !levels_.empty() && levels_.back().column <= column;
            if (!goes_on) (void)misplaced(column);
            return;
        }
        const std::size_t parent = levels_.empty() ? 0 : levels_.back().column;
        enter(Level::Kind::kScalar, column, word);
        awaits_value_ = false;
        read_value(column, parent);
    }

    // `parent`: the column of the key or dash that the value belongs to.
    void read_value(std::size_t at, std::size_t parent) {
        value_column_ = parent;
        const char first = line_[at];
        if (first == '|' || first == '>') {
            in_block_scalar_ = true;
            block_scalar_ = parent;
        } else if (first == '[' || first == '{' || is_quote(first)) {
            read_flow(at);
        } else if (first == '&' || first == '!' || first == '*') {
            lost_ = true;
        } else {
            // What yaml-cpp says of a value that holds ': ' is right.
            for (std::size_t i = at; i < line_.size() && !is_comment(line_, i); ++i)
                lost_ |= line_[i] == ':' && ends_word(line_, i + 1);
        }
    }

    // A line within brackets or quotes. One that lies where the next key or item would is none of theirs.
    void read_flow_line(std::size_t begin) {
        const bool is_next =
            begin <= value_column_ && line_[begin] != '#' &&
            ((line_[begin] == '-' && ends_word(line_, begin + 1)) || colon_of_key(line_.substr(begin)) != kNone);
        if (is_next) return unclosed(openings_.back());
        if (is_quote(openings_.back().character)) return read_quoted(begin);
        read_flow(begin);
    }

    void read_quoted(std::size_t begin) {
        const std::string text = openings_.back().character + std::string(line_.substr(begin));
        const std::size_t end = end_of_quoted(text, 0);
        if (end == kNone) return;
        openings_.pop_back();
        read_flow(begin + end - 1);
    }

    // Flow style from `at` on, until its brackets are closed.
    void read_flow(std::size_t at) {
        for (bool begins_token = true; at < line_.size() && !fault_; ++at) {
            const char c = line_[at];
            if (is_comment(line_, at)) return;
            if (c == '[' || c == '{') {
                openings_.push_back({c, number_, at});
            } else if (is_quote(c) && begins_token) {
                const std::size_t end = end_of_quoted(line_, at);
                if (end == kNone) {
                    openings_.push_back({c, number_, at});
                    return;
                }
                at = end - 1;
            } else if (c == ']' || c == '}') {
                close(c, at);
            }
            begins_token = is_space(c) ? begins_token : c == '[' || c == '{' || c == ',' || c == ':';
            if (openings_.empty() && !fault_) return end_flow(at + 1);
        }
    }

    // Nothing but a comment may come behind a value in brackets or quotes.
    void end_flow(std::size_t at) {
        const std::size_t next = at < line_.size() ? line_.find_first_not_of(" \t", at) : kNone;
        if (next == kNone || line_[next] == '#') return;
        if (line_[next] == ']' || line_[next] == '}') return stray(line_[next], next);
        lost_ = true;
    }

    void close(char closer, std::size_t at) {
        if (openings_.empty()) return;
        const Opening opening = openings_.back();
        if (closer_of(opening.character) == closer) {
            openings_.pop_back();
            return;
        }
        const bool is_stray = std::none_of(openings_.begin(), openings_.end(),
                                           [&](const Opening& open) { return closer_of(open.character) == closer; });
        if (is_stray) return stray(closer, at);
        unclosed(opening);
    }

    void stray(char closer, std::size_t at) {
        report(at, "this '" + std::string(1, closer) + "' closes nothing; remove it");
    }

    void unclosed(const Opening& opening) {
        const char character = opening.character;
        report(opening.line, opening.column,
               is_quote(character) ? unclosed_quote(character) : unclosed_bracket(character));
    }

    void without_colon(int line, std::size_t column, const std::string& text) {
        const std::string word = text.substr(0, std::min(text.find_first_of(": \t"), kMaxWordBytes));
        const bool has_colon = word.size() < text.size() && text[word.size()] == ':';
        report(line, column,
               has_colon ? "no space behind '" + word + ":'; write `" + word + ": ...`"
                         : "no ': ' behind the key '" + word + "'; write `" + word + ": ...`");
    }

    // A line in a column where it belongs to nothing. Returns false.
    bool misplaced(std::size_t column) {
        const Level* near = nearest(column);
        lost_ = near == nullptr;
        if (lost_) return false;
        report(column, "this line does not fit in column " + std::to_string(column + 1) + "; begin it in column " +
                           std::to_string(near->column + 1) + ", below '" + near->word + "' of line " +
                           std::to_string(near->line));
        return false;
    }

    // The map or list whose column is nearest to `column`, among those around this line and those that ended just
    // before it. If two are equally near, the deeper one. nullptr: there is none.
    const Level* nearest(std::size_t column) const {
        const auto distance = [&](const Level& level) {
            return level.column > column ? level.column - column : column - level.column;
        };
        const Level* near = nullptr;
        const auto consider = [&](const Level& level) {
            if (level.kind == Level::Kind::kScalar || level.column == column) return;
            if (near == nullptr || distance(level) < distance(*near)) near = &level;
        };
        std::for_each(left_.begin(), left_.end(), consider);
        std::for_each(levels_.rbegin(), levels_.rend(), consider);
        return near;
    }

    void report(std::size_t column, const std::string& message) { report(number_, column, message); }
    void report(int line, std::size_t column, const std::string& message) {
        fault_ = Fault{line, static_cast<int>(column) + 1, message};
    }

    std::string_view rest_;
    int last_line_;
    std::string_view line_;
    int number_ = 0;
    std::vector<Level> levels_;
    std::vector<Level> left_;  // what this line ended
    bool has_begun_ = false;
    bool awaits_value_ = false;  // the last key or dash has none yet
    std::vector<Opening> openings_;
    std::size_t value_column_ = 0;
    bool in_block_scalar_ = false;
    std::size_t block_scalar_ = 0;
    std::optional<Fault> fault_;
    bool lost_ = false;
};

}  // namespace

std::size_t end_of_quoted(std::string_view text, std::size_t at) {
    const char quote = text[at];
    for (std::size_t i = at + 1; i < text.size(); ++i) {
        if (quote == '"' && text[i] == '\\') {
            ++i;
        } else if (text[i] == quote) {
            if (quote == '\'' && i + 1 < text.size() && text[i + 1] == '\'')
                ++i;
            else
                return i + 1;
        }
    }
    return kNone;
}

std::string unclosed_quote(char quote) {
    return std::string("the text that this quote opens is not closed; write ") + quote + " behind it";
}

std::optional<Fault> find_fault(std::string_view text, int last_line) {
    return FaultFinder(text, last_line).find();
}

}  // namespace edgefw::policy
