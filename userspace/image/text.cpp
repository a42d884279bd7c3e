// SPDX-License-Identifier: GPL-2.0-only
// Image as text, for a reader and for golden tests.
#include <arpa/inet.h>

#include <array>
#include <cstdio>
#include <cstring>

#include "userspace/image/config.h"
#include "userspace/image/cuts.h"
#include "userspace/image/image.h"
#include "userspace/image/walk.h"

namespace edgefw::image {
namespace {

constexpr std::array<const char*, EDGEFW_FIELDS> kFieldNames = {
    "local",      "local[1]",    "local[2]", "local[3]", "remote", "remote[1]",   "remote[2]",    "remote[3]",
    "local_port", "remote_port", "protocol", "detail",   "vlan",   "local_class", "remote_class", "opens"};

constexpr std::array<const char*, EDGEFW_FAMILIES> kFamilyNames = {"ipv4", "ipv6"};
constexpr std::array<const char*, EDGEFW_HOOKS> kHookNames = {"received", "sent"};
constexpr std::array<const char*, 3> kTableNames = {"none", "hash", "trie"};

std::string hex(std::uint32_t value) {
    std::array<char, 16> text{};
    std::snprintf(text.data(), text.size(), "0x%x", value);
    return text.data();
}

// Address words read better in hex, all else in decimal.
std::string value_text(unsigned field, std::uint32_t value) {
    return field < EDGEFW_FIELD_LOCAL_PORT ? hex(value) : std::to_string(value);
}

std::string outcome_text(std::uint32_t outcome) {
    const std::string log = (outcome & EDGEFW_OUTCOME_LOG) == 0 ? "" : " log";
    if ((outcome & EDGEFW_OUTCOME_PASS) == 0) return ((outcome & EDGEFW_OUTCOME_ASK) == 0 ? "drop" : "drop ask") + log;
    return ((outcome & EDGEFW_OUTCOME_KEEP) == 0 ? "pass" : "pass keep") + log;
}

std::string question(const edgefw_insn& test) {
    const std::string field = kFieldNames[test.field];
    if (test.mask != EDGEFW_INSN_MASK_ALL) {
        const std::string flags = field + " & " + hex(test.mask);
        return test.width == 0 ? flags + " == " + hex(test.low) : flags + " != 0";
    }
    const std::string low = value_text(test.field, test.low);
    if (test.width == 0) return field + " == " + low;
    return field + " in " + low + "-" + value_text(test.field, test.low + test.width);
}

std::string addressed(__be32 address, __be16 port) {
    std::array<std::uint8_t, 4> bytes{};
    std::memcpy(bytes.data(), &address, bytes.size());
    return Address::from_bytes(Family::kIpv4, bytes.data()).to_text() + ":" + std::to_string(ntohs(port));
}

class Writer {
public:
    explicit Writer(const Image& image) : image_(image) {}

    std::string write() {
        for (unsigned side = 0; side < EDGEFW_SIDES; ++side)
            write_side(side);
        for (unsigned family = 0; family < EDGEFW_FAMILIES; ++family)
            write_classes(family);
        write_forwards("in", image_.forwards_in);
        write_forwards("out", image_.forwards_out);
        write_masquerades();
        return std::move(text_);
    }

private:
    void line(unsigned indent, const std::string& text) {
        text_.append(std::size_t{2} * indent, ' ').append(text).push_back('\n');
    }

    void write_side(unsigned side) {
        const edgefw_config& config = image_.config[side];
        line(0, std::string(policy::to_text(static_cast<policy::Side>(side))) +
                    (config.armed != 0 ? ": armed, builtins " : ": unarmed, builtins ") + hex(config.builtins) +
                    (config.keeps_state != 0 ? ", keeps state" : "") + (config.has_forwards != 0 ? ", forwards" : ""));
        for (unsigned hook = 0; hook < EDGEFW_HOOKS; ++hook) {
            line(1, std::string(kHookNames[hook]) + ": default " + outcome_text(config.default_outcome[hook]));
            for (unsigned family = 0; family < EDGEFW_FAMILIES; ++family)
                write_forest(config.forest[hook][family], kFamilyNames[family]);
            write_forest(config.link_forest[hook], "not IP");
        }
    }

    void write_forest(const edgefw_forest& forest, const std::string& family) {
        std::string uses;
        if ((forest.uses & EDGEFW_USES_LOCAL_CLASS) != 0) uses += " local-class";
        if ((forest.uses & EDGEFW_USES_REMOTE_CLASS) != 0) uses += " remote-class";
        if ((forest.uses & EDGEFW_USES_KEEP) != 0) uses += " keep";
        if (forest.groups == 0 && uses.empty()) return;
        line(2, family + ": " + std::to_string(forest.groups) + " groups, uses" + (uses.empty() ? " nothing" : uses));
        for (unsigned i = 0; i < forest.groups; ++i) {
            line(3, "from rule " + std::to_string(forest.group[i].first));
            write_node(forest.group[i].root, 4);
        }
    }

