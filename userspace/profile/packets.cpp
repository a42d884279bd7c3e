// SPDX-License-Identifier: GPL-2.0-only
#include "userspace/profile/packets.h"

#include <cctype>

#include "userspace/language/addresses.h"
#include "userspace/language/fields.h"
#include "userspace/profile/condition.h"
#include "userspace/profile/profile_path.h"
#include "userspace/profile/profile_rows.h"

namespace edgefw::policy {
namespace {

// "Anywhere" of the documents: an address that nobody has.
constexpr std::string_view kAnyoneIpv4 = "198.51.100.9";
constexpr std::string_view kAnyoneIpv6 = "2001:db8:ffff::9";
// Another one, where the user says `any`: no packet is from its own destination.
constexpr std::string_view kAnotherIpv4 = "198.51.100.10";
constexpr std::string_view kAnotherIpv6 = "2001:db8:ffff::10";

class PacketBinder {
public:
    PacketBinder(const ProfileUse& use, const std::vector<Set>& sets) : use_(use), sets_(sets) {}

    PolicyTest bind(const Node& row, Action expect) const {
        PolicyTest test;
        test.packet = bind_text(row.find("packet")->text);
        test.expect = expect;
        if (const Node* rule = row.find("rule")) test.rule = use_.prefix + "/" + rule->text;
        test.where = row.where();
        return test;
    }

private:
    std::string bind_text(const std::string& text) const {
        std::string bound;
        std::size_t done = 0;
        const bool ipv6 = names_ipv6(text);
        for (const TextReference& found : references_in(text)) {
            bound += text.substr(done, found.offset - done);
            done = found.offset + 1 + found.name.size();
            bound += written(value_of(found.name, ipv6), text.substr(done));
        }
        return bound + text.substr(done);
    }

    // An IPv6 address stands in brackets before a port.
    static std::string written(const std::string& value, std::string_view rest) {
        const bool port_follows = rest.size() > 1 && rest[0] == ':' &&
                                  (rest[1] == '$' || std::isdigit(static_cast<unsigned char>(rest[1])) != 0);
        return port_follows && is_ipv6(value) ? "[" + value + "]" : value;
    }

    static bool is_ipv6(std::string_view text) { return text.find(':') != std::string_view::npos; }

    bool names_ipv6(const std::string& text) const {
        for (const TextReference& found : references_in(text)) {
            if (is_ipv6(value_of(found.name, false))) return true;
        }
        return false;
    }

    // The first address or port of the variable; where it has none, anyone's.
    std::string value_of(const std::string& name, bool ipv6) const {
        const std::string anyone(ipv6 ? kAnyoneIpv6 : kAnyoneIpv4);
        const Node* value = use_.bindings.find(variable_of(name));
        if (value == nullptr || one_or_several(*value).empty()) return anyone;
        const Node& first = one_or_several(*value).front();
        if (first.text == "any") return std::string(ipv6 ? kAnotherIpv6 : kAnotherIpv4);
        if (const auto set_name = reference(first)) return first_member(*set_name, anyone);
        const auto range = AddressRange::parse(first.text);
        // A host's name, or ports: the first of a range.
        if (!range) return is_host_name(first) ? first.text : first.text.substr(0, first.text.find('-'));
        return (name.ends_with(kBroadcast) ? range->last : range->first).to_text();
    }

    std::string first_member(const std::string& set_name, const std::string& otherwise) const {
        for (const Set& set : sets_) {
            if (set.name == set_name && !set.members.empty()) return set.members.front().first.to_text();
        }
        return otherwise;
    }

    const ProfileUse& use_;
    const std::vector<Set>& sets_;
};

}  // namespace

std::vector<PolicyTest> profile_packets(const Expansion& expansion, const std::vector<Set>& sets) {
    std::vector<PolicyTest> packets;
    for (const ProfileUse& use : expansion.uses) {
        const PacketBinder binder(use, sets);
        const auto add = [&](const std::vector<const Node*>& rows, Action expect) {
            for (const Node* row : rows) {
                if (selected(*row, use.bindings)) packets.push_back(binder.bind(*row, expect));
            }
        };
        add(use.profile->must_pass, Action::kPass);
        add(use.profile->must_drop, Action::kDrop);
    }
    return packets;
}

}  // namespace edgefw::policy
