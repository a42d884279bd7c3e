#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# Cards without XDP in their driver: judged at tc ingress. NAT is right whatever the state of the checksums, from the
# first policy on; packets that the kernel merged are counted as those that were on the wire; other programs on the
# hook, and the card itself, stay as they were.
# shellcheck source=tests/e2e/story.sh
source "$(dirname "$0")/story.sh"
story_begin
readonly public=203.0.113.7 masked=203.0.113.8
lab_street
lab_address edge eth0 $public/32 $masked/32
serves server tcp://10.0.0.5:9555
serves client tcp://198.51.100.9:80
load_foreign
on edge ethtool -K eth0 gro on >"$lab_folder/ethtool"
on edge sysctl -qw net.ipv4.conf.all.arp_ignore=1 # a macvlan's address is not answered for by the card below

policy nat <<END
version: 1
default: {external: drop, internal: pass}
rules:
  - {name: in, side: external, direction: inbound, protocol: tcp, local: 10.0.0.5, local_port: 9555, action: pass}
  - {name: out, side: external, direction: outbound, protocol: tcp, remote: 198.51.100.9, action: pass}
nat:
  - {name: map, type: port-forward, protocol: tcp, public: $public, public_port: 8000, to: 10.0.0.5, to_port: 9555}
  - {name: office, type: masquerade, from: 10.0.0.0/24, as: $masked, ports: 62000-62239}
END

# The card's offloads, its qdiscs, and the programs on its hooks.
state_of() {
    on edge ethtool -k "$1"
    on edge tc qdisc show dev "$1"
    hooks edge "$1"
}
bad_checksums() { # HOST...: segments that were dropped for their checksum
    local host
    for host in "$@"; do on "$host" nstat -asz TcpInCsumErrors; done |
        awk '/TcpInCsumErrors/ { sum += $2 } END { print sum }'
}
# What the card under test counted of what it received, less what was on the wire by the statistics of the client's card.
unaccounted() { # packets|bytes
    local seen sent
    seen=$(edgefw edge --json counters "$card" |
        jq --arg field "$1" '[.interfaces[0].directions[] | select(.direction == "inbound")[$field]] | add // 0')
    # A veth that merges behind itself (NAPI) counts bytes without the Ethernet header.
    sent=$(on client ip -s -json link show "$wire" |
        jq --arg field "$1" '.[0].stats64.tx | if $field == "bytes" then .bytes + 14 * .packets else .packets end')
    echo $((seen - sent))
}
# Of the two numbers the one is read after the other: what crosses between is in one of them alone.
unaccounted_is() { [[ $(unaccounted "$1") == "$2" ]]; } # packets|bytes NUMBER
comes_to_rest() { # until both numbers stay
    local one other
    one=$(unaccounted bytes)
    sleep 0.2
    other=$(unaccounted bytes)
    [[ $one == "$other" ]]
}
one_frame_a_packet() { on client ethtool -K "$1" tso off gso off >"$lab_folder/ethtool"; }

# The card that the client's cable ends in has the edge's addresses next. Not every kernel has every kind.
place() { # CARD ARGUMENT...
    card=$1
    if ! on edge ip link add "$@" 2>"$lab_folder/stderr"; then
        chapter "  not on this kernel: $(head -n 1 "$lab_folder/stderr")"
        return 1
    fi
    on edge ip address flush dev eth0 scope global
    on edge ip link set "$card" addrgenmode none up
    lab_address edge "$card" 198.51.100.1/24 $public/32 $masked/32
}
unplace() {
    on edge ip link del "$card"
    on edge ip address flush dev eth0 scope global
    lab_address edge eth0 198.51.100.1/24 $public/32 $masked/32
    on client ip neigh flush all
}
# Of a card that has a twin on the client's side, which takes the client's address.
place_twin() { # CARD ARGUMENT...
    on client ip link add "$@"
    on client ip link set "$1" addrgenmode none up
    on client ip address del 198.51.100.9/24 dev eth0
    lab_address client "$1" 198.51.100.9/24
    on client ip route replace default via 198.51.100.1 dev "$1"
    one_frame_a_packet "$1"
}
unplace_twin() {
    on client ip link del "$card"
    lab_address client eth0 198.51.100.9/24
    on client ip route replace default via 198.51.100.1 dev eth0
    unplace
}

