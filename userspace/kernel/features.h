// SPDX-License-Identifier: GPL-2.0-only
// What edgefw needs of the kernel, asked by doing it: programs and maps are loaded and freed at once, nothing is
// attached to a card and nothing pinned. Versions say little: distributions build kernels without parts, and bring
// parts to old ones.
#pragma once

#include <iterator>
#include <string>

namespace edgefw::kernel {

// kUnknown: this caller may not ask.
enum class Presence { kUnknown, kAbsent, kPresent };

struct Features {
    Presence xdp = Presence::kUnknown;
    Presence xdp_frags = Presence::kUnknown;
    Presence tc = Presence::kUnknown;
    Presence tcx = Presence::kUnknown;
    Presence clsact = Presence::kUnknown;  // asked where there is no tcx alone: asking may load the module sch_ingress
    Presence frame_access = Presence::kUnknown;
    Presence loop = Presence::kUnknown;
    Presence jiffies = Presence::kUnknown;
    Presence coarse_clock = Presence::kUnknown;
    Presence global_functions = Presence::kUnknown;
    Presence long_programs = Presence::kUnknown;
    Presence per_cpu_array = Presence::kUnknown;
    Presence mmapable_array = Presence::kUnknown;
    Presence lru_hash = Presence::kUnknown;
    Presence lpm_trie = Presence::kUnknown;
    Presence prog_array = Presence::kUnknown;
    Presence array_of_maps = Presence::kUnknown;
    Presence netns_cookie = Presence::kUnknown;
};

struct FeatureNote {
    const char* id;
    Presence Features::*member;
    const char* name;
    const char* since;  // the Linux that brought it
    const char* need;   // what edgefw does with it
    bool required;      // without it nothing can be attached; the others have a stand-in, which `need` names
};

inline constexpr FeatureNote kFeatureNotes[] = {
    {"xdp", &Features::xdp, "XDP programs", "4.8", "judges what a card receives", true},
    {"xdp-frags", &Features::xdp_frags, "XDP frames in fragments", "5.18",
     "takes frames that are larger than a page, as a large MTU makes them", true},
    {"tc", &Features::tc, "tc programs", "4.1", "judges what a card sends", true},
    {"tcx", &Features::tcx, "tcx links", "6.6", "the hook for sent packets; without it: a clsact filter", false},
    {"clsact", &Features::clsact, "clsact filters", "4.5", "the hook for sent packets where there is no tcx", false},
    {"frame-access", &Features::frame_access, "bpf_xdp_load_bytes, _store_bytes, _get_buff_len", "5.18",
     "reads and translates frames in fragments", true},
    {"loop", &Features::loop, "bpf_loop", "5.17", "walks TCP options, tries the ports of a masquerade", true},
    {"jiffies", &Features::jiffies, "bpf_jiffies64", "5.6", "times connections", true},
    {"coarse-clock", &Features::coarse_clock, "bpf_ktime_get_coarse_ns", "5.11",
     "ends the time in which connections are adopted", true},
    {"global-functions", &Features::global_functions, "global functions that take the context", "5.6",
     "are verified once each; it takes a kernel with BTF of its own (CONFIG_DEBUG_INFO_BTF)", true},
    {"long-programs", &Features::long_programs, "programs longer than 4,096 instructions", "5.2",
     "the judging programs are longer", true},
    {"per-cpu-array", &Features::per_cpu_array, "per-CPU arrays", "4.6", "count, and hold the packet in flight", true},
    {"mmapable-array", &Features::mmapable_array, "arrays that can be mapped", "5.5", "hold the rules", true},
    {"lru-hash", &Features::lru_hash, "LRU hashes", "4.10", "hold connections", true},
    {"lpm-trie", &Features::lpm_trie, "LPM tries", "4.11", "hold networks", true},
    {"prog-array", &Features::prog_array, "program arrays", "4.2", "hold the two generations that a push swaps", true},
    {"array-of-maps", &Features::array_of_maps, "arrays of maps", "4.12",
     "tell when the last packet has left a table that a push removes", true},
    {"netns-cookie", &Features::netns_cookie, "SO_NETNS_COOKIE", "5.14",
     "names the folder of a network namespace in bpffs", true},
};
// One note for each member.
static_assert(std::size(kFeatureNotes) * sizeof(Presence) == sizeof(Features));

// Asks for every feature. Never fails: what the caller may not ask is kUnknown. Takes some milliseconds.
Features probe_features();

// Whether the kernel compiles programs to machine code, told by a program that it loaded; the sysctl is not to be read
// in a network namespace of one's own.
Presence probe_jit();

}  // namespace edgefw::kernel
