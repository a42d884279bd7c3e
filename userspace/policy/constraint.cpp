#include "userspace/policy/constraint.h"

#include "userspace/policy/condition.h"
#include "userspace/policy/fields.h"
#include "userspace/policy/special_purpose.h"

namespace edgefw::policy {
namespace {

// One constraint of one use of a profile.
class Constraint {
public:
    Constraint(const Node& row, const ProfileUse& use, Diagnostics& diagnostics)
        : row_(row), use_(use), diagnostics_(diagnostics) {}

    void check(const std::vector<Forward>& forwards) {
        if (const Node* variables = row_.find("publicly-routable")) check_routable(*variables);
        if (const Node* variables = row_.find("no-nat")) check_no_nat(*variables, forwards);
    }

private:
    void check_routable(const Node& variables) {
        for_each_address(variables, [&](const std::string& variable, const Address& address, const Node& at) {
            const std::string why = not_publicly_routable(address);
            if (why.empty()) return;
            breach(at.where(), variable + " " + address.to_text() + " is not publicly routable (" + why + ")");
        });
    }

    void check_no_nat(const Node& variables, const std::vector<Forward>& forwards) {
        for_each_address(variables, [&](const std::string& variable, const Address& address, const Node& /*at*/) {
            for (const Forward& forward : forwards) {
                if (forward.public_address != address && forward.target != address) continue;
                breach(forward.where, "the NAT entry '" + forward.id + "' touches " + variable + " " +
                                          address.to_text() + "; remove it, or use another address");
            }
        });
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

void check_constraints(const std::vector<ProfileUse>& uses, const std::vector<Forward>& forwards,
                       Diagnostics& diagnostics) {
    for (const ProfileUse& use : uses) {
        for (const Node* row : use.profile->constraints) {
            if (selected(*row, use.bindings)) Constraint(*row, use, diagnostics).check(forwards);
        }
    }
}

}  // namespace edgefw::policy
