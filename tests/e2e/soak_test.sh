#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# A soak: mixed traffic over both cards, through a port forward and directly, and a push a second. No connection is
# lost, the counters are what the hosts sent, and the kernel holds no more at the end than after the first pushes.
#
# EDGEFW_SOAK_SECONDS says how long, 20 unless said otherwise (60 at length); EDGEFW_SOAK_TABLE how many entries a connection table
# has, 2,048 unless said otherwise.
# shellcheck source=tests/e2e/story.sh
source "$(dirname "$0")/story.sh"
story_begin
# shellcheck source=tests/e2e/programs.sh
source "$(dirname "$0")/programs.sh"
readonly seconds=${EDGEFW_SOAK_SECONDS:-$(at_length 20 60)}
readonly public=203.0.113.7 server=10.0.0.5 client=198.51.100.9
readonly table=${EDGEFW_SOAK_TABLE:-2048}
readonly rests=3 # seconds until what is quiet is forgotten
lab_street
lab_address edge eth0 $public/32
# Frames are counted as they are on the wire.
for host in client server; do one_frame_a_packet $host eth0; done
one_frame_a_packet edge eth0 eth1

# Both pass what stays open. They differ in a rule that comes and goes, in one that passes or drops, and in the order.
soaking() { # pass|drop
    cat <<END
version: 1
default: drop
connections: {confirmed: $table, half_open: $table}
timeouts: {tcp-closing: $rests, tcp-closed: $rests, udp-one-way: $rests, udp-query: $rests, udp-answered: $rests, udp-two-way: $rests, icmp-echo: $rests}
rules:
  - {name: turns, side: external, direction: both, protocol: udp, local_port: 3000, state: none, action: $1}
$([[ $1 == pass ]] || echo '  - {name: comes, side: external, protocol: tcp, local_port: 1-1023, action: drop}')
  - {name: mapped, side: external, direction: inbound, protocol: tcp, local: $server, local_port: 9555, action: pass}
  - {name: mapped-udp, side: external, direction: inbound, protocol: udp,
     local: $server, local_port: 9555, action: pass}
  - {name: direct, side: external, direction: inbound, protocol: tcp, local: $server, local_port: 9556, action: pass}
  - {name: direct-udp, side: external, direction: inbound, protocol: udp,
     local: $server, local_port: 9556, action: pass}
  - {name: outwards, side: external, direction: outbound, protocol: tcp, remote: $client, remote_port: 80, action: pass}
  - {name: outwards-udp, side: external, direction: outbound, protocol: udp,
     remote: $client, remote_port: 53, action: pass}
  - {name: echo, side: external, direction: inbound, protocol: icmp, icmp: echo-request, action: pass}
  - {name: in, side: internal, direction: inbound, protocol: tcp, remote: $server, remote_port: 9555-9556, action: pass}
  - {name: in-udp, side: internal, direction: inbound, protocol: udp,
     remote: $server, remote_port: [9555-9556, 3000], action: pass}
  - {name: out, side: internal, direction: outbound, protocol: tcp, local: $client, local_port: 80, action: pass}
  - {name: out-udp, side: internal, direction: outbound, protocol: udp, local: $client, local_port: 53, action: pass}
  - {name: in-echo, side: internal, direction: inbound, protocol: icmp, icmp: echo-request, action: pass}
nat:
  - {name: map, type: port-forward, protocol: [tcp, udp], public: $public, public_port: 8000,
     to: $server, to_port: 9555}
END
}
soaking pass | policy even
soaking drop | policy odd
edgefw edge attach eth0 --policy "$lab_folder/even.yaml"
edgefw edge attach eth1 --policy "$lab_folder/even.yaml" --side internal
serves server tcp://$server:9555 udp://$server:9555 tcp://$server:9556 udp://$server:9556
serves client tcp://$client:80 udp://$client:53

pushes=0
pushed() { # NAME
    edgefw edge push "$lab_folder/$1.yaml" >"$lab_folder/said"
    pushes=$((pushes + 1))
}
held() { "$story_root/tests/e2e/soak_clients.py" held "$(lab_pins edge)"; }

chapter 'what the kernel holds after the first pushes'
for _ in 1 2 3; do
    pushed odd
    pushed even
done
before=$(held)
[[ $before != *' 0 '* ]] || fail "what is held cannot be read: $before"

runs() { # HOST NAME ARGUMENT...
    start "$1" "$2" "$story_root/tests/e2e/soak_clients.py" "${@:3}"
    waits_for 60 grep -q ready "$lab_folder/$2.log" || fail "$2: $(tail -n 1 "$lab_folder/$2.log")"
}
ends() { # NAME
    local status=0
    kill -TERM "${programs[$1]}" 2>/dev/null || true # it may have failed before
    wait "${programs[$1]}" || status=$?
    ((status == 0)) || fail "$1 ended with $status: $(grep -v '^ready' "$lab_folder/$1.log" | tail -n 5)"
}
segments() {
    # shellcheck disable=SC2016  # awk's
    for host in client server; do
        on $host awk '$1 == "Tcp:" && $2 ~ /^[0-9]/ { print $12 + $13 }' /proc/self/net/snmp
    done | awk '{ sum += $1 } END { print sum }'
}

