// SPDX-License-Identifier: GPL-2.0-only
#include "userspace/language/addresses.h"

#include <algorithm>
#include <cctype>

#include "userspace/language/fields.h"
#include "userspace/language/suggest.h"

namespace edgefw::policy {
namespace {

constexpr std::size_t kLongestAddress = 255;  // messages quote no more
constexpr std::size_t kLongestLabel = 63;     // RFC 1035 section 2.3.4
constexpr std::size_t kLongestName = 253;     // of its 255, as text

// Its last label has letters alone, or is an internationalised one: so a slip in an address is none.
bool looks_like_name(const std::string& text) {
    if (text.empty()) return false;
    const auto is_name_character = [](unsigned char c) {
        return std::isalnum(c) != 0 || c == '.' || c == '-' || c == '_';
    };
    if (!std::all_of(text.begin(), text.end(), is_name_character)) return false;
    const std::string whole = text.ends_with('.') ? text.substr(0, text.size() - 1) : text;
    const std::string last_label = whole.substr(whole.rfind('.') + 1);
    return last_label.starts_with("xn--") ||
           (!last_label.empty() &&
            std::all_of(last_label.begin(), last_label.end(), [](unsigned char c) { return std::isalpha(c) != 0; }));
}

void add_set(const std::string& name, const Node& at, AddressMatch& match, const SetIndex& sets,
             Diagnostics& diagnostics) {
    if (sets.find(name) != nullptr) {
        match.sets.push_back(name);
        return;
    }
    std::vector<std::string_view> names = sets.names();
    std::sort(names.begin(), names.end());
    const std::string hint = names.empty() ? "; define it under `sets:`" : suggestion(name, names);
    diagnostics.error(at, "no set is named '" + name + "'" + hint);
}

}  // namespace

bool is_host_name(const Node& node) {
    return node.is_scalar() && node.text != "any" && looks_like_name(node.text);
}

std::optional<std::string> reference(const Node& node) {
    if (!node.is_scalar() || !node.text.starts_with('$')) return std::nullopt;
    return node.text.substr(1);
}

std::string variable_of(std::string_view reference) {
    if (reference.ends_with(kBroadcast)) reference.remove_suffix(kBroadcast.size());
    return std::string(reference);
}

std::optional<AddressRange> read_address_range(const Node& node, Diagnostics& diagnostics) {
    if (!node.is_scalar()) {
        diagnostics.error(node,
                          "an address is text, this is " + describe(node) + "; write a host, a prefix or first-last");
        return std::nullopt;
    }
    if (node.text == "any") {
        diagnostics.error(node, "`any` stands alone: it is no member of a list or set");
        return std::nullopt;
    }
    if (reference(node)) {
        diagnostics.error(node, "a set cannot be named here; write addresses");
        return std::nullopt;
    }
    std::string why;
    const auto range = AddressRange::parse(node.text, &why);
    if (range) return range;
    if (looks_like_name(node.text)) {
        why = "'" + node.text + "' is a host name, and here only addresses can stand; name it in `local:` or `remote:`";
    }
    if (node.text.size() > kLongestAddress) why = describe(node) + " is not an address";
    diagnostics.error(node, why);
    return std::nullopt;
}

std::optional<Address> read_host(const Node& node, Diagnostics& diagnostics) {
    const auto range = read_address_range(node, diagnostics);
    if (!range) return std::nullopt;
    if (range->is_single()) return range->first;
    diagnostics.error(node, "'" + node.text + "' is more than one address; write one host");
    return std::nullopt;
}

std::optional<std::string> read_host_name(const Node& node, Diagnostics& diagnostics) {
    std::string name = node.text;
    std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) { return std::tolower(c); });
    if (name.ends_with('.')) name.pop_back();
    if (name.find('.') == std::string::npos) {
        diagnostics.error(node, describe(node) + " is neither an address nor a full host name (host.example.com)");
        return std::nullopt;
    }
    std::size_t start = 0;
    for (std::size_t dot = 0; dot != std::string::npos; start = dot + 1) {
        dot = name.find('.', start);
        const std::size_t length = (dot == std::string::npos ? name.size() : dot) - start;
        const bool sound =
            length > 0 && length <= kLongestLabel && name[start] != '-' && name[start + length - 1] != '-';
        if (!sound || name.size() > kLongestName) {
            diagnostics.error(node, describe(node) +
                                        " is not a host name: labels have 1 to 63 letters, digits or '-', "
                                        "and all of it at most 253");
            return std::nullopt;
        }
    }
    return name;
}

AddressMatch read_addresses(const Node& node, const SetIndex& sets, Diagnostics& diagnostics) {
    AddressMatch match;
    if (node.is_scalar() && node.text == "any") return match;
    const auto items = one_or_several(node);
    if (items.empty()) {
        diagnostics.error(node, "the list of addresses is empty; write an address, or any");
    }
    for (const Node& item : items) {
        if (const auto name = reference(item)) {
            add_set(*name, item, match, sets, diagnostics);
        } else if (is_host_name(item)) {
            if (const auto host = read_host_name(item, diagnostics)) match.hosts.push_back(*host);
        } else if (const auto range = read_address_range(item, diagnostics)) {
            match.ranges.push_back(*range);
        }
    }
    std::sort(match.hosts.begin(), match.hosts.end());
    match.hosts.erase(std::unique(match.hosts.begin(), match.hosts.end()), match.hosts.end());
    match.ranges = merge(std::move(match.ranges));
    std::sort(match.sets.begin(), match.sets.end());
    match.sets.erase(std::unique(match.sets.begin(), match.sets.end()), match.sets.end());
    return match;
}

std::vector<AddressRange> merge(std::vector<AddressRange> ranges) {
    std::sort(ranges.begin(), ranges.end());
    std::vector<AddressRange> merged;
    for (const AddressRange& range : ranges) {
        if (!merged.empty() && merged.back().overlaps(range)) {
            merged.back().last = std::max(merged.back().last, range.last);
        } else {
            merged.push_back(range);
        }
    }
    return merged;
}

}  // namespace edgefw::policy