# The heart of the story, for one kind of card. WIRE: what the client calls its own end.
judged_at_tc() { # WIRE ATTACH-OPTION...
    local before errors offload packets bytes
    wire=$1
    before=$(state_of "$card")
    edgefw edge attach "$card" --policy "$lab_folder/nat.yaml" "${@:2}" >"$lab_folder/attached"
    equal 'mode' "$(edgefw edge --json status | jq -r '.interfaces[0].mode')" tc
    equal 'hooks' "$(hooks edge "$card")" '1 received, 1 sent'
    for offload in on off; do
        on client ethtool -K eth0 tx $offload >"$lab_folder/ethtool"
        one_frame_a_packet eth0
        on edge ethtool -K eth1 tx $offload >"$lab_folder/ethtool"
        on server ethtool -K eth0 tx $offload >"$lab_folder/ethtool"
        errors=$(bad_checksums client edge server)
        waits_for 60 comes_to_rest || fail 'the network does not come to rest'
        packets=$(unaccounted packets) bytes=$(unaccounted bytes)
        traffic client tcp $public:8000 --connections 2 --bytes "$(much_of 1000000 200000)"
        traffic server tcp 198.51.100.9:80 --connections 2 --bytes 100000
        equal "checksum errors, offloads $offload" "$(bad_checksums client edge server)" "$errors"
        waits_for 5 unaccounted_is packets "$packets" ||
            fail "packets counted, beyond those on the wire: $(unaccounted packets), not $packets"
        [[ $wire != eth0 ]] || waits_for 5 unaccounted_is bytes "$bytes" ||
            fail "bytes counted, beyond those on the wire: $(unaccounted bytes), not $bytes"
    done
    equal 'connections of the forward' "$(rule_count edge "$card" map connections)" 4
    equal 'connections of the masquerade' "$(rule_count edge "$card" office connections)" 4
    equal 'offloads' "$(on edge ethtool -k "$card")" "$(sed '/^qdisc/,$d' <<<"$before")"
    edgefw edge detach "$card"
    equal 'after detach' "$(state_of "$card")" "$before"
}

mapfile -t kinds < <(tc_kinds edge eth0)
bridged=("${kinds[@]}")
thorough || bridged=(clsact) # the VLAN below is judged by tcx, where there is tcx
for hook in "${bridged[@]}"; do
    chapter "a bridge, $hook"
    place br0 type bridge
    on edge ip link set eth0 master br0
    judged_at_tc eth0 --egress "$hook"
    unplace
done

chapter 'vxlan: the kernel has summed up the whole frame before'
lab_address edge eth0 192.0.2.1/24
lab_address client eth0 192.0.2.2/24
if thorough && place vx0 type vxlan id 7 local 192.0.2.1 remote 192.0.2.2 dstport 4789 udpcsum; then
    lab_address edge eth0 192.0.2.1/24
    place_twin vx0 type vxlan id 7 local 192.0.2.2 remote 192.0.2.1 dstport 4789 udpcsum
    judged_at_tc vx0
    unplace_twin
fi

chapter 'macvlan'
if thorough && place mac0 link eth0 type macvlan mode bridge; then
    judged_at_tc eth0
    unplace
fi

chapter 'bond'
if thorough && place bond0 type bond mode active-backup; then
    on edge ip link set eth0 down
    on edge ip link set eth0 master bond0
    judged_at_tc eth0 --mode tc
    unplace
    on edge ip link set eth0 up
fi

chapter 'a VLAN'
if place eth0.10 link eth0 type vlan id 10; then
    place_twin eth0.10 link eth0 type vlan id 10
    judged_at_tc eth0.10
    unplace_twin
fi

chapter 'programs of somebody else, before and behind'
card=eth0
serves edge udp://198.51.100.1:7
echoes() { traffic client udp 198.51.100.1:7 --count 5; }
silent() { # WHY
    if EDGEFW_ANSWER_SECONDS=1 echoes >"$lab_folder/stdout" 2>&1; then fail "$1"; fi
}
policy shut <<'END'
version: 1
default: {external: drop, internal: pass}
END
policy open <<'END'
version: 1
default: {external: drop, internal: pass}
rules:
  - {name: echo, side: external, direction: inbound, protocol: udp, local_port: 7, action: pass}
