#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# A flood of openers from random addresses at open ports: it costs none of the connections that are in use, and new ones
# still open meanwhile. And `edgefw connections`: they are listed, and ended.
# shellcheck source=tests/e2e/story.sh
source "$(dirname "$0")/story.sh"
story_begin
# More openers than all tables together have room for.
readonly tcp_held=10000 udp_held=1000
openers=$(at_length 300000 3000000)
ulimit -n 12000
lab_host client host
lab_cable client eth0 host eth0
lab_address client eth0 198.51.100.9/24
lab_address host eth0 198.51.100.1/24
on host ip route add default via 198.51.100.9
on client sysctl -qw net.ipv4.ip_local_port_range='20000 60000'
on host sysctl -qw net.core.somaxconn=20000 net.ipv4.tcp_max_syn_backlog=1024 net.ipv4.tcp_syncookies=1
serves host tcp://198.51.100.1:80 udp://198.51.100.1:53
serves host udp://198.51.100.1:54 # its socket is not the one that the flood fills
policy open <<'END'
version: 1
default: drop
timeouts: {udp-two-way: 600}
rules:
  - {name: web, side: external, direction: inbound, protocol: tcp, local_port: 80, action: pass}
  - {name: dns, side: external, direction: inbound, protocol: udp, local_port: 53, action: pass}
  - {name: time, side: external, direction: inbound, protocol: udp, local_port: 54, action: pass}
END
edgefw host attach eth0 --policy "$lab_folder/open.yaml"
mac=$(on host ip -json link show eth0 | jq -r '.[0].address')

declare -A held=()
holds() { # NAME ARGUMENT...
    lab_start client "$story_root/tests/e2e/flood_clients.py" "${@:2}" >"$lab_folder/$1"
    held[$1]=$lab_started
    waits_for 60 grep -q ready "$lab_folder/$1" || fail "$1: not all connections opened"
}
floods() { # PROTOCOL ADDRESS:PORT: in the background
    lab_start client "$story_root/tests/e2e/flood_clients.py" flood eth0 "$1" "$2" "$openers" "$mac" >"$lab_folder/flooded"
    flooding=$lab_started
    waits_for 60 grep -q ready "$lab_folder/flooded" || fail 'nobody floods'
}
flooded() {
    wait $flooding || fail "the flood ends with $?"
    echo "$(tail -n 1 "$lab_folder/flooded") openers from random addresses"
}
confirmed() { # RULE
    edgefw host --json connections rule="$1" | jq '[.connections[] | select(.half_open | not)] | length'
}

chapter "$tcp_held TCP connections and $udp_held of UDP are in use"
holds tcp hold 198.51.100.1:80 $tcp_held
holds udp hold_udp 198.51.100.1:53 $udp_held
equal 'TCP' "$(confirmed web)" $tcp_held
equal 'UDP' "$(confirmed dns)" $udp_held

chapter 'a flood of SYNs, and others who connect meanwhile'
floods tcp 198.51.100.1:80
opened=0
while kill -0 $flooding 2>/dev/null; do
    # A SYN may be lost where the flood fills the card's queue: it is sent again.
    on client nc -z -w 60 198.51.100.1 80 || fail 'nobody can connect during the flood'
    opened=$((opened + 1))
done
echo "$opened connections opened meanwhile"
flooded
(($(confirmed web) >= tcp_held)) || fail "$(confirmed web) of $tcp_held are left"

chapter 'a flood of datagrams, which are all answered'
floods udp 198.51.100.1:53
answered=0
while kill -0 $flooding 2>/dev/null; do
    answered=$((answered + $(on client "$story_root/tests/e2e/flood_clients.py" ask_udp 198.51.100.1:54 1)))
done
echo "$answered others were answered meanwhile"
((answered > 0)) || fail 'nobody is answered during the flood'
flooded
(($(confirmed dns) >= udp_held)) || fail "$(confirmed dns) of $udp_held are left"

chapter 'each of the connections still carries'
kill -USR1 "${held[tcp]}"
wait "${held[tcp]}"
equal 'of the held ones' "$(tail -n 1 "$lab_folder/tcp")" "$tcp_held of $tcp_held alive"

chapter 'connections are listed, picked, and ended'
serves client tcp://198.51.100.9:1
traffic client udp 198.51.100.1:53 --count 3 --gap 0.01 --bind 198.51.100.9:7000
one=$(edgefw host --json connections protocol=udp 198.51.100.9 remote_port=7000)
equal 'one' "$(jq -c '.connections[0] | [.interface, .direction, .local, .local_port, .remote, .rule, .state, .half_open]' <<<"$one")" \
    '["eth0","inbound","198.51.100.1",53,"198.51.100.9","dns","udp-query",true]'
equal 'its bytes' "$(jq -c '.connections[0].bytes' <<<"$one")" '{"received":318,"sent":318}'
edgefw host connections 198.51.100.9 remote_port=7000 | grep -q '198.51.100.9:7000.*udp-query (half open).*dns'
refused 2 "there is no key 'port'" host "$EDGEFW" connections port=7000
refused 2 'needs what picks' host "$EDGEFW" connections kill
equal 'ended' "$(edgefw host connections kill 198.51.100.9 remote_port=7000)" '1 connection ended'
equal 'left' "$(edgefw host --json connections 198.51.100.9 remote_port=7000 | jq '.connections | length')" 0
kill -TERM "${held[udp]}"
equal 'ended' "$(edgefw host connections kill rule=dns | awk '{ print ($1 >= '$udp_held') }')" 1
equal 'left' "$(edgefw host --json connections rule=dns | jq '.connections | length')" 0

edgefw host detach eth0
nothing_left host
