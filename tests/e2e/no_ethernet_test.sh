#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# Cards whose frames begin with the IP header, judged as any other: rules, NAT, counters and pushes, IPv4 and IPv6. A pair
# of tun devices, WireGuard, PPP, and IP tunnels; where the kernel has no WireGuard, by its program for tun.
# shellcheck source=tests/e2e/story.sh
source "$(dirname "$0")/story.sh"
story_begin
readonly public=203.0.113.7 masked=203.0.113.8
lab_host client edge server
lab_cable client eth0 edge eth0
lab_cable edge eth1 server eth0
lab_address client eth0 192.0.2.9/24
lab_address edge eth0 192.0.2.1/24
lab_address edge eth1 10.0.0.1/24 2001:db8:5::1/64
lab_address server eth0 10.0.0.5/24 2001:db8:5::5/64
on server ip route add default via 10.0.0.1
on server ip route add default via 2001:db8:5::1
on edge sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1
serves server tcp://10.0.0.5:9555 udp://10.0.0.5:7 'udp://[2001:db8:5::5]:7' udp://10.0.0.5:8
serves client tcp://0.0.0.0:80

policy edge <<END
version: 1
default: {external: drop, internal: pass}
rules:
  - {name: in, side: external, direction: inbound, protocol: tcp, local: 10.0.0.5, local_port: 9555, action: pass}
  - {name: out, side: external, direction: outbound, protocol: tcp, local: 10.0.0.0/24, remote: 198.51.100.9, action: pass}
  - {name: echo, side: external, direction: inbound, protocol: udp, local_port: 7, state: none, action: pass}
  - {name: answers, side: external, direction: outbound, protocol: udp, local_port: 7, state: none, action: pass}
nat:
  - {name: map, type: port-forward, protocol: tcp, public: $public, public_port: 8000, to: 10.0.0.5, to_port: 9555}
  - {name: office, type: masquerade, protocol: tcp, from: 10.0.0.0/24, as: $masked, ports: 62000-62239}
END

# The addresses of the line between client and edge.
address() { # CARD-OF-CLIENT CARD-OF-EDGE
    local address
    on client ip link set "$1" addrgenmode none up
    on edge ip link set "$2" addrgenmode none up
    on client ip address add 198.51.100.9 peer 198.51.100.1 dev "$1"
    on edge ip address add 198.51.100.1 peer 198.51.100.9 dev "$2"
    lab_address edge "$2" $public/32 $masked/32 2001:db8:9::1/64
    lab_address client "$1" 2001:db8:9::9/64
    on client ip route replace default dev "$1"
    on client ip route replace 2001:db8:5::/64 dev "$1"
    # A card that an earlier chapter left keeps the way to these addresses, and what is sent goes by it.
    for address in 198.51.100.9 2001:db8:9::9; do
        equal "the way to $address" "$(on edge ip -json route get $address | jq -r '.[0].dev')" "$2"
    done
}

counted() { # DIRECTION REASON FIELD
    edgefw edge --json counters "$card" | jq --arg direction "$1" --arg reason "$2" --arg field "$3" \
        '[.interfaces[0].directions[] | select(.direction == $direction and .reason == $reason)[$field]] | add // 0'
}

judged() { # CARD ATTACH-OPTION...
    card=$1
    local errors
    refused 1 'has no Ethernet header' edge "$EDGEFW" attach "$card" --mode native
    refused 1 'has no Ethernet header' edge "$EDGEFW" attach "$card" --mode generic
    equal 'hooks after refusals' "$(hooks edge "$card")" '0 received, 0 sent'
    edgefw edge attach "$card" --policy "$lab_folder/edge.yaml" "${@:2}" >"$lab_folder/attached"
    equal 'mode' "$(edgefw edge --json status | jq -r '.interfaces[0].mode')" tc
    errors=$(on server nstat -asz TcpInCsumErrors UdpInCsumErrors)

    traffic client udp 10.0.0.5:7 --count 30 --bytes 100
    # 100 bytes behind 8 of UDP and 20 of IP: no link header.
    equal 'packets received' "$(rule_count edge "$card" echo packets)" 30
    equal 'bytes received' "$(rule_count edge "$card" echo bytes)" $((30 * 128))
    equal 'packets sent' "$(rule_count edge "$card" answers packets)" 30
    equal 'bytes sent' "$(rule_count edge "$card" answers bytes)" $((30 * 128))
    if [[ ${kind-} != ipip ]]; then # which carries IPv4 alone
        traffic client udp '[2001:db8:5::5]:7' --count 20
        equal 'with IPv6' "$(rule_count edge "$card" echo packets)" 50
    fi
    traffic client fire 10.0.0.5:8 --count 10
    equal 'dropped' "$(counted inbound default packets)" 10
    equal 'explain says so' "$(edgefw edge --json explain 'external inbound udp 198.51.100.9:5000 > 10.0.0.5:8' | jq -r .reason)" default
    equal 'explain of a rule' "$(edgefw edge --json explain 'external inbound udp 198.51.100.9:5000 > 10.0.0.5:7' | jq -r .rule)" echo
    traffic client udp 10.0.0.5:7 --count 5 --bytes 4000
    equal 'later fragments' "$(counted inbound fragment packets)" 10
    (($(counted outbound fragment packets) >= 10)) || fail 'fragments that are sent are not counted'

    traffic client tcp $public:8000 --connections 3 --bytes 300000
    equal 'forwarded' "$(rule_count edge "$card" map connections)" 3
    edgefw edge push "$lab_folder/edge.yaml" >"$lab_folder/pushed"
    traffic server tcp 198.51.100.9:80 --connections 2 --bytes 300000
    equal 'masqueraded' "$(rule_count edge "$card" office connections)" 2
    equal 'checksum errors' "$(on server nstat -asz TcpInCsumErrors UdpInCsumErrors)" "$errors"
    edgefw edge detach "$card"
    equal 'hooks after detach' "$(hooks edge "$card")" '0 received, 0 sent'
}

