#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# The sending hook where tcx is missing: a filter in a clsact qdisc, which may be somebody else's.
# shellcheck source=tests/e2e/story.sh
source "$(dirname "$0")/story.sh"
story_begin
lab_street
serves server udp://10.0.0.5:7
load_foreign

qdiscs() { on edge tc -json qdisc show dev eth0 | jq -r '.[].kind' | sort | tr '\n' ' '; }
filters() { on edge tc filter show dev eth0 egress | grep -c ' handle ' || true; } # one line a program
add_foreign() { on edge tc filter add dev eth0 egress pref "$1" bpf da object-pinned "$lab_foreign/foreign_sent"; }

policy drop_sent <<'END'
version: 1
default: pass
rules:
  - {name: answers, side: external, direction: outbound, protocol: udp, local: 10.0.0.5, local_port: 7, state: none, action: drop}
END
before=$(qdiscs)

chapter 'no clsact: ours is made, works, and goes'
edgefw edge attach eth0 --egress clsact
equal 'egress' "$(edgefw edge --json status | jq -r '.interfaces[0].egress')" clsact
equal 'filters' "$(filters)" 1
traffic client udp 10.0.0.5:7 --count 20
edgefw edge push "$lab_folder/drop_sent.yaml"
traffic client fire 10.0.0.5:7 --count 20
equal 'dropped where they leave' "$(rule_count edge eth0 answers packets)" 20
edgefw edge detach eth0
equal 'qdiscs' "$(qdiscs)" "$before"
nothing_left edge

chapter 'a clsact of somebody else, with a filter: both stay'
on edge tc qdisc add dev eth0 clsact
add_foreign 5
edgefw edge attach eth0 --egress clsact --policy "$lab_folder/drop_sent.yaml"
equal 'filters' "$(filters)" 2
traffic client fire 10.0.0.5:7 --count 20
equal 'dropped where they leave' "$(rule_count edge eth0 answers packets)" 20
edgefw edge detach eth0
equal 'filters' "$(filters)" 1
traffic client udp 10.0.0.5:7 --count 20
on edge tc filter del dev eth0 egress
edgefw edge attach eth0 --egress clsact
edgefw edge detach eth0
[[ $(qdiscs) == *clsact* ]] || fail 'an empty clsact that was there before is gone'
on edge tc qdisc del dev eth0 clsact

chapter 'a filter that came after ours: it runs too, and keeps our clsact alive'
edgefw edge attach eth0 --egress clsact
add_foreign 60000
traffic client udp 10.0.0.5:7 --count 20
edgefw edge detach eth0
[[ $(qdiscs) == *clsact* ]] || fail 'a clsact that somebody uses was removed'
equal 'filters' "$(filters)" 1
on edge tc qdisc del dev eth0 clsact
nothing_left edge

chapter 'the first priority belongs to a filter of another protocol: it would see packets before edgefw'
on edge tc qdisc add dev eth0 clsact
on edge tc filter add dev eth0 egress pref 1 protocol ip bpf da object-pinned "$lab_foreign/foreign_sent"
refused 1 'another filter has priority 1 at the egress of eth0' edge "$EDGEFW" attach eth0 --egress clsact
equal 'hooks after the refusal' "$(hooks edge eth0)" '0 received, 1 sent'
[[ ! -e $(lab_pins edge) ]] || fail 'a refused attach leaves pins'
on edge tc filter del dev eth0 egress
edgefw edge attach eth0 --egress clsact
edgefw edge detach eth0
on edge tc qdisc del dev eth0 clsact
nothing_left edge

chapter 'tcx beside a foreign clsact filter'
on edge tc qdisc add dev eth0 clsact
add_foreign 5
edgefw edge attach eth0 --egress auto --policy "$lab_folder/drop_sent.yaml"
traffic client fire 10.0.0.5:7 --count 20
equal 'dropped where they leave' "$(rule_count edge eth0 answers packets)" 20
edgefw edge detach eth0
equal 'filters' "$(filters)" 1
