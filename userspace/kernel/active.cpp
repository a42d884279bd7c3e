// SPDX-License-Identifier: GPL-2.0-only
#include "userspace/kernel/active.h"

#include <linux/bpf.h>
#include <bpf/bpf.h>

#include <algorithm>
#include <cerrno>
#include <iterator>

#include "userspace/base/fd.h"
#include "userspace/kernel/clock.h"
#include "userspace/kernel/errors.h"

namespace edgefw::kernel {
namespace {

// The halves of a 64-bit constant, as instructions carry them.
std::int32_t low_half(std::uint64_t value) {
    return static_cast<std::int32_t>(static_cast<std::uint32_t>(value));
}
std::int32_t high_half(std::uint64_t value) {
    return static_cast<std::int32_t>(static_cast<std::uint32_t>(value >> 32));
}

enum Register : std::uint8_t { kR0, kR1, kR2, kR6 = 6 };

// Two instructions: a constant.
void load_constant(std::vector<bpf_insn>& program, std::uint8_t to, std::uint64_t value) {
    program.push_back({BPF_LD | BPF_DW | BPF_IMM, to, 0, 0, low_half(value)});
    program.push_back({0, 0, 0, 0, high_half(value)});
}

Result<Map> open_or_make_one(const std::string& pin, const MapSpec& spec) {
    if (is_pinned(pin)) return Map::open_pinned(pin);
    auto map = Map::create(spec);
    if (!map) return map.error();
    if (auto pinned = map->pin(pin); !pinned) return pinned.error();
    return map;
}

Result<edgefw_confirmation> read_element(const Home& home, std::uint32_t bank) {
    auto map = Map::open_pinned(home.confirmations());
    if (!map) return map.error();
    return map->at<edgefw_confirmation>(bank);
}

}  // namespace

// A program does so, since it is the only one who can: the map of an earlier version cannot be mapped into a process,
// and the clock is the kernel's.
Result<bool> exchange_word(const Map& active, std::uint64_t from, std::uint64_t to, std::uint64_t until) {
    constexpr std::uint8_t kCall = BPF_JMP | BPF_CALL, kExit = BPF_JMP | BPF_EXIT, kMove = BPF_ALU64 | BPF_MOV | BPF_K;
    std::vector<bpf_insn> program;
    if (until != 0) {
        program.push_back({kCall, 0, 0, 0, BPF_FUNC_jiffies64});
        load_constant(program, kR1, until);
        program.push_back({BPF_ALU64 | BPF_SUB | BPF_X, kR0, kR1, 0, 0});
        program.push_back({BPF_JMP | BPF_JSLT | BPF_K, kR0, 0, 2, 0});  // before the deadline: over the next two
        program.push_back({kMove, kR0, 0, 0, 0});
        program.push_back({kExit, 0, 0, 0, 0});
    }
    program.push_back({BPF_LD | BPF_DW | BPF_IMM, kR6, BPF_PSEUDO_MAP_VALUE, 0, active.fd()});
    program.push_back({0, 0, 0, 0, 0});
    load_constant(program, kR0, from);
    load_constant(program, kR2, to);
    program.push_back({BPF_STX | BPF_ATOMIC | BPF_DW, kR6, kR2, 0, BPF_CMPXCHG});
    load_constant(program, kR1, from);
    program.push_back({BPF_JMP | BPF_JEQ | BPF_X, kR0, kR1, 2, 0});  // it was: over the next two
    program.push_back({kMove, kR0, 0, 0, 0});
    program.push_back({kExit, 0, 0, 0, 0});
    program.push_back({kMove, kR0, 0, 0, 1});
    program.push_back({kExit, 0, 0, 0, 0});
    const Fd loaded =
        Fd::own(bpf_prog_load(BPF_PROG_TYPE_XDP, "edgefw_exchange", "GPL", program.data(), program.size(), nullptr));
    if (!loaded.valid()) return system_error("loading a program that writes the active word", errno);
    const std::uint8_t frame[64] = {};  // a frame must be as long as an Ethernet header at least
    LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = frame, .data_size_in = sizeof(frame), .repeat = 1);
    if (bpf_prog_test_run_opts(loaded.get(), &options) != 0) return system_error("writing the active word", errno);
    return options.retval == 1;
}

