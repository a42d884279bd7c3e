// SPDX-License-Identifier: GPL-2.0-only
#include "bench/acl.h"

#ifndef EDGEFW_BENCH_DPDK

namespace edgefw::bench {

Result<std::optional<SearchTimes>> measure_acl(const std::vector<Filter>&, const std::vector<Header>&, int) {
    return std::optional<SearchTimes>();
}

}  // namespace edgefw::bench

#else

#include <arpa/inet.h>
#include <rte_acl.h>
#include <rte_eal.h>
#include <sched.h>
#include <x86intrin.h>

#include <algorithm>
#include <array>
#include <bit>
#include <chrono>
#include <cstring>
#include <memory>

namespace edgefw::bench {
namespace {

constexpr unsigned kMemory = 2048;  // MiB of address space; what is not used is not taken

// A packet as rte_acl reads it: network byte order, the protocol alone in the first word.
struct Key {
    std::uint8_t protocol;
    std::uint8_t pad[3];
    std::uint32_t local, remote;
    std::uint16_t local_port, remote_port;
};

RTE_ACL_RULE_DEF(AclRule, kTuple);

using Context = std::unique_ptr<rte_acl_ctx, void (*)(rte_acl_ctx*)>;

// EAL binds the thread that starts it to a processor of its choice.
Result<Ok> start_eal() {
    static bool started = false;
    if (started) return Ok{};
    cpu_set_t before;
    sched_getaffinity(0, sizeof(before), &before);
    std::string memory = std::to_string(kMemory);
    std::vector<std::string> words = {"edgefw_bench",  "--no-huge", "--no-pci", "--no-shconf",
                                      "--log-level=1", "-m",        memory};
    std::vector<char*> arguments;
    for (std::string& word : words)
        arguments.push_back(word.data());
    const int done = rte_eal_init(static_cast<int>(arguments.size()), arguments.data());
    sched_setaffinity(0, sizeof(before), &before);
    if (done < 0) return failed("DPDK does not start");
    started = true;
    return Ok{};
}

AclRule rule_of(const Filter& filter, std::uint32_t number) {
    AclRule rule = {};
    rule.data.category_mask = 1;
    rule.data.priority = static_cast<std::int32_t>(RTE_ACL_MAX_PRIORITY - number);
    rule.data.userdata = number + 1;
    rule.field[0].value.u8 = static_cast<std::uint8_t>(filter[4].low);
    rule.field[0].mask_range.u8 = filter[4].low == filter[4].high ? 0xff : 0;
    for (unsigned end = 0; end < 2; ++end) {
        rule.field[1 + end].value.u32 = filter[end].low;
        rule.field[1 + end].mask_range.u32 =
            32 - static_cast<std::uint32_t>(std::bit_width(filter[end].low ^ filter[end].high));
        rule.field[3 + end].value.u16 = static_cast<std::uint16_t>(filter[2 + end].low);
        rule.field[3 + end].mask_range.u16 = static_cast<std::uint16_t>(filter[2 + end].high);
    }
    return rule;
}

rte_acl_config config_of() {
    rte_acl_config config = {};
    config.num_categories = 1;
    config.num_fields = kTuple;
    config.defs[0] = {RTE_ACL_FIELD_TYPE_BITMASK, 1, 0, 0, offsetof(Key, protocol)};
    config.defs[1] = {RTE_ACL_FIELD_TYPE_MASK, 4, 1, 1, offsetof(Key, local)};
    config.defs[2] = {RTE_ACL_FIELD_TYPE_MASK, 4, 2, 2, offsetof(Key, remote)};
    config.defs[3] = {RTE_ACL_FIELD_TYPE_RANGE, 2, 3, 3, offsetof(Key, local_port)};
    config.defs[4] = {RTE_ACL_FIELD_TYPE_RANGE, 2, 4, 3, offsetof(Key, remote_port)};
    return config;
}

Result<Context> context_of(const std::vector<Filter>& filters) {
    rte_acl_param parameters = {};
    parameters.name = "edgefw_bench";
    parameters.socket_id = SOCKET_ID_ANY;
    parameters.rule_size = sizeof(AclRule);
    parameters.max_rule_num = static_cast<std::uint32_t>(filters.size());
    Context context(rte_acl_create(&parameters), rte_acl_free);
    std::vector<AclRule> rules;
    for (const Filter& filter : filters)
        rules.push_back(rule_of(filter, static_cast<std::uint32_t>(rules.size())));
    const rte_acl_config config = config_of();
    if (!context || rte_acl_add_rules(context.get(), reinterpret_cast<rte_acl_rule*>(rules.data()),
                                      static_cast<std::uint32_t>(rules.size())) != 0)
        return failed("rte_acl does not take the rules");
    if (rte_acl_build(context.get(), &config) != 0) return failed("rte_acl does not build the rules");
    return context;
}

std::vector<Key> keys_of(const std::vector<Header>& headers) {
    std::vector<Key> keys;
    for (const Header& header : headers)
        keys.push_back({static_cast<std::uint8_t>(header[4]),
                        {},
                        htonl(header[0]),
                        htonl(header[1]),
                        htons(static_cast<std::uint16_t>(header[2])),
                        htons(static_cast<std::uint16_t>(header[3]))});
    return keys;
}

std::uint32_t search(const Context& context, const Key& key) {
    const auto* data = reinterpret_cast<const std::uint8_t*>(&key);
    std::uint32_t found = 0;
    rte_acl_classify(context.get(), &data, &found, 1, 1);
    return found;
}

// Nanoseconds of one call. A fence behind each: the next search does not begin before this one has ended, as it does
// not where packets come one at a time.
template <typename Call>
double time(int rounds, std::size_t calls, const Call& call) {
    using Clock = std::chrono::steady_clock;
    double best = 1e9;
    for (int round = 0; round < rounds; ++round) {
        const auto start = Clock::now();
        for (std::size_t i = 0; i < calls; ++i) {
            call(i);
            _mm_lfence();
        }
        const std::chrono::duration<double, std::nano> all = Clock::now() - start;
        best = std::min(best, all.count() / static_cast<double>(calls));
    }
    return best;
}

}  // namespace

Result<std::optional<SearchTimes>> measure_acl(const std::vector<Filter>& filters, const std::vector<Header>& headers,
                                               int rounds) {
    if (Result<Ok> done = start_eal(); !done) return done.error();
    Result<Context> context = context_of(filters);
    if (!context) return context.error();
    const std::vector<Key> keys = keys_of(headers);
    for (std::size_t i = 0; i < keys.size(); i += 16) {
        const std::size_t first = first_of(filters, headers[i]);
        if (search(*context, keys[i]) != (first == filters.size() ? 0 : first + 1))
            return failed("rte_acl finds another rule than reading them in order");
    }
    [[maybe_unused]] static volatile std::uint32_t found;
    SearchTimes times;
    const double nothing = time(rounds, keys.size(), [&](std::size_t i) { found = keys[i].local; });
    times.in_turn = time(rounds, keys.size(), [&](std::size_t i) { found = search(*context, keys[i]); }) - nothing;
    times.one = time(rounds, keys.size(), [&](std::size_t) { found = search(*context, keys[0]); }) - nothing;
    return std::optional<SearchTimes>(times);
}

}  // namespace edgefw::bench

#endif
