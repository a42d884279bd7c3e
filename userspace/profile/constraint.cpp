// SPDX-License-Identifier: GPL-2.0-only
#include "userspace/profile/constraint.h"

#include <algorithm>

#include "userspace/language/fields.h"
#include "userspace/language/special_purpose.h"
#include "userspace/profile/condition.h"

namespace edgefw::policy {
namespace {

// One constraint of one use of a profile.
class Constraint {
public:
    Constraint(const Node& row, const ProfileUse& use, Diagnostics& diagnostics)
        : row_(row), use_(use), diagnostics_(diagnostics) {}

    void check(const Policy& policy) {
        if (const Node* variables = row_.find("publicly-routable")) check_routable(*variables);
        if (const Node* variables = row_.find("no-nat")) check_no_nat(*variables, policy);
    }

private:
    void check_routable(const Node& variables) {
        for_each_address(variables, [&](const std::string& variable, const Address& address, const Node& at) {
            const std::string why = not_publicly_routable(address);
            if (why.empty()) return;
            breach(at.where(), variable + " " + address.to_text() + " is not publicly routable (" + why + ")");
        });
    }

    void check_no_nat(const Node& variables, const Policy& policy) {
        for_each_address(variables, [&](const std::string& variable, const Address& address, const Node& /*at*/) {
            const auto touches = [&](const Location& where, const std::string& id) {
                breach(where, "the NAT entry '" + id + "' touches " + variable + " " + address.to_text() +
                                  "; remove it, or use another address");
            };
            for (const Forward& forward : policy.forwards) {
                if (forward.public_address == address || forward.target == address) touches(forward.where, forward.id);
            }
            for (const Masquerade& masquerade : policy.masquerades) {
                if (masquerade.public_address == address || holds_address(masquerade.from, address))
                    touches(masquerade.where, masquerade.id);
            }
        });
    }

    static bool holds_address(const std::vector<AddressRange>& ranges, const Address& address) {
        return std::any_of(ranges.begin(), ranges.end(),
                           [&](const AddressRange& range) { return range.contains(address); });
    }

    template <typename Visit>
    void for_each_address(const Node& variables, const Visit& visit) {
        for (const Node& name : one_or_several(variables)) {
            const Node* value = use_.bindings.find(name.text);
            if (value == nullptr) continue;
            for (const Node& item : one_or_several(*value)) {
                if (const auto address = Address::parse(item.text)) visit(name.text, *address, item);
            }
        }
    }

    void breach(const Location& where, std::string message) {
        message += reason();
        const Node* warning_when = row_.find("warning_when");
        if (warning_when != nullptr && holds(*warning_when, use_.bindings)) {
            diagnostics_.warning(where, message);
            return;
        }
        if (warning_when != nullptr && warning_when->items.size() == 2) {
            message +=
                "; `" + warning_when->items[0].text + ": " + warning_when->items[1].text + "` makes this a warning";
        }
        diagnostics_.error(where, message);
    }

    // ": why the document asks for it (document, section)"
    std::string reason() const {
        const Profile& profile = *use_.profile;
        const Node* reason = row_.find("reason");
        const Node* section = row_.find("section");
        const std::string place = section == nullptr ? profile.section : section->text;
        return (reason == nullptr ? "" : ": " + reason->text) + " (" + profile.document +
               (place.empty() ? "" : ", " + place) + ")";
    }

    const Node& row_;
    const ProfileUse& use_;
    Diagnostics& diagnostics_;
};

}  // namespace

void check_constraints(const std::vector<ProfileUse>& uses, const Policy& policy, Diagnostics& diagnostics) {
    for (const ProfileUse& use : uses) {
        for (const Node* row : use.profile->constraints) {
            if (selected(*row, use.bindings)) Constraint(*row, use, diagnostics).check(policy);
        }
    }
}

}  // namespace edgefw::policy
