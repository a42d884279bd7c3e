// SPDX-License-Identifier: GPL-2.0-only
#include "userspace/language/yaml.h"

#include <yaml-cpp/depthguard.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <sstream>
#include <unordered_set>

#include "userspace/language/fault.h"
#include "userspace/language/fields.h"

namespace edgefw::policy {
namespace {

constexpr std::size_t kMaxNodes = 4'000'000;  // some 200,000 rules; 80 bytes each

// Builds the tree from yaml-cpp's events, which carry the place of every node and do not expand aliases. Its own tree
// (YAML::Load) drops the places of duplicate keys and takes three times as long.
class TreeBuilder : public YAML::EventHandler {
public:
    TreeBuilder(const std::string& text, const std::string* file, Diagnostics& diagnostics)
        : text_(text), file_(file), diagnostics_(diagnostics) {}

    Node take_root() { return std::move(root_); }
    // The last map or list that was begun and has not ended.
    Node innermost() const { return open_.empty() ? Node() : open_.back(); }
    // Where one document is followed by more; a node without a place: it is not.
    const Node& second_document() const { return second_; }

    void OnDocumentStart(const YAML::Mark& mark) override {
        if (++documents_ == 1) {
            start_ = mark.pos;
            return;
        }
        // A comma in front is a document without content to yaml-cpp, and so is the same comma again, for ever.
        if (mark.pos == start_) {
            diagnostics_.error(node(mark), "YAML syntax: this starts no value; remove it");
        } else {
            second_ = node(mark);
        }
    }
    void OnDocumentEnd() override {}
    void OnNull(const YAML::Mark& mark, YAML::anchor_t /*anchor*/) override { append(node(mark)); }
    void OnAlias(const YAML::Mark& mark, YAML::anchor_t /*anchor*/) override {
        Node alias = node(mark);
        diagnostics_.error(alias, "aliases are not supported; write the value out, or name addresses under `sets:`");
        append(std::move(alias));
    }
    void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t /*anchor*/,
                  const std::string& value) override {
        Node scalar = node(mark, Node::Kind::kScalar);
        refuse_tag(scalar, tag);
        refuse_unclosed(scalar, static_cast<std::size_t>(std::max(mark.pos, 0)));
        scalar.text = value;
        append(std::move(scalar));
    }
    void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t /*anchor*/,
                         YAML::EmitterStyle::value /*style*/) override {
        open_.push_back(node(mark, Node::Kind::kList));
        refuse_tag(open_.back(), tag);
    }
    void OnSequenceEnd() override { close(); }
    void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t /*anchor*/,
                    YAML::EmitterStyle::value /*style*/) override {
        open_.push_back(node(mark, Node::Kind::kMap));
        refuse_tag(open_.back(), tag);
    }
    void OnMapEnd() override {
        check_keys(open_.back());
        restore_address(open_.back());
        close();
    }

