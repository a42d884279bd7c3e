#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# Counters say exactly what was sent: packets, bytes of their frames, connections; also over pushes.
# shellcheck source=tests/e2e/story.sh
source "$(dirname "$0")/story.sh"
story_begin
lab_host client host
lab_cable client eth0 host eth0
lab_address client eth0 198.51.100.9/24
lab_address host eth0 198.51.100.1/24
serves host udp://198.51.100.1:1000 udp://198.51.100.1:2000 tcp://198.51.100.1:80

policy first <<'END'
version: 1
default: drop
rules:
  - {name: media, side: external, direction: inbound, protocol: udp, local_port: 1000, action: pass}
  - {name: other, side: external, direction: inbound, protocol: udp, local_port: 2000, action: pass}
  - {name: web, side: external, direction: inbound, protocol: tcp, local_port: 80, action: pass}
END
grep -v 'name: other' "$lab_folder/first.yaml" | policy without_other
edgefw host attach eth0 --policy "$lab_folder/first.yaml"

counts() { # RULE: packets bytes connections
    edgefw host --json counters eth0 |
        jq -r --arg id "$1" '.interfaces[0].rules[] | select(.id == $id) | "\(.packets) \(.bytes) \(.connections)"'
}
readonly header=$((14 + 20 + 8)) # Ethernet, IPv4, UDP

chapter 'datagrams of several sizes, both ways'
wanted=0
for bytes in 8 64 1000 1472; do
    traffic client udp 198.51.100.1:1000 --count 100 --bytes $bytes
    wanted=$((wanted + 200 * (bytes + header)))
done
equal 'media' "$(counts media)" "800 $wanted 4"

chapter 'what is dropped is counted by its reason'
traffic client fire 198.51.100.1:1001 --count 77
equal 'default' "$(reason_count host eth0 default)" 77

chapter 'TCP: what both kernels say they sent'
# Segments are counted per namespace, retransmissions apart.
segments() {
    # shellcheck disable=SC2016  # awk's
    on "$1" awk '$1 == "Tcp:" && $2 ~ /^[0-9]/ { print $12 + $13 }' /proc/self/net/snmp
}
before=$(($(segments client) + $(segments host)))
traffic client tcp 198.51.100.1:80 --connections 20 --bytes 5000
traffic client tcp 198.51.100.1:80 --connections 1 --bytes 3000000
# The last of them may be on their way.
web_is_all() {
    sent=$(($(segments client) + $(segments host) - before))
    [[ $(counts web | cut -d' ' -f1,3) == "$sent 21" ]]
}
waits_for 30 web_is_all || fail "web: $(counts web), and the hosts sent $sent segments"

chapter 'counters keep their values over pushes; a rule that comes back starts at zero'
traffic client udp 198.51.100.1:2000 --count 10 --bytes 64
equal 'other' "$(counts other)" "20 $((20 * (64 + header))) 1"
media=$(counts media)
edgefw host push "$lab_folder/first.yaml"
equal 'media' "$(counts media)" "$media"
equal 'other' "$(counts other | cut -d' ' -f1)" 20
edgefw host push "$lab_folder/without_other.yaml"
equal 'media' "$(counts media)" "$media"
edgefw host push "$lab_folder/first.yaml"
equal 'media' "$(counts media)" "$media"
equal 'other' "$(counts other)" '0 0 0'
equal 'default' "$(reason_count host eth0 default)" 77

chapter 'the sum over reasons is what the card itself counted'
card_packets() { on host ip -json -s link show eth0 | jq '.[0].stats64 | .rx.packets + .tx.packets'; }
filter_packets() { edgefw host --json counters eth0 | jq '.interfaces[0].total.packets'; }
both_packets() { # at one time: nothing crosses between
    card=$(card_packets) filter=$(filter_packets)
    [[ $(card_packets) == "$card" ]]
}
waits_for 30 both_packets || fail 'the network does not come to rest'
filter_before=$filter card_before=$card
traffic client udp 198.51.100.1:1000 --count 500 --bytes 200
waits_for 30 both_packets || fail 'the network does not come to rest'
equal 'packets' $((filter - filter_before)) $((card - card_before))

chapter 'a program that sends what drops sees ENOBUFS, where it asks for errors, and a packet socket always'
errno_of() { # udp|udp-recverr|packet|packet-tcp: what the send of one frame that drops says
    on host python3 - "$1" <<'END'
import errno, socket, sys

IP_RECVERR = 11  # linux/in.h
kind = sys.argv[1]
try:
    if kind == "packet":
        sender = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
        sender.bind(("eth0", 0))
        sender.send(b"\xff" * 6 + b"\x02" * 6 + b"\x08\x00" + bytes(46))
    elif kind == "packet-tcp":
        ip = bytes([0x45, 0, 0, 40, 0, 0, 0, 0, 64, 6, 0, 0, 198, 51, 100, 1, 198, 51, 100, 9])
        tcp = bytes([4, 0, 0, 9, 0, 0, 0, 1, 0, 0, 0, 0, 0x50, 2, 255, 255, 0, 0, 0, 0])
        sender = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
        sender.bind(("eth0", 0))
        sender.send(b"\xff" * 6 + b"\x02" * 6 + b"\x08\x00" + ip + tcp)
    else:
        sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        if kind == "udp-recverr":
            sender.setsockopt(socket.IPPROTO_IP, IP_RECVERR, 1)
        sender.sendto(b"x", ("198.51.100.9", 9))
    print("sent")
except OSError as error:
    print(errno.errorcode[error.errno])
END
}
equal 'a socket that asks for errors' "$(errno_of udp-recverr)" ENOBUFS
equal 'a packet socket' "$(errno_of packet)" ENOBUFS
equal 'another socket' "$(errno_of udp)" sent
dropped=$(reason_count host eth0 default)
equal 'a packet socket that sends TCP' "$(errno_of packet-tcp)" sent
equal 'and it dropped' "$(reason_count host eth0 default)" $((dropped + 1))

edgefw host detach eth0
nothing_left host
