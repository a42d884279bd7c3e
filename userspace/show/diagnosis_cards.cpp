// SPDX-License-Identifier: GPL-2.0-only
#include <algorithm>

#include "userspace/show/diagnosis.h"

namespace edgefw::show {
namespace {

using kernel::CardFacts;
using kernel::HookedProgram;
using kernel::LinkLayer;
using kernel::Presence;

// What fits a page of 4,096 bytes beside 256 of headroom, 320 of struct skb_shared_info, the Ethernet header and two
// tags: a larger frame needs a driver that takes fragments.
constexpr std::uint32_t kPageMtu = 3498;

std::string queues_text(const CardFacts& card) {
    if (card.receive_queues == 0) return "";
    return ", " + std::to_string(card.receive_queues) + (card.receive_queues == 1 ? " queue" : " queues");
}

std::string native_text(const CardFacts& card) {
    if (card.link_layer != LinkLayer::kEthernet || card.native != Presence::kPresent) return "";
    return card.fragments == Presence::kPresent ? ", native XDP with fragments" : ", native XDP";
}

std::string attached_text(const CardFacts& card) {
    switch (card.attached) {
        case Presence::kPresent:
            return ", attached";
        case Presence::kAbsent:
            return ", not attached";
        default:
            return ", run as root to see whether it is attached";
    }
}

Finding describe(const CardFacts& card) {
    std::string text = card.kind.empty() ? (card.driver.empty() ? "card" : card.driver) : card.kind;
    if (!card.kind.empty() && !card.driver.empty() && card.driver != card.kind) text += " (" + card.driver + ")";
    text += std::string(card.is_up ? ", up" : ", down") + ", MTU " + std::to_string(card.mtu) + queues_text(card) +
            native_text(card) + attached_text(card);
    Finding finding{"card." + card.name, Severity::kOk, text};
    if (card.attached == Presence::kUnknown) {
        finding.severity = Severity::kNote;
        finding.is_unread = true;
    }
    return finding;
}

// The findings of one card.
class CardDiagnosis {
public:
    CardDiagnosis(const CardFacts& card, bool is_named) : card_(card), is_named_(is_named) {
        findings_.push_back(describe(card));
    }

    std::vector<Finding> all() && {
        if (card_.is_closed)
            add("closed", Severity::kWarn, "closed until its policy is in force: nearly nothing passes",
                "journalctl -u edgefw@" + card_.name);
        say_mode();
        if (card_.link_layer == LinkLayer::kEthernet) say_offloads();
        say_neighbours();
        say_programs();
        return std::move(findings_);
    }

private:
    void add(const std::string& id, Severity severity, std::string text, std::string remedy = "") {
        findings_.push_back({"card." + card_.name + "." + id, severity, std::move(text), std::move(remedy)});
    }
    // What keeps this card from being attached: no matter, unless it is the one that was asked about.
    Severity blocking() const { return is_named_ ? Severity::kFail : Severity::kWarn; }

    void say_mode() {
        if (card_.link_layer == LinkLayer::kOther) {
            add("link-layer", blocking(),
                "neither an Ethernet card nor one of plain IP packets: edgefw does not read it");
        } else if (card_.link_layer == LinkLayer::kNone) {
            add("link-layer", Severity::kNote, "no Ethernet header: what it receives is judged at tc ingress");
        } else if (card_.native == Presence::kAbsent) {
            add("native", Severity::kNote, "no native XDP: what it receives is judged at tc ingress");
        } else if (card_.fragments == Presence::kAbsent && card_.mtu > kPageMtu) {
            add("mtu", Severity::kWarn,
                "MTU " + std::to_string(card_.mtu) +
                    ", and native XDP takes no frame in fragments: attach may be refused",
                "ip link set dev " + card_.name + " mtu " + std::to_string(kPageMtu));
        }
    }