private:
    Node node(const YAML::Mark& mark, Node::Kind kind = Node::Kind::kNull) const {
        Node made;
        made.kind = kind;
        made.line = mark.line + 1;
        made.column = mark.column + 1;
        made.file = file_;
        return made;
    }

    void refuse_tag(const Node& at, const std::string& tag) {
        if (tag.empty() || tag == "?" || tag == "!") return;  // plain and quoted
        diagnostics_.error(at, "tags are not supported; remove '" + tag + "'");
    }

    // To yaml-cpp a quoted text ends with the file at the latest: the rules below would be a part of it.
    void refuse_unclosed(const Node& scalar, std::size_t at) {
        if (at >= text_.size() || (text_[at] != '"' && text_[at] != '\'')) return;
        if (end_of_quoted(text_, at) == std::string_view::npos)
            diagnostics_.error(scalar, "YAML syntax: " + unclosed_quote(text_[at]));
    }

    void append(Node value) {
        if (documents_ > 1) return;
        if (++nodes_ > kMaxNodes) {
            if (nodes_ == kMaxNodes + 1) {
                diagnostics_.error(value, "the file holds more than 4,000,000 values; write prefixes instead of hosts");
            }
            return;
        }
        if (open_.empty()) {
            root_ = std::move(value);
        } else {
            open_.back().items.push_back(std::move(value));
        }
    }

    void close() {
        Node done = std::move(open_.back());
        open_.pop_back();
        append(std::move(done));
    }

    // Drops keys that are no words or were there before, so that later stages see each key once.
    void check_keys(Node& map) {
        std::vector<Node>& items = map.items;
        if (items.size() % 2 != 0) items.pop_back();  // only beyond kMaxNodes
        std::unordered_set<std::string_view> seen;
        std::vector<bool> bad(items.size(), false);
        bool any_bad = false;
        for (std::size_t i = 0; i < items.size(); i += 2) {
            bad[i] = !key_is_good(items, i, seen);
            any_bad |= bad[i];
        }
        if (!any_bad) return;
        std::vector<Node> kept;
        for (std::size_t i = 0; i < items.size(); i += 2) {
            if (bad[i]) continue;
            kept.push_back(std::move(items[i]));
            kept.push_back(std::move(items[i + 1]));
        }
        items = std::move(kept);
    }

    bool key_is_good(const std::vector<Node>& items, std::size_t at, std::unordered_set<std::string_view>& seen) {
        const Node& key = items[at];
        if (!key.is_scalar()) {
            diagnostics_.error(key, "a key must be a word");
            return false;
        }
        if (is_duplicate(items, at, seen)) {
            diagnostics_.error(key, "the key " + describe(key) + " is there already; remove one of the two");
            return false;
        }
        return true;
    }

    // Most maps are rules with some eight keys: comparing them all is cheaper than hashing.
    static bool is_duplicate(const std::vector<Node>& items, std::size_t at,
                             std::unordered_set<std::string_view>& seen) {
        constexpr std::size_t kFew = 64;
        if (items.size() > kFew) return !seen.insert(items[at].text).second;
        for (std::size_t i = 0; i < at; i += 2) {
            if (items[i].is_scalar() && items[i].text == items[at].text) return true;
        }
        return false;
    }

    // `fe80::` unquoted is, to YAML, the key `fe80:` without a value.
    void restore_address(Node& map) {
        if (map.items.size() != 2 || map.items[1].kind != Node::Kind::kNull) return;
        const std::string text = map.items[0].text + ":";
        if (!text.ends_with("::") || !Address::parse(text)) return;
        diagnostics_.error(map, "YAML reads an IPv6 address that ends in '::' as a map; quote it: \"" + text + "\"");
        map.kind = Node::Kind::kScalar;
        map.text = text;
        map.items.clear();
    }

    std::string_view text_;
    const std::string* file_;
    Diagnostics& diagnostics_;
    Node root_;
    Node second_;
    std::vector<Node> open_;
    std::size_t nodes_ = 0;
    int documents_ = 0;
    int start_ = 0;  // of the first document, in bytes
};

std::string_view line_of(std::string_view text, int number) {
    for (int i = 0; i < number && !text.empty(); ++i)
        text.remove_prefix(std::min(text.find('\n'), text.size() - 1) + 1);
    return text.substr(0, text.find('\n'));
}

// Whether the line holds a colon that YAML takes for that of a key, behind one that is.
bool holds_two_keys(std::string_view line) {
    std::size_t colons = line.ends_with(':') ? 1 : 0;
    for (std::size_t at = line.find(": "); at != std::string_view::npos; at = line.find(": ", at + 1))
        ++colons;
    return colons > 1;
}

// Whether an unquoted `2001:db8::` stands before what ends an item of a flow map: YAML takes its end for that of a key.
bool holds_open_address(std::string_view line) {
    for (std::size_t at = line.find("::"); at != std::string_view::npos; at = line.find("::", at + 1)) {
        const std::size_t next = at + 2;
        if (next == line.size() || std::string_view(" ,}]").find(line[next]) != std::string_view::npos) return true;
    }
    return false;
}

