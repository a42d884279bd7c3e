// SPDX-License-Identifier: GPL-2.0-only
#include "tests/kernel/test_run.h"

#include <linux/bpf.h>
#include <bpf/bpf.h>
#include <arpa/inet.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <stdexcept>
#include <utility>

#include "maps/builtins.h"
#include "maps/limits.h"
#include "maps/reasons.h"
#include "userspace/document/document.h"
#include "userspace/engine/load.h"
#include "userspace/image/compile.h"
#include "userspace/image/hosts.h"
#include "userspace/image/plan.h"
#include "userspace/kernel/clock.h"
#include "userspace/kernel/config.h"
#include "userspace/kernel/door.h"

namespace edgefw::test {
namespace {

#define NAME(identifier, name, verdict, sentence) name,
constexpr const char* kReasonNames[] = {EDGEFW_REASONS(NAME)};
#undef NAME
#define ID(identifier, key, id, verdict, sentence) id,
constexpr const char* kBuiltinIds[] = {EDGEFW_BUILTINS(ID)};
#undef ID

constexpr std::size_t kMostFrame = 65536;
constexpr std::uint32_t kSlots = 16384;

// No program, no ring: said once, and every test is then skipped (a failure where skips are not allowed).
class MayLoadPrograms : public ::testing::Environment {
    void SetUp() override {
        const auto allowed = kernel::may_load_programs();
        if (!allowed) GTEST_SKIP() << "the kernel ring loads programs: " << allowed.error().message;
    }
};
const auto* const kMayLoadPrograms = ::testing::AddGlobalTestEnvironment(new MayLoadPrograms);

// The value. Without it nothing that follows has a meaning: GoogleTest ends the test that throws, as failed.
template <typename T>
T take(Result<T> result, const char* what) {
    if (!result) throw std::runtime_error(std::string(what) + ": " + result.error().message);
    return std::move(*result);
}

template <typename Counter>
void add(Counter& sum, const Counter& part) {
    sum.packets += part.packets;
    sum.bytes += part.bytes;
}

// Element `index` of a per-CPU map, one value a CPU.
template <typename Counter>
std::vector<Counter> read_cpus(const kernel::Map& map, std::uint32_t index) {
    std::vector<Counter> values(static_cast<std::size_t>(kernel::cpus()));
    take(map.read(&index, values.data()), "reading a counter");
    return values;
}

// The numbers of the maps that a program uses.
std::vector<std::uint32_t> maps_of(const Fd& program) {
    bpf_prog_info info = {};
    std::uint32_t size = sizeof(info);
    if (bpf_prog_get_info_by_fd(program.get(), &info, &size) != 0) return {};
    std::vector<std::uint32_t> ids(info.nr_map_ids);
    info = {};
    info.nr_map_ids = static_cast<std::uint32_t>(ids.size());
    info.map_ids = reinterpret_cast<std::uintptr_t>(ids.data());
    if (bpf_prog_get_info_by_fd(program.get(), &info, &size) != 0) return {};
    return ids;
}

}  // namespace

policy::Policy policy_of(const std::string& lines) {
    return take(engine::load_policy({"p", "version: 1\n" + lines}, {}), "policy");
}

kernel::Compiled compiled(const std::string& lines) {
    const policy::Policy policy = policy_of(lines);
    return {take(image::compile(policy), "compile"), document::write_text(policy), policy.digest, "",
            document::list(policy)};
}

TestRun::TestRun(const Options& options) : options_(options) {
    kernel::silence_libbpf();
    policy::Capacity capacity = kernel::capacity_of(options.connections);
    capacity.record_bytes = options.record_bytes;
    maps_ = take(kernel::CardMaps::create(capacity, kSlots), "card maps");
    if (!options.recycles) {
        for (kernel::Map* map : {&maps_->connections4, &maps_->datagrams4, &maps_->openings4}) {
            *map = take(kernel::Map::create(
                            {"refuses", BPF_MAP_TYPE_HASH, map->key_size(), map->value_size(), map->max_entries()}),
                        "table");
        }
    }
    decision_ = take(kernel::create_map("decision"), "decision map");
    make(image::Image{}, 0);
}

// As commit does it, but for the pins.
void TestRun::push(const policy::Policy& policy) {
    image::Image image = take(image::compile(policy), "compile");
    in_force_.forwards = take(generation_->forwards(), "forwards");
    in_force_.kept = {};
    for (const policy::Side side : {policy::Side::kExternal, policy::Side::kInternal}) {
        const edgefw_config config = take(generation_->config(side), "config");
        if (number_ == 0 && !learned_) continue;
        in_force_.kept.add(learned_ ? kernel::config_without_policy(side) : config, {seconds_, kernel::jiffies_of(1)});
    }
    in_force_.now = seconds_;
    learned_ = false;
    in_force_.slots = take(image::plan(image, in_force_), "plan").slots;
    for (const auto& [id, slot] : in_force_.slots)
        ids_[slot] = id;
    make(image, ++number_);
}

void TestRun::move_host(const std::string& name, const std::vector<std::string>& addresses) {
    image::Hosts hosts = take(image::parse_hosts(take(generation_->hosts(), "hosts")), "hosts");
    const auto host = std::find_if(hosts.hosts.begin(), hosts.hosts.end(),
                                   [&](const policy::Host& candidate) { return candidate.name == name; });
    std::vector<Address> next;
    for (const std::string& text : addresses)
        next.push_back(*Address::parse(text));
    std::sort(next.begin(), next.end());
    const auto moves = image::moves(hosts, *host, next, [&](const Address& address) {
        return take(generation_->class_of(address), "the class of an address");
    });
    ASSERT_TRUE(moves) << "only a push can give " << name << " such addresses";
    for (const image::Move& move : *moves)
        take(generation_->set_class(move.address, move.number), "a class");
    host->addresses = next;
    take(generation_->write_hosts(hosts.to_text()), "hosts");
}

void TestRun::retain(std::uint32_t seconds) {
    retains_until_ = seconds == 0 ? 0 : kernel::uptime() + seconds;
}

void TestRun::adopt_until(std::uint32_t seconds) {
    adopts_until_ = seconds;
    programs_.reset();
}

void TestRun::make(const image::Image& image, std::uint32_t generation) {
    generation_ = take(kernel::Generation::create(image, kernel::Kept{"{}"}, generation, retains_until_), "generation");
    programs_.reset();
}

const kernel::ProgramPair& TestRun::programs() {
    if (programs_) return *programs_;
    edgefw_config config = take(generation_->config(options_.side), "config");
    config.shadow = options_.asks_shadow ? 1 : 0;
    const kernel::Variant variant = {options_.link_layer,
                                     options_.partial_checksums,
                                     !older_.empty(),
                                     adopts_until_,
                                     true,
                                     options_.record_bytes == 0 ? 0 : maps_->records()};
    auto bindings = maps_->bindings();
    for (const auto& binding : generation_->bindings())
        bindings.push_back(binding);
    bindings.push_back({"decision", decision_->fd()});
    const auto older = kernel::older_bindings(older_);
    bindings.insert(bindings.end(), older.begin(), older.end());
    for (auto& map : in_flight_)
        map.reset();
    programs_ = take(kernel::load_judge(kernel::specialised(config, variant), bindings, options_.at), "programs");
    return *programs_;
}

const TestRun::InFlight& TestRun::in_flight(edgefw_hook hook) {
    if (in_flight_[hook]) return *in_flight_[hook];
    for (const std::uint32_t id : maps_of(hook == EDGEFW_RECEIVED ? programs().received : programs().sent)) {
        Fd map = Fd::own(bpf_map_get_fd_by_id(id));
        bpf_map_info info = {};
        std::uint32_t size = sizeof(info);
        if (!map.valid() || bpf_map_get_info_by_fd(map.get(), &info, &size) != 0) continue;
        if (std::string(info.name) != "in_flight") continue;
        in_flight_[hook] = InFlight{std::move(map), id, (info.value_size + std::size_t{7}) / 8 * 8};
        return *in_flight_[hook];
    }
    throw std::runtime_error("the program has no map in_flight");
}

void TestRun::set_busy(edgefw_hook hook, bool busy) {
    busy_[hook] = busy ? 1 : 0;
}

void TestRun::fill_with_noise(edgefw_hook hook, std::uint32_t busy) {
    const InFlight& in_flight = this->in_flight(hook);
    Bytes values(in_flight.size * static_cast<std::size_t>(kernel::cpus()));
    std::generate(values.begin(), values.end(), [&] { return static_cast<std::uint8_t>(noise_() >> 8); });
    for (std::size_t at = 0; at < values.size(); at += in_flight.size)
        std::memcpy(values.data() + at, &busy, sizeof(busy));
    const std::uint32_t index = 0;
    if (bpf_map_update_elem(in_flight.map.get(), &index, values.data(), BPF_ANY) != 0)
        throw std::runtime_error("cannot write the map in_flight");
}

std::string TestRun::judge(edgefw_hook hook, const Bytes& frame) {
    learned_ = learned_ || number_ == 0;
    fill_with_noise(hook, busy_[hook]);
    const auto before = take(decision_->at<edgefw_decision>(0), "decision");
    left_.resize(kMostFrame);
    LIBBPF_OPTS(bpf_test_run_opts, run, .data_in = frame.data(), .data_out = left_.data(),
                .data_size_in = static_cast<__u32>(frame.size()), .data_size_out = kMostFrame, .repeat = 1);
    const Fd& program = hook == EDGEFW_RECEIVED ? programs().received : programs().sent;
    if (bpf_prog_test_run_opts(program.get(), &run) != 0) return "refused";
    left_.resize(run.data_size_out);
    const auto decision = take(decision_->at<edgefw_decision>(0), "decision");
    if (busy_[hook] != 0 && decision.sequence == before.sequence) return "busy";
    EXPECT_EQ(decision.sequence, before.sequence + 1) << "one record a packet";
    return text_of(decision);
}

std::string TestRun::judge(const packet::Packet& packet) {
    EXPECT_EQ(packet.side, options_.side) << packet.to_text();
    return judge(packet.hook(), packet::frame(packet));
}

std::string TestRun::judge(const std::string& notation) {
    return judge(take(packet::parse(notation), "packet"));
}

std::string TestRun::text_of(const edgefw_decision& decision) {
    std::string text = decision.verdict == EDGEFW_PASS ? "pass " : "drop ";
    text += decision.reason < EDGEFW_REASON_COUNT ? kReasonNames[decision.reason] : "no-such-reason";
    if (decision.slot != EDGEFW_SLOT_NONE) text += " " + id_of(decision.slot);
    if (decision.nat != 0) text += " via " + id_of(decision.nat);
    if (decision.slot == EDGEFW_SLOT_NONE) return text;
    std::uint64_t& known = connections_[decision.slot];
    const std::uint64_t now = counter(decision.slot).connections;
    if (now != known) text += now == known + 1 ? " opened" : " opened several";
    known = now;
    return text;
}

std::string TestRun::id_of(std::uint32_t slot) const {
    if (slot >= EDGEFW_SLOT_FIRST_BUILTIN && slot < EDGEFW_SLOT_FIRST_BUILTIN + EDGEFW_BUILTIN_COUNT)
        return kBuiltinIds[slot - EDGEFW_SLOT_FIRST_BUILTIN];
    const auto found = ids_.find(slot);
    return found == ids_.end() ? "slot-" + std::to_string(slot) : found->second;
}

edgefw_counter TestRun::counter(std::uint32_t slot) const {
    edgefw_counter sum = {};
    for (const auto& value : read_cpus<edgefw_counter>(maps_->counters, slot)) {
        add(sum, value);
        sum.connections += value.connections;
    }
    return sum;
}

edgefw_counter TestRun::counter(const std::string& id) const {
    for (std::uint32_t i = 0; i < EDGEFW_BUILTIN_COUNT; i++) {
        if (id == kBuiltinIds[i]) return counter(EDGEFW_SLOT_FIRST_BUILTIN + i);
    }
    const auto found = in_force_.slots.find(id);
    if (found != in_force_.slots.end()) return counter(found->second);
    ADD_FAILURE() << "no rule " << id;
    return {};
}

edgefw_reason_counter TestRun::reason(edgefw_hook hook, edgefw_verdict verdict, edgefw_reason reason) const {
    edgefw_reason_counter sum = {};
    const std::uint32_t index = (hook * 2u + verdict) * EDGEFW_REASON_COUNT + reason;
    for (const auto& value : read_cpus<edgefw_reason_counter>(maps_->reasons, index))
        add(sum, value);
    return sum;
}

edgefw_reason_counter TestRun::seen() const {
    edgefw_reason_counter sum = {};
    for (std::uint32_t index = 0; index < EDGEFW_REASON_COUNTERS; index++) {
        for (const auto& value : read_cpus<edgefw_reason_counter>(maps_->reasons, index))
            add(sum, value);
    }
    return sum;
}

void TestRun::resize(std::uint32_t connections) {
    older_ = take(maps_->resize(kernel::capacity_of(connections)), "tables of another size");
    programs_.reset();
}

std::uint64_t TestRun::left_behind() const {
    std::uint64_t sum = 0;
    for (const kernel::Map& map : older_)
        sum += map.fd() < 0 ? 0 : map.count();
    return sum;
}

std::uint64_t TestRun::confirmed() const {
    return maps_->connections4.count() + maps_->connections6.count() + maps_->datagrams4.count() +
           maps_->datagrams6.count();
}

edgefw_table_counter TestRun::turnover(edgefw_table table, edgefw_family family) const {
    edgefw_table_counter sum = {};
    const std::uint32_t index =
        EDGEFW_TABLE_INDEX(static_cast<std::uint32_t>(table), static_cast<std::uint32_t>(family));
    for (const auto& value : read_cpus<edgefw_table_counter>(maps_->table_counters, index)) {
        sum.inserted += value.inserted;
        sum.removed += value.removed;
        sum.refused += value.refused;
    }
    return sum;
}

void TestRun::age(std::uint64_t seconds) {
    const std::uint64_t by = seconds * kernel::jiffies_of(1);
    const kernel::CardMaps& maps = *maps_;
    for (const kernel::Map* map : {&maps.connections4, &maps.connections6, &maps.datagrams4, &maps.datagrams6,
                                   &maps.openings4, &maps.openings6}) {
        std::vector<std::pair<Bytes, edgefw_connection>> all;
        const auto note = [&](const std::uint8_t* key, const std::uint8_t* value) {
            auto& [name, connection] = all.emplace_back(Bytes(key, key + map->key_size()), edgefw_connection{});
            std::memcpy(&connection, value, sizeof(connection));
        };
        take(map->for_each(note), "a table");
        for (auto& [key, connection] : all) {
            connection.opened -= by;
            connection.seen -= by;
            take(map->write(key.data(), &connection), "an entry");
        }
    }
}

void TestRun::each_connection(const Each& each) const {
    for (const kernel::Map* map : {&maps_->connections4, &maps_->datagrams4, &maps_->openings4}) {
        const auto read = [&](const std::uint8_t* key_bytes, const std::uint8_t* value) {
            edgefw_connection4_key key;
            edgefw_connection connection;
            std::memcpy(&key, key_bytes, sizeof(key));
            std::memcpy(&connection, value, sizeof(connection));
            each(key, connection);
        };
        take(map->for_each(read), "a table");
    }
}

void TestRun::forget_of_port(std::uint16_t port) {
    std::vector<edgefw_connection4_key> keys;
    each_connection([&](const edgefw_connection4_key& key, const edgefw_connection&) {
        if (ntohs(key.local_port) == port) keys.push_back(key);
    });
    for (const edgefw_connection4_key& key : keys) {
        for (const kernel::Map* map : {&maps_->connections4, &maps_->datagrams4, &maps_->openings4})
            take(map->remove(&key), "an entry");
    }
}

void TestRun::forget() {
    for (const kernel::Map* map : maps_->tables())
        map->clear();
}

}  // namespace edgefw::test