END
before=$(state_of eth0)
add_filter() { # PRIORITY PROTOCOL PROGRAM
    on edge tc filter add dev eth0 ingress pref "$1" protocol "$2" bpf da object-pinned "$lab_foreign/$3"
}
# It lets every packet pass and ends the run: one that ours must come before.
foreign() { on edge "$story_root/tests/e2e/tcx_programs.py" eth0 ingress "$1" "$lab_foreign/foreign_final"; }
if foreign --attach; then
    edgefw edge attach eth0 --mode tc --policy "$lab_folder/shut.yaml"
    equal 'programs at ingress' "$(tc_programs edge eth0 ingress)" 2
    silent 'a program before ours let packets pass'
    edgefw edge push "$lab_folder/open.yaml"
    echoes
    foreign --detach
    on edge tc qdisc add dev eth0 clsact
    add_filter 1 all foreign_drop
    silent 'a filter behind ours did not run'
    on edge tc qdisc del dev eth0 clsact
    edgefw edge detach eth0
    equal 'after detach' "$(state_of eth0)" "$before"
fi

chapter 'likewise in a clsact qdisc that is there'
on edge tc qdisc add dev eth0 clsact
add_filter 1 ip foreign_final
refused 1 'another filter has priority 1 at the ingress of eth0' edge "$EDGEFW" attach eth0 --mode tc --egress clsact
equal 'hooks after the refusal' "$(hooks edge eth0)" '1 received, 0 sent'
on edge tc filter del dev eth0 ingress
add_filter 2 all foreign_final
add_filter 1 all foreign_final
edgefw edge attach eth0 --mode tc --egress clsact --policy "$lab_folder/shut.yaml"
silent 'a filter before ours let packets pass'
edgefw edge push "$lab_folder/open.yaml"
echoes
edgefw edge detach eth0
equal 'their filters' "$(tc_programs edge eth0 ingress)" 2
on edge tc qdisc del dev eth0 clsact

chapter 'pushes lose nothing'
for hook in "${kinds[@]}"; do
    edgefw edge attach eth0 --mode tc --egress "$hook" --policy "$lab_folder/open.yaml"
    refused 1 'eth0 is already attached' edge "$EDGEFW" attach eth0 --mode tc
    lab_start client "$story_root/tests/e2e/traffic.py" udp 198.51.100.1:7 --count 0 --gap 0.001 2>"$lab_folder/flow"
    flow=$lab_started
    waits_for 60 grep -q 'first is back' "$lab_folder/flow"
    for _ in $(seq "$(much_of 5 2)"); do edgefw edge push "$lab_folder/open.yaml" >"$lab_folder/pushed"; done
    kill -TERM "$flow"
    wait "$flow" || fail "a push at $hook lost packets"
    edgefw edge detach eth0
done

chapter 'what a host sends to a group that it is in comes back to it'
edgefw edge attach eth0 --mode tc --policy "$lab_folder/shut.yaml"
on edge python3 - <<'PYTHON'
import socket
group, card = socket.inet_aton("239.1.2.3"), socket.inet_aton("198.51.100.1")
listener = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
listener.bind(("239.1.2.3", 5000))
listener.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, group + card)
listener.settimeout(30)
sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
sender.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, card)
sender.sendto(b"hi", ("239.1.2.3", 5000))
listener.recv(16)
PYTHON
refused 1 'eth0 is already attached' edge "$EDGEFW" attach eth0 --mode tc
edgefw edge detach eth0
nothing_left edge

chapter 'a card that goes while it is attached'
for hook in "${bridged[@]}"; do
    place br0 type bridge
    edgefw edge attach br0 --egress "$hook"
    unplace
    equal 'cards' "$(edgefw edge --json status | jq '.interfaces | length')" 0
    edgefw edge attach eth0
    edgefw edge detach eth0
    nothing_left edge
done
