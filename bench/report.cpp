// SPDX-License-Identifier: GPL-2.0-only
#include "bench/report.h"

#include <algorithm>

#include "bench/table.h"

namespace edgefw::bench {
namespace {

std::string met(bool is_met) {
    return is_met ? "yes" : "NO";
}

// "52 (1.4)": nanoseconds, and how often the floor.
std::string cell(const Cost& cost) {
    return fixed(cost.nanoseconds, 0) + " (" + fixed(cost.ratio(), 2) + ")";
}

// The targets of a row, in words: one where they are all the same, else with the number of rules.
std::string target_of(const CostRow& row) {
    const double first = row.costs.front().target;
    const bool is_one =
        std::all_of(row.costs.begin(), row.costs.end(), [&](const Cost& c) { return c.target == first; });
    if (is_one) return first == 0 ? "" : fixed(first, 1);
    std::string text;
    for (std::size_t i = 0; i < row.costs.size(); i++) {
        if (row.costs[i].target == 0) continue;
        text += (text.empty() ? "" : ", ") + fixed(row.costs[i].target, 1) + " at " + std::to_string(kFurtherRules[i]);
    }
    return text;
}

std::string met(const CostRow& row) {
    if (target_of(row).empty()) return "";
    return met(std::all_of(row.costs.begin(), row.costs.end(), [](const Cost& cost) { return cost.is_met(); }));
}

std::string packet_path(const PacketPath& path) {
    std::vector<std::string> header = {"ns above a no-op (ratio to the floor)"};
    for (const std::uint32_t further : kFurtherRules)
        header.push_back(std::to_string(further) + " rules");
    header.insert(header.end(), {"floor", "target", "met"});
    Table table(header);
    for (const auto& row : path.rows) {
        std::vector<std::string> cells = {row.name};
        for (const auto& cost : row.costs)
            cells.push_back(cell(cost));
        cells.insert(cells.end(), {fixed(row.costs.front().floor, 0), target_of(row), met(row)});
        table.add(std::move(cells));
    }
    return "## What a packet costs\n\n" + table.to_text() + "\nA no-op and its driver take " +
           fixed(path.noop_received, 0) + " ns on the received hook, " + fixed(path.noop_sent, 0) +
           " on the sent one. Entry program, tail call and judging program are all in the figures.\n\n";
}

std::string profiles(const ProfileCosts& costs) {
    Table table({"received, external", "ns above a no-op", "floor", "ratio to the floor", "target", "met"});
    for (const auto& [name, cost] : costs.rows)
        table.add({name, fixed(cost.nanoseconds, 0), fixed(cost.floor, 0), fixed(cost.ratio(), 2),
                   cost.target != 0 ? fixed(cost.target, 1) : "", cost.target != 0 ? met(cost.is_met()) : ""});
    return "## Every profile in one policy\n\n" + std::to_string(costs.profiles) + " profiles of the five documents, " +
           std::to_string(costs.rules) + " rules.\n\n" + table.to_text() + "\n";
}

std::string connections(const std::vector<ConnectionCost>& costs) {
    Table table({"ns above a no-op (ratio to the floor)", "established, received", "established, sent", "both hooks",
                 "target", "met", "opening, 32,768 connections"});
    for (const auto& cost : costs) {
        const double target = cost.both().target;
        table.add({cost.name, cell(cost.received), cell(cost.sent), cell(cost.both()),
                   target != 0 ? fixed(target, 1) : "", target != 0 ? met(cost.both().is_met()) : "",
                   cell(cost.opening)});
    }
    return "## What each kind of connection costs\n\n" + table.to_text() + "\n";
}

std::string median_of(std::vector<double> values) {
    if (values.empty()) return "";
    std::sort(values.begin(), values.end());
    return fixed((values[(values.size() - 1) / 2] + values[values.size() / 2]) / 2, 0);
}

// The search by itself: one table for each number of rules.
std::string search(const std::vector<SearchCost>& costs) {
    std::string text = "## The search alone\n\n";
    for (const std::size_t rules : kSearchRules) {
        Table table({"ns of a search, " + std::to_string(rules) + " rules", "packets in turn", "rte_acl", "target",
                     "met", "the same packet", "rte_acl", "trees", "worst path", "KiB", "grown in ms"});
        std::vector<double> in_turn, one;
        for (const SearchCost& cost : costs) {
            if (cost.rules != rules) continue;
            const auto& acl = cost.acl;
            in_turn.push_back(cost.edgefw.in_turn);
            one.push_back(cost.edgefw.one);
            table.add({cost.shape, fixed(cost.edgefw.in_turn, 0), acl ? fixed(acl->in_turn, 0) : "",
                       acl ? "1.0 rte_acl" : "", acl ? met(cost.edgefw.in_turn <= acl->in_turn) : "",
                       fixed(cost.edgefw.one, 0), acl ? fixed(acl->one, 0) : "", std::to_string(cost.groups),
                       fixed(cost.worst, 0), std::to_string(cost.bytes / 1024), fixed(cost.grow_seconds * 1e3, 0)});
        }
        table.add({"median", median_of(in_turn), "", "", "", median_of(one)});
        text += table.to_text() + "\n";
    }
    return text;
}

std::string beside(const PacketPath& path, const std::vector<PeerCost>& peers) {
    const double floor = path.default_drop.floor;
    Table table({"a SYN dropped", "ns above a no-op", "ratio to the floor"});
    table.add({"floor (passes it)", fixed(floor, 0), "1.00"});
    table.add(
        {"edgefw, 10 further rules", fixed(path.default_drop.nanoseconds, 0), fixed(path.default_drop.ratio(), 2)});
    for (const auto& peer : peers) {
        if (peer.note.empty())
            table.add({peer.who, fixed(peer.nanoseconds, 0), fixed(peer.nanoseconds / floor, 2)});
        else
            table.add({peer.who, "none: " + peer.note});
    }
    return "## Beside xdp-filter\n\n" + table.to_text() + "\n";
}

std::string drop_rates(const std::vector<DropRate>& rates) {
    Table table({"SYNs to a closed port, dropped", "million packets/s", "share of the no-op", "target", "met"});
    for (const auto& rate : rates) {
        if (!rate.note.empty()) {
            table.add({rate.who, "none: " + rate.note});
            continue;
        }
        table.add({rate.who, fixed(rate.packets_per_second / 1e6, 3), fixed(rate.share, 3),
                   rate.target != 0 ? fixed(rate.target, 2) : "",
                   rate.target != 0 ? met(rate.share >= rate.target) : ""});
    }
    return "## Drop rates on veth\n\n" + table.to_text() + "\n";
}

// "1.64", how often nftables; empty for what has no such figure.
std::string times(double rate, double nftables) {
    return rate == 0 || nftables == 0 ? "" : fixed(rate / nftables, 2);
}

std::string opened(const std::vector<RouterRate>& rates) {
    Table table({"connections opened a second", "handshakes, thousand", "times nftables", "target", "met",
                 "into a sink, thousand", "times nftables", "target", "met"});
    const RouterRate& nftables = rates[1];
    for (const auto& rate : rates) {
        if (!rate.note.empty()) {
            table.add({rate.who, "none: " + rate.note});
            continue;
        }
        auto target = [&](double value, double target) {
            return rate.is_compared && value != 0 ? fixed(target, 1) : "";
        };
        auto reached = [&](double value, double other, double target) {
            return rate.is_compared && value != 0 ? met(value >= target * other) : "";
        };
        table.add({rate.who, fixed(rate.handshakes / 1e3, 0), times(rate.handshakes, nftables.handshakes),
                   target(rate.handshakes, kHandshakesTarget),
                   reached(rate.handshakes, nftables.handshakes, kHandshakesTarget),
                   rate.openings != 0 ? fixed(rate.openings / 1e3, 0) : "", times(rate.openings, nftables.openings),
                   target(rate.openings, kOpeningsTarget), reached(rate.openings, nftables.openings, kOpeningsTarget)});
    }
    return "## Connections opened through a router\n\n" + table.to_text() + "\n";
}

std::string forwarded_rates(const std::vector<RouterRate>& rates) {
    Table table({"packets forwarded a second", "UDP, million", "times nftables", "TCP, million", "times nftables"});
    const RouterRate& nftables = rates[1];
    for (const auto& rate : rates) {
        if (!rate.note.empty()) {
            table.add({rate.who, "none: " + rate.note});
            continue;
        }
        table.add({rate.who, fixed(rate.udp / 1e6, 3), times(rate.udp, nftables.udp), fixed(rate.tcp / 1e6, 3),
                   times(rate.tcp, nftables.tcp)});
    }
    return "## Packets forwarded by a router\n\n" + table.to_text() + "\n";
}

std::string control_plane(const std::vector<Duration>& durations) {
    Table table({"10,000 further rules", "ms", "of the processor", "target", "met"});
    for (const auto& duration : durations)
        table.add({duration.what, fixed(duration.seconds * 1e3, 0), fixed(duration.processor_seconds * 1e3, 0),
                   duration.target != 0 ? fixed(duration.target * 1e3, 0) : "",
                   duration.target != 0 ? met(duration.seconds <= duration.target) : ""});
    return "## Time into force\n\n" + table.to_text() + "\n";
}

std::string memory(const std::vector<Memory>& all) {
    Table table({"further rules", "maps of the policy, KiB", "maps of one card, KiB"});
    for (const auto& memory : all)
        table.add({std::to_string(memory.further_rules), fixed(static_cast<double>(memory.rule_bytes) / 1024, 0),
                   fixed(static_cast<double>(memory.card_bytes) / 1024, 0)});
    return "## Kernel memory\n\n" + table.to_text() + "\n";
}

std::string connection_memory(const std::vector<ConnectionMemory>& all) {
    Table table({"bytes of a connection", "half open: key and value", "confirmed: key and value", "map memory",
                 "of it the kernel's own", "beyond it", "target", "met", "its tables, KiB, empty", "half full"});
    for (const auto& memory : all)
        table.add({memory.name + " (" + memory.tables + ")", std::to_string(memory.half_open),
                   std::to_string(memory.asked), fixed(memory.taken, 1), fixed(memory.overhead, 1),
                   fixed(memory.beyond(), 1), memory.target != 0 ? fixed(memory.target, 0) : "",
                   memory.target != 0 ? met(memory.is_met()) : "", fixed(static_cast<double>(memory.empty) / 1024, 0),
                   fixed(static_cast<double>(memory.filled) / 1024, 0)});
    return "## Memory of a connection\n\n" + table.to_text() + "\n";
}

std::string million(const Million& million) {
    Table table({"established, received", "ns above a no-op", "floor", "ratio to the floor"});
    for (const auto& [name, cost] : million.rows)
        table.add({name, fixed(cost.nanoseconds, 0), fixed(cost.floor, 0), fixed(cost.ratio(), 2)});
    return "## A million connections\n\n" + table.to_text() + "\nOf " + std::to_string(million.opened) +
           " connections, opened and confirmed on a card with a table of " + std::to_string(million.entries) + ", " +
           std::to_string(million.held) + " were there afterwards: " + met(million.held == million.opened) + ".\n\n";
}

std::string breakdown(const std::vector<Step>& steps) {
    Table table({"received, 10 further rules", "ns", "BPF instructions", "machine code, bytes"});
    for (const auto& step : steps)
        table.add({step.name, fixed(step.nanoseconds, 1),
                   step.instructions != 0 ? std::to_string(step.instructions) : "",
                   step.bytes != 0 ? std::to_string(step.bytes) : ""});
    return "## Where the nanoseconds go\n\n" + table.to_text() + "\n";
}

constexpr const char* kMethod = R"(## How it is measured

* Cost: the time of BPF_PROG_TEST_RUN a packet, less that of a no-op program run in the same way; the best of
  interleaved rounds, each of which runs every program once, 20,000 times over. The frame is the smallest of its kind
  and the same in each repetition: caches are warm. A driver program (`bench/drive.bpf.c`) reads the clock at the middle
  and the last repetition and tail-calls the program under test; the no-op has the same driver.
* What is run is the entry program of a card, with the judging programs of a compiled policy in its banks. After each
  run the reason counters must show that every packet ended as the row says.
* The floor parses Ethernet, IPv4 and ports, looks one connection up in an LRU hash of the same size and counts the
  packet in one per-CPU counter. Each ratio is to the floor driven in the same way.
* A SYN that opens: the driver deletes the connection before each repetition, and the time of that deletion is taken by
  the clock and subtracted. With 32,768 connections: another source port each time, nothing deleted within the run, so
  that each repetition meets a part of the table that no cache holds (nor does it for the floor, which misses).
* Through the port forward: the driver writes the untranslated headers back before each repetition.
* The further rules are services on hosts and ports of their own with 1 to 8 remote prefixes each; every second one is
  `state: none`. Beside them the policy has a web service, media ports both ways and a port forward.
* Every profile in one policy: each with the addresses that its rows in `tests/profiles` give it; nothing else.
* Each kind of connection: TCP, a policy with the one rule (and NAT entry) that it needs. Opening: another source port
  and a right checksum each time, as above.
* xdp-filter is loaded by its own command on a veth and its program run by id, without the driver.
* Drop rates: one core makes the frames (live frames of BPF_PROG_TEST_RUN, redirected into the veth), carries them and
  drops them; making and carrying is in every figure, the no-op's too. Source address and port change from frame to
  frame. The best burst of 10,000 frames counts. nftables has the same rules in an input chain behind
  `ct state established,related accept`.
* A router: a namespace of its own between two veths, with 10 further rules and one port forward in nftables and
  edgefw alike; nftables in `dnat` of prerouting and a forward chain behind `ct state established,related accept`,
  spared the summing up of packets (`nf_conntrack_checksum=0`), which a card does. One core makes the frames, is the
  router, and is the far end; all of that is in each figure, so the row without a filter is what can be reached at
  most, and the one with programs that do nothing what can be with hooks. The fastest burst counts.
* Connections opened: 4,096 a burst, each from an address of its own. A handshake is three segments through the
  router; the ends are XDP programs that turn a segment round, because sockets would take longer than any filter. It
  counts when the third segment is at the server, translated. With a sink: SYNs alone, taken away at the first place
  behind the point where the filter has entered the opening: for edgefw tcx ingress of the same card, for nftables tcx
  egress of the other one, because conntrack enters it at the end of postrouting. Afterwards the tables must hold at
  least 99 % of them. On both cards edgefw judges each packet twice, as two firewalls would.
* Packets forwarded: 1,024 flows, 64 bytes of payload, opened and answered before; only what leaves the router with
  the translated address counts.
* Memory of a connection: summed over the tables in which a real handshake leaves an entry. Map memory is what the
  kernel accounts for (`memlock` of fdinfo) by the entries that the table is made for: all of it is taken when a card
  is attached, none when it fills. The kernel's own share is what a table of the same size with keys and values of 8
  bytes takes beyond them.
* The search alone: the code of `bpf/flow/classify.h` in a program that does nothing else, less one that does all but
  the search. 4,096 packets in turn, each inside some rule and random there; every 16th must find the rule that reading
  the rules in order finds. The shapes (`bench/ruleset.cpp`) follow what ClassBench found in providers' filters: acl1 to
  acl5, fw1 to fw5, ipc1 and ipc2. All rules keep state. Grown: boxes to trees, once for each hook and family that has
  the rules. rte_acl is that of DPDK, compiled and called one packet at a time, with a fence behind each call; without
  the reading of a packet into its key. Worst path: what `check` would say.
* A million connections: a handshake of each through the real programs, 31,250 at a time. Each in turn: in an order
  that no cache foresees. The floor has a table of the same size with the same connections. Every packet must have met
  its connection.
* Time into force: best of 5, one card attached, its filter already under such a policy. The target is for the clock of
  the wall; on a machine that does other work beside, the processor's time says more.
)";

}  // namespace

std::string to_markdown(const Results& results) {
    std::string text =
        "# Benchmarks\n\nOne run on one machine. `make bench` makes such a page in `build/benchmarks.md`.\n\n";
    for (const auto& [name, value] : results.machine)
        text += "* " + name + ": " + value + "\n";
    text += "\n" + packet_path(results.path) + profiles(results.profiles) + connections(results.connections) +
            beside(results.path, results.peers) + drop_rates(results.drop_rates) + opened(results.router) +
            forwarded_rates(results.router) + control_plane(results.control_plane) + memory(results.memory) +
            connection_memory(results.connection_memory) + million(results.million) + breakdown(results.breakdown) +
            search(results.search) + kMethod;
    return text + "\nThe whole run took " + fixed(results.seconds, 0) + " s.\n";
}

}  // namespace edgefw::bench
