#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# BIG TCP: packets of more than 65,535 bytes between a stack and the hooks, which have no length (IPv4; IPv6 since Linux
# 7.0) or that of a jumbogram (IPv6 before). They pass by rules and connections, and are counted as the frames they become.
# shellcheck source=tests/e2e/story.sh
source "$(dirname "$0")/story.sh"
story_begin
lab_street
serves edge tcp://198.51.100.1:80 'tcp://[2001:db8:9::1]:80'

servers=(2001:db8:9::1)
if [[ $(printf '6.3\n%s\n' "$(uname -r)" | sort -V | head -n 1) == 6.3 ]]; then
    servers+=(198.51.100.1)
else
    echo 'no BIG TCP over IPv4: it came with Linux 6.3'
fi
# iproute2 before 6.3 has no word for the size of IPv4.
set_ipv4_size() { # HOST
    on "$1" python3 - eth0 <<'END'
import socket, struct, sys
IFLA_GSO_IPV4_MAX_SIZE, RTM_NEWLINK, NLM_F_REQUEST_ACK = 63, 16, 5
body = struct.pack("=BxHiII", 0, 0, socket.if_nametoindex(sys.argv[1]), 0, 0)
body += struct.pack("=HHI", 8, IFLA_GSO_IPV4_MAX_SIZE, 180000)
route = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE)
route.send(struct.pack("=IHHII", 16 + len(body), RTM_NEWLINK, NLM_F_REQUEST_ACK, 1, 0) + body)
sys.exit(struct.unpack_from("=i", route.recv(4096), 16)[0] != 0)
END
}
# All at once: only who has much to send makes big packets of it.
sends_at_once() { # ADDRESS PORT BYTES: all of it comes back
    on client timeout 60 python3 - "$@" <<'END'
import socket, sys, threading
address, port, size = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
connection = socket.create_connection((address, port), 10)
threading.Thread(target=lambda: (connection.sendall(bytes(size)), connection.shutdown(socket.SHUT_WR))).start()
returned = 0
while data := connection.recv(1 << 20):
    returned += len(data)
sys.exit(returned != size)
END
}
for host in client edge; do
    # Not bbr, which paces in packets of 64 KiB at most.
    on $host sysctl -qw net.ipv4.tcp_congestion_control=reno net.ipv4.tcp_wmem='4096 4194304 16777216' \
        net.ipv4.tcp_rmem='4096 4194304 16777216'
    on $host ip link set eth0 gso_max_size 180000 gso_max_segs 65535
    set_ipv4_size $host
done
load_foreign
on client tc qdisc add dev eth0 clsact
on client tc filter add dev eth0 egress bpf da pinned "$lab_foreign/foreign_count_big"
counts=$(bpftool --json prog show pinned "$lab_foreign/foreign_count_big" | jq '.map_ids[0]')
big() { bpftool --json map dump id "$counts" | jq '.[0].formatted.value'; } # packets so far

policy big <<'END'
version: 1
default: drop
rules:
  - {name: web, side: external, direction: inbound, protocol: tcp, local_port: 80, action: pass}
END
# At tc ingress packets come merged, or not yet parted: from a card with XDP in its driver they come one by one.
edgefw edge attach eth0 --mode tc --policy "$lab_folder/big.yaml"

bytes=$(much_of 30000000 10000000)
for server in "${servers[@]}"; do
    chapter "$server"
    before=$(big)
    counted=$(rule_count edge eth0 web packets)
    sends_at_once "$server" 80 "$bytes" || fail 'not all came back'
    were_big=$(($(big) - before))
    ((were_big > 10)) || fail "$were_big packets of $bytes bytes were big"
    frames=$(($(rule_count edge eth0 web packets) - counted))
    ((frames > 2 * bytes / 1448)) || fail "$frames frames are counted for twice $bytes bytes"
done
edgefw edge --json counters eth0 | jq -e '[.interfaces[0].reasons[] | select(.reason | startswith("malformed")).packets] | add == 0' \
    >"$lab_folder/said" || fail 'some were malformed'

edgefw edge detach eth0
nothing_left edge
