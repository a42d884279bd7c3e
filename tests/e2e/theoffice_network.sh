#!/usr/bin/env bash
# shellcheck disable=SC2034,SC2154  # for the stories, and from story.sh
# The networks of theoffice_test.sh and transfer_test.sh, what could pass there, and the count at the end of each part.
# How programs are started, and what an attempt is, is as in the story of Office Communications Server.

# shellcheck source=tests/e2e/ocs_servers.sh
source "$story_root/tests/e2e/ocs_servers.sh"

readonly router_outside=$outside_router router_inside=10.45.16.1 router_protected=172.25.33.1

# outside ------- eth0 router eth1 ------- inside        eth0 external, eth1 internal, eth2 not attached
#                      eth2
#                       |
#                   protected
build_office() {
    lab_host outside router inside protected
    lab_cable outside eth0 router eth0
    lab_cable inside eth0 router eth1
    lab_cable protected eth0 router eth2
    lab_address outside eth0 $anyone/24
    lab_address router eth0 $router_outside/24
    lab_address router eth1 $router_inside/24
    lab_address router eth2 $router_protected/24
    on router sysctl -qw net.ipv4.ip_forward=1
    countable outside router inside protected
}

# Once the hosts have their addresses. What is neither inside nor protected is outside.
office_routes() {
    on outside ip route add default via $router_outside
    on inside ip route add default via $router_inside
    on protected ip route add default via $router_protected
    on router ip route add default via $anyone
}

# peer ------- eth0 alone        the filter is on the protected host itself
build_alone() {
    lab_host peer alone
    lab_cable peer eth0 alone eth0
    countable peer alone
}

# The documents are about IPv4, and so is the count. The queue of a card holds 256 frames: the window of a connection is
# so small that a few of them do not fill it. Then what is lost is the filter's doing.
countable() { # HOST...
    local host
    for host in "$@"; do
        on "$host" sysctl -qw net.ipv6.conf.all.disable_ipv6=1 net.ipv4.tcp_rmem='4096 65536 65536'
    done
}

# part_begins ROUTER HOST...: the cards of the filter are attached and pass all; from here on the hosts count.
part_begins() {
    local filter=$1 host card
    shift
    for card in $(cards_of "$filter"); do on "$filter" ip neigh flush dev "$card"; done
    [[ $filter != router ]] || edgefw router attach eth1 --side internal
    edgefw "$filter" attach eth0
    # shellcheck disable=SC2046  # cards
    one_frame_a_packet "$filter" $(cards_of "$filter")
    for host in "$@"; do
        one_frame_a_packet "$host" eth0
        on "$host" ip neigh flush dev eth0
        start "$host" "packets.$host" "$story_root/tests/e2e/host_packets.py" count eth0 "$lab_folder/$host.packets"
    done
    for host in "$@"; do
        waits_for 20 grep -q ready "$lab_folder/packets.$host.log" || fail "nobody counts on $host"
    done
}

cards_of() { on "$1" ip -json link show | jq -r '.[].ifname | select(. != "lo")'; } # HOST

# part_ends ROUTER TABLE HOST...: what the hosts saw is what the filter counted.
part_ends() {
    local filter=$1 table=$2 host card
    shift 2
    waits_for 20 rests "$filter" || fail 'the network does not come to rest'
    for host in "$@"; do
        ends_counting "$host"
        unset "programs[packets.$host]"
    done
    edgefw "$filter" --json counters >"$lab_folder/counters"
    "$story_root/tests/e2e/host_packets.py" compare "$table" "$lab_folder/counters" "$lab_folder" \
        2>"$lab_folder/differs" || fail "$(<"$lab_folder/differs")"
    edgefw "$filter" detach eth0
    [[ $filter != router ]] || edgefw router detach eth1
    nothing_left "$filter"
}

rests() { # HOST
    local before
    before=$(edgefw "$1" --json counters | jq '[.interfaces[].total.packets]')
    sleep 0.5
    [[ $(edgefw "$1" --json counters | jq '[.interfaces[].total.packets]') == "$before" ]]
}

make_certificate() { # NAME...
    local alternatives
    alternatives=$(printf ',DNS:%s' "$@")
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj "/CN=$1" \
        -addext "subjectAltName=${alternatives#,}" -keyout "$key" -out "$certificate" 2>"$lab_folder/openssl"
}

# What could pass without a filter, each for at most $patience seconds.
connects() { # HOST SOURCE ADDRESS:PORT
    on "$1" nc -z -w "$patience" -s "$2" "${3%:*}" "${3#*:}" 2>>"$lab_folder/said"
}
echoes() { # HOST SOURCE ADDRESS:PORT: a datagram
    traffic "$1" udp "$3" --bind "$2:0" >>"$lab_folder/said" 2>&1
}

talks() { # HOST ADDRESS:PORT --connections N --bytes N: all at once
    on "$1" "$story_root/tests/e2e/theoffice_clients.py" talk "${@:2}" 2>"$lab_folder/said" || fail "$(<"$lab_folder/said")"
}

# Opens without waiting, and only once. A sender's own card does not see what the filter drops there: `knocks`, for the
# host that the filter is on, counts them as `unseen`.
knock() { on "$1" "$story_root/tests/e2e/theoffice_clients.py" knock "${@:2}"; } # HOST tcp|udp SOURCE:PORT ADDRESS:PORT...
unseen=0 unseen_bytes=0
knocks() { # as knock
    knock "$@"
    local bytes=74 # a SYN of Linux, with its options
    [[ $2 == tcp ]] || bytes=106
    unseen=$((unseen + $# - 3))
    unseen_bytes=$((unseen_bytes + bytes * ($# - 3)))
}
