#!/usr/bin/env bash
# The twin of edgefw is a router with nftables and conntrack, of the same addresses. Whatever is said through both (the
# scripts in linux_twin.table) arrives alike at both ends, but for the differences that the table lists.
#
#   outside --- eth0 edgefw eth1 --- inside
#      |                               |
#      +------- eth0 linux eth1 -------+          the cards of outside and inside are named after the router
# shellcheck source=tests/e2e/story.sh
source "$(dirname "$0")/story.sh"
story_begin
readonly mac=02:00:00:00:00:01 remember=2 # seconds, for a datagram without an answer

lab_host outside inside edgefw linux
for router in edgefw linux; do
    lab_cable outside $router $router eth0
    lab_cable inside $router $router eth1
    on $router ip link set eth0 address $mac
    on $router ip link set eth1 address $mac
    lab_address $router eth0 198.51.100.1/24 203.0.113.7/32
    lab_address $router eth1 10.0.0.1/24
    on $router ip neigh replace 198.51.100.9 lladdr 02:00:00:00:00:02 dev eth0
    on $router ip neigh replace 10.0.0.5 lladdr 02:00:00:00:00:03 dev eth1
    # A packet that fits the first link may be too big for the way on.
    on outside ip link set $router mtu 1600
    on inside ip link set $router mtu 1600
    on $router ip link set eth0 mtu 1600
    on $router ip link set eth1 mtu 1600
    on $router ip route replace 198.51.100.0/24 dev eth0 src 198.51.100.1 mtu lock 1500
    on $router ip route replace 10.0.0.0/24 dev eth1 src 10.0.0.1 mtu lock 1500
    on $router sysctl -qw net.ipv4.ip_forward=1 net.ipv4.icmp_ratelimit=0
done

policy edge <<END
version: 1
default: drop
timeouts: {udp-one-way: $remember, udp-two-way: 60}
rules:
  - {name: fence-out, side: external, direction: both, protocol: 253, state: none, action: pass}
  - {name: fence-in, side: internal, direction: both, protocol: 253, state: none, action: pass}
  - {name: tcp, side: external, direction: inbound, protocol: tcp, local: 10.0.0.5, local_port: 9555, action: pass}
  - {name: udp, side: external, direction: inbound, protocol: udp, local: 10.0.0.5, local_port: 9555, action: pass}
  - {name: echo, side: external, direction: inbound, protocol: icmp, local: 10.0.0.5, icmp: echo-request, action: pass}
  - {name: to-tcp, side: internal, direction: inbound, protocol: tcp, remote: 10.0.0.5, remote_port: 9555, action: pass}
  - {name: to-udp, side: internal, direction: inbound, protocol: udp, remote: 10.0.0.5, remote_port: 9555, action: pass}
  - {name: to-echo, side: internal, direction: inbound, protocol: icmp,
     remote: 10.0.0.5, icmp: echo-request, action: pass}
nat:
  - {name: map, type: port-forward, protocol: [tcp, udp], public: 203.0.113.7, public_port: 8000, to: 10.0.0.5,
     to_port: 9555}
END
on linux nft -f - <<'END'
table ip twin {
    chain translates {
        type nat hook prerouting priority dstnat
        ip daddr 203.0.113.7 tcp dport 8000 dnat to 10.0.0.5:9555
        ip daddr 203.0.113.7 udp dport 8000 dnat to 10.0.0.5:9555
    }
    chain forwards {
        type filter hook forward priority filter; policy drop
        ip protocol 253 accept
        ct state invalid drop
        ct state established,related accept
        iifname eth0 ip daddr 10.0.0.5 tcp dport 9555 accept
        iifname eth0 ip daddr 10.0.0.5 udp dport 9555 accept
        iifname eth0 ip daddr 10.0.0.5 icmp type echo-request accept
    }
    chain receives {
        type filter hook input priority filter; policy drop
    }
}
END
on linux sysctl -qw net.netfilter.nf_conntrack_udp_timeout=$remember net.netfilter.nf_conntrack_udp_timeout_stream=60
# With a policy from the start: nothing is adopted.
edgefw edgefw attach eth0 --policy "$lab_folder/edge.yaml"
edgefw edgefw attach eth1 --side internal --policy "$lab_folder/edge.yaml"

chapter 'the same scripts through both'
on outside timeout 60 "$story_root/tests/e2e/linux_twin.py" "$story_root/tests/e2e/linux_twin.table" \
    "/run/netns/$(lab_netns outside)" "/run/netns/$(lab_netns inside)" $mac 2>"$lab_folder/differs" ||
    fail "edgefw and Linux differ: $(<"$lab_folder/differs")"

edgefw edgefw detach eth0
edgefw edgefw detach eth1
nothing_left edgefw
