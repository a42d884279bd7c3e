// SPDX-License-Identifier: GPL-2.0-only
#include "bench/router_filter.h"

#include <linux/bpf.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <net/if.h>
#include <unistd.h>

#include <memory>
#include <vector>

#include "bench/baseline.h"
#include "bench/command.h"
#include "bench/services.h"
#include "userspace/document/document.h"
#include "userspace/engine/load.h"
#include "userspace/image/compile.h"
#include "userspace/image/image.h"
#include "userspace/kernel/door.h"
#include "userspace/profile/profile_path.h"

namespace edgefw::bench {
namespace {

constexpr std::uint32_t kFurtherRules = 10;
constexpr std::uint16_t kPort = 9555;  // of the forward, public and behind it
// enum bpf_attach_type (Linux 6.6): the headers of an older distribution do not have it.
constexpr auto kTcxEgress = static_cast<bpf_attach_type>(47);
constexpr int kWaitMicroseconds = 1000, kMostWaits = 1000;

const Address kTarget = {Family::kIpv4, 0x0a000005};   // 10.0.0.5
const Address kPublic = {Family::kIpv4, 0xcb007107};   // 203.0.113.7
const Address kRemotes = {Family::kIpv4, 0xc6120000};  // 198.18.0.0/16, for benchmarks (RFC 2544)

std::string edgefw_policy() {
    return yaml_of(further_services(kFurtherRules)) + R"(
  - {name: calls, side: external, direction: inbound, protocol: udp, local: 10.0.0.5, local_port: 9555, action: pass}
  - {name: gateway-inside, side: internal, direction: inbound, protocol: tcp, remote: 10.0.0.5, remote_port: 9555,
     action: pass}
  - {name: calls-inside, side: internal, direction: inbound, protocol: udp, remote: 10.0.0.5, remote_port: 9555,
     action: pass}
nat:
  - {name: map, type: port-forward, protocol: [tcp, udp], public: 203.0.113.7, public_port: 9555, to: 10.0.0.5}
)";
}

std::string nftables_ruleset() {
    return R"(table ip edge {
  chain prerouting {
    type nat hook prerouting priority dstnat; policy accept;
    ip daddr 203.0.113.7 tcp dport 9555 dnat to 10.0.0.5:9555
    ip daddr 203.0.113.7 udp dport 9555 dnat to 10.0.0.5:9555
  }
  chain forward {
    type filter hook forward priority filter; policy drop;
    ct state established,related accept
)" + nftables_rules_of(further_services(kFurtherRules)) +
           R"(    ip daddr 10.0.0.5 udp dport 9555 counter accept
  }
}
)";
}

RouterFilter none() {
    RouterFilter filter;
    filter.who = "no filter, no translation";
    filter.translates = false;
    filter.sink = Traffic::Place::kSinkReceived;
    filter.start = filter.stop = []() -> Result<Ok> { return Ok{}; };
    return filter;
}

// What the hooks of the external card cost by themselves: on veth, XDP is more than a call.
Result<RouterFilter> hooks_alone(const Router& router) {
    auto loaded = Baseline::load();
    if (!loaded) return loaded.error();
    auto baseline = std::make_shared<Baseline>(std::move(*loaded));
    auto links = std::make_shared<std::vector<Fd>>();
    RouterFilter filter = none();
    filter.who = "no filter, but programs in its hooks that do nothing";
    filter.start = [&router, baseline, links] {
        return router.inside([&]() -> Result<Ok> {
            const int card = static_cast<int>(if_nametoindex(Router::kExternal));
            links->push_back(Fd::own(bpf_link_create(baseline->noop_received(), card, BPF_XDP, nullptr)));
            links->push_back(Fd::own(bpf_link_create(baseline->noop_sent(), card, kTcxEgress, nullptr)));
            const bool attached = links->front().valid() && links->back().valid();
            if (attached) return Ok{};
            links->clear();  // the other one would be in what is measured next
            return failed("cannot attach a program that does nothing");
        });
    };
    filter.stop = [links]() -> Result<Ok> {
        links->clear();
        return Ok{};
    };
    return filter;
}

RouterFilter nftables(const Router& router) {
    RouterFilter filter;
    filter.who = "nftables, dnat and conntrack";
    filter.sink = Traffic::Place::kSinkSent;  // conntrack enters an opening at the end of the postrouting hook
    filter.start = [&router] {
        return router.inside([]() -> Result<Ok> {
            if (auto loaded = run({"nft", "-f", "-"}, nftables_ruleset()); !loaded) return loaded.error();
            // A card has verified a checksum before conntrack would; on veth it would sum every packet up.
            if (auto set = run({"sysctl", "-qw", "net.netfilter.nf_conntrack_checksum=0"}); !set) return set.error();
            return Ok{};
        });
    };
    filter.entries = [&router] { return router.conntrack_entries(); };
    filter.stop = [&router]() -> Result<Ok> {
        auto deleted = router.inside([]() -> Result<Ok> {
            if (auto ran = run({"nft", "delete", "table", "ip", "edge"}); !ran) return ran.error();
            return Ok{};
        });
        if (!deleted) return deleted;
        return router.forget_conntrack();
    };
    return filter;
}

