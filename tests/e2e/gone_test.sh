#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# A card or a whole namespace that goes away while attached: its pins are recognised as stale and cleaned up.
# shellcheck source=tests/e2e/story.sh
source "$(dirname "$0")/story.sh"
story_begin
lab_host client host other
lab_cable client eth0 host eth0
lab_cable client eth1 host eth1
lab_cable client eth2 other eth0
lab_address client eth0 198.51.100.9/24
lab_address host eth0 198.51.100.1/24
pins=$(lab_pins host)

policy echo <<'END'
version: 1
default: drop
rules:
  - {name: echo, side: external, direction: inbound, protocol: udp, local_port: 7, action: pass}
END

chapter 'a card deleted while attached'
edgefw host attach eth0 --policy "$lab_folder/echo.yaml"
edgefw host attach eth1 --side internal
edgefw host push "$lab_folder/echo.yaml"
on host ip link delete eth0
equal 'cards in status' "$(edgefw host --json status | jq -c '[.interfaces[].interface]')" '["eth1"]'
edgefw host push "$lab_folder/echo.yaml"
refused 1 'eth0' host "$EDGEFW" detach eth0

chapter 'a new card of that name is a new card'
lab_cable client eth0 host eth0
lab_address client eth0 198.51.100.9/24
lab_address host eth0 198.51.100.1/24
edgefw host attach eth0
edgefw host push "$lab_folder/echo.yaml"
serves host udp://198.51.100.1:7
traffic client udp 198.51.100.1:7 --count 10
equal 'packets' "$(rule_count host eth0 echo packets)" 20
equal 'pinned cards' "$(find "$pins" -maxdepth 1 -name 'card_*' | wc -l)" 2

chapter 'the last card deleted while attached: the next command finds nothing attached'
edgefw host detach eth1
on host ip link delete eth0
refused 1 'no card is attached' host "$EDGEFW" push "$lab_folder/echo.yaml"
lab_cable client eth0 host eth0
edgefw host attach eth0
edgefw host detach eth0
nothing_left host

chapter 'a card that moved to another namespace'
edgefw host attach eth0
on host ip link set eth0 netns "$(lab_netns other)" name moved
edgefw host attach eth1
edgefw host detach eth1
nothing_left host
equal 'programs on the moved card' "$(hooks other moved)" '0 received, 0 sent'

chapter 'a namespace deleted while attached'
edgefw host attach eth1 --policy "$lab_folder/echo.yaml"
lab_end_processes "$(lab_netns host)"
ip netns delete "$(lab_netns host)"
[[ -d $pins ]] || fail 'the pins went with the namespace: this story proves nothing'
waits_for 60 sh -c "! nsenter --net='/run/netns/$(lab_netns client)' ip link show eth1 2>/dev/null" # veth peers go together
edgefw other attach eth0
[[ ! -e $pins ]] || fail "the pins of a namespace that is gone are left: $(find "$pins")"
edgefw other detach eth0
nothing_left other