pair() { # CARD: of tun devices
    : >"$lab_folder/pair"
    lab_start client "$story_root/tests/e2e/tun_pair.py" "$1" "/run/netns/$(lab_netns edge)" "$1" >"$lab_folder/pair"
    pair=$lab_started
    waits_for 60 grep -q ready "$lab_folder/pair" || fail 'no tun device'
    address "$1" "$1"
}

mapfile -t kinds < <(tc_kinds edge eth0)
thorough || kinds=(clsact) # WireGuard below is judged by tcx, where there is tcx
for hook in "${kinds[@]}"; do
    chapter "tun, $hook"
    pair tun0
    judged tun0 --egress "$hook"
    kill "$pair"
    wait "$pair" || true
done

chapter 'the loopback is no edge'
refused 1 'lo joins the host to itself' edge "$EDGEFW" attach lo
nothing_left edge

chapter 'WireGuard'
# Its program for tun names a socket after the card, for all namespaces alike.
readonly here=wgc$((BASHPID % 100000)) there=wge$((BASHPID % 100000))
wireguard() { # HOST CARD: by the kernel, or by a program
    on "$1" ip link add "$2" type wireguard 2>"$lab_folder/stderr" && return 0
    lab_start "$1" wireguard-go --foreground "$2" >"$lab_folder/wireguard.$1" 2>&1
    waits_for 60 test -S "/var/run/wireguard/$2.sock" || fail "WireGuard on $1: $(<"$lab_folder/wireguard.$1")"
}
wireguard client "$here"
wireguard edge "$there"
for host in client edge; do
    (umask 077 && wg genkey >"$lab_folder/key.$host")
    wg pubkey <"$lab_folder/key.$host" >"$lab_folder/public.$host"
done
on client wg set "$here" private-key "$lab_folder/key.client" peer "$(<"$lab_folder/public.edge")" \
    allowed-ips 0.0.0.0/0,::/0 endpoint 192.0.2.1:51820
on edge wg set "$there" listen-port 51820 private-key "$lab_folder/key.edge" \
    peer "$(<"$lab_folder/public.client")" allowed-ips 0.0.0.0/0,::/0
address "$here" "$there"
judged "$there"
on client ip link del "$here"
on edge ip link del "$there"

chapter 'PPP'
dial() { # HOST END ADDRESS PEER
    lab_start "$1" pppd "$lab_folder/$2" noauth local nodetach nodefaultroute noccp novj noipv6 persist maxfail 0 \
        ifname ppp0 "$3:$4" >"$lab_folder/ppp.$1"
    callers+=("$lab_started")
}
is_up() { on "$1" ip -4 address show dev ppp0 2>/dev/null | grep -q peer; } # HOST
if [[ -e /dev/ppp ]] || modprobe ppp_async 2>"$lab_folder/stderr"; then
    callers=()
    lab_start edge socat "pty,raw,echo=0,link=$lab_folder/one" "pty,raw,echo=0,link=$lab_folder/other"
    waits_for 60 test -e "$lab_folder/other"
    dial client one 198.51.100.9 198.51.100.1
    dial edge other 198.51.100.1 198.51.100.9
    for host in client edge; do waits_for 60 is_up $host || fail "PPP on $host: $(<"$lab_folder/ppp.$host")"; done
    for host in client edge; do on $host ip address flush dev ppp0 scope global; done
    address ppp0 ppp0
    judged ppp0
    kill "${callers[@]}"
    wait "${callers[@]}" || true # the card goes with it
else
    chapter '  this kernel has no PPP'
fi

for kind in ipip sit gre; do
    thorough || break
    mode=()
    [[ $kind != sit ]] || mode=(mode any) # not IPv6 alone
    chapter "$kind"
    if on client ip link add tunnel0 type $kind "${mode[@]}" local 192.0.2.9 remote 192.0.2.1 2>"$lab_folder/stderr"; then
        on edge ip link add tunnel0 type $kind "${mode[@]}" local 192.0.2.1 remote 192.0.2.9
        address tunnel0 tunnel0
        case $kind in
            gre) refused 1 'frames that edgefw does not read' edge "$EDGEFW" attach tunnel0 ;;
            *) judged tunnel0 ;;
        esac
        on client ip link del tunnel0
        on edge ip link del tunnel0
    else
        chapter "  not on this kernel: $(<"$lab_folder/stderr")"
    fi
done