// Entries of the IPv4 tables of the external card.
Result<std::uint64_t> entries_of_edgefw() {
    auto status = kernel::status(true);
    if (!status) return status.error();
    std::uint64_t entries = 0;
    for (const auto& card : status->cards) {
        if (card.card.side != policy::Side::kExternal) continue;
        for (const auto& map : card.maps) {
            if (map.map == "connections-ipv4" || map.map == "openings-ipv4") entries += map.entries;
        }
    }
    return entries;
}

Result<Ok> attach(const kernel::Compiled& policy, bool on_both) {
    kernel::AttachRequest request;
    request.interface = Router::kExternal;
    if (auto card = kernel::attach(request); !card) return card.error();
    request.interface = Router::kInternal;
    request.side = policy::Side::kInternal;
    if (on_both) {
        if (auto card = kernel::attach(request); !card) return card.error();
    }
    if (auto pushed = kernel::push(policy, std::nullopt); !pushed) return pushed.error();
    return Ok{};
}

// The kernel takes a program off a card some time after its pin is gone: what is measured next must not meet it.
Result<Ok> detach(const char* card) {
    if (auto detached = kernel::detach(card); !detached) return detached;
    const int ifindex = static_cast<int>(if_nametoindex(card));
    for (int wait = 0; wait < kMostWaits; wait++) {
        LIBBPF_OPTS(bpf_prog_query_opts, sent);
        __u32 received = 0;
        const bool is_known =
            bpf_xdp_query_id(ifindex, 0, &received) == 0 && bpf_prog_query_opts(ifindex, kTcxEgress, &sent) == 0;
        if (is_known && received == 0 && sent.count == 0) return Ok{};
        usleep(kWaitMicroseconds);
    }
    return failed(std::string("edgefw is detached from ") + card + ", but its programs are still there");
}

Result<RouterFilter> edgefw(const Router& router, bool on_both) {
    auto policy = engine::load_policy({"router.yaml", edgefw_policy()}, policy::ProfilePath::standard());
    if (!policy) return policy.error();
    auto image = image::compile(*policy);
    if (!image) return image.error();
    auto compiled = std::make_shared<kernel::Compiled>();
    *compiled = {std::move(*image), document::write(*policy).dump(), policy->digest, "", document::list(*policy)};
    RouterFilter filter;
    filter.who = on_both ? "edgefw on both cards" : "edgefw on the external card";
    filter.is_compared = true;
    if (!on_both) filter.sink = Traffic::Place::kSinkReceived;
    filter.start = [&router, compiled, on_both] { return router.inside([&] { return attach(*compiled, on_both); }); };
    filter.entries = [&router]() -> Result<std::uint64_t> {
        std::uint64_t entries = 0;
        auto asked = router.inside([&entries]() -> Result<Ok> {
            auto counted = entries_of_edgefw();
            if (!counted) return counted.error();
            entries = *counted;
            return Ok{};
        });
        if (!asked) return asked.error();
        return entries;
    };
    filter.stop = [&router, on_both] {
        return router.inside([on_both]() -> Result<Ok> {
            if (auto detached = detach(Router::kExternal); !detached || !on_both) return detached;
            return detach(Router::kInternal);
        });
    };
    return filter;
}

}  // namespace

Result<std::vector<RouterFilter>> router_filters(const Router& router) {
    auto hooks = hooks_alone(router);
    if (!hooks) return hooks.error();
    auto external = edgefw(router, false);
    if (!external) return external.error();
    auto both = edgefw(router, true);
    if (!both) return both.error();
    return std::vector<RouterFilter>{none(), nftables(router), std::move(*hooks), std::move(*external),
                                     std::move(*both)};
}

Address router_target() {
    return kTarget;
}

std::uint16_t router_target_port() {
    return kPort;
}

packet::Packet to_router(std::uint8_t protocol, std::uint8_t tcp_flags, bool translated) {
    packet::Packet packet;
    packet.protocol = protocol;
    packet.tcp_flags = tcp_flags;
    packet.source = kRemotes;
    packet.destination = translated ? kPublic : kTarget;
    packet.destination_port = kPort;
    return packet;
}

packet::Packet from_target(std::uint8_t protocol) {
    packet::Packet packet;
    packet.protocol = protocol;
    packet.source = kTarget;
    packet.source_port = kPort;
    packet.destination = kRemotes;
    return packet;
}

}  // namespace edgefw::bench
