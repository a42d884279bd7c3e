// SPDX-License-Identifier: GPL-2.0-only
#include "userspace/show/diagnosis.h"

#include <cstdio>

#include "userspace/check/check_nat.h"
#include "userspace/engine/preflight.h"

namespace edgefw::show {
namespace {

using kernel::Platform;
using kernel::Presence;

// The first libbpf that knows tcx.
constexpr unsigned kLibbpfMajor = 1;
constexpr unsigned kLibbpfMinor = 3;

const std::string kOtherKernel = "boot Linux 6.1 or newer, as Debian 12 and 13 have it";

Finding unread(const std::string& id, const std::string& what) {
    return {id, Severity::kNote, "run as root to see " + what, "", true};
}

Finding diagnose_feature(const kernel::FeatureNote& note, const Facts& facts) {
    Finding finding{"kernel." + std::string(note.id), Severity::kOk, note.name};
    finding.is_feature = true;
    const Presence presence = facts.features.*note.member;
    if (presence == Presence::kPresent) return finding;
    // It is asked where there is no tcx alone.
    if (note.member == &kernel::Features::clsact && facts.features.tcx == Presence::kPresent) return finding;
    if (presence == Presence::kUnknown) {
        finding.severity = Severity::kNote;
        finding.is_unread = true;
        finding.text += ": run as root to see whether the kernel has it";
        return finding;
    }
    const bool required =
        note.required || (note.member == &kernel::Features::clsact && facts.features.tcx == Presence::kAbsent);
    finding.severity = required ? Severity::kFail : Severity::kNote;
    finding.text = "the kernel has no " + finding.text + " (Linux " + note.since + "): " + note.need;
    if (required) finding.remedy = kOtherKernel;
    return finding;
}

Finding diagnose_programs(const Facts& facts) {
    const std::string id = "kernel.programs";
    if (!facts.programs_refused)
        return {id, Severity::kOk, "edgefw's own programs load, those of NAT too, and judge a packet"};
    if (facts.programs_refused->kind == ErrorKind::kNotPermitted)
        return unread(id, "whether the kernel takes edgefw's own programs");
    return {id, Severity::kFail, "the kernel refuses edgefw's own programs: " + facts.programs_refused->message,
            "report this, with the log; another kernel may take them"};
}

Finding diagnose_btf(const Facts& facts) {
    const std::string id = "kernel.btf";
    if (facts.platform.has_btf)
        return {id, Severity::kOk, "there, for the verifier alone: edgefw's programs are not relocated by it"};
    if (facts.features.global_functions == Presence::kPresent)
        return {id, Severity::kOk, "no /sys/kernel/btf/vmlinux here, and the verifier does without"};
    return {id, Severity::kWarn, "no /sys/kernel/btf/vmlinux: the verifier knows the context of functions by it",
            "boot a kernel with CONFIG_DEBUG_INFO_BTF"};
}

std::string harden_text(int harden) {
    switch (harden) {
        case 0:
            return "no hardening";
        case 1:
            return "hardening of programs that are not root's";
        case 2:
            return "hardening of all programs";
        default:
            return "hardening (net.core.bpf_jit_harden) is not told here";
    }
}

void diagnose_jit(const Platform& platform, std::vector<Finding>& findings) {
    const std::string id = "kernel.jit";
    if (platform.jit == Presence::kUnknown) {
        findings.push_back(unread(id, "whether programs are compiled to machine code"));
    } else if (platform.jit == Presence::kAbsent) {
        findings.push_back(
            {id, Severity::kWarn, "programs are interpreted, which is slow", "sysctl -w net.core.bpf_jit_enable=1"});
    } else {
        findings.push_back(
            {id, Severity::kOk, "programs are compiled to machine code; " + harden_text(platform.jit_harden)});
    }
    if (platform.jit_harden == 2) {
        findings.push_back({"kernel.jit-harden", Severity::kWarn,
                            "every constant in a program is blinded: programs are longer and slower",
                            "sysctl -w net.core.bpf_jit_harden=1"});
    }
}

void diagnose_kernel(const Facts& facts, std::vector<Finding>& findings) {
    const Platform& platform = facts.platform;
    findings.push_back({"kernel.release", Severity::kOk,
                        "Linux " + platform.release + " " + platform.machine + ", " + platform.version});
    if (platform.is_realtime) {
        findings.push_back({"kernel.realtime", Severity::kWarn, "PREEMPT_RT: edgefw was not tried on such a kernel",
                            "boot a kernel without PREEMPT_RT"});
    }
    for (const kernel::FeatureNote& note : kernel::kFeatureNotes)
        findings.push_back(diagnose_feature(note, facts));
    findings.push_back(diagnose_programs(facts));
    findings.push_back(diagnose_btf(facts));
    diagnose_jit(platform, findings);
    if (!platform.lockdown.empty()) {
        findings.push_back(
            {"kernel.lockdown", Severity::kOk,
             platform.lockdown + (platform.lockdown == "none" ? "" : ": it concerns no XDP or tc program")});
    }
}

std::string mode_text(unsigned mode) {
    char text[8];
    std::snprintf(text, sizeof(text), "%04o", mode);
    return text;
}

Finding diagnose_bpffs(const Platform& platform) {
    if (!platform.bpffs.is_mounted) {
        return {"bpffs.mounted", Severity::kFail,
                "no bpffs at /sys/fs/bpf (`ip netns exec` hides the host's: use nsenter --net=/run/netns/NAME)",
                "mount -t bpf -o mode=0700 bpf /sys/fs/bpf"};
    }
    if (platform.user == 0 && !platform.bpffs.is_writable) {
        return {"bpffs.mounted", Severity::kFail, "the bpffs at /sys/fs/bpf cannot be written",
                "mount -o remount,rw /sys/fs/bpf"};
    }
    if (const std::string& fault = platform.bpffs.fault; !fault.empty()) {
        const std::string mend = "; mend it: ";
        const std::size_t at = fault.find(mend);
        return {"bpffs.mounted", Severity::kFail, fault.substr(0, at),
                at == std::string::npos ? "" : fault.substr(at + mend.size())};
    }
    const bool is_closed = (platform.bpffs.mode & 0077) == 0;
    return {"bpffs.mounted", Severity::kOk,
            "/sys/fs/bpf, mode " + mode_text(platform.bpffs.mode) +
                (is_closed ? ": its owner alone may look in" : ": others may look in; edgefw's own folder is 0700")};
}

Finding diagnose_libbpf(const Platform& platform) {
    const std::string text =
        "libbpf " + std::to_string(platform.libbpf_major) + "." + std::to_string(platform.libbpf_minor);
    const bool is_older = platform.libbpf_major < kLibbpfMajor ||
                          (platform.libbpf_major == kLibbpfMajor && platform.libbpf_minor < kLibbpfMinor);
    if (!is_older) return {"libbpf.version", Severity::kOk, text};
    return {"libbpf.version", Severity::kFail, text + " is too old: 1.3 is the first with tcx",
            "apt install -t bookworm-backports libbpf1"};
}

std::string joined(const std::vector<std::string>& words) {
    std::string text;
    for (const std::string& word : words)
        text += (text.empty() ? "" : ", ") + word;
    return text;
}

Finding diagnose_caller(const Facts& facts) {
    const Platform& platform = facts.platform;
    const std::string who = platform.user == 0 ? "root" : "user " + std::to_string(platform.user);
    Finding finding{"caller.capabilities", Severity::kOk, who + " may load programs"};
    if (!platform.missing_capabilities.empty()) {
        finding.text =
            who + " lacks " + joined(platform.missing_capabilities) + ", which attach, push and explain take";
        finding.severity = Severity::kNote;
        finding.is_unread = true;
        finding.remedy = platform.user == 0 ? "give the container these capabilities" : "run as root";
    } else if (facts.features.xdp == Presence::kUnknown) {
        finding.text = who +
                       " has the capabilities, and the kernel allows no BPF all the same: a user namespace, or a "
                       "seccomp filter as containers have it";
        finding.severity = Severity::kFail;
        finding.remedy = "run it on the host itself";
    }
    return finding;
}

void diagnose_state(const Facts& facts, std::vector<Finding>& findings) {
    if (!facts.state_refused) return;
    if (facts.state_refused->kind == ErrorKind::kNotPermitted) {
        findings.push_back(unread("edgefw.state", "what edgefw has attached"));
    } else if (facts.platform.bpffs.is_mounted) {
        findings.push_back({"edgefw.state", Severity::kWarn, facts.state_refused->message});
    }
}

void diagnose_forwarding(const Platform& platform, std::vector<Finding>& findings) {
    if (platform.forwards_ipv4 < 0) return;
    const std::string ipv6 = platform.forwards_ipv6 < 0    ? ""
                             : platform.forwards_ipv6 == 0 ? "; IPv6 is not routed"
                                                           : "; IPv6 too";
    if (platform.forwards_ipv4 != 0) {
        findings.push_back({"nat.forwarding", Severity::kOk, "IPv4 is routed between cards" + ipv6});
        return;
    }
    findings.push_back({"nat.forwarding", Severity::kNote,
                        "IPv4 is not routed between cards: NAT for other hosts needs it" + ipv6,
                        "sysctl -w net.ipv4.ip_forward=1"});
}

void diagnose_nat(const Facts& facts, std::vector<Finding>& findings) {
    diagnose_forwarding(facts.platform, findings);
    const kernel::NetworkFacts& network = facts.network;
    const std::string ports = "own connections take ports " + std::to_string(network.first_local_port) + "-" +
                              std::to_string(network.last_local_port);
    const std::string taken = std::to_string(policy::kMasqueradePorts.first) + "-" +
                              std::to_string(policy::kMasqueradePorts.last) + ", the ports of a masquerade";
    if (engine::is_apart(policy::kMasqueradePorts, network)) {
        findings.push_back({"nat.local-ports", Severity::kOk, ports + ", apart from " + taken});
    } else {
        findings.push_back({"nat.local-ports", Severity::kWarn, ports + ", and so some of " + taken,
                            "sysctl -w net.ipv4.ip_local_port_range='32768 60999'"});
    }
    if (!network.nat_chains.empty()) {
        findings.push_back({"nat.nftables", Severity::kWarn,
                            "nftables translates here, too (" + joined(network.nat_chains) +
                                "): let one of the two do it, or connections are translated twice",
                            "nft list ruleset"});
    } else if (!facts.platform.may_configure_network) {
        findings.push_back(unread("nat.nftables", "whether nftables translates here, too"));
    } else {
        findings.push_back({"nat.nftables", Severity::kOk, "nftables translates nothing here"});
    }
}

void diagnose_reverse_path(const Facts& facts, std::vector<Finding>& findings) {
    std::vector<std::string> strict;
    std::string remedy = "sysctl -w";
    for (const kernel::CardFacts& card : facts.cards) {
        if (card.reverse_path != 1) continue;
        strict.push_back(card.name);
        remedy += " net/ipv4/conf/" + card.name + "/rp_filter=2";
    }
    // With one card there is no other path.
    if (strict.empty() || facts.cards.size() < 2) return;
    findings.push_back({"nat.reverse-path", Severity::kNote,
                        "rp_filter is strict on " + joined(strict) +
                            ": after edgefw passed it, the kernel drops what comes by another card than its answers "
                            "leave by; where paths differ:",
                        remedy});
}

Finding diagnose_boot(const BootFacts& boot) {
    const std::string id = "boot.config", begin = "while its policy cannot be put in force at boot a card is ";
    if (!boot.error.empty())
        return {id, Severity::kWarn, "boot.conf is wrong: " + boot.error.substr(0, boot.error.find('\n')),
                "mend it: what cannot be read of it counts as closed, and to everybody"};
    if (!boot.closes) return {id, Severity::kOk, begin + "open"};
    if (boot.networks > 0)
        return {id, Severity::kOk, begin + "closed, but to SSH of " + std::to_string(boot.networks) + " networks"};
    return {id, Severity::kNote, (boot.is_there ? "" : "no /etc/edgefw/boot.conf: ") + begin + "closed, also to SSH",
            "name under `ssh_from:` of /etc/edgefw/boot.conf who may come by SSH then"};
}

}  // namespace

const char* to_text(Severity severity) {
    switch (severity) {
        case Severity::kNote:
            return "note";
        case Severity::kWarn:
            return "warn";
        case Severity::kFail:
            return "FAIL";
        case Severity::kOk:
            break;
    }
    return "ok";
}

std::vector<Finding> diagnose(const Facts& facts) {
    std::vector<Finding> findings;
    diagnose_kernel(facts, findings);
    findings.push_back(diagnose_libbpf(facts.platform));
    findings.push_back(diagnose_bpffs(facts.platform));
    findings.push_back(diagnose_caller(facts));
    diagnose_state(facts, findings);
    findings.push_back(diagnose_boot(facts.boot));
    diagnose_nat(facts, findings);
    diagnose_reverse_path(facts, findings);
    for (Finding& finding : diagnose_cards(facts))
        findings.push_back(std::move(finding));
    return findings;
}

}  // namespace edgefw::show
