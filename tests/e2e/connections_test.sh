#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# Connections on one card of a host: who opens may be answered; what nobody opened does not pass.
# shellcheck source=tests/e2e/story.sh
source "$(dirname "$0")/story.sh"
story_begin
lab_host client host
lab_cable client eth0 host eth0
lab_address client eth0 198.51.100.9/24 2001:db8:9::9/64
lab_address host eth0 198.51.100.1/24 2001:db8:9::1/64
serves client tcp://198.51.100.9:80 udp://198.51.100.9:53 'udp://[2001:db8:9::9]:53' udp://198.51.100.9:4000
serves host tcp://198.51.100.1:22 tcp://198.51.100.1:23 udp://198.51.100.1:53

policy outgoing <<'END'
version: 1
default: drop
rules:
  - {name: web, side: external, direction: outbound, protocol: tcp, remote_port: 80, action: pass}
  - {name: dns, side: external, direction: outbound, protocol: udp, remote_port: 53, action: pass}
  - {name: ping, side: external, direction: outbound, protocol: icmp, icmp: echo-request, action: pass}
  - {name: ssh, side: external, direction: inbound, protocol: tcp, local_port: 22, action: pass}
END
edgefw host attach eth0 --policy "$lab_folder/outgoing.yaml"

chapter 'what the host opens is answered'
traffic host tcp 198.51.100.9:80 --connections 10 --bytes 500
equal 'connections' "$(rule_count host eth0 web connections)" 10
traffic host udp 198.51.100.9:53 --count 25 --bytes 100
equal 'connections' "$(rule_count host eth0 dns connections)" 1
equal 'packets' "$(rule_count host eth0 dns packets)" 50
traffic host udp '[2001:db8:9::9]:53' --count 25 --bytes 100
equal 'packets' "$(rule_count host eth0 dns packets)" 100
on host ping -q -c 5 -i 0.01 -W 1 198.51.100.9
equal 'packets' "$(rule_count host eth0 ping packets)" 10

chapter 'what others open passes by its rule only'
traffic client tcp 198.51.100.1:22 --connections 3
equal 'connections' "$(rule_count host eth0 ssh connections)" 3
closed=$(edgefw host connections rule=ssh state=tcp-closed)
[[ $closed == *tcp-closed* && $closed != *'half open'* ]] || fail "connections that are over, in the list: $closed"
dropped=$(reason_count host eth0 default)
unanswered client tcp 198.51.100.1:23
(($(reason_count host eth0 default) > dropped)) || fail 'a SYN to port 23 is not counted as dropped'
traffic client fire 198.51.100.1:53 --count 10
if on client ping -q -c 2 -i 0.01 -W 1 198.51.100.1; then fail 'the host answers a ping'; fi

chapter 'an answer passes only to who asked, on the port that asked'
traffic host udp 198.51.100.9:53 --count 1 --bind 198.51.100.1:6000
dropped=$(reason_count host eth0 default)
traffic client fire 198.51.100.1:6001 --count 5 --bind 198.51.100.9:5300
traffic client fire 198.51.100.1:6000 --count 5 --bind 198.51.100.9:5300
equal 'dropped' "$(reason_count host eth0 default)" $((dropped + 10))

chapter 'no rule lets the host send there, and nothing arrives'
traffic host fire 198.51.100.9:4000 --count 10
equal 'dropped' "$(reason_count host eth0 default)" $((dropped + 20))
ends_serving client
equal 'arrived' "$(received client udp://198.51.100.9:4000)" 0

chapter 'neighbours are still found when their entries are gone'
on host ip neigh flush dev eth0
on client ip neigh flush dev eth0
traffic client tcp 198.51.100.1:22

chapter 'connections live through a push that makes room for more, and one that makes room for fewer'
readonly held=40
sized() { # NAME CONFIRMED
    { cat "$lab_folder/outgoing.yaml" && echo "connections: {confirmed: {ipv4: $2}}"; } | policy "$1"
}
table() { # KEY: of the table of confirmed IPv4 connections
    edgefw host --json status | jq ".interfaces[0].maps[] | select(.map == \"connections-ipv4\") | .$1"
}
sized larger 300000
sized smaller 128
sized tiny 16
edgefw host connections kill rule=ssh >"$lab_folder/said"
opened=$(rule_count host eth0 ssh connections)
lab_start client "$story_root/tests/e2e/flood_clients.py" hold 198.51.100.1:22 $held >"$lab_folder/held"
holder=$lab_started
waits_for 60 grep -q ready "$lab_folder/held" || fail 'not all connections opened'
for size in larger smaller; do
    said=$(edgefw host push "$lab_folder/$size.yaml" 2>&1)
    [[ $said != *'did not fit'* ]] || fail "$said"
    equal 'held' "$(edgefw host --json connections rule=ssh | jq '.connections | length')" $held
done
equal 'capacity' "$(table capacity)" 128
equal 'opened' "$(rule_count host eth0 ssh connections)" $((opened + held))
kill -USR1 "$holder"
wait "$holder"
equal 'each still echoes' "$(tail -n 1 "$lab_folder/held")" "$held of $held alive"

chapter 'what does not fit is said, and counted'
edgefw host connections kill rule=ssh >"$lab_folder/said"
lab_start client "$story_root/tests/e2e/flood_clients.py" hold 198.51.100.1:22 $held >"$lab_folder/held"
holder=$lab_started
waits_for 60 grep -q ready "$lab_folder/held" || fail 'not all connections opened'
recycled=$(table recycled)
said=$(edgefw host push "$lab_folder/tiny.yaml" 2>&1)
[[ $said == *"confirmed TCP IPv4 connections did not fit into 16 entries; those seen last were kept"* ]] || fail "$said"
grep 'did not fit' <<<"$said"
equal 'capacity' "$(table capacity)" 16
(($(table recycled) >= recycled + held - 16)) || fail "$(table recycled) recycled, $recycled before"
kill -TERM "$holder"
edgefw host status

edgefw host detach eth0
nothing_left host
