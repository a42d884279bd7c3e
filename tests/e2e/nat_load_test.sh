#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# A port forward under the load of real stacks: 10,000 connections at once, a transfer through loss and reordering,
# fragments, checksums, offloads, iperf3; and IPv6 beside it, which is not translated.
#
#   client --- far --- eth0 edge eth1 --- server        far loses and delays when it is told to
#
# EDGEFW_TRANSFER_BYTES is the size of the transfer through loss, 32 MiB unless said otherwise (256 at length).
# shellcheck source=tests/e2e/story.sh
source "$(dirname "$0")/story.sh"
story_begin
# shellcheck source=tests/e2e/programs.sh
source "$(dirname "$0")/programs.sh"
readonly public=203.0.113.7 server=10.0.0.5 server6=2001:db8:5::5
readonly held=10000 transfer_bytes=${EDGEFW_TRANSFER_BYTES:-$(at_length $((32 << 20)) $((256 << 20)))}
readonly sources=(198.51.100.9 198.51.100.10 198.51.100.11 198.51.100.12)
ulimit -n 12000

lab_host client far edge server
lab_cable client eth0 far eth0
lab_cable far eth1 edge eth0
lab_cable edge eth1 server eth0
lab_address client eth0 "${sources[@]/%//24}" 2001:db8:9::9/64
lab_address far eth0 198.51.100.1/24 2001:db8:9::1/64
lab_address far eth1 192.0.2.1/30 2001:db8:1::1/64
lab_address edge eth0 192.0.2.2/30 2001:db8:1::2/64 $public/32
lab_address edge eth1 10.0.0.1/24 2001:db8:5::1/64
lab_address server eth0 $server/24 $server6/64
for host in far edge; do on $host sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1; done
# Lost twice is lost for 20 ms, not 200: the networks here are memory.
on client ip route add default via 198.51.100.1 rto_min 20ms
on client ip route add default via 2001:db8:9::1 rto_min 20ms
on far ip route add default via 192.0.2.2
on far ip route add default via 2001:db8:1::2
on edge ip route add default via 192.0.2.1
on edge ip route add default via 2001:db8:1::1
on server ip route add default via 10.0.0.1 rto_min 20ms
on server ip route add default via 2001:db8:5::1 rto_min 20ms
on client sysctl -qw net.ipv4.ip_local_port_range='20000 60000'
on server sysctl -qw net.core.somaxconn=4096
# Windows that the queue of a card (256 frames) has room for: what is lost is lost by far, where it is counted.
for host in client server; do on $host sysctl -qw net.ipv4.tcp_rmem='4096 131072 262144'; done
readonly cards=(client:eth0 far:eth0 far:eth1 edge:eth0 edge:eth1 server:eth0)

policy edge <<'END'
version: 1
default: drop
sets:
  server: [10.0.0.5, "2001:db8:5::5"]
rules:
  - {name: in-tcp, side: external, direction: inbound, protocol: tcp, local: $server,
     local_port: [9555, 9557, 5201], action: pass}
  - {name: in-udp, side: external, direction: inbound, protocol: udp, local: $server,
     local_port: [9555, 9556, 5201], action: pass}
  - {name: on-tcp, side: internal, direction: inbound, protocol: tcp, remote: $server,
     remote_port: [9555, 9557, 5201], action: pass}
  - {name: on-udp, side: internal, direction: inbound, protocol: udp, remote: $server,
     remote_port: [9555, 9556, 5201], action: pass}
nat:
  - {name: map, type: port-forward,
     protocol: [tcp, udp], public: 203.0.113.7, public_port: 8000, to: 10.0.0.5, to_port: 9555}
  - {name: bare, type: port-forward, protocol: udp, public: 203.0.113.7, public_port: 8001, to: 10.0.0.5, to_port: 9556}
  - {name: bulk, type: port-forward, protocol: tcp, public: 203.0.113.7, public_port: 8002, to: 10.0.0.5, to_port: 9557}
  - {name: iperf, type: port-forward, protocol: [tcp, udp], public: 203.0.113.7, public_port: 5201, to: 10.0.0.5}
