#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# shellcheck disable=SC2034,SC2154  # for the stories, and from story.sh
# What the stories with real programs share: their servers, what must not come through, and what the hosts count.

readonly certificate=$lab_folder/certificate.pem key=$lab_folder/key.pem

make_certificate() { # NAME...
    local alternatives
    alternatives=$(printf ',DNS:%s' "$@")
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj "/CN=$1" \
        -addext "subjectAltName=${alternatives#,}" -keyout "$key" -out "$certificate" 2>"$lab_folder/openssl"
}

# start HOST NAME COMMAND...: its output is $lab_folder/NAME.log, its process id ${programs[NAME]}.
declare -A programs=()
start() {
    lab_start "$1" "${@:3}" >"$lab_folder/$2.log" 2>&1 </dev/null
    programs[$2]=$lab_started
}

end_program() { # NAME
    kill -TERM "${programs[$1]}"
    wait "${programs[$1]}" || true # its exit code is its own affair
    unset "programs[$1]"
}

listens() { # HOST tcp|udp [ADDRESS]:PORT...
    local where
    for where in "${@:3}"; do
        on "$1" ss -Hln "--$2" "src = $where" | grep -q . || return 1
    done
}
await() { waits_for 60 listens "$@" || fail "nothing listens: $*"; }

# nginx_on HOST: the server blocks are on stdin.
nginx_on() {
    local folder=$lab_folder/nginx.$1
    mkdir "$folder"
    {
        echo 'user root; daemon off; master_process off; pid pid; events {}'
        echo 'http {'
        echo 'access_log off; client_body_temp_path body; proxy_temp_path proxy;'
        echo 'fastcgi_temp_path fastcgi; uwsgi_temp_path uwsgi; scgi_temp_path scgi;'
        echo "ssl_certificate $certificate; ssl_certificate_key $key; root $lab_folder/www;"
        cat
        echo '}'
    } >"$folder/nginx.conf"
    start "$1" "nginx.$1" nginx -e stderr -p "$folder/" -c "$folder/nginx.conf"
}

# attempt COMMAND...: beside the others; attempts_end waits for all, and sets what was `tried` and what `came_through`.
declare -A attempts=()
readonly much_patience=60 # seconds, for what should come through
patience=$much_patience
attempt() {
    ("$@" && echo "$*" >>"$lab_folder/came_through") &
    attempts[$!]="$*"
}
attempts_begin() { # SECONDS, or nothing where all should come through
    patience=${1:-$much_patience}
    : >"$lab_folder/came_through"
}
attempts_end() {
    local pid
    for pid in "${!attempts[@]}"; do wait "$pid" || true; done
    came_through=$(sort "$lab_folder/came_through")
    tried=$(printf '%s\n' "${attempts[@]}" | sort)
    attempts=() patience=$much_patience
}

# The documents are about IPv4, and so is the count. The queue of a card holds 256 frames: the window of a connection is
# so small that a few of them do not fill it. Then what is lost is the filter's doing.
countable() { # HOST...
    local host
    for host in "$@"; do
        on "$host" sysctl -qw net.ipv6.conf.all.disable_ipv6=1 net.ipv4.tcp_rmem='4096 65536 65536'
    done
}

# Offloads hand several segments over as one: then no host could count what is on the wire.
one_frame_a_packet() { # HOST CARD...
    local card
    for card in "${@:2}"; do
        on "$1" ethtool -K "$card" gro off gso off tso off >"$lab_folder/ethtool"
    done
}

cards_of() { on "$1" ip -json link show | jq -r '.[].ifname | select(. != "lo")'; } # HOST

# Then the first packets ask for addresses again, and whoever counts sees the question.
forget_neighbours() { # HOST...
    local host card
    for host in "$@"; do
        for card in $(cards_of "$host"); do
            on "$host" ip neigh flush dev "$card"
            on "$host" ip neigh flush dev "$card" nud permanent # of keep_neighbours
        done
    done
}

# From here on no host asks who has an address: between reading two counts nothing is sent that only one of them has.
keep_neighbours() { # HOST...
    local host
    for host in "$@"; do
        on "$host" ip -4 -json neigh show |
            jq -r '.[] | "neigh " + if .lladdr then "replace \(.dst) lladdr \(.lladdr) dev \(.dev) nud permanent"
                                    else "del \(.dst) dev \(.dev)" end' >"$lab_folder/neighbours"
        on "$host" ip -batch "$lab_folder/neighbours"
    done
}

# A host writes each frame of its card down, as $lab_folder/HOST.packets.
begins_counting() { # HOST
    start "$1" "packets.$1" "$story_root/tests/e2e/host_packets.py" count eth0 "$lab_folder/$1.packets"
    waits_for 60 grep -q ready "$lab_folder/packets.$1.log" || fail "nobody counts on $1"
}

# counts_end FILTER HOST...: what the filter counted is $lab_folder/counters, what the hosts saw is in their files.
counts_end() {
    local filter=$1 host
    shift
    keep_neighbours "$filter" "$@"
    waits_for 60 rests "$filter" || fail 'the network does not come to rest'
    for host in "$@"; do
        kill -TERM "${programs[packets.$host]}"
        wait "${programs[packets.$host]}" || fail "$(tail -n 1 "$lab_folder/packets.$host.log")"
        unset "programs[packets.$host]"
    done
    edgefw "$filter" --json counters >"$lab_folder/counters"
}
rests() { # HOST
    local before
    before=$(edgefw "$1" --json counters | jq '[.interfaces[].total.packets]')
    sleep 0.5
    [[ $(edgefw "$1" --json counters | jq '[.interfaces[].total.packets]') == "$before" ]]
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
echoes() { # HOST SOURCE[:PORT] ADDRESS:PORT: a datagram
    local source=$2
    [[ $source == *:* ]] || source+=:0
    EDGEFW_ANSWER_SECONDS=$patience traffic "$1" udp "$3" --bind "$source" >>"$lab_folder/said" 2>&1
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
