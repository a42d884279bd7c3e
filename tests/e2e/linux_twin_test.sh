#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
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
    lab_address $router eth0 198.51.100.1/24 203.0.113.7/32 203.0.113.8/32 203.0.113.9/32
    lab_address $router eth1 10.0.0.1/24
    for end in 9 77; do on $router ip neigh replace 198.51.100.$end lladdr 02:00:00:00:00:02 dev eth0; done
    for end in 5 6 7 8 77; do on $router ip neigh replace 10.0.0.$end lladdr 02:00:00:00:00:03 dev eth1; done
    # A packet that fits the first link may be too big for the way on.
    on outside ip link set $router mtu 1600
    on inside ip link set $router mtu 1600
    on $router ip link set eth0 mtu 1600
    on $router ip link set eth1 mtu 1600
    on $router ip route replace 198.51.100.0/24 dev eth0 src 198.51.100.1 mtu lock 1500
    on $router ip route replace 10.0.0.0/24 dev eth1 src 10.0.0.1 mtu lock 1500
    # Through a hairpin a packet leaves by the card it came by; Linux would tell its sender of a shorter way.
    on $router sysctl -qw net.ipv4.ip_forward=1 net.ipv4.icmp_ratelimit=0 net.ipv4.conf.all.send_redirects=0 \
        net.ipv4.conf.eth1.send_redirects=0
done

# To the servers 10.0.0.5 (port forwards) and 10.0.0.6 (static); from it and from 10.0.0.7 (masquerade, mapped).
policy edge <<END
version: 1
default: drop
timeouts: {udp-one-way: $remember, udp-two-way: 60}
sets:
  servers: [10.0.0.5, 10.0.0.6]
  openers: [10.0.0.6, 10.0.0.7]
rules:
  - {name: fence-out, side: external, direction: both, protocol: 253, state: none, action: pass}
  - {name: fence-in, side: internal, direction: both, protocol: 253, state: none, action: pass}
  - {name: tcp, side: external, direction: inbound, protocol: tcp, local: \$servers, local_port: [9555, 40000-40999],
     action: pass}
  - {name: udp, side: external, direction: inbound, protocol: udp, local: \$servers, local_port: [9555, 40000-40999],
     action: pass}
  - {name: echo, side: external, direction: inbound, protocol: icmp, local: \$servers, icmp: echo-request, action: pass}
  - {name: to-tcp, side: internal, direction: inbound, protocol: tcp,
     remote: \$servers, remote_port: [9555, 40000-40999], action: pass}
  - {name: to-udp, side: internal, direction: inbound, protocol: udp,
     remote: \$servers, remote_port: [9555, 40000-40999], action: pass}
  - {name: to-echo, side: internal, direction: inbound, protocol: icmp,
     remote: \$servers, icmp: echo-request, action: pass}
  - {name: tcp-out, side: external, direction: outbound, protocol: tcp,
     local: \$openers, remote: 198.51.100.9, remote_port: [80, 16384], action: pass}
  - {name: udp-out, side: external, direction: outbound, protocol: udp,
     local: \$openers, remote: 198.51.100.9, remote_port: 80, action: pass}
  - {name: echo-out, side: external, direction: outbound, protocol: icmp,
     local: \$openers, remote: 198.51.100.9, icmp: echo-request, action: pass}
  - {name: from-tcp, side: internal, direction: outbound, protocol: tcp,
     remote: \$openers, local: 198.51.100.9, local_port: [80, 16384], action: pass}
  - {name: from-udp, side: internal, direction: outbound, protocol: udp,
     remote: \$openers, local: 198.51.100.9, local_port: 80, action: pass}
  - {name: from-echo, side: internal, direction: outbound, protocol: icmp,
     remote: \$openers, local: 198.51.100.9, icmp: echo-request, action: pass}
  - {name: back-tcp, side: internal, direction: outbound, protocol: tcp,
     remote: 10.0.0.8, local: 10.0.0.5, local_port: 9555, action: pass}
  - {name: back-udp, side: internal, direction: outbound, protocol: udp,
     remote: 10.0.0.8, local: 10.0.0.5, local_port: 9555, action: pass}
nat:
  - {name: map, type: port-forward, protocol: [tcp, udp], public: 203.0.113.7, public_port: 8000, to: 10.0.0.5,
     to_port: 9555, hairpin: {from: 10.0.0.0/24, as: 10.0.0.1}}
  - {name: range, type: port-forward, protocol: [tcp, udp], public: 203.0.113.7, public_port: 50000-50999, to: 10.0.0.5,
     to_port: 40000-40999}
  - {name: whole, type: static, public: 203.0.113.8, to: 10.0.0.6}
  - {name: proxy, type: mapped, protocol: tcp, public: 10.0.0.1, map: {9001: 198.51.100.9}, to_port: 16384,
     from: 10.0.0.0/24, as: 198.51.100.1}
  - {name: office, type: masquerade, from: 10.0.0.7, as: 203.0.113.9}
END
on linux nft -f - <<'END'
table ip twin {
    chain arrives {
        type nat hook prerouting priority dstnat
        ip daddr 203.0.113.7 meta l4proto { tcp, udp } th dport 8000 dnat to 10.0.0.5:9555
        ip daddr 203.0.113.7 meta l4proto { tcp, udp } dnat to 10.0.0.5 : th dport map { 50000 : 40000, 50999 : 40999 }
        ip daddr 203.0.113.8 dnat to 10.0.0.6
        iifname eth1 ip daddr 10.0.0.1 tcp dport 9001 dnat to 198.51.100.9:16384
    }
    chain leaves {
        type nat hook postrouting priority srcnat
        oifname eth0 ip saddr 10.0.0.6 snat to 203.0.113.8
        oifname eth0 ip saddr 10.0.0.0/24 tcp dport 16384 snat to 198.51.100.1:61000-65535
        oifname eth0 ip saddr 10.0.0.7 meta l4proto { tcp, udp } snat to 203.0.113.9:61000-65535
        oifname eth0 ip saddr 10.0.0.7 ip protocol icmp snat to 203.0.113.9
        oifname eth1 ip saddr 10.0.0.0/24 ip daddr 10.0.0.5 meta l4proto { tcp, udp } snat to 10.0.0.1:61000-65535
    }
    chain forwards {
        type filter hook forward priority filter; policy drop
        ip protocol 253 accept
        ct state invalid drop
        ct state established,related accept
        iifname eth0 ip daddr { 10.0.0.5, 10.0.0.6 } meta l4proto { tcp, udp } th dport { 9555, 40000-40999 } accept
        iifname eth0 ip daddr { 10.0.0.5, 10.0.0.6 } icmp type echo-request accept
        iifname eth1 ip saddr { 10.0.0.6, 10.0.0.7 } ip daddr 198.51.100.9 jump opens
        iifname eth1 ip saddr 10.0.0.8 ip daddr 10.0.0.5 meta l4proto { tcp, udp } th dport 9555 accept
    }
    chain opens {
        tcp dport { 80, 16384 } accept
        udp dport 80 accept
        icmp type echo-request accept
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
on outside timeout 300 "$story_root/tests/e2e/linux_twin.py" "$story_root/tests/e2e/linux_twin.table" \
    "/run/netns/$(lab_netns outside)" "/run/netns/$(lab_netns inside)" $mac 2>"$lab_folder/differs" ||
    fail "edgefw and Linux differ: $(<"$lab_folder/differs")"

edgefw edgefw detach eth0
edgefw edgefw detach eth1
nothing_left edgefw
