#!/usr/bin/env bash
# shellcheck disable=SC2034,SC2154  # for the stories, and from story.sh
# The networks of theoffice_test.sh and transfer_test.sh, what could pass there, and the count at the end of each part.

# shellcheck source=tests/e2e/programs.sh
source "$story_root/tests/e2e/programs.sh"

readonly anyone=198.51.100.9
readonly router_outside=198.51.100.1 router_inside=10.45.16.1 router_protected=172.25.33.1

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

# part_begins ROUTER HOST...: the cards of the filter are attached and pass all; from here on the hosts count.
part_begins() {
    local filter=$1 host
    shift
    forget_neighbours "$filter" "$@"
    [[ $filter != router ]] || edgefw router attach eth1 --side internal
    edgefw "$filter" attach eth0
    # shellcheck disable=SC2046  # cards
    one_frame_a_packet "$filter" $(cards_of "$filter")
    for host in "$@"; do
        one_frame_a_packet "$host" eth0
        begins_counting "$host"
    done
}

# part_ends ROUTER TABLE HOST...: what the hosts saw is what the filter counted.
part_ends() {
    local filter=$1 table=$2
    shift 2
    counts_end "$filter" "$@"
    "$story_root/tests/e2e/host_packets.py" compare "$table" "$lab_folder/counters" "$lab_folder" \
        2>"$lab_folder/differs" || fail "$(<"$lab_folder/differs")"
    edgefw "$filter" detach eth0
    [[ $filter != router ]] || edgefw router detach eth1
    nothing_left "$filter"
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