    void say_offloads() {
        if (card_.merges) {
            add("lro", Severity::kWarn, "large-receive-offload merges packets before XDP sees them",
                "ethtool -K " + card_.name + " lro off");
        }
        if (card_.merges_in_hardware) {
            add("gro-hw", Severity::kNote,
                "rx-gro-hw merges packets before XDP sees them; a driver switches it off for native XDP, or refuses "
                "that",
                "ethtool -K " + card_.name + " rx-gro-hw off");
        }
        if (card_.takes_vlan_tags_off && card_.native != Presence::kAbsent) {
            const std::string text = "takes VLAN tags off before XDP sees them";
            if (card_.can_keep_vlan_tags) {
                add("vlan-tags", Severity::kNote,
                    text + "; for a policy that names a VLAN:", "ethtool -K " + card_.name + " rx-vlan-offload off");
            } else {
                add("vlan-tags", Severity::kNote, text + ", always: a policy that names a VLAN is refused");
            }
        }
    }

    void say_neighbours() {
        if (card_.master_kind == "bond" || card_.master_kind == "team") {
            add("master", Severity::kWarn,
                "a port of " + card_.master +
                    ", whose packets come by any of its ports; a card knows its own "
                    "connections alone: attach " +
                    card_.master);
        } else if (card_.master_kind == "bridge") {
            add("master", Severity::kNote,
                "a port of " + card_.master + ": attach " + card_.master + " for what this host receives or routes, " +
                    card_.name + " for what is bridged as well");
        }
        if (!card_.below.empty()) {
            add("below", Severity::kNote,
                "lies on " + card_.below + ": attached there, its packets are judged too, and with " + card_.name +
                    " attached as well twice");
        }
    }

    void say_programs() {
        for (const HookedProgram& program : card_.programs) {
            if (program.ours == Presence::kPresent) continue;
            const bool is_xdp = program.hook == "XDP";
            std::string text =
                program.hook + ": " + (program.id == 0 ? "a filter" : "program " + std::to_string(program.id));
            if (!program.name.empty()) text += " (" + program.name + ")";
            if (program.ours == Presence::kUnknown) {
                add(is_xdp ? "xdp" : "tc", Severity::kNote, text + "; run as root to see whose");
                findings_.back().is_unread = true;
            } else if (is_xdp) {
                add("xdp", blocking(), text + " is not edgefw's: attach replaces nobody's program",
                    "bpftool net show dev " + card_.name);
            } else if (runs_before_edgefw(program)) {
                add("tc", Severity::kWarn, text + " runs before edgefw: what it lets pass edgefw never sees",
                    program.hook.starts_with("tcx") ? "edgefw attach --first " + card_.name : "");
            } else {
                add("tc", Severity::kNote, text + " is not edgefw's, and sees the same packets");
            }
        }
    }

    // On the same side of the card, where what runs first is listed first.
    bool runs_before_edgefw(const HookedProgram& program) const {
        const auto side = [](const HookedProgram& at) { return at.hook.substr(at.hook.find(' ') + 1); };
        for (const HookedProgram* other = &program; other < card_.programs.data() + card_.programs.size(); ++other) {
            if (other->ours == Presence::kPresent && other->hook != "XDP" && side(*other) == side(program)) return true;
        }
        return false;
    }

    const CardFacts& card_;
    bool is_named_;
    std::vector<Finding> findings_;
};

template <typename Which>
bool any(const Facts& facts, const Which& which) {
    return std::any_of(facts.cards.begin(), facts.cards.end(), which);
}

}  // namespace

std::vector<Finding> diagnose_cards(const Facts& facts) {
    std::vector<Finding> findings;
    for (const CardFacts& card : facts.cards) {
        if (!facts.card.empty() && card.name != facts.card) continue;
        for (Finding& finding : CardDiagnosis(card, card.name == facts.card).all())
            findings.push_back(std::move(finding));
    }
    if (any(facts, [](const CardFacts& card) { return card.native == Presence::kUnknown; })) {
        findings.push_back({"cards.native", Severity::kNote,
                            "this kernel does not tell which cards take native XDP (Linux 6.3): attach says"});
    }
    if (any(facts, [](const CardFacts& card) { return card.tcx_read == Presence::kUnknown; }))
        findings.push_back({"cards.tcx", Severity::kNote, "run as root to see what is on the tcx hooks", "", true});
    if (findings.empty())
        findings.push_back({"cards", Severity::kWarn, "no card but the loopback in this network namespace"});
    return findings;
}

}  // namespace edgefw::show