END
mode=native
attaches() {
    edgefw edge attach eth0 --mode "$mode" --policy "$lab_folder/edge.yaml"
    edgefw edge attach eth1 --mode "$mode" --policy "$lab_folder/edge.yaml" --side internal
}
attaches

# What takes longer than this stands still.
clients() { on "$1" timeout 300 "$story_root/tests/e2e/nat_load_clients.py" "${@:2}"; } # HOST ARGUMENT...
runs() { # HOST NAME ARGUMENT...: in the background
    start "$1" "$2" "$story_root/tests/e2e/nat_load_clients.py" "${@:3}"
    waits_for 60 grep -q ready "$lab_folder/$2.log" || fail "$2: $(tail -n 1 "$lab_folder/$2.log")"
}
nat_packets() { rule_count edge eth0 "$1" packets; } # ENTRY

serves server tcp://$server:9555 udp://$server:9555
runs server transfers serve $server:9557 "[$server6]:9557"
runs server unchecked echo_unchecked $server:9556
start server iperf3 iperf3 --server
await server tcp :5201

# A card has what was asked for, but no TSO where the one at the other end of its cable has a native XDP program.
offloads() { # on|off CARD...
    local card tso
    for card in "${@:2}"; do
        # It fails where nothing changes. What counts is what the card has then.
        on "${card%:*}" ethtool -K "${card#*:}" tx "$1" tso "$1" gso "$1" gro "$1" >"$lab_folder/ethtool" 2>&1 || true
        tso=$1
        [[ $mode != native || $card != @(far:eth1|server:eth0) ]] || tso=off
        equal "offloads of $card" "$(has_offloads "$card")" "tx $1, tso $tso, gso $1, gro $1"
    done
}
has_offloads() { # CARD
    on "${1%:*}" ethtool --json -k "${1#*:}" | jq -r 'def state($name): .[0][$name].active | if . then "on" else "off" end;
        "tx \(state("tx-checksumming")), tso \(state("tcp-segmentation-offload")), " +
        "gso \(state("generic-segmentation-offload")), gro \(state("generic-receive-offload"))"'
}
offloads off "${cards[@]}"

# Segments that both ends sent, and those sent again.
sent() {
    # shellcheck disable=SC2016  # awk's
    for host in client server; do
        on $host awk '$1 == "Tcp:" && $2 ~ /^[0-9]/ { print $12 + $13 }' /proc/self/net/snmp
    done | awk '{ sum += $1 } END { print sum }'
}

chapter "$held TCP connections at once"
before=$(nat_packets map/tcp) segments=$(sent)
runs client held hold $public:8000 $held 1001 "${sources[@]}"
known=$(edgefw edge --json connections interface=eth0 nat=map/tcp |
    jq '[.connections[] | select(.half_open | not)] | length')
equal 'connections that the edge knows' "$known" $held
kill -USR1 "${programs[held]}"
wait "${programs[held]}" || fail "connections through the forward: $(tail -n 1 "$lab_folder/held.log")"
equal 'connections of the forward' "$(rule_count edge eth0 map/tcp connections)" $held
waits_for 60 rests edge || fail 'the network does not come to rest'
nat=$(($(nat_packets map/tcp) - before))
equal 'packets of the forward' $nat $(($(sent) - segments))
echo "$(tail -n 1 "$lab_folder/held.log"), $nat packets"

