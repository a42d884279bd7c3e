// SPDX-License-Identifier: GPL-2.0-only
#include "userspace/language/set_files.h"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "userspace/language/addresses.h"
#include "userspace/language/encoding.h"
#include "userspace/language/fields.h"
#include "userspace/language/read.h"

namespace edgefw::policy {
namespace {

constexpr std::string_view kBlanks = " \t\r";  // the last one: files with CRLF
constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

std::string path_of(const std::string& name, const std::string& policy_file) {
    const std::size_t slash = policy_file.rfind('/');
    if (name.starts_with('/') || slash == std::string::npos) return name;
    return policy_file.substr(0, slash + 1) + name;
}

// Calls take(number, line) for each line, from 1, without its line break.
template <typename Take>
void for_each_line(std::string_view text, Take take) {
    for (int number = 1; !text.empty(); ++number) {
        const std::size_t end = std::min(text.find('\n'), text.size());
        take(number, text.substr(0, end));
        text.remove_prefix(std::min(end + 1, text.size()));
    }
}

// Whether the text is one; else reports the first byte that is not.
bool is_text(const SetFile& file, Diagnostics& diagnostics) {
    const auto bad = find_bad_byte(file.text);
    if (!bad) return true;
    const std::string_view before = std::string_view(file.text).substr(0, bad->offset);
    const auto line = std::count(before.begin(), before.end(), '\n');
    const std::size_t newline = before.rfind('\n');
    const std::size_t column = newline == std::string_view::npos ? before.size() : before.size() - newline - 1;
    diagnostics.error(Location{file.file, static_cast<int>(line) + 1, static_cast<int>(column) + 1}, bad->message);
    return false;
}

class Reader {
public:
    Reader(const std::string& policy_file, const std::optional<std::vector<SetFile>>& at_hand, Diagnostics& diagnostics)
        : policy_file_(policy_file), at_hand_(at_hand), diagnostics_(diagnostics) {}

    void add(const Node& name) {
        if (find(files_, name.text) != nullptr || bytes_ > kMaxSetFileBytes) return;
        at_hand_ ? take_kept(name) : read(name);
    }
    std::vector<SetFile> take() { return std::move(files_); }

private:
    static const SetFile* find(const std::vector<SetFile>& files, const std::string& name) {
        const auto found =
            std::find_if(files.begin(), files.end(), [&](const SetFile& file) { return file.name == name; });
        return found == files.end() ? nullptr : &*found;
    }

    void take_kept(const Node& name) {
        if (const SetFile* kept = find(*at_hand_, name.text)) {
            files_.push_back(*kept);
            return;
        }
        diagnostics_.error(name, "the file " + describe(name) + " is not kept with the policy; push the policy again");
    }

    void read(const Node& name) {
        const std::string path = path_of(name.text, policy_file_);
        auto text = read_regular(path, kMaxSetFileBytes);
        if (!text) {
            const std::string& why = text.error().message;
            const bool is_there = !why.ends_with(std::strerror(ENOENT));
            diagnostics_.error(name, why + (is_there ? "" : "; it is looked for from the policy's folder on"));
            return;
        }
        bytes_ += text->size();
        if (bytes_ > kMaxSetFileBytes) {
            diagnostics_.error(name,
                               "the files of all sets are larger than 64 MiB from here on; write prefixes "
                               "instead of hosts");
            return;
        }
        files_.push_back({name.text, path, std::move(*text)});
    }

    const std::string& policy_file_;
    const std::optional<std::vector<SetFile>>& at_hand_;
    Diagnostics& diagnostics_;
    std::vector<SetFile> files_;
    std::size_t bytes_ = 0;
};

}  // namespace

bool is_file_name(const Node& node) {
    return node.is_scalar() && !node.text.empty() && !find_bad_byte(node.text) &&
           node.text.find_first_of("\n\r\t") == std::string::npos;
}

std::vector<SetFile> read_set_files(const Node& root, const std::string& policy_file,
                                    const std::optional<std::vector<SetFile>>& at_hand, Diagnostics& diagnostics) {
    Reader reader(policy_file, at_hand, diagnostics);
    const Node* sets = root.find("sets");
    if (sets == nullptr || !sets->is_map()) return {};
    for (std::size_t i = 1; i < sets->items.size(); i += 2) {
        const Node* name = sets->items[i].find("file");
        // What is no name is reported with the set.
        if (name != nullptr && is_file_name(*name)) reader.add(*name);
    }
    return reader.take();
}

std::vector<AddressRange> read_members(const SetFile& file, Diagnostics& diagnostics) {
    std::vector<AddressRange> members;
    if (!is_text(file, diagnostics)) return members;
    std::string_view text = file.text;
    if (text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
    Node node;
    node.kind = Node::Kind::kScalar;
    node.file = &file.file;
    for_each_line(text, [&](int number, std::string_view line) {
        line = line.substr(0, line.find('#'));
        const std::size_t begin = std::min(line.find_first_not_of(kBlanks), line.size());
        line.remove_prefix(begin);
        line = line.substr(0, line.find_last_not_of(kBlanks) + 1);
        if (line.empty() || members.size() > kMaxSetFileMembers) return;
        node.text = line;
        node.line = number;
        node.column = static_cast<int>(begin) + 1;
        if (const auto range = read_address_range(node, diagnostics)) members.push_back(*range);
        if (members.size() > kMaxSetFileMembers) {
            diagnostics.error(node, "the file holds more than 4,000,000 addresses; write prefixes instead of hosts");
        }
    });
    return members;
}

}  // namespace edgefw::policy
