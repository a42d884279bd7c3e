#include "userspace/policy/addresses.h"

#include <algorithm>
#include <cctype>

#include "userspace/policy/fields.h"
#include "userspace/policy/suggest.h"

namespace edgefw::policy {
namespace {

constexpr std::size_t kLongestAddress = 255;  // a host name; messages quote no more

// A host name ends in a label with a letter in it, an IPv4 address never does.
bool looks_like_name(const std::string& text) {
    if (text.empty() || text.find(':') != std::string::npos) return false;
    const auto is_name_character = [](unsigned char c) {
        return std::isalnum(c) != 0 || c == '.' || c == '-' || c == '_';
    };
    if (!std::all_of(text.begin(), text.end(), is_name_character)) return false;
    const auto last_label = text.substr(text.rfind('.') + 1);
    return std::any_of(last_label.begin(), last_label.end(), [](unsigned char c) { return std::isalpha(c) != 0; });
}

void add_set(const std::string& name, const Node& at, AddressMatch& match, const std::vector<Set>& sets,
             Diagnostics& diagnostics) {
    const auto is_named = [&](const Set& set) { return set.name == name; };
    if (std::any_of(sets.begin(), sets.end(), is_named)) {
        match.sets.push_back(name);
        return;
    }
    std::vector<std::string> names;
    for (const Set& set : sets)
        names.push_back(set.name);
    const std::string hint = names.empty() ? "; define it under `sets:`" : suggestion(name, names);
    diagnostics.error(at, "no set is named '" + name + "'" + hint);
}

}  // namespace

std::optional<std::string> reference(const Node& node) {
    if (!node.is_scalar() || !node.text.starts_with('$')) return std::nullopt;
    return node.text.substr(1);
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
        why = "'" + node.text + "' is a name; names follow in a later release, write its addresses";
    }
    if (node.text.size() > kLongestAddress) why = describe(node) + " is not an address";
    diagnostics.error(node, why);
    return std::nullopt;
}

std::optional<Address> read_host(const Node& node, Diagnostics& diagnostics) {
    const auto range = read_address_range(node, diagnostics);
    if (!range) return std::nullopt;
    if (range->is_host()) return range->first;
    diagnostics.error(node, "'" + node.text + "' is more than one address; write one host");
    return std::nullopt;
}

AddressMatch read_addresses(const Node& node, const std::vector<Set>& sets, Diagnostics& diagnostics) {
    AddressMatch match;
    if (node.is_scalar() && node.text == "any") return match;
    const auto items = one_or_several(node);
    if (items.empty()) {
        diagnostics.error(node, "the list of addresses is empty; write an address, or any");
    }
    for (const Node& item : items) {
        if (const auto name = reference(item)) {
            add_set(*name, item, match, sets, diagnostics);
        } else if (const auto range = read_address_range(item, diagnostics)) {
            match.ranges.push_back(*range);
        }
    }
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