ActiveWord ActiveWord::from(std::uint64_t word) {
    ActiveWord active;
    active.generation = static_cast<std::uint32_t>(word >> EDGEFW_ACTIVE_GENERATION_SHIFT);
    active.bank =
        static_cast<std::uint32_t>(word & EDGEFW_ACTIVE_LOW_BANK) | ((word & EDGEFW_ACTIVE_HIGH_BANK) != 0 ? 2 : 0);
    active.pending = (word & EDGEFW_ACTIVE_PENDING) != 0;
    active.fell_back = (word & EDGEFW_ACTIVE_FELL_BACK) != 0;
    return active;
}

std::uint64_t ActiveWord::word() const {
    return std::uint64_t{generation} << EDGEFW_ACTIVE_GENERATION_SHIFT | (bank & EDGEFW_ACTIVE_LOW_BANK) |
           ((bank & 2) != 0 ? EDGEFW_ACTIVE_HIGH_BANK : 0) | (pending ? EDGEFW_ACTIVE_PENDING : 0) |
           (fell_back ? EDGEFW_ACTIVE_FELL_BACK : 0);
}

Result<ActiveMaps> ActiveMaps::open_or_make(const Home& home) {
    auto active = open_or_make_one(home.active(), {"active", BPF_MAP_TYPE_ARRAY, 4, sizeof(std::uint64_t), 1});
    if (!active) return active.error();
    auto confirmations = open_or_make_one(
        home.confirmations(), {"confirmations", BPF_MAP_TYPE_ARRAY, 4, sizeof(edgefw_confirmation), EDGEFW_BANKS});
    if (!confirmations) return confirmations.error();
    return ActiveMaps{std::move(*active), std::move(*confirmations)};
}

std::vector<Binding> ActiveMaps::bindings() const {
    return {{"active", active.fd()}, {"confirmations", confirmations.fd()}};
}

Result<ActiveWord> read_active_as_written(const Home& home) {
    if (!home.exists() || !is_pinned(home.active())) return ActiveWord{};
    auto map = Map::open_pinned(home.active());
    if (!map) return map.error();
    auto word = map->at<std::uint64_t>(0);
    if (!word) return word.error();
    return ActiveWord::from(*word);
}

Result<ActiveWord> read_active(const Home& home) {
    auto written = read_active_as_written(home);
    if (!written || !written->pending) return written;
    auto confirmation = read_confirmation(home, *written);
    if (!confirmation) return confirmation.error();
    auto now = jiffies_now();
    if (!now) return now.error();
    const bool is_over = static_cast<std::int64_t>(*now - confirmation->deadline) >= 0;
    return is_over ? confirmation->fallback : *written;
}

Result<Confirmation> read_confirmation(const Home& home, const ActiveWord& pending) {
    auto element = read_element(home, pending.bank);
    if (!element) return element.error();
    return Confirmation{element->deadline, ActiveWord::from(element->fallback)};
}

Result<Ok> write_confirmation(const Home& home, std::uint32_t bank, const Confirmation& confirmation) {
    auto map = Map::open_pinned(home.confirmations());
    if (!map) return map.error();
    return map->set(bank, edgefw_confirmation{confirmation.deadline, confirmation.fallback.word()});
}

Result<bool> exchange_active(const Home& home, const ActiveWord& from, const ActiveWord& to) {
    auto map = Map::open_pinned(home.active());
    if (!map) return map.error();
    return exchange_word(*map, from.word(), to.word(), 0);
}

Result<bool> confirm_active(const Home& home, const ActiveWord& pending) {
    auto confirmation = read_confirmation(home, pending);
    if (!confirmation) return confirmation.error();
    auto map = Map::open_pinned(home.active());
    if (!map) return map.error();
    ActiveWord confirmed = pending;
    confirmed.pending = false;
    return exchange_word(*map, pending.word(), confirmed.word(), confirmation->deadline);
}

std::uint32_t free_bank(const std::vector<std::uint32_t>& taken) {
    std::uint32_t bank = 0;
    while (std::find(taken.begin(), taken.end(), bank) != taken.end())
        bank++;
    return bank;
}

}  // namespace edgefw::kernel
