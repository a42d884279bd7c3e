#!/usr/bin/env bash
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
dropped=$(reason_count host eth0 default)
if traffic client tcp 198.51.100.1:23 2>"$lab_folder/said"; then fail 'port 23 is open'; fi
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

edgefw host detach eth0
nothing_left host