// The second key of one item of a flow map: no comma is before it. Empty: there is none.
std::string_view key_without_comma(std::string_view line) {
    bool has_key = false;
    char quote = 0;
    for (std::size_t at = 0; at < line.size(); ++at) {
        const char c = line[at];
        if (quote != 0) {
            if (c == quote) quote = 0;
        } else if (c == '"' || c == '\'') {
            quote = c;
        } else if (c == ',' || c == '{' || c == '[') {
            has_key = false;
        } else if (c == ':' && (at + 1 == line.size() || line[at + 1] == ' ')) {
            const std::size_t space = line.rfind(' ', at);
            if (has_key && space != std::string_view::npos) return line.substr(space + 1, at - space - 1);
            has_key = true;
        }
    }
    return {};
}

std::string syntax_hint(const YAML::Exception& error, std::string_view text) {
    const std::string& message = error.msg;
    if (message == YAML::ErrorMsg::MAP_VALUE && holds_two_keys(line_of(text, error.mark.line)))
        return "; quote a value that holds ': ' or ends in ':'";
    if (message == YAML::ErrorMsg::MAP_KEY || message == YAML::ErrorMsg::END_OF_MAP ||
        message == YAML::ErrorMsg::END_OF_SEQ)
        return "; check the indentation of this line";
    if (message == YAML::ErrorMsg::END_OF_MAP_FLOW || message == YAML::ErrorMsg::END_OF_SEQ_FLOW) {
        const std::string_view line = line_of(text, error.mark.line);
        if (holds_open_address(line)) return "; quote an address that ends in '::'";
        if (const std::string_view key = key_without_comma(line); !key.empty())
            return "; a ',' is missing before '" + std::string(key) + "'";
        return "; a bracket opened here or above is not closed";
    }
    return "; check the indentation, brackets and quotes here and in the line above";
}

Location location_of(const YAML::Mark& mark, const std::string& file) {
    if (mark.is_null()) return {file, 0, 0};
    return {file, mark.line + 1, mark.column + 1};
}

// Whether there is one of the known mistakes, at `last_line` at the latest.
bool report_fault(const std::string& text, int last_line, const std::string& file, Diagnostics& diagnostics) {
    const auto fault = find_fault(text, last_line);
    if (fault) diagnostics.error(Location{file, fault->line, fault->column}, "YAML syntax: " + fault->message);
    return fault.has_value();
}

}  // namespace

Node read_yaml(const std::string& text, const std::string* file, Diagnostics& diagnostics) {
    Diagnostics found;
    Node root;
    TreeBuilder builder(text, file, found);
    try {
        std::istringstream stream(text);
        YAML::Parser parser(stream);
        // The second is an error, whatever it holds: what follows need not be read.
        const bool has_document = parser.HandleNextDocument(builder);
        if (has_document) parser.HandleNextDocument(builder);
        // To yaml-cpp a document may also end where a line belongs to nothing.
        if (const Node& second = builder.second_document(); second.line != 0) {
            if (report_fault(text, second.line, *file, diagnostics)) return {};
            found.error(second, "a second document starts here; a policy is one document");
        }
        root = builder.take_root();
    } catch (const YAML::DeepRecursion& error) {
        // The scanner is ahead of what was built.
        diagnostics.error(builder.innermost(),
                          "YAML syntax: values are nested more than " + std::to_string(error.depth()) +
                              " deep here; a policy nests a few: look for brackets or dashes that are too many");
        return {};
    } catch (const YAML::Exception& error) {
        if (!report_fault(text, error.mark.is_null() ? 0 : error.mark.line + 1, *file, diagnostics)) {
            diagnostics.error(location_of(error.mark, *file), "YAML syntax: " + error.msg + syntax_hint(error, text));
        }
        return {};
    } catch (const std::exception& error) {
        diagnostics.error(Location{*file, 0, 0}, std::string("cannot parse: ") + error.what());
        return {};
    }
    diagnostics.append(std::move(found));
    return root;
}

}  // namespace edgefw::policy
