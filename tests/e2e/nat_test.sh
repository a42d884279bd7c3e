#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# Every kind of NAT with real stacks: who is reached, whom he sees, what comes back, and what the filter says of it.
#
#   outside --- far --- eth0 router eth1 --- switch --- one, two (10.0.0.21, .22, .41), server (10.0.0.4, .5, .6)
#
# far is where a path is narrow, and where the packets of each public address are counted a second time.
# shellcheck source=tests/e2e/story.sh
source "$(dirname "$0")/story.sh"
story_begin
# shellcheck source=tests/e2e/programs.sh
source "$(dirname "$0")/programs.sh"
readonly narrow=1280 quiet=5 # seconds for which a closed connection keeps its port
readonly office=203.0.113.1 voice=203.0.113.2 whole=203.0.113.3 map=203.0.113.4 backup=203.0.113.5 gateway=203.0.113.6
readonly few=203.0.113.7
readonly publics=("$office" "$voice" "$whole" "$map" "$backup" "$gateway" "$few")
readonly anyone=198.51.100.9 phone=198.51.100.20 busy=198.51.100.30 licence=198.51.100.40
readonly vault=204.164.111.5 other_vault=140.239.229.7 # the servers of the online backup
readonly inside=one/10.0.0.21 other=two/10.0.0.22 agent=one/10.0.0.41
readonly web=server/10.0.0.4 all=server/10.0.0.5 v2=server/10.0.0.6