    void write_node(std::uint32_t index, unsigned indent) {
        const edgefw_node& node = image_.nodes[index];
        const unsigned field = node.link >> EDGEFW_NODE_FIELD_SHIFT & (EDGEFW_FIELDS - 1);
        const std::uint32_t next = node.link & EDGEFW_NODE_INDEX_MASK;
        if (is_leaf(node)) {
            write_run(next, indent);
            return;
        }
        if ((node.link >> EDGEFW_NODE_FIELD_SHIFT & EDGEFW_NODE_CUTS) != 0) {
            write_cells(node, field, indent);
            return;
        }
        line(indent, std::string(kFieldNames[field]) + " <= " + value_text(field, node.split));
        write_node(next, indent + 1);
        line(indent, "else");
        write_node(next + 1, indent + 1);
    }

    // Neighbours that lead to the same place are one line.
    void write_cells(const edgefw_node& node, unsigned field, unsigned indent) {
        const Cuts cuts = cuts_of(node);
        const std::uint32_t first = node.link & EDGEFW_NODE_INDEX_MASK;
        const auto same = [&](std::uint32_t a, std::uint32_t b) {
            return image_.nodes[first + a].link == image_.nodes[first + b].link;
        };
        for (std::uint32_t cell = 0, end = 0; cell < cuts.cells(); cell = end) {
            for (end = cell + 1; end < cuts.cells() && same(cell, end);)
                ++end;
            line(indent, std::string(kFieldNames[field]) + " in " + value_text(field, cuts.cell(cell).low) + "-" +
                             value_text(field, cuts.cell(end - 1).high));
            write_node(first + cell, indent + 1);
        }
    }

    void write_run(std::uint32_t first, unsigned indent) {
        for (std::uint32_t i = first; image_.insns[i].kind != EDGEFW_INSN_END; ++i) {
            const edgefw_insn& test = image_.insns[i];
            const std::string place = std::to_string(i - first) + ": ";
            if (test.kind == EDGEFW_INSN_MATCH) {
                line(indent, place + match_text(test));
            } else {
                line(indent, place + question(test) + ", else " + std::to_string(i - first + test.skip));
            }
        }
        if (image_.insns[first].kind == EDGEFW_INSN_END) line(indent, "no rule");
    }

    std::string match_text(const edgefw_insn& match) const {
        if ((match.width & EDGEFW_OUTCOME_ASK) != 0) return "ask";
        return outcome_text(match.width) + " " + image_.rule_ids[match.low];
    }

    void write_classes(unsigned family) {
        if (image_.classes[family].empty()) return;
        // A side that asks for no class says nothing of the table.
        const bool external = image_.config[EDGEFW_EXTERNAL].class_table[family] != EDGEFW_CLASSES_NONE;
        const edgefw_config& config = image_.config[external ? EDGEFW_EXTERNAL : EDGEFW_INTERNAL];
        std::string head =
            std::string("classes ") + kFamilyNames[family] + ": " + kTableNames[config.class_table[family]];
        for (const int length : class_lengths(config, static_cast<Family>(family)))
            head += " /" + std::to_string(length);
        line(0, head);
        for (const ClassPrefix& entry : image_.classes[family])
            line(1, entry.prefix.to_text() + " = " + std::to_string(entry.number));
    }

    void write_forwards(const std::string& name, const ForwardTable& table) {
        if (table.entries.empty()) return;
        line(0, "forwards " + name + ": " + std::to_string(table.mask + 1) + " buckets");
        for (const edgefw_forward& entry : table.entries) {
            if ((entry.flags & EDGEFW_FORWARD_USED) == 0) continue;
            line(1, std::to_string(entry.protocol) + " " + addressed(entry.public_address, entry.public_port) + " > " +
                        addressed(entry.target_address, entry.target_port) + " slot " + std::to_string(entry.slot) +
                        ((entry.flags & EDGEFW_FORWARD_RETIRED) != 0 ? " retired" : ""));
        }
    }

    void write_masquerades() {
        for (const edgefw_masquerade& entry : image_.masquerades) {
            line(0, "masquerade " + std::to_string(entry.protocol) + " " + addressed(entry.inside, 0) + "/" +
                        addressed(entry.inside_mask, 0) + " to " + addressed(entry.remote, entry.remote_port) + "/" +
                        addressed(entry.remote_mask, 0) + " as " + addressed(entry.public_address, 0) + " ports " +
                        std::to_string(entry.first) + "-" + std::to_string(entry.last) + " slot " +
                        std::to_string(entry.slot));
        }
    }

    const Image& image_;
    std::string text_;
};

}  // namespace

std::string Image::to_text() const {
    return Writer(*this).write();
}

}  // namespace edgefw::image
