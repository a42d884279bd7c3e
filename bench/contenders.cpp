// SPDX-License-Identifier: GPL-2.0-only
#include "bench/contenders.h"

#include <cstdlib>
#include <memory>

#include "bench/command.h"
#include "bench/services.h"
#include "userspace/image/compile.h"
#include "userspace/image/image.h"
#include "userspace/kernel/door.h"

namespace edgefw::bench {
namespace {

constexpr std::uint32_t kFewRules = 10, kManyRules = 10'000;
constexpr double kTarget = 0.75;

std::string with_rules(const char* who, std::uint32_t rules) {
    return std::string(who) + ", " + std::to_string(rules) + " further rules";
}

Result<Ok> succeeded(const Result<std::string>& output) {
    if (!output) return output.error();
    return Ok{};
}

Contender noop(const Lab& lab, const Baseline& baseline) {
    auto link = std::make_shared<Fd>();
    Contender contender;
    contender.who = "XDP no-op drop";
    contender.start = [&lab, &baseline, link]() -> Result<Ok> {
        auto attached = lab.attach_xdp(baseline.noop_drop());
        if (!attached) return attached.error();
        *link = std::move(*attached);
        return Ok{};
    };
    contender.stop = [link]() -> Result<Ok> {
        link->reset();
        return Ok{};
    };
    return contender;
}

Result<std::uint64_t> dropped_by_edgefw() {
    auto counters = kernel::counters(std::string(Lab::kReceiver));
    if (!counters) return counters.error();
    return counters->at(0).reasons[EDGEFW_RECEIVED][EDGEFW_DROP][EDGEFW_REASON_DEFAULT].packets;
}

Result<Contender> edgefw(std::uint32_t rules) {
    auto image = image::compile(policy_of(further_services(rules)));
    if (!image) return image.error();
    auto request = std::make_shared<kernel::AttachRequest>();
    request->interface = Lab::kReceiver;
    request->policy = kernel::Compiled{std::move(*image), R"({"rules": [], "nat": []})", ""};
    Contender contender;
    contender.who = with_rules("edgefw", rules);
    contender.target = kTarget;
    contender.start = [request]() -> Result<Ok> {
        auto card = kernel::attach(*request);
        if (!card) return card.error();
        return Ok{};
    };
    contender.dropped = dropped_by_edgefw;
    contender.stop = [] { return kernel::detach(Lab::kReceiver); };
    return contender;
}

// Its cheapest setting: one destination port of TCP passes.
Contender xdp_filter() {
    Contender contender;
    contender.who = "xdp-filter, TCP ports";
    contender.start = []() -> Result<Ok> {
        auto loaded = run({"xdp-filter", "load", "-p", "deny", "-f", "tcp", Lab::kReceiver});
        if (!loaded) return loaded.error();
        return succeeded(run({"xdp-filter", "port", "443", "-m", "dst", "-p", "tcp"}));
    };
    contender.stop = [] { return succeeded(run({"xdp-filter", "unload", Lab::kReceiver})); };
    return contender;
}

Result<std::uint64_t> dropped_by_nftables() {
    auto counter = run({"nft", "list", "counter", "ip", "edge", "dropped"});
    if (!counter) return counter.error();
    const std::string name = "packets ";
    const std::size_t at = counter->find(name);
    if (at == std::string::npos) return failed("nftables does not count what it dropped");
    return std::strtoull(counter->c_str() + at + name.size(), nullptr, 10);
}

Contender nftables(std::uint32_t rules, int visits) {
    auto text = std::make_shared<std::string>(nftables_of(further_services(rules)));
    const std::string address = web(0).destination.to_text() + "/32";
    Contender contender;
    contender.who = with_rules("nftables", rules);
    contender.visits = visits;
    // The receiver gets the web server's address, so that its packets reach the input chain.
    contender.start = [text, address]() -> Result<Ok> {
        if (auto loaded = run({"nft", "-f", "-"}, *text); !loaded) return loaded.error();
        return succeeded(run({"ip", "address", "add", address, "dev", Lab::kReceiver}));
    };
    contender.dropped = dropped_by_nftables;
    contender.stop = [address]() -> Result<Ok> {
        if (auto deleted = run({"nft", "delete", "table", "ip", "edge"}); !deleted) return deleted.error();
        return succeeded(run({"ip", "address", "del", address, "dev", Lab::kReceiver}));
    };
    return contender;
}

}  // namespace

Result<std::vector<Contender>> contenders(const Lab& lab, const Baseline& baseline) {
    auto few = edgefw(kFewRules);
    if (!few) return few.error();
    auto many = edgefw(kManyRules);
    if (!many) return many.error();
    // nftables takes seconds to load 10,000 rules: once is enough to see where it is.
    return std::vector<Contender>{noop(lab, baseline),    *few, *many, xdp_filter(), nftables(kFewRules, 5),
                                  nftables(kManyRules, 1)};
}

}  // namespace edgefw::bench