# What far does to TCP: of 100 segments one is lost, one comes half a millisecond later than those behind it.
late_begins() {
    runs far late relay late 0.0005
    on far ip link set late up
    on far sysctl -qw net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.late.rp_filter=0
    local family
    for family in -4 -6; do
        on far ip $family rule add fwmark 1 table 100
        on far ip $family route add default dev late table 100
    done
    on far nft -f - <<'END'
table inet trouble {
    counter lost {}
    counter late {}
    counter from-edge {}
    counter to-edge {}
    chain lose { counter name lost drop; }
    chain delay { counter name late meta mark set 1; }
    chain arrives {
        type filter hook prerouting priority mangle
        iifname eth1 meta l4proto tcp counter name from-edge
        iifname { eth0, eth1 } meta l4proto tcp numgen random mod 100 vmap { 0 : goto lose, 1 : goto delay }
    }
    chain leaves {
        type filter hook postrouting priority mangle
        oifname eth1 meta l4proto tcp counter name to-edge
    }
}
END
}
counted() { # HOST TABLE COUNTER
    on "$1" nft --json list counter inet "$2" "$3" | jq '.nftables[] | .counter? | values.packets'
}
seen_by_far() { counted far trouble "$1"; } # COUNTER
# How often the TCP of a host found segments in another order, or twice, because the late one was sent again.
reordered() { # HOST
    # shellcheck disable=SC2016  # awk's
    on "$1" awk -v order='^TCP((SACK|TS|Reno)Reorder|DSACK(Old|Ofo)Sent)$' '
        $1 == "TcpExt:" && !names { names = split($0, name); next }
        $1 == "TcpExt:" { for (i = 2; i <= NF; i++) if (name[i] ~ order) sum += $i; print sum + 0; exit }
    ' /proc/self/net/netstat
}
# transfers_in_trouble UP DOWN ADDRESS: so many bytes each way; what far did is `lost`, `late`, `crossed`, `turned`.
transfers_in_trouble() {
    local counter
    local -A earlier=()
    for counter in lost late from-edge to-edge; do earlier[$counter]=$(seen_by_far $counter); done
    turned=$(($(reordered client) + $(reordered server)))
    clients client transfer "$3" up "$1" || fail "the transfer to $3 through loss fails"
    clients client transfer "$3" down "$2" || fail "the transfer from $3 through loss fails"
    waits_for 60 rests edge || fail 'the network does not come to rest'
    lost=$(($(seen_by_far lost) - earlier[lost])) late=$(($(seen_by_far late) - earlier[late]))
    crossed=$(($(seen_by_far from-edge) - earlier[from-edge] + $(seen_by_far to-edge) - earlier[to-edge]))
    turned=$(($(reordered client) + $(reordered server) - turned))
    ((lost > crossed / 200)) || fail "only $lost of $crossed segments were lost"
    ((late > crossed / 200)) || fail "only $late of $crossed segments came late"
    ((turned > 0)) || fail 'no host saw another order'
    echo "$lost of $crossed segments lost, $late late, TCP saw $turned in another order or twice"
}

chapter "$transfer_bytes bytes through loss and reordering"
late_begins
before=$(nat_packets bulk)
transfers_in_trouble "$transfer_bytes" $((transfer_bytes / 8)) $public:8002
equal 'packets of the forward' $(($(nat_packets bulk) - before)) $crossed

chapter 'the same over IPv6, without NAT'
before=$(rule_count edge eth0 in-tcp packets) translated=$(nat_packets bulk)
transfers_in_trouble $((transfer_bytes / 4)) $((transfer_bytes / 32)) "[$server6]:9557"
equal 'packets of the rule' $(($(rule_count edge eth0 in-tcp packets) - before)) $crossed
equal 'packets of the forward' "$(nat_packets bulk)" "$translated"
on far nft delete table inet trouble

chapter 'datagrams: 64 KiB in fragments, odd lengths, without a checksum, with one that folds to zero'
# What arrives at either end, by its checksum; the kernels there verify every other one.
for host in client server; do
    on $host nft -f - <<'END'
