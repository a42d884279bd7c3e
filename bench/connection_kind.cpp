// SPDX-License-Identifier: GPL-2.0-only
#include "bench/connection_kind.h"

#include "bench/services.h"

#include "userspace/engine/load.h"
#include "userspace/profile/profile_path.h"

namespace edgefw::bench {
namespace {

constexpr std::uint8_t kAck = 0x10, kSynAck = 0x12;
constexpr double kTranslatedTarget = 2;  // established through a forward, to the floor
constexpr double kBytesTarget = 128;     // of an IPv4 connection

struct Line {
    const char* name;
    const char* yaml;
    const char* opener;
    double established_target;
    double bytes_target;
};

constexpr Line kLines[] = {
    {"IPv4", R"(
version: 1
default: drop
rules:
  - {name: web, side: external, direction: inbound, protocol: tcp, local_port: 443, action: pass}
)",
     "external inbound tcp 198.18.0.0:50000 > 192.0.2.20:443", 0, kBytesTarget},
    {"IPv6", R"(
version: 1
default: drop
rules:
  - {name: web, side: external, direction: inbound, protocol: tcp, local_port: 443, action: pass}
)",
     "external inbound tcp [2001:db8:7::9]:50000 > [2001:db8:5::5]:443", 0, 0},
    {"IPv4, port-forward", R"(
version: 1
default: drop
rules:
  - {name: gateway, side: external, direction: inbound, protocol: tcp, local: 10.0.0.5, local_port: 9555, action: pass}
nat:
  - {name: map, type: port-forward, protocol: tcp, public: 203.0.113.7, public_port: 8000, to: 10.0.0.5, to_port: 9555}
)",
     "external inbound tcp 198.18.0.0:50000 > 203.0.113.7:8000", kTranslatedTarget, kBytesTarget},
    {"IPv4, static", R"(
version: 1
default: drop
rules:
  - {name: web, side: external, direction: inbound, protocol: tcp, local: 10.0.0.5, local_port: 443, action: pass}
nat:
  - {name: all, type: static, public: 203.0.113.8, to: 10.0.0.5}
)",
     "external inbound tcp 198.18.0.0:50000 > 203.0.113.8:443", kTranslatedTarget, kBytesTarget},
    {"IPv4, masquerade", R"(
version: 1
default: drop
rules:
  - {name: out, side: external, direction: outbound, protocol: tcp, local: 10.0.0.0/8, action: pass}
nat:
  - {name: office, type: masquerade, from: 10.0.0.0/8, as: 203.0.113.7, ports: 1024-65535}
)",
     "external outbound tcp 10.0.0.5:50000 > 198.18.0.0:443", kTranslatedTarget, kBytesTarget},
};

Result<ConnectionKind> kind_of(const Line& line) {
    auto policy = engine::load_policy({std::string(line.name) + ".yaml", line.yaml}, policy::ProfilePath::standard());
    if (!policy) return policy.error();
    auto opener = packet::parse(line.opener);
    if (!opener) return opener.error();
    ConnectionKind kind = {line.name, std::move(*policy), *opener, *opener, line.established_target, line.bytes_target};
    kind.confirmation.tcp_flags = kAck;
    return kind;
}

}  // namespace

Result<packet::Packet> answer_of(const ConnectionKind& kind, const Instance& instance) {
    auto left = instance.pass(kind.opener);
    if (!left) return left.error();
    return reply_to(*left, kSynAck);
}

Result<std::vector<ConnectionKind>> connection_kinds() {
    std::vector<ConnectionKind> kinds;
    for (const Line& line : kLines) {
        auto kind = kind_of(line);
        if (!kind) return kind.error();
        kinds.push_back(std::move(*kind));
    }
    return kinds;
}

}  // namespace edgefw::bench
