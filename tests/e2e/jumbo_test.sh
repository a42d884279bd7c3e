#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# Jumbo frames: more than a page in one packet, in both directions, through rules, connections and a port forward.
# shellcheck source=tests/e2e/story.sh
source "$(dirname "$0")/story.sh"
story_begin
lab_street
lab_address edge eth0 203.0.113.7/32
for card in 'client eth0' 'edge eth0' 'edge eth1' 'server eth0'; do
    # shellcheck disable=SC2086  # host and card
    set -- $card
    on "$1" ip link set "$2" mtu 9000
done
serves server udp://10.0.0.5:1000 tcp://10.0.0.5:80

policy jumbo <<'END'
version: 1
default: drop
rules:
  - {name: ext, side: external, direction: inbound, protocol: udp, local_port: 1000, action: pass}
  - {name: int, side: internal, direction: inbound, protocol: udp, remote_port: 1000, action: pass}
  - {name: ext-web, side: external, direction: inbound, protocol: tcp, local_port: 80, action: pass}
  - {name: int-web, side: internal, direction: inbound, protocol: tcp, remote_port: 80, action: pass}
nat:
  - {name: map, type: port-forward, protocol: [tcp, udp], public: 203.0.113.7, public_port: 8080, to: 10.0.0.5, to_port: 80}
  - {name: media, type: port-forward, protocol: udp, public: 203.0.113.7, public_port: 1000, to: 10.0.0.5}
END
edgefw edge attach eth0
edgefw edge attach eth1 --side internal
equal 'modes' "$(edgefw edge --json status | jq -r '[.interfaces[].mode] | unique | join(" ")')" native
edgefw edge push "$lab_folder/jumbo.yaml"

readonly bytes=8958 # with UDP, IPv4 and Ethernet headers: a frame of 9,000
traffic client udp 10.0.0.5:1000 --count 50 --bytes $bytes
traffic client udp 203.0.113.7:1000 --count 50 --bytes $bytes
for rule in 'eth0 ext' 'eth1 int'; do
    # shellcheck disable=SC2086  # card and rule
    equal "$rule" "$(rule_count edge $rule packets) $(rule_count edge $rule bytes)" "200 $((200 * (bytes + 42)))"
done
equal 'forwarded' "$(rule_count edge eth0 media packets)" 100
traffic client tcp 10.0.0.5:80 --bytes "$(much_of 5000000 1000000)"
traffic client tcp 203.0.113.7:8080 --bytes "$(much_of 5000000 1000000)"

edgefw edge detach eth0
edgefw edge detach eth1
nothing_left edge