table inet arrived {
    counter none {}
    counter folded {}
    chain input {
        type filter hook input priority filter
        udp checksum 0 counter name none
        udp checksum 0xffff counter name folded
    }
}
END
done
arrived() { counted "$1" arrived "$2"; } # HOST COUNTER
checksum_errors() { # HOST
    # shellcheck disable=SC2016  # awk's
    on "$1" awk '$1 == "Udp:" && !names { names = split($0, name); next }
        $1 == "Udp:" { for (i = 2; i <= NF; i++) if (name[i] == "InCsumErrors") print $i }' /proc/self/net/snmp
}
readonly largest=65507 fragments=45 # 65,515 bytes of UDP by 1,480
mapfile -t odd < <(seq 1 2 2951)
readonly in_two=$(((2951 - 1473) / 2 + 1)) # of them are two fragments: those from 1,473 on
for entry in map/udp:8000 bare:8001; do
    unchecked=()
    [[ $entry == map* ]] || unchecked=(--unchecked)
    before=$(nat_packets "${entry%:*}") later=$(reason_count edge eth0 fragment) none=$(arrived server none)
    clients client datagrams $public:${entry#*:} "${unchecked[@]}" $largest $largest $largest ||
        fail "a datagram of 64 KiB does not come back through ${entry%:*}"
    equal "packets of ${entry%:*}" $(($(nat_packets "${entry%:*}") - before)) $((3 * 2 * fragments))
    equal 'later fragments' $(($(reason_count edge eth0 fragment) - later)) $((3 * 2 * (fragments - 1)))
    before=$(nat_packets "${entry%:*}")
    clients client datagrams $public:${entry#*:} "${unchecked[@]}" 0 "${odd[@]}" ||
        fail "a datagram of an odd length does not come back through ${entry%:*}"
    equal "packets of ${entry%:*}" $(($(nat_packets "${entry%:*}") - before)) $((2 * (1 + ${#odd[@]} + in_two)))
    [[ $entry == map* ]] || wanted=$((3 + 1 + ${#odd[@]}))
    equal 'without a checksum, at the server' $(($(arrived server none) - none)) "${wanted:=0}"
    equal 'without a checksum, at the client' "$(arrived client none)" "$wanted"
done
clients client folded $public:8000 "${sources[0]}" $server:9555 || fail 'a checksum that folds to zero is lost'
for host in client server; do
    (($(arrived $host folded) > 0)) || fail "no checksum that folds to zero arrived at the $host"
    equal "wrong checksums at the $host" "$(checksum_errors $host)" 0
    on $host nft delete table inet arrived
done

chapter 'iperf3, both ways'
iperfs() { # JQ-FILTER OPTION...: what iperf3 says of it
    on client timeout 60 iperf3 --json --client $public --time 1 "${@:2}" >"$lab_folder/iperf3.json" ||
        fail "iperf3 ${*:2}: $(jq -r '.error // "no answer"' "$lab_folder/iperf3.json")"
    jq -e "$1" "$lab_folder/iperf3.json"
}
for way in forward reverse; do
    options=()
    [[ $way == forward ]] || options=(--reverse)
    megabits=$(iperfs '.end.sum_received.bits_per_second / 1e6 | floor | select(. > 0)' "${options[@]}") ||
        fail "iperf3 over TCP, $way, carries nothing"
    before=$(nat_packets iperf/udp)
    options+=(--udp --length 1400)
    # Where the machine has other work the receiver comes too late for that many: then with fewer.
    datagrams=''
    for bitrate in 50M 5M 500K; do
        datagrams=$(iperfs '.end.sum | select(.packets > 0 and .lost_percent < 1) | .packets - .lost_packets' \
            "${options[@]}" --bitrate $bitrate) && break
    done
    [[ $datagrams ]] || fail "iperf3 over UDP, $way, loses more than one in a hundred, at $bitrate, too"
    (($(nat_packets iperf/udp) - before >= datagrams)) || fail 'datagrams of iperf3 are not counted for the forward'
    echo "$way: TCP $megabits Mbit/s, UDP $datagrams datagrams"
done

readonly offload_bytes=$((8 << 20))
for mode in native generic; do
    [[ $mode == native ]] || {
        edgefw edge detach eth0
        edgefw edge detach eth1
        attaches
    }
    chapter "offloads on and off, $mode"
    before=$(rule_count edge eth0 bulk connections)
    for client in on off; do
        for edge in on off; do
            for other in on off; do
                offloads $client client:eth0
                offloads $edge far:eth0 far:eth1 edge:eth0 edge:eth1
                offloads $other server:eth0
                for way in up down; do
                    said=$(clients client transfer $public:8002 $way $offload_bytes) ||
                        fail "client $client, edge $edge, server $other: $way: $said"
                done
            done
        done
    done
    equal 'connections of the forward' $(($(rule_count edge eth0 bulk connections) - before)) 16
    equal 'failed translations' "$(reason_count edge eth0 translate-failed)" 0
    offloads on "${cards[@]}"
    echo "16 transfers of $offload_bytes bytes, half each way, SHA-256 equal"
done

edgefw edge detach eth0
edgefw edge detach eth1
nothing_left edge
