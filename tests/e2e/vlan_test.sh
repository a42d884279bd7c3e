#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# A rule that names a VLAN: refused while the card takes tags off before XDP sees them, and right afterwards.
# shellcheck source=tests/e2e/story.sh
source "$(dirname "$0")/story.sh"
story_begin
lab_host client host
lab_cable client eth0 host eth0
lab_address client eth0 198.51.100.9/24
lab_address host eth0 198.51.100.1/24

policy tagged <<'END'
version: 1
default: drop
rules:
  - {name: tagged, side: external, direction: inbound, protocol: udp, vlan: 10, state: none, action: pass}
  - {name: other, side: external, direction: inbound, protocol: udp, local_port: 7, state: none, action: pass}
END

chapter 'with rx-vlan-offload on, attach and push refuse and say what to type'
on host ethtool -K eth0 rx-vlan-offload on
refused 1 'ethtool -K eth0 rx-vlan-offload off' host "$EDGEFW" attach eth0 --policy "$lab_folder/tagged.yaml"
nothing_left host
edgefw host attach eth0
refused 1 'ethtool -K eth0 rx-vlan-offload off' host "$EDGEFW" push "$lab_folder/tagged.yaml"
equal 'generation' "$(generation host)" 0

chapter 'after the line it printed'
on host ethtool -K eth0 rx-vlan-offload off
edgefw host push "$lab_folder/tagged.yaml"

chapter 'frames with and without the tag'
# frame TAG: a UDP datagram 198.51.100.9:5000 > 198.51.100.1:7 in hex; TAG is 802.1Q, or nothing.
frame() {
    local macs ip udp payload=6869
    macs=$(on host ip -json link show eth0 | jq -r '.[0].address' | tr -d :)$(
        on client ip -json link show eth0 | jq -r '.[0].address' | tr -d :)
    ip=4500001e000040004011e65dc6336409c6336401 # with its checksum
    udp=13880007000a0000
    printf '%s%s0800%s%s%s%s\n' "$macs" "$1" "$ip" "$udp" "$payload" "$(printf '%036d' 0)"
}
tagged_frames() {
    {
        for _ in {1..5}; do frame 8100000a; done # VLAN 10
        for _ in {1..3}; do frame 8100000b; done # VLAN 11
        for _ in {1..2}; do frame ''; done
        for _ in {1..4}; do frame 88a800108100000a; done # QinQ: the outermost tag is 16
    } | traffic client frames eth0
}
tagged_frames
equal 'VLAN 10' "$(rule_count host eth0 tagged packets)" 5
equal 'the others' "$(rule_count host eth0 other packets)" 9

edgefw host detach eth0

chapter 'at tc ingress the tag is seen, although the card takes it off'
on host ethtool -K eth0 rx-vlan-offload on
edgefw host attach eth0 --mode tc --policy "$lab_folder/tagged.yaml"
tagged_frames
equal 'VLAN 10' "$(rule_count host eth0 tagged packets)" 5
equal 'the others' "$(rule_count host eth0 other packets)" 9
edgefw host detach eth0
nothing_left host
