#include "userspace/policy/check_nat.h"

#include <netinet/in.h>

#include <map>
#include <tuple>

#include "maps/limits.h"
#include "userspace/policy/addresses.h"
#include "userspace/policy/fields.h"
#include "userspace/policy/ids.h"
#include "userspace/policy/keys.h"
#include "userspace/policy/values.h"

namespace edgefw::policy {
namespace {

constexpr std::array<Word<std::uint8_t>, 2> kForwarded{{{"tcp", IPPROTO_TCP}, {"udp", IPPROTO_UDP}}};
constexpr std::size_t kMaxForwards = EDGEFW_SLOT_FIRST_RULE - EDGEFW_SLOT_FIRST_NAT;

void check_type(const Fields& fields, Diagnostics& diagnostics) {
    const Node* type = fields.need("type");
    if (type == nullptr || (type->is_scalar() && type->text == "port-forward")) return;
    diagnostics.error(*type,
                      describe(*type) + " is not a type of NAT in this release; write port-forward (others follow)");
}

std::optional<Address> read_ipv4(const Node* node, Diagnostics& diagnostics) {
    const auto address = node == nullptr ? std::nullopt : read_host(*node, diagnostics);
    if (!address) return std::nullopt;
    const uint128 high = address->value >> 24;  // 0.0.0.0/8, 127.0.0.0/8, 224.0.0.0 and above: no host has these
    if (address->family == Family::kIpv4 && (high == 0 || high == 127 || high >= 224)) {
        diagnostics.error(*node, "'" + node->text + "' can be no host's address; write the address of a card");
        return std::nullopt;
    }
    if (address->family == Family::kIpv4) return address;
    diagnostics.error(
        *node, "a port forward is for IPv4; '" + node->text + "' is IPv6, which needs no NAT: pass it by a rule");
    return std::nullopt;
}

std::uint16_t read_port(const Node* node, Diagnostics& diagnostics) {
    if (node == nullptr) return 0;
    return static_cast<std::uint16_t>(read_number(*node, {1, 65535}, "a port", diagnostics).value_or(0));
}

std::vector<std::uint8_t> read_protocols(const Node* node, Diagnostics& diagnostics) {
    std::vector<std::uint8_t> protocols;
    if (node == nullptr) return protocols;
    const auto items = one_or_several(*node);
    if (items.empty()) diagnostics.error(*node, "the list of protocols is empty; write tcp, udp or [tcp, udp]");
    for (const Node& item : items) {
        if (const auto protocol = read_word(item, kForwarded, "a protocol of a port forward", diagnostics)) {
            protocols.push_back(*protocol);
        }
    }
    return protocols;
}

std::string name_of(const Item& item, const Fields& fields, Diagnostics& diagnostics) {
    const Node* name = fields.need("name");
    if (name == nullptr) return "";
    const std::string id = item.prefix + read_text(*name, "a name", diagnostics);
    const auto problem = name->is_scalar() ? id_problem(id) : std::nullopt;
    if (problem) diagnostics.error(*name, *problem);
    return id;
}

std::string end_text(const Address& address, std::uint16_t port, std::uint8_t protocol) {
    return protocol_text(protocol) + " " + address.to_text() + ":" + std::to_string(port);
}

}  // namespace

std::vector<Forward> check_forward(const Item& item, Diagnostics& diagnostics) {
    const auto keys = item.origin.profile.empty() ? std::span<const std::string_view>(kNatKeys)
                                                  : std::span<const std::string_view>(kProfileNatKeys);
    const std::size_t errors_before = diagnostics.errors();
    const Fields fields(*item.node, keys, "a NAT entry", diagnostics);
    if (!fields.is_map()) return {};
    Forward forward;
    forward.origin = item.origin;
    forward.where = item.where;
    const std::string name = name_of(item, fields, diagnostics);
    check_type(fields, diagnostics);
    const auto protocols = read_protocols(fields.need("protocol"), diagnostics);
    const auto public_address = read_ipv4(fields.need("public"), diagnostics);
    forward.public_port = read_port(fields.need("public_port"), diagnostics);
    const auto target = read_ipv4(fields.need("to"), diagnostics);
    const Node* to_port = fields.find("to_port");
    forward.target_port = to_port == nullptr ? forward.public_port : read_port(to_port, diagnostics);
    if (diagnostics.errors() != errors_before) return {};
    forward.public_address = *public_address;
    forward.target = *target;
    if (forward.public_address == forward.target) {
        diagnostics.error(*fields.find("to"),
                          "the target is the public address itself; name the address of the server behind it");
        return {};
    }
    std::vector<Forward> forwards;
    for (const std::uint8_t protocol : protocols) {
        forward.protocol = protocol;
        forward.id = protocols.size() == 1 ? name : name + "/" + protocol_text(protocol);
        forwards.push_back(forward);
    }
    return forwards;
}

void check_forwards(const std::vector<Forward>& forwards, Diagnostics& diagnostics) {
    using End = std::tuple<Address, std::uint16_t, std::uint8_t>;
    std::map<End, const Forward*> by_public;
    std::map<End, int> by_target;
    for (const Forward& forward : forwards) {
        const End arriving{forward.public_address, forward.public_port, forward.protocol};
        const auto [first, is_new] = by_public.emplace(arriving, &forward);
        if (!is_new) {
            diagnostics.error(forward.where,
                              "'" + forward.id + "' forwards " +
                                  end_text(forward.public_address, forward.public_port, forward.protocol) +
                                  ", which '" + first->second->id + "' forwards already; remove one of the two");
        }
        const End target{forward.target, forward.target_port, forward.protocol};
        if (++by_target[target] == EDGEFW_MAX_FORWARD_CHAIN + 1) {
            diagnostics.error(forward.where, "more than " + std::to_string(EDGEFW_MAX_FORWARD_CHAIN) +
                                                 " forwards lead to " +
                                                 end_text(forward.target, forward.target_port, forward.protocol) +
                                                 "; give the server another address or port for the rest");
        }
    }
    if (forwards.size() > kMaxForwards) {
        diagnostics.error(forwards[kMaxForwards].where, "there are " + std::to_string(forwards.size()) +
                                                            " forwards; at most " + std::to_string(kMaxForwards) +
                                                            " fit");
    }
}

}  // namespace edgefw::policy
