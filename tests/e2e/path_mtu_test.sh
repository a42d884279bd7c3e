#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# Path MTU discovery with real hosts: a narrow link outside, then one inside; directly, over IPv6, and through a port
# forward. Without the errors that say "too big", each of these transfers would stand still.
#
#   client --- far --- outer --- eth0 edge eth1 --- inner --- near --- server        far-outer or inner-near is narrow
# shellcheck source=tests/e2e/story.sh
source "$(dirname "$0")/story.sh"
story_begin
readonly narrow=1280
readonly client=198.51.100.9 server=10.0.0.5 public=203.0.113.7 server6=2001:db8:5::5

lab_host client far outer edge inner near server
lab_cable client eth0 far eth0
lab_cable far eth1 outer eth0
lab_cable outer eth1 edge eth0
lab_cable edge eth1 inner eth0
lab_cable inner eth1 near eth0
lab_cable near eth1 server eth0
lab_address client eth0 $client/24 2001:db8:9::9/64
lab_address far eth0 198.51.100.1/24 2001:db8:9::1/64
lab_address far eth1 192.0.2.1/30 2001:db8:1::1/64
lab_address outer eth0 192.0.2.2/30 2001:db8:1::2/64
lab_address outer eth1 192.0.2.5/30 2001:db8:2::1/64
lab_address edge eth0 192.0.2.6/30 2001:db8:2::2/64 $public/32
lab_address edge eth1 10.9.0.1/30 2001:db8:3::1/64
lab_address inner eth0 10.9.0.2/30 2001:db8:3::2/64
lab_address inner eth1 10.9.0.5/30 2001:db8:4::1/64
lab_address near eth0 10.9.0.6/30 2001:db8:4::2/64
lab_address near eth1 10.0.0.1/24 2001:db8:5::1/64
lab_address server eth0 $server/24 $server6/64
for host in far outer edge inner near; do
    on $host sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1
done
towards() { # HOST inside|outside GATEWAY GATEWAY6
    on "$1" ip route add default via "$3"
    on "$1" ip route add default via "$4"
}
towards client inside 198.51.100.1 2001:db8:9::1
towards far inside 192.0.2.2 2001:db8:1::2
towards outer inside 192.0.2.6 2001:db8:2::2
on outer ip route add 198.51.100.0/24 via 192.0.2.1
on outer ip route add 2001:db8:9::/64 via 2001:db8:1::1
towards edge outside 192.0.2.5 2001:db8:2::1
on edge ip route add 10.0.0.0/16 via 10.9.0.2
on edge ip route add 2001:db8:4::/47 via 2001:db8:3::2
towards inner outside 10.9.0.1 2001:db8:3::1
on inner ip route add 10.0.0.0/24 via 10.9.0.6
on inner ip route add 2001:db8:5::/64 via 2001:db8:4::2
towards near outside 10.9.0.5 2001:db8:4::1
towards server outside 10.0.0.1 2001:db8:5::1
serves server tcp://$server:9555 "tcp://[$server6]:9555"

policy edge <<END
version: 1
default: drop
rules:
  - {name: direct, side: external, direction: inbound, protocol: tcp, local: $server6, local_port: 9555, action: pass}
  - {name: mapped, side: external, direction: inbound, protocol: tcp, local: $server, local_port: 9555, action: pass}
  - {name: inside, side: internal, direction: inbound, protocol: tcp, remote: [$server, $server6], remote_port: 9555, action: pass}
nat:
  - {name: map, type: port-forward, protocol: tcp, public: $public, public_port: 8000, to: $server, to_port: 9555}
END
edgefw edge attach eth0 --policy "$lab_folder/edge.yaml"
edgefw edge attach eth1 --side internal --policy "$lab_folder/edge.yaml"

# The hosts learn a path anew: what they learned of another is forgotten.
link_is() { # MTU HOST CARD HOST CARD
    on "$2" ip link set "$3" mtu "$1"
    on "$4" ip link set "$5" mtu "$1"
    local host
    for host in client server; do
        on $host ip route flush cache
        on $host ip -6 route flush cache
    done
}
errors() { # CARD: those that came through
    reason_count edge "$1" icmp-error
}
transfers() { # PLACE
    local before
    for way in "[$server6]:9555" $public:8000; do
        before=$(errors eth0)
        timeout 60 nsenter --net="/run/netns/$(lab_netns client)" -- "$story_root/tests/e2e/traffic.py" tcp "$way" \
            --connections 3 --bytes 200000 || fail "with a narrow link $1 the transfer to $way stands still"
        (($(errors eth0) > before)) || fail "no error came through eth0 with a narrow link $1, to $way"
    done
    equal "errors refused with a narrow link $1" "$(reason_count edge eth0 icmp-unrelated)" 0
}

chapter 'a narrow link outside: the server learns of it through the edge'
link_is $narrow far eth1 outer eth0
transfers outside
on server ip route get $client | grep -q "mtu $narrow" || fail 'the server has learned no path MTU'
link_is 1500 far eth1 outer eth0

chapter 'a narrow link inside: the client learns of it, and of nothing behind the public address'
link_is $narrow inner eth1 near eth0
transfers inside
on client ip route get $public | grep -q "mtu $narrow" || fail 'the client has learned no path MTU'

edgefw edge detach eth0
edgefw edge detach eth1
nothing_left edge