chapter "$seconds seconds of traffic, with a push each"
began_segments=$(segments)
runs server taken take $server:3000
runs client inwards send long=$public:8000 short=$public:8000 flows=$public:8000 long=$server:9556 short=$server:9556 \
    flows=$server:9556 fire=$server:2000 fire=$server:3000
runs server outwards send long=$client:80 short=$client:80 flows=$client:53
start client ping ping -q -i 0.02 -s 1001 $server
most=0
entries() { # of the fullest table of connections
    edgefw edge --json status |
        jq '[.interfaces[].maps[] | select(.map | test("^(connections|openings)")).entries] | max'
}
next=$SECONDS end=$((SECONDS + seconds))
while ((SECONDS < end)); do
    next=$((next + 1)) # a push that takes longer is made up for
    if ((pushes % 2)); then pushed even; else pushed odd; fi
    now=$(entries)
    most=$((now > most ? now : most))
    for name in inwards outwards; do kill -0 "${programs[$name]}" 2>/dev/null || ends $name; done
    while ((SECONDS < next)); do sleep 0.05; done
done
((pushes % 2 == 0)) || pushed even

chapter 'no connection was lost, nothing came back as another'
ends inwards
ends outwards
kill -INT "${programs[ping]}"
wait "${programs[ping]}" || fail "echo: $(tail -n 3 "$lab_folder/ping.log")"
waits_for 60 rests edge || fail 'the network does not come to rest'
ends taken
sent() { jq --arg job "$2" --arg what "$3" '.[$job][$what]' <(tail -n 1 "$lab_folder/$1.log"); } # NAME JOB WHAT
both() { # NAME JOB WHAT: of the long and the short ones
    echo $(($(sent "$1" "long=$2" connections) + $(sent "$1" "short=$2" connections)))
}

chapter 'the counters are what the hosts sent'
count() { rule_count edge "$@"; }
mapped=$(both inwards $public:8000) direct=$(both inwards $server:9556) outwards=$(both outwards $client:80)
equal 'connections mapped' "$(count eth0 map/tcp connections) $(count eth0 mapped connections)" "$mapped $mapped"
equal 'connections direct' "$(count eth0 direct connections)" "$direct"
equal 'connections outwards' "$(count eth0 outwards connections) $(count eth1 out connections)" "$outwards $outwards"
equal 'connections on the internal card' "$(count eth1 in connections)" $((mapped + direct))
tcp=$(($(segments) - began_segments))
equal 'TCP segments on the external card' \
    $(($(count eth0 mapped packets) + $(count eth0 direct packets) + $(count eth0 outwards packets))) $tcp
equal 'TCP segments on the internal card' $(($(count eth1 in packets) + $(count eth1 out packets))) $tcp
mapped=$(sent inwards flows=$public:8000 datagrams) direct=$(sent inwards flows=$server:9556 datagrams)
outwards=$(sent outwards flows=$client:53 datagrams)
taken=$(tail -n 1 "$lab_folder/taken.log")
equal 'datagrams mapped' "$(count eth0 map/udp packets)" $((2 * mapped))
equal 'datagrams mapped, by their rule' "$(count eth0 mapped-udp packets)" $((2 * mapped))
equal 'datagrams direct' "$(count eth0 direct-udp packets)" $((2 * direct))
equal 'datagrams outwards' "$(count eth0 outwards-udp packets)" $((2 * outwards))
equal 'datagrams outwards on the internal card' "$(count eth1 out-udp packets)" $((2 * outwards))
equal 'datagrams on the internal card' "$(count eth1 in-udp packets)" $((2 * mapped + 2 * direct + taken))
# shellcheck disable=SC2016  # awk's
read -r asked answered < <(awk '/packets transmitted/ { print $1, $4 }' "$lab_folder/ping.log")
for rule in 'eth0 echo' 'eth1 in-echo'; do
    # shellcheck disable=SC2086  # card and rule
    equal "$rule" "$(count $rule packets)" $((asked + answered))
done
dropped=$(sent inwards fire=$server:2000 datagrams) turned=$(sent inwards fire=$server:3000 datagrams)
equal 'dropped by default' "$(reason_count edge eth0 default)" "$dropped"
equal 'passed or dropped in turn' "$(count eth0 turns packets)" "$turned"
((taken > 0 && taken < turned)) || fail "of $turned datagrams $taken passed: no turn was seen"
for reason in revoked connection-table translate-failed tcp-sequence; do
    equal "$reason" "$(reason_count edge eth0 $reason) $(reason_count edge eth1 $reason)" '0 0'
done
edgefw edge --json counters | jq -e '.interfaces | all(
    ([.rules[].packets] | add) + ([.reasons[] | select(.reason == "default").packets] | add) == .total.packets)' \
    >"$lab_folder/said" || fail 'rules and defaults do not add up to all packets'

chapter 'the kernel holds no more than after the first pushes'
equal 'held' "$(held)" "$before"
((most <= table)) || fail "a connection table holds $most entries, and has room for $table"
known() { edgefw edge --json connections | jq '.connections | length'; }
none_known() { (($(known) == 0)); }
waits_for 60 none_known || fail "$(known) connections are known a minute after the last of them"
echo "$seconds s: $pushes pushes; $tcp TCP segments, $((mapped + direct + outwards)) datagrams answered," \
    "$answered echoes, $dropped dropped, $taken of $turned passed in turn; at most $most entries in a table of $table; held: $before"

edgefw edge detach eth0
edgefw edge detach eth1
nothing_left edge