lab_host outside far router switch one two server
lab_cable outside eth0 far eth0
lab_cable far eth1 router eth0
lab_cable router eth1 switch eth0
lab_cable switch eth1 one eth0
lab_cable switch eth2 two eth0
lab_cable switch eth3 server eth0
on switch ip link add bridge type bridge
for card in eth0 eth1 eth2 eth3; do on switch ip link set $card master bridge; done
on switch ip link set bridge up
lab_address outside eth0 $anyone/24 $phone/24 $busy/24 $licence/24 $vault/32 $other_vault/32
lab_address far eth0 198.51.100.1/24
lab_address far eth1 192.0.2.1/30
lab_address router eth0 192.0.2.2/30
lab_address router eth1 10.0.0.1/24
lab_address one eth0 ${inside#*/}/24 ${agent#*/}/24
lab_address two eth0 ${other#*/}/24
lab_address server eth0 ${web#*/}/24 ${all#*/}/24 ${v2#*/}/24
on outside ip route add default via 198.51.100.1
on far ip route add default via 192.0.2.2
on far ip route add 204.164.111.0/26 via $anyone
on far ip route add 140.239.229.0/26 via $anyone
on router ip route add default via 192.0.2.1
for host in one two server; do on $host ip route add default via 10.0.0.1; done
for host in far router; do on $host sysctl -qw net.ipv4.ip_forward=1; done
# Through a hairpin a packet leaves by the card it came by; Linux would tell its sender of a shorter way.
on router sysctl -qw net.ipv4.conf.all.send_redirects=0 net.ipv4.conf.eth1.send_redirects=0
for host in outside far router; do on $host sysctl -qw net.ipv4.icmp_ratelimit=0; done
for host in outside one two server; do on $host sysctl -qw net.ipv4.ping_group_range='0 0'; done
countable outside far router one two server
readonly cards=(outside:eth0 far:eth0 far:eth1 router:eth0 router:eth1 one:eth0 two:eth0 server:eth0)
for card in "${cards[@]}"; do one_frame_a_packet "${card%:*}" "${card#*:}"; done

# The entries of the policy; that of the office is a line of its own.
readonly entries="
  - {name: voice, type: masquerade, protocol: udp, from: 10.0.0.16/28, to: $phone,
     as: $voice, ports: 62000-62999, keep_parity: true}
  - {name: few, type: masquerade, from: 10.0.0.16/28, to: $busy, as: $few, ports: 63000-63063}
  - {name: office, type: masquerade, from: 10.0.0.16/28, as: $office, ports: 62000-62239}
  - {name: whole, type: static, public: $whole, to: ${all#*/}, hairpin: {from: 10.0.0.0/24, as: 10.0.0.1}}
  - {name: map, type: port-forward, protocol: [tcp, udp], public: $map, public_port: 8000-8099,
     to: ${web#*/}, to_port: 9500-9599, hairpin: {from: 10.0.0.0/24, as: 10.0.0.1}}"
rules_and() { # ENTRIES [RULE]
    cat <<END
version: 1
default: {external: drop, internal: pass}
timeouts: {tcp-closed: $quiet}
rules:
  - {use: online-backup, as: backup, with: {proxy: mapped, client: 10.0.0.40/30, firewall: 10.0.0.1,
     firewall_outside: $backup, servers: {9001: $vault, 9002: $other_vault}}}
  - {use: theoffice-v2-gateway, as: gateway, with: {mapping: static, gateway: ${v2#*/}, public: $gateway}}
  - {name: out, side: external, direction: outbound, local: [${inside#*/}, ${other#*/}, ${all#*/}], action: pass}
  - {name: to-all, side: external, direction: inbound, local: ${all#*/}, action: pass}
  - {name: to-web, side: external, direction: inbound, protocol: tcp, local: ${web#*/}, local_port: 9500-9599,
     action: pass}
  - {name: to-media, side: external, direction: inbound, protocol: udp, local: ${web#*/}, local_port: 9500-9599,
     action: pass}
  - {name: calls, side: external, direction: outbound, local: ${web#*/}, remote_port: 9557, protocol: tcp, action: pass}
  - {name: media-out, side: external, direction: outbound, local: ${web#*/}, remote_port: 9557, protocol: udp, action: pass}
${2:-}
nat:
$1
END
}
rules_and "$entries" | policy all
readonly more='  - {name: more, side: external, direction: inbound, protocol: tcp, local: 10.0.0.99, action: pass}'
rules_and "$entries" "$more" | policy more
rules_and "$(grep -v 'name: office' <<<"$entries")" | policy no-office
edgefw router attach eth0 --policy "$lab_folder/all.yaml"
edgefw router attach eth1 --side internal --policy "$lab_folder/all.yaml"

readonly clients=$story_root/tests/e2e/nat_clients.py
namespaces=/run/netns/$(lab_netns '')
clients() { # ARGUMENT...
    timeout 120 "$clients" "$namespaces" "$@" || fail "$*"
}
# talks ARGUMENT...: what it prints is in `protocol`, `opener`, `target`, `reached` and `seen`.
talks() {
    local said
    said=$(clients talk "$@") || exit 1
    read -r protocol opener target reached seen <<<"$said"
}
holds() { # NAME ARGUMENT...: in the background
    start outside "$1" "$clients" "$namespaces" "${@:2}"
    waits_for 60 grep -q ready "$lab_folder/$1.log" || fail "$1: $(tail -n 1 "$lab_folder/$1.log")"
}
speaks() { # NAME: what those that it holds say, by way of the filter
    local lines
    lines=$(wc -l <"$lab_folder/$1.log")
    kill -USR1 "${programs[$1]}"
    waits_for 60 more_lines_than "$lines" "$lab_folder/$1.log" || fail "$1: no answer"
    tail -n 1 "$lab_folder/$1.log"
}
more_lines_than() { (($(wc -l <"$2") > $1)); }
ends() { # NAME
    kill -TERM "${programs[$1]}"
    wait "${programs[$1]}" || fail "$1: $(tail -n 1 "$lab_folder/$1.log")"
    unset "programs[$1]"
}

# What the filter knows of a NAT entry, a line a connection: protocol, local end, remote end, public end.
known() { # CARD ENTRY
    edgefw router --json connections interface="$1" nat="$2" | jq -r '.connections[] |
        "\(.protocol) \(.local):\(.local_port) \(.remote):\(.remote_port) \(.public):\(.public_port)"' | sort
}
knows() { # CARD ENTRY LOCAL REMOTE PUBLIC: of what `talks` said
    known "$1" "$2" | grep -qxF "$protocol $3 $4 $5" ||
        fail "no connection '$protocol $3 $4 $5' of $2 on $1, but: $(known "$1" "$2")"
}

# What far sees of each public address, to compare with what the filter counts for its entry.
counters=() from=() to=()
for address in "${publics[@]}"; do
    counters+=("counter a${address##*.} {}")
    from+=("iifname eth1 ip saddr $address counter name a${address##*.}")
    to+=("oifname eth1 ip daddr $address counter name a${address##*.}")
done
on far nft -f - <<END
table ip publics {
    $(printf '%s\n' "${counters[@]}")
    chain arrives {
        type filter hook prerouting priority raw
        $(printf '%s\n' "${from[@]}")
    }
    chain leaves {
        type filter hook postrouting priority raw
        $(printf '%s\n' "${to[@]}")
    }
}
END
crossed() { on far nft --json list counter ip publics "a${1##*.}" | jq '.nftables[] | .counter? | values.packets'; }
counted() { # ENTRY...
    edgefw router --json counters eth0 |
        jq '[.interfaces[0].nat[] | select(.id | IN($ARGS.positional[])).packets] | add' --args "$@"
}
# count ADDRESS ENTRY...: from here on; `counts` ends it, and sets `packets`.
count() {
    counting=("$@")
    crossed_before=$(crossed "$1") counted_before=$(counted "${@:2}")
}
counts() {
    waits_for 60 both_count || fail "${counting[*]:1}: the filter counts $packets packets, far $others"
    ((packets > 0)) || fail "no packet of ${counting[*]:1}"
}
both_count() { # the last packets of what has ended may be on their way
    packets=$(($(counted "${counting[@]:1}") - counted_before))
    others=$(($(crossed "${counting[0]}") - crossed_before))
    ((packets == others))
}

chapter 'masquerade: 200 TCP connections at once, of two hosts with the same ports, to one server'
count $office office
holds crowd hold outside/$anyone:80 /$office 62000-62239 62000 100 $inside $other
awk '$1 == "tcp" { print $1, $2, $4, $5 }' "$lab_folder/crowd.log" | sort >"$lab_folder/crowd.seen"
equal 'connections' "$(wc -l <"$lab_folder/crowd.seen")" 200
equal 'what the filter knows of them' "$(known eth0 office)" "$(<"$lab_folder/crowd.seen")"
equal 'alive' "$(speaks crowd)" '200 alive'
ends crowd
counts
echo "200 connections, $packets packets"

chapter 'a masquerade of 64 ports has no 65th'
holds few hold outside/$busy:80 /$few 63000-63063 2000 32 $inside $other
refused_before=$(reason_count router eth0 nat-ports) counted_before=$(counted few)
equal 'what arrives of a 65th' "$(clients arrives $inside:3000 $busy outside/$busy tcp:80)" ''
refused=$(reason_count router eth0 nat-ports)
((refused > refused_before)) || fail 'a 65th is not counted as refused'
equal 'counted for the entry that has none left' $(($(counted few) - counted_before)) $((refused - refused_before))
start router serve "$EDGEFW" serve
waits_for 60 grep -q 'listening on' "$lab_folder/serve.log" || fail "serve: $(<"$lab_folder/serve.log")"
equal 'refused, as a metric' "$(on router curl -sSf http://localhost:9477/metrics | awk \
    '/^edgefw_reason_packets_total{interface="eth0".*reason="nat-ports"/ { sum += $NF } END { print sum }')" "$refused"
end_program serve
talks tcp $inside:3000 /$busy:81 outside/$busy:81 /$few
knows eth0 few "$opener" "$reached" "$seen"
equal 'alive' "$(speaks few)" '64 alive'
ends few
sleep $((quiet + 1))
talks tcp $inside:3001 /$busy:80 outside/$busy:80 /$few
knows eth0 few "$opener" "$reached" "$seen"

chapter 'masquerade: RTP and RTCP keep their parity'
count $voice voice
clients pairs outside/$phone:5004 /$voice 62000-62999 16384 25 $inside $other
counts
equal 'packets' "$packets" 200 # 100 ports, there and back

chapter 'masquerade: pings with the same identifier, and a path: who asked is told'
count $office office
clients pings outside/$anyone /$office 7 10 $inside $other
counts
equal 'packets' "$packets" 40
talks icmp $other:9 /$anyone outside/$anyone /$office --count 2
knows eth0 office "$opener" "$reached" "$seen"
count $office office
clients trace /$anyone:33434 5000 10.0.0.1 192.0.2.1 $anyone --from $inside $other
counts
equal 'packets' "$packets" 8 # of two hosts two cross the router, and two errors come back

chapter 'masquerade: a 20 KB datagram in fragments'
count $office office
talks udp $inside:4000 /$anyone:4000 outside/$anyone:4000 /$office --bytes 20000 --count 3
counts
equal 'packets' "$packets" $((3 * 2 * 14)) # 20,008 bytes by 1,480
knows eth0 office "$opener" "$reached" "$seen"

chapter 'masquerade: a protocol without ports has one connection with a remote end'
talks gre $inside /$anyone outside/$anyone /$office
knows eth0 office "$opener" "$reached" "$seen"
refused=$(reason_count router eth0 nat-ports)
equal 'what arrives of a second one' "$(clients arrives $other $anyone outside/$anyone gre:0)" ''
equal 'refused' "$(reason_count router eth0 nat-ports)" $((refused + 1))

chapter 'masquerade: path MTU, of what goes out and of what comes in'
path_mtu() { on "$1" ip -json route get "$2" | jq '.[0].metrics[0].mtu // 0'; }
on far ip route replace 198.51.100.0/24 dev eth0 mtu lock $narrow
count $office office
talks tcp $inside /$anyone:80 outside/$anyone:80 /$office --bytes 300000
counts
equal 'path MTU that the inside host knows' "$(path_mtu one $anyone)" $narrow
on far ip route replace 198.51.100.0/24 dev eth0
on router ip route add ${other#*/}/32 dev eth1 mtu lock $narrow
talks tcp $other /$anyone:80 outside/$anyone:80 /$office --bytes 300000
equal 'path MTU that the outside host knows' "$(path_mtu outside $office)" $narrow
on router ip route delete ${other#*/}/32

chapter 'static: the server is reached by every protocol'
count $whole whole
for way in tcp:1500 udp:1500 icmp:1500 gre:0; do
    talks "${way%:*}" outside/$anyone:1500 /$whole:9555 $all:9555 "/$anyone:${way#*:}"
    knows eth0 whole "$reached" "$opener" "$target"
done
counts

chapter 'static: what the server opens comes from its public address, and keeps its port'
count $whole whole
for way in tcp:1600 udp:1600 icmp:1600 gre:0; do
    talks "${way%:*}" $all:1600 /$anyone:9556 outside/$anyone:9556 "/$whole:${way#*:}"
    knows eth0 whole "$opener" "$reached" "$seen"
done
counts

chapter 'port forward of a range'
count $map map/tcp map/udp
for port in 0 42 99; do
    for way in tcp udp; do
        talks $way outside/$anyone /$map:$((8000 + port)) $web:$((9500 + port)) /$anyone --bytes 3000
        knows eth0 map/$way "$reached" "$opener" "$target"
    done
done
counts
equal 'what arrives beside the range' \
    "$(clients arrives outside/$anyone $map $web tcp:7999 tcp:8100 udp:8100 icmp:1)" ''

chapter 'port forward: what the server opens from a forwarded port comes from the public one; it is called there, too'
count $map map/tcp map/udp
for way in tcp udp; do
    talks $way $web:9510 /$anyone:9557 outside/$anyone:9557 /$map:8010 --bytes 3000
    knows eth0 map/$way "$opener" "$reached" "$seen"
    talks $way outside/$anyone:9558 /$map:8010 $web:9510 /$anyone:9558 --bytes 3000
    knows eth0 map/$way "$reached" "$opener" "$target"
done
talks udp outside/$anyone:9557 /$map:8010 $web:9510 /$anyone:9557
equal 'connections of both' "$(known eth0 map/udp | grep -c ":9510 $anyone:9557 ")" 1
counts

chapter 'hairpin: an inside host reaches the inside server by its public address, and is seen as the firewall'
for way in tcp udp; do
    talks $way $inside:1700 /$map:8042 $web:9542 /10.0.0.1 --bytes 3000
    knows eth1 map/$way "$reached" "$opener" "$target"
    knows eth1 map/$way/hairpin "$opener" "$reached" "$seen"
    talks $way $other:1700 /$whole:9555 $all:9555 /10.0.0.1 --bytes 3000
    knows eth1 whole/hairpin "$opener" "$reached" "$seen"
done
talks icmp $other:1700 /$whole $all /10.0.0.1
talks tcp $other /$map:8043 $web:9543 /10.0.0.1 --bytes 300000
talks tcp $web:1701 /$map:8043 $web:9543 /10.0.0.1 # itself

chapter 'online backup: two ports of the firewall, two servers'
count $backup backup/mapped/masquerade
for server in 9001:$vault 9002:$other_vault; do
    talks tcp $agent:1800 "/10.0.0.1:${server%:*}" "outside/${server#*:}:16384" /$backup --bytes 1000000
    knows eth1 "backup/mapped/${server%:*}" "$reached" "$opener" "$target"
    knows eth0 backup/mapped/masquerade "$opener" "$reached" "$seen"
done
counts
for from in $vault:16384 $other_vault; do
    equal "what arrives from $from" "$(clients arrives "outside/$from" "$backup,${agent#*/},10.0.0.1" $agent \
        tcp:16384 tcp:9001 "tcp:${seen#*:}" udp:16384)" ''
done

chapter 'theoffice-v2-gateway: all of its public address is its own, and one port of it is open'
count $gateway gateway/map-all
talks tcp outside/$anyone /$gateway:9555 $v2:9555 /$anyone
knows eth0 gateway/map-all "$reached" "$opener" "$target"
talks tcp $v2:1900 /$licence:9555 outside/$licence:9555 /$gateway:1900
knows eth0 gateway/map-all "$opener" "$reached" "$seen"
counts
equal 'what arrives from outside' \
    "$(clients arrives outside/$anyone $gateway $v2 tcp:9555 tcp:9554 tcp:80 udp:9555 icmp:1 gre:0)" 'tcp:9555'
equal 'what arrives from the gateway' \
    "$(clients arrives $v2 $licence outside/$licence tcp:9555 tcp:9554 tcp:80 udp:9555 icmp:1 gre:0)" 'tcp:9555'

chapter 'offloads on: a megabyte each way through every kind'
for card in "${cards[@]}"; do
    on "${card%:*}" ethtool -K "${card#*:}" tx on tso on gso on gro on >"$lab_folder/ethtool"
done
talks tcp $inside /$anyone:80 outside/$anyone:80 /$office --bytes 1000000
talks tcp outside/$anyone /$whole:9555 $all:9555 /$anyone --bytes 1000000
talks tcp $all /$anyone:80 outside/$anyone:80 /$whole --bytes 1000000
talks tcp outside/$anyone /$map:8055 $web:9555 /$anyone --bytes 1000000
talks tcp $inside /$map:8055 $web:9555 /10.0.0.1 --bytes 1000000
talks tcp $agent /10.0.0.1:9001 outside/$vault:16384 /$backup --bytes 1000000

chapter 'pushes: who is connected stays so, until his entry is gone'
holds kept keep office,$inside,/$anyone:7001,outside/$anyone:7001 \
    to-static,outside/$anyone,/$whole:7002,$all:7002 of-static,$all,/$anyone:7003,outside/$anyone:7003 \
    forward,outside/$anyone,/$map:8001,$web:9501 hairpin,$inside,/$map:8002,$web:9502 \
    mapped,$agent,/10.0.0.1:9001,outside/$vault:16384 gateway,$v2,/$licence:9555,outside/$licence:9555
readonly kept='to-static of-static forward hairpin mapped gateway'
equal 'before' "$(speaks kept)" "alive: office $kept"
edgefw router push "$lab_folder/more.yaml"
equal 'after a push' "$(speaks kept)" "alive: office $kept"
before=$(reason_count router eth0 revoked) of_office=$(known eth0 office | grep -F " $anyone:7001 ")
edgefw router push "$lab_folder/no-office.yaml"
equal 'revoked by the push alone' "$(reason_count router eth0 revoked)" "$before"
equal 'until its next packet comes' "$(known eth0 '(removed)' | grep -F " $anyone:7001 ")" "$of_office"
equal 'without the masquerade' "$(speaks kept)" "alive: $kept"
(($(reason_count router eth0 revoked) > before)) || fail 'nothing was revoked' # each packet of what is kept counts
equal 'connections of the masquerade' "$(known eth0 office)" ''
edgefw router push "$lab_folder/all.yaml"
equal 'with the masquerade again' "$(speaks kept)" "alive: $kept"
talks tcp $inside /$anyone:7004 outside/$anyone:7004 /$office
ends kept

equal 'failed translations' "$(reason_count router eth0 translate-failed)" 0
edgefw router detach eth0
edgefw router detach eth1
nothing_left router
