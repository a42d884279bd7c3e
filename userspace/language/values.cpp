// SPDX-License-Identifier: GPL-2.0-only
#include "userspace/language/values.h"

#include <netinet/in.h>

#include <algorithm>
#include <charconv>

#include "userspace/language/ethertype.h"
#include "userspace/language/icmp.h"

namespace edgefw::policy {
namespace {

std::optional<std::uint32_t> to_number(std::string_view text) {
    std::uint32_t number = 0;
    const char* end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data(), end, number);
    if (error != std::errc{} || stop != end) return std::nullopt;
    return number;
}

std::optional<std::uint32_t> to_number(std::string_view text, std::uint32_t highest) {
    const auto number = to_number(text);
    return number && *number <= highest ? number : std::nullopt;
}

std::optional<PortRange> read_port_range(const Node& node, Diagnostics& diagnostics) {
    const std::string_view text = node.text;
    const auto dash = text.find('-');
    const auto first = to_number(text.substr(0, dash), 65535);
    const auto last = dash == std::string_view::npos ? first : to_number(text.substr(dash + 1), 65535);
    if (!node.is_scalar() || !first || !last) {
        diagnostics.error(node, describe(node) + " is not a port; write 0 to 65535, first-last, or a list of those");
        return std::nullopt;
    }
    if (*last < *first) {
        diagnostics.error(node, "the port range " + describe(node) + " ends before it starts; write " +
                                    std::to_string(*last) + "-" + std::to_string(*first));
        return std::nullopt;
    }
    return PortRange{static_cast<std::uint16_t>(*first), static_cast<std::uint16_t>(*last)};
}

std::vector<PortRange> merge(std::vector<PortRange> ranges) {
    std::sort(ranges.begin(), ranges.end());
    std::vector<PortRange> merged;
    for (const PortRange& range : ranges) {
        if (!merged.empty() && range.first <= merged.back().last) {
            merged.back().last = std::max(merged.back().last, range.last);
        } else {
            merged.push_back(range);
        }
    }
    return merged;
}

std::vector<std::string_view> split(std::string_view text, char separator) {
    std::vector<std::string_view> parts;
    while (true) {
        const auto at = text.find(separator);
        std::string_view part = text.substr(0, at);
        while (part.starts_with(' '))
            part.remove_prefix(1);
        while (part.ends_with(' '))
            part.remove_suffix(1);
        parts.push_back(part);
        if (at == std::string_view::npos) return parts;
        text.remove_prefix(at + 1);
    }
}

bool add_flag(std::string_view word, TcpFlags& flags, const Node& at, Diagnostics& diagnostics) {
    const bool clear = word.starts_with('!');
    const std::string_view name = clear ? word.substr(1) : word;
    const auto bit = value_of(name, kTcpFlags);
    if (!bit) {
        diagnostics.error(at, "'" + std::string(word) + "' is not a TCP flag" + suggestion(name, texts_of(kTcpFlags)) +
                                  (clear ? "" : " (!flag: clear)"));
        return false;
    }
    if ((flags.mask & *bit) != 0 && ((flags.value & *bit) != 0) == clear) {
        diagnostics.error(at, "the flag '" + std::string(name) + "' cannot be set and clear at once; keep one");
        return false;
    }
    flags.mask |= *bit;
    if (!clear) flags.value |= *bit;
    return true;
}

std::optional<IcmpMatch> read_icmp_match(const Node& node, std::uint8_t protocol, Diagnostics& diagnostics) {
    if (node.is_scalar()) {
        if (const auto type = icmp_type(protocol, node.text)) return IcmpMatch{*type, std::nullopt};
        const std::string_view text = node.text;
        const auto slash = text.find('/');
        const auto type = to_number(text.substr(0, slash), 255);
        if (type && slash == std::string_view::npos) {
            return IcmpMatch{static_cast<std::uint8_t>(*type), std::nullopt};
        }
        const auto code = type ? to_number(text.substr(slash + 1), 255) : std::nullopt;
        if (code) {
            return IcmpMatch{static_cast<std::uint8_t>(*type), static_cast<std::uint8_t>(*code)};
        }
    }
    diagnostics.error(node, describe(node) + " is not an ICMP type; write a number, TYPE/CODE, or a name (" +
                                alternatives(icmp_names(protocol)) + ")");
    return std::nullopt;
}

std::optional<EthertypeRange> read_ethertype(const Node& node, Diagnostics& diagnostics) {
    const auto range = node.is_scalar() ? ethertype_from(node.text) : std::nullopt;
    if (!range) {
        diagnostics.error(node, describe(node) + " is not an ethertype; write a number such as 0x88b5, or a name (" +
                                    alternatives(ethertype_names()) + ")");
        return std::nullopt;
    }
    const std::string_view problem = ethertype_problem(*range);
    if (problem.empty()) return range;
    diagnostics.error(node, "the ethertype " + describe(node) + " " + std::string(problem));
    return std::nullopt;
}

}  // namespace

