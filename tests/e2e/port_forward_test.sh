#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# A port forward with real sockets: checksums with transmit offload on and off on every card, fragments, replies.
# shellcheck source=tests/e2e/story.sh
source "$(dirname "$0")/story.sh"
story_begin
lab_street
lab_address edge eth0 203.0.113.7/32
serves server tcp://10.0.0.5:9555 udp://10.0.0.5:9555

policy forward <<'END'
version: 1
default: {external: drop, internal: pass}
rules:
  - {name: gateway, side: external, direction: inbound, protocol: tcp, local: 10.0.0.5, local_port: 9555, action: pass}
  - {name: media, side: external, direction: inbound, protocol: udp, local: 10.0.0.5, local_port: 9555, action: pass}
nat:
  - {name: map, type: port-forward, protocol: [tcp, udp], public: 203.0.113.7, public_port: 8000, to: 10.0.0.5, to_port: 9555}
END
edgefw edge attach eth0 --policy "$lab_folder/forward.yaml"

offload() { on "$1" ethtool -K "$2" tx "$3" >"$lab_folder/ethtool"; }

# A checksum left to the card is trusted by the next host, right or wrong; one that a card without offload had to
# finish is verified there. So every card on the way is tried both ways.
connections=0
for client in on off; do
    for edge in on off; do
        for server in on off; do
            # Of the eight the four that try each pair both ways.
            if ! thorough && [[ $client$edge$server != @(ononon|onoffoff|offonoff|offoffon) ]]; then continue; fi
            chapter "transmit checksum offload: client $client, edge $edge, server $server"
            offload client eth0 $client
            offload edge eth0 $edge
            offload edge eth1 $edge
            offload server eth0 $server
            traffic client tcp 203.0.113.7:8000 --connections 5 --bytes 3000
            traffic client udp 203.0.113.7:8000 --count 50 --bytes 701
            connections=$((connections + 5))
            equal 'connections through the forward' "$(rule_count edge eth0 map/tcp connections)" $connections
        done
    done
done
equal 'UDP through the forward' "$(rule_count edge eth0 map/udp packets)" $((connections * 20))
equal 'UDP, by its rule' "$(rule_count edge eth0 media packets)" $((connections * 20))

chapter 'fragments are translated like their first'
for setting in on off; do
    offload client eth0 $setting
    offload server eth0 $setting
    before=$(rule_count edge eth0 map/udp packets)
    fragments=$(reason_count edge eth0 fragment)
    traffic client udp 203.0.113.7:8000 --count 20 --bytes 4000
    # 4,008 bytes of UDP are three fragments of at most 1,480 bytes.
    equal 'packets' "$(rule_count edge eth0 map/udp packets)" $((before + 20 * 2 * 3))
    equal 'later fragments' "$(reason_count edge eth0 fragment)" $((fragments + 20 * 2 * 2))
done
equal 'failed translations' "$(reason_count edge eth0 translate-failed)" 0

chapter 'megabytes each way'
traffic client tcp 203.0.113.7:8000 --bytes "$(much_of 10000000 2000000)"

chapter 'a direct connection to the same server is none of the forward'
before=$(rule_count edge eth0 map/udp packets)
traffic client udp 10.0.0.5:9555 --count 3 --bind 198.51.100.9:5555
equal 'packets of the forward' "$(rule_count edge eth0 map/udp packets)" "$before"

chapter 'the public address passes nothing else'
dropped=$(reason_count edge eth0 default)
traffic client fire 203.0.113.7:8001 --count 10
traffic client fire 203.0.113.7:9555 --count 10
equal 'dropped' "$(reason_count edge eth0 default)" $((dropped + 20))

chapter 'the server cannot open connections through its forward'
traffic server fire 198.51.100.9:4000 --count 10 --bind 10.0.0.5:9556
equal 'dropped' "$(reason_count edge eth0 default)" $((dropped + 30))

edgefw edge detach eth0
nothing_left edge
