#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# A little of everything that edgefw does, for a kernel that scripts/vm has booted: each kind of program is loaded and
# sees real packets. What it means in detail is told by the stories of tests/e2e.
# shellcheck source=tests/e2e/story.sh
source "$(dirname "$0")/../e2e/story.sh"
story_begin
lab_street
lab_address edge eth0 203.0.113.7/32
serves server tcp://10.0.0.5:80 'tcp://[2001:db8:5::5]:80' udp://10.0.0.5:53 'udp://[2001:db8:5::5]:53'
serves client tcp://198.51.100.9:80

policy web <<'END'
version: 1
default: {external: drop, internal: pass}
sets: {friends: [198.51.100.0/24, '2001:db8:9::/48']}
rules:
  - {name: web, side: external, direction: inbound, protocol: tcp, remote: $friends, local_port: 80, action: pass}
  - {name: names, side: external, direction: inbound, protocol: udp, local_port: 53, action: pass}
  - {name: ping, side: external, direction: inbound, protocol: icmp, action: pass}
  - {name: ping6, side: external, direction: inbound, protocol: icmp6, action: pass}
END
policy nat <<'END'
version: 1
default: {external: drop, internal: pass}
rules:
  - {name: web, side: external, direction: inbound, protocol: tcp, local: 10.0.0.5, local_port: 80, action: pass}
  - {name: names, side: external, direction: inbound, protocol: udp, local: 10.0.0.5, local_port: 53, action: pass}
  - {name: out, side: external, direction: outbound, action: pass}
nat:
  - {name: forward, type: port-forward, protocol: tcp, public: 203.0.113.7, public_port: 8080, to: 10.0.0.5, to_port: 80}
  - {name: datagrams, type: port-forward, protocol: udp, public: 203.0.113.7, public_port: 8053, to: 10.0.0.5, to_port: 53}
  - {name: office, type: masquerade, from: 10.0.0.0/8, as: 203.0.113.7}
END
policy profile <<'END'
version: 1
default: drop
rules:
  - use: ocs2007-consolidated-edge
    as: ocs
    with: {roles: [access-edge, av-edge], access_edge_internal: 172.25.33.10, access_edge_external: 192.0.2.20, next_hop: 10.45.16.10, av_internal: 172.25.33.12, av_external: 131.107.155.12}
END

chapter 'attached without a policy, everything passes'
edgefw edge attach eth0
traffic client tcp 10.0.0.5:80
traffic client udp '[2001:db8:5::5]:53' --count 3

chapter 'check and push; IPv4 and IPv6, TCP, UDP and ICMP'
edgefw edge check "$lab_folder/web.yaml"
edgefw edge push "$lab_folder/web.yaml"
traffic client tcp 10.0.0.5:80 --bytes 100000
traffic client tcp '[2001:db8:5::5]:80' --bytes 100000
traffic client udp 10.0.0.5:53 --count 20
traffic client udp '[2001:db8:5::5]:53' --count 20
on client ping -q -c 2 -i 0.2 -W 5 10.0.0.5 >"$lab_folder/ping"
on client ping -q -c 2 -i 0.2 -W 5 2001:db8:5::5 >"$lab_folder/ping"
equal 'UDP by its rule' "$(rule_count edge eth0 names packets)" 80

chapter 'fragments follow their first'
traffic client udp 10.0.0.5:53 --count 3 --bytes 4000
traffic client udp '[2001:db8:5::5]:53' --count 3 --bytes 4000
(($(reason_count edge eth0 fragment) >= 3 * 2 * 2 * 2)) || fail 'later fragments are not counted as such'

chapter 'what no rule passes drops'
dropped=$(reason_count edge eth0 default)
traffic client fire 10.0.0.5:54 --count 5
traffic client fire '[2001:db8:5::5]:54' --count 5
equal 'dropped' "$(reason_count edge eth0 default)" $((dropped + 10))

chapter 'explain'
said=$(edgefw edge explain 'external inbound udp 198.51.100.9:40000 > 10.0.0.5:53')
[[ $said == *'pass, rule names'* ]] || fail "explain says: $said"

chapter 'a push while packets cross'
lab_start client "$story_root/tests/e2e/traffic.py" udp 10.0.0.5:53 --count 400 --gap 0.01 >"$lab_folder/flow" 2>&1
flow=$lab_started
for _ in {1..3}; do edgefw edge push "$lab_folder/web.yaml"; done
wait "$flow" || fail "packets were lost: $(<"$lab_folder/flow")"

chapter 'a profile'
edgefw edge push "$lab_folder/profile.yaml"
said=$(edgefw edge explain 'external inbound udp 198.51.100.9:40000 > 131.107.155.12:50000')
[[ $said == *'pass, rule ocs/av-edge'* ]] || fail "explain says: $said"

chapter 'both cards; a port forward, its fragments, and a masquerade'
edgefw edge attach eth1 --side internal
edgefw edge push "$lab_folder/nat.yaml"
traffic client tcp 203.0.113.7:8080 --bytes 100000
traffic client udp 203.0.113.7:8053 --count 10 --bytes 4000
traffic server tcp 198.51.100.9:80 --bytes 100000
on server ping -q -c 2 -i 0.2 -W 5 198.51.100.9 >"$lab_folder/ping"
equal 'by the forward' "$(rule_count edge eth0 datagrams packets)" $((10 * 2 * 3))
equal 'failed translations' "$(reason_count edge eth0 translate-failed)" 0
edgefw edge connections nat=office >"$lab_folder/connections"
grep -q 198.51.100.9 "$lab_folder/connections" || fail "no masqueraded connection: $(<"$lab_folder/connections")"

chapter 'what was attached goes'
edgefw edge detach eth0
edgefw edge detach eth1
nothing_left edge

chapter 'attached with a policy that is in force at once; in the generic mode too'
edgefw edge attach eth0 --policy "$lab_folder/nat.yaml"
traffic client tcp 203.0.113.7:8080
edgefw edge detach eth0
edgefw edge attach eth0 --mode generic --policy "$lab_folder/nat.yaml"
traffic client tcp 203.0.113.7:8080 --bytes 100000
edgefw edge detach eth0
nothing_left edge
