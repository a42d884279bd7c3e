#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# Two cards, one router: a packet that crosses both is judged on each, and the side says which way is inbound.
# shellcheck source=tests/e2e/story.sh
source "$(dirname "$0")/story.sh"
story_begin
lab_street
serves server udp://10.0.0.5:1000 udp://10.0.0.5:2000 udp://10.0.0.5:3000 'udp://[2001:db8:5::5]:1000'
serves client udp://198.51.100.9:4000
serves edge tcp://10.0.0.1:8057

policy both <<'END'
version: 1
default: drop
rules:
  - {name: ext-in, side: external, direction: inbound, protocol: udp, local_port: [1000, 2000], action: pass}
  - {name: int-in, side: internal, direction: inbound, protocol: udp, remote_port: [1000, 3000], action: pass}
  - {name: ext-out, side: external, direction: outbound, protocol: udp, local: 10.0.0.5, remote_port: 4000, action: pass}
  - {name: int-out, side: internal, direction: outbound, protocol: udp, remote: 10.0.0.5, local_port: 4000, action: pass}
  - {name: conferencing, side: internal, direction: outbound, protocol: tcp, local: 10.0.0.1, local_port: 8057, action: pass}
END
edgefw edge attach eth0
edgefw edge attach eth1 --side internal
edgefw edge push "$lab_folder/both.yaml"

chapter 'both cards pass port 1000: in by one, out by the other, and back'
traffic client udp 10.0.0.5:1000 --count 30
traffic client udp '[2001:db8:5::5]:1000' --count 30
for rule in 'eth0 ext-in' 'eth1 int-in'; do
    # shellcheck disable=SC2086  # card and rule
    equal "$rule" "$(rule_count edge $rule packets) $(rule_count edge $rule connections)" '120 2'
done

chapter 'the external card alone passes port 2000: the internal one drops it'
traffic client fire 10.0.0.5:2000 --count 10
equal 'eth0' "$(rule_count edge eth0 ext-in packets)" 130
equal 'eth1' "$(reason_count edge eth1 default)" 10

chapter 'the internal card alone would pass port 3000: it never gets there'
traffic client fire 10.0.0.5:3000 --count 10
equal 'eth0' "$(reason_count edge eth0 default)" 10
equal 'eth1' "$(rule_count edge eth1 int-in packets)" 120

chapter 'from inside out'
traffic server udp 198.51.100.9:4000 --count 30
equal 'eth1' "$(rule_count edge eth1 int-out packets)" 60
equal 'eth0' "$(rule_count edge eth0 ext-out packets)" 60

chapter 'internal outbound: inside hosts connect to the edge server itself, and not the other way'
traffic server tcp 10.0.0.1:8057 --connections 4
equal 'connections' "$(rule_count edge eth1 conferencing connections)" 4
traffic edge fire 10.0.0.5:4000 --count 5 --bind 10.0.0.1:8057
equal 'dropped' "$(reason_count edge eth1 default)" 15

chapter 'every packet has one reason: their sum is what the card saw'
edgefw edge --json counters | jq -e \
    '.interfaces | all(([.reasons[].packets] | add) == .total.packets and .total.packets > 0)' >"$lab_folder/sum"

chapter 'a push to one card leaves the other as it is'
policy nothing <<'END'
version: 1
default: drop
END
edgefw edge push --iface eth1 "$lab_folder/nothing.yaml"
before=$(rule_count edge eth0 ext-in packets)
traffic client fire 10.0.0.5:1000 --count 10
equal 'eth0' "$(rule_count edge eth0 ext-in packets)" $((before + 10))
edgefw edge push "$lab_folder/both.yaml"
traffic client udp 10.0.0.5:1000 --count 30

edgefw edge detach eth0
traffic client udp 10.0.0.5:1000 --count 30
edgefw edge detach eth1
nothing_left edge