std::optional<std::uint32_t> read_number(const Node& node, Bounds bounds, std::string_view what,
                                         Diagnostics& diagnostics) {
    const auto number = node.is_scalar() ? to_number(node.text) : std::nullopt;
    if (number && *number >= bounds.lowest && *number <= bounds.highest) return number;
    diagnostics.error(node, describe(node) + " is not " + std::string(what) + "; write " +
                                std::to_string(bounds.lowest) + " to " + std::to_string(bounds.highest));
    return std::nullopt;
}

std::optional<std::uint8_t> read_protocol(const Node& node, Diagnostics& diagnostics) {
    if (node.is_scalar()) {
        if (const auto number = to_number(node.text, 255)) return static_cast<std::uint8_t>(*number);
        for (const auto& word : kProtocols) {
            if (word.text == node.text) return word.value;
        }
    }
    diagnostics.error(
        node,
        describe(node) +
            " is not a protocol; write tcp, udp, sctp, dccp, udp-lite, icmp, icmp6, any, or a number from 0 to 255");
    return std::nullopt;
}

std::vector<PortRange> read_ports(const Node& node, Diagnostics& diagnostics) {
    if (is_any(node)) return {};
    const auto items = one_or_several(node);
    if (items.empty()) {
        diagnostics.error(node, "the list of ports is empty; write a port, or any");
        return {};
    }
    std::vector<PortRange> ranges;
    for (const Node& item : items) {
        if (const auto range = read_port_range(item, diagnostics)) ranges.push_back(*range);
    }
    ranges = merge(std::move(ranges));
    if (ranges.size() == 1 && ranges[0] == PortRange{0, 65535}) return {};
    return ranges;
}

std::string to_text(const PortRange& range) {
    if (range.first == range.last) return std::to_string(range.first);
    return std::to_string(range.first) + "-" + std::to_string(range.last);
}

std::optional<TcpFlags> read_tcp_flags(const Node& node, Diagnostics& diagnostics) {
    TcpFlags flags;
    for (const Node& item : one_or_several(node)) {
        const std::string text = read_text(item, "a TCP flag", diagnostics);
        if (!item.is_scalar()) return std::nullopt;
        for (const std::string_view word : split(text, ',')) {
            if (!add_flag(word, flags, item, diagnostics)) return std::nullopt;
        }
    }
    if (flags.mask != 0) return flags;
    diagnostics.error(node, "the list of TCP flags is empty; leave `tcp_flags:` out for any");
    return std::nullopt;
}

std::string to_text(const TcpFlags& flags) {
    std::string text;
    for (const Word<std::uint8_t>& flag : kTcpFlags) {
        if ((flags.mask & flag.value) == 0) continue;
        if (!text.empty()) text += ',';
        if ((flags.value & flag.value) == 0) text += '!';
        text += flag.text;
    }
    return text;
}

std::vector<IcmpMatch> read_icmp(const Node& node, std::uint8_t protocol, Diagnostics& diagnostics) {
    const auto items = one_or_several(node);
    if (items.empty()) {
        diagnostics.error(node, "the list of ICMP types is empty; leave `icmp:` out for any");
    }
    std::vector<IcmpMatch> matches;
    for (const Node& item : items) {
        if (const auto match = read_icmp_match(item, protocol, diagnostics)) matches.push_back(*match);
    }
    return matches;
}

std::string to_text(const IcmpMatch& match, std::uint8_t protocol) {
    if (match.code) return std::to_string(match.type) + "/" + std::to_string(*match.code);
    const std::string_view name = icmp_name(protocol, match.type);
    return name.empty() ? std::to_string(match.type) : std::string(name);
}

std::vector<EthertypeRange> read_ethertypes(const Node& node, Diagnostics& diagnostics) {
    const auto items = one_or_several(node);
    if (items.empty())
        diagnostics.error(node, "the list of ethertypes is empty; leave `ethertype:` out for IP packets");
    std::vector<EthertypeRange> ranges;
    for (const Node& item : items) {
        if (const auto range = read_ethertype(item, diagnostics)) ranges.push_back(*range);
    }
    std::sort(ranges.begin(), ranges.end());
    ranges.erase(std::unique(ranges.begin(), ranges.end()), ranges.end());
    return ranges;
}

}  // namespace edgefw::policy
