#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# shellcheck disable=SC2034,SC2154  # for the stories, and from story.sh
# What ocs_test.sh and ocs_topologies_test.sh share: a network, its servers, what their users do, and the tables.

# shellcheck source=tests/e2e/programs.sh
source "$story_root/tests/e2e/programs.sh"

for program in turnserver turnutils_uclient turnutils_peer nginx sipp socat openssl curl; do
    command -v $program >/dev/null || fail "no $program here: scripts/bootstrap installs it"
done

readonly anyone=198.51.100.9 another=198.51.100.10 scanner=198.51.100.66 outside_router=198.51.100.1
readonly next_hop=10.45.16.10 web_server=10.45.16.20 user=10.45.16.30 colleague=10.45.16.31 wrong_host=10.45.16.99
readonly proxy_external=131.107.155.10 proxy_internal=172.25.33.10
readonly access_external=131.107.155.11 access_internal=172.25.33.11
readonly av_external=131.107.155.12 av_internal=172.25.33.12
readonly conferencing_external=131.107.155.13 conferencing_internal=172.25.33.13
readonly login=ann:media

# What the rows name of each role, here of one server each. An array has several, and a VIP for some of the rows.
one_server_each() {
    access=("$access_external") access_inside=("$access_internal")
    conferencing=("$conferencing_external") conferencing_inside=("$conferencing_internal")
    av=("$av_external") av_inside=("$av_internal")
    av_443=$av_external av_inside_443=$av_internal # and 5062
    av_3478=("$av_external") av_inside_3478=("$av_internal")
}
one_server_each

ocs_policy() { # PROFILE VARIABLE...: as "name: value", beside those of the reverse proxy
    cat <<END
version: 1
default: drop
rules:
  - use: $1
    as: ocs
    with:
      reverse_proxy_internal: $proxy_internal
      reverse_proxy_external: $proxy_external
END
    printf '      %s\n' "${@:2}"
}
policy_of_one_server_each() { # PROFILE
    ocs_policy "$1" "access_edge_internal: $access_internal" "access_edge_external: $access_external" \
        "next_hop: $next_hop" \
        "web_conferencing_internal: $conferencing_internal" "web_conferencing_external: $conferencing_external" \
        "av_internal: $av_internal" "av_external: $av_external"
}

# The tables as they are read, for host_packets.py: the rows are the same in each topology, the addresses are not.
tables() {
    local IFS=,
    cat <<END
host outside   eth0 198.51.100.0/24
host inside    eth1 10.45.16.0/24
host perimeter -    131.107.155.0/24,172.25.33.0/24
# Reverse proxy: tables 9, 13, 17, 21, 24
eth1 ocs/reverse-proxy/internal-443          tcp $proxy_internal            any         any       443
eth0 ocs/reverse-proxy/external-443          tcp $proxy_external            443         any       any
# Access Edge Server: tables 10, 14, 18
eth1 ocs/access-edge/internal-5061-inbound   tcp ${access_inside[*]}        any         $next_hop 5061
eth1 ocs/access-edge/internal-5061-outbound  tcp ${access_inside[*]}        5061        any       any
eth0 ocs/access-edge/external-5061           tcp ${access[*]}               5061        any       any
eth0 ocs/access-edge/external-443            tcp ${access[*]}               443         any       any
# Web Conferencing Edge Server: tables 11, 15, 19, 22, 25
eth1 ocs/web-conferencing-edge/internal-8057 tcp ${conferencing_inside[*]}  8057        any       any
eth0 ocs/web-conferencing-edge/external-443  tcp ${conferencing[*]}         443         any       any
# A/V Edge Server: tables 12, 16, 20, 23, 26
eth1 ocs/av-edge/internal-443                tcp $av_inside_443             443         any       any
eth1 ocs/av-edge/internal-5062               tcp $av_inside_443             5062        any       any
eth1 ocs/av-edge/internal-3478               udp ${av_inside_3478[*]}       3478        any       any
eth0 ocs/av-edge/external-443                tcp $av_443                    443         any       any
eth0 ocs/av-edge/external-50000-59999-tcp    tcp ${av[*]}                   50000-59999 any       any
eth0 ocs/av-edge/external-3478               udp ${av_3478[*]}              3478        any       any
eth0 ocs/av-edge/external-50000-59999-udp    udp ${av[*]}                   50000-59999 any       any
END
}

build_network() {
    lab_host outside router inside perimeter
    lab_cable outside eth0 router eth0
    lab_cable inside eth0 router eth1
    lab_cable perimeter eth0 router eth2
    lab_address outside eth0 $anyone/24 $another/24 $scanner/24
    lab_address router eth0 $outside_router/24
    lab_address inside eth0 $next_hop/24 $web_server/24 $user/24 $colleague/24 $wrong_host/24
    lab_address router eth1 10.45.16.1/24
    lab_address perimeter eth0 $proxy_external/24 $access_external/24 $av_external/24 $conferencing_external/24 \
        $proxy_internal/24 $access_internal/24 $av_internal/24 $conferencing_internal/24
    lab_address router eth2 131.107.155.1/24 172.25.33.1/24
    on outside ip route add default via $outside_router
    on inside ip route add default via 10.45.16.1
    on perimeter ip route add default via 131.107.155.1
    on perimeter ip route add 10.45.16.0/24 via 172.25.33.1
    on router sysctl -qw net.ipv4.ip_forward=1
    countable outside router inside perimeter
}

# SIP is TCP on the loopback here, and mutual TLS on the wire, as between real servers.
readonly tls="cert=$certificate,key=$key,cafile=$certificate,verify=1"
tls_server() { # HOST NAME ADDRESS:PORT TO
    start "$1" "$2" socat "OPENSSL-LISTEN:${3#*:},bind=${3%:*},$tls,reuseaddr,reuseport,fork" "$4"
    await "$1" tcp "$3"
}
tls_client() { printf 'OPENSSL:%s,%s,commonname=ocs.example' "$1" "$tls"; } # ADDRESS:PORT[,OPTION]
start_sip() { # HOST
    start "$1" "sip.$1" sipp -sn uas -t t1 -max_socket 100 -i 127.0.0.1 -p 5060 -nostdin
    await "$1" tcp 127.0.0.1:5060
}

make_files() {
    make_certificate ocs.example
    mkdir "$lab_folder/www"
    head -c 500000 /dev/urandom >"$lab_folder/www/meeting"
}

# Beside what the tables are about, these have ports that somebody could reach if the filter did not refuse it.
start_outside() { # HOST
    nginx_on "$1" <<<'server { listen 443 ssl; listen 80; }'
    start_sip "$1"
    tls_server "$1" "federation.$1" $anyone:5061 TCP:127.0.0.1:5060
    start "$1" "peer.$1" turnutils_peer -L $anyone -p 3480
    serves "$1" tcp://$anyone:6000 udp://$anyone:6000
    await "$1" udp $anyone:3480
    await "$1" tcp :80 :443
}
start_inside() {
    nginx_on inside <<<"server { listen 443 ssl; listen 80; listen $wrong_host:5061 ssl; }"
    start_sip inside
    tls_server inside next-hop $next_hop:5061 TCP:127.0.0.1:5060
    start inside peer.inside turnutils_peer -L $user -p 3480
    await inside udp $user:3480
    await inside tcp :80 :443 $wrong_host:5061
}
start_web() { # ADDRESS:PORT...: where the Web Conferencing Edge Servers listen
    nginx_on perimeter <<END
server {
    listen $proxy_external:443 ssl;
    location / { proxy_pass https://$web_server; proxy_bind $proxy_internal; proxy_ssl_name ocs.example;
                 proxy_ssl_verify on; proxy_ssl_trusted_certificate $certificate; }
}
server { $(printf 'listen %s ssl; ' "$@") }
server { listen 80; listen 8058 ssl; }
END
    await perimeter tcp :80 :8058 $proxy_external:443 "$@"
}

# The Access Edge Server hands on what comes from one end to the other. Its connections outwards are from local port
# 5061, as the row says literally.
start_access_edge() { # EXTERNAL INTERNAL SEEN-AS PARTNER
    tls_server perimeter "federation.$1" "$1:5061" "$(tls_client "$next_hop:5061,bind=$2")"
    tls_server perimeter "users.$1" "$1:443" "$(tls_client "$next_hop:5061,bind=$2")"
    start_access_inside "$2" "$(tls_client "$4:5061,bind=$3:5061,reuseaddr,reuseport")"
}
start_access_inside() { tls_server perimeter "inside.$1" "$1:5061" "$2"; } # INTERNAL TO

start_av_edge() { # HOST EXTERNAL INTERNAL FIRST LAST: the ports of its relays
    start "$1" "av-edge.$1.$2" turnserver -n --no-cli --no-tls --no-dtls --no-rfc5780 --log-file stdout \
        --listening-ip "$2" --listening-ip "$3" --listening-port 3478 --aux-server "$2:443" --aux-server "$3:443" \
        --relay-threads 1 --relay-ip "$2" --min-port "$4" --max-port "$5" --lt-cred-mech \
        --user $login --realm ocs.example --userdb "$lab_folder/turndb.$1.$2" --pidfile "$lab_folder/turn.$1.$2.pid"
    await "$1" udp "$2:443" "$3:443" "$2:3478" "$3:3478"
    await "$1" tcp "$2:443" "$3:443" "$2:3478" "$3:3478"
}
start_authentication() { tls_server "$1" "authentication.$1.$2" "$2:5062" TCP:127.0.0.1:5060; } # HOST INTERNAL

# fetches HOST SOURCE ADDRESS:PORT: the whole file over TLS, unharmed.
fetches() {
    on "$1" curl -sS --cacert "$certificate" --connect-to "::$3" --interface "$2" --max-time 60 \
        https://ocs.example/meeting >"$lab_folder/fetched" || fail "$1 cannot fetch from $3"
    cmp "$lab_folder/fetched" "$lab_folder/www/meeting" || fail "$1 fetched something else from $3"
}

# calls COUNT HOST SOURCE[:PORT,OPTION...] ADDRESS:PORT: INVITE, 180, 200, ACK, BYE, 200, all through one TLS
# connection.
calls() {
    start "$2" caller socat TCP-LISTEN:5070,bind=127.0.0.1,reuseaddr "$(tls_client "$4,bind=$3")"
    await "$2" tcp 127.0.0.1:5070
    on "$2" sipp -sn uac -t t1 -max_socket 100 -i 127.0.0.1 -m "$1" -r 1000 -d 0 -nostdin -timeout 60 -timeout_error \
        127.0.0.1:5070 >"$lab_folder/sipp" 2>&1 ||
        fail "no SIP from $2 to $4, sipp ends with $?: $(tail -n 1 "$lab_folder/caller.log")"
    wait "${programs[caller]}" || fail "TLS from $2 to $4: $(tail -n 3 "$lab_folder/caller.log")"
    unset 'programs[caller]'
}

# uclient HOST SOURCE SERVER PORT USERS MESSAGES OPTION...: users whose every message comes back through the A/V Edge.
uclient() {
    local said
    said=$(on "$1" turnutils_uclient -c -u "${login%:*}" -w "${login#*:}" -l 172 -z 5 -L "$2" -p "$4" -m "$5" -n "$6" \
        "${@:7}" "$3" 2>&1) || return 1
    [[ $said == *" tot_recv_msgs=$(($5 * $6))"* ]]
}
media() { uclient "${@:1:4}" 4 50 "${@:5}" || fail "media was lost from $1 through $3 port $4"; }

# What the tables do not open, tried by who could do it without a filter. Each is for at most $patience seconds.
reaches() { # HOST SOURCE URL
    on "$1" curl -sS -o /dev/null --cacert "$certificate" --max-time "$patience" \
        --connect-to "::${3#*://}" --interface "$2" "${3%%:*}://ocs.example/meeting" 2>>"$lab_folder/said"
}
greets() { # HOST SOURCE ADDRESS:PORT
    on "$1" timeout "$patience" openssl s_client -bind "$2:0" -connect "$3" -cert "$certificate" -key "$key" \
        </dev/null >>"$lab_folder/said" 2>&1
}
relays() { # HOST SOURCE SERVER PORT OPTION...
    on "$1" timeout "$patience" turnutils_uclient -c -u "${login%:*}" -w "${login#*:}" -L "$2" -p "$4" -m 1 -n 1 \
        "${@:5}" "$3" 2>&1 | grep ' tot_recv_msgs=1$' >>"$lab_folder/said"
}

# turnutils_uclient cannot answer: a user who is called has a relay of their own.
called_user() { # HOST NAME MODE SOURCE SERVER:PORT ARGUMENT...: sets `relay` to the port of the relay
    start "$1" "$2" "$story_root/tests/e2e/ocs_turn.py" "${@:3:3}" $login "${@:6}"
    waits_for 60 grep -q '^relay' "$lab_folder/$2.log" || fail "no relay for $2: $(<"$lab_folder/$2.log")"
    relay=$(awk '$1 == "relay" { print $2 }' "$lab_folder/$2.log")
}

ends_well() { # NAME LAST-LINE
    wait "${programs[$1]}" || fail "$1: $(tail -n 1 "$lab_folder/$1.log")"
    unset "programs[$1]"
    equal "$1" "$(tail -n 1 "$lab_folder/$1.log")" "$2"
}

# beside COMMAND...: it runs beside the others, since turnutils_uclient takes seconds however little it says.
declare -A jobs=()
beside() {
    local said
    said=$lab_folder/beside.$BASHPID.${#jobs[@]} # what it says is said at the end
    "$@" 2>"$said" &
    jobs[$!]=$said
}
all_go_well() {
    local pid
    for pid in "${!jobs[@]}"; do
        wait "$pid" || fail "$(sed -n 's/^FAILED: //p' "${jobs[$pid]}" | head -n 1)"
    done
    jobs=()
}

# users_media OUTSIDE USER EXTERNAL EXTERNAL-443 INSIDE USER INTERNAL INTERNAL-443: from and to both, over UDP at the
# A/V Edge Server, and over TCP where it has its port 443.
users_media() {
    local outside=$1 caller=$2 external=$3 external_443=$4 inside=$5 called=$6 internal=$7 internal_443=$8 relay
    declare -A jobs=()
    called_user "$inside" "answers.$external" echo "$called" "$internal:3478" "$caller" "$external"
    beside media "$inside" "$called" "$internal" 3478 -e $anyone -r 3480
    beside media "$inside" "$called" "$internal_443" 443 -t -e $anyone -r 3480
    beside media "$outside" "$caller" "$external" 3478 -e $anyone -r 3480
    beside media "$outside" "$caller" "$external_443" 443 -T
    beside media "$outside" "$caller" "$external_443" 443 -t -e "$external" -r "$relay" # from relay to relay
    traffic "$outside" udp "$external:$relay" --bind "$caller:0" --count 300 --bytes 172 >"$lab_folder/said" ||
        fail "from outside to the relay of a user: $(<"$lab_folder/said")"

    called_user "$inside" "calls.$external" tcp "$called" "$internal_443:443" $anyone:6000 # the relay connects outwards
    # And is connected to; the server resets.
    on "$outside" socat "TCP:$external:$relay,bind=$anyone" PIPE 2>"$lab_folder/said" || true
    ends_well "calls.$external" '2 connections, 200000 bytes each way'
    all_go_well
    kill -TERM "${programs[answers.$external]}"
    ends_well "answers.$external" '500 echoed'
}

# same_lines WHAT GOT WANTED: in any order
same_lines() {
    local differs
    differs=$(comm -3 <(sort <<<"$2") <(sort <<<"$3"))
    [[ ! $differs ]] || fail "$1, and (indented) what should: ${differs//$'\n'/; }"
}

# Somebody outside tries the ports of all servers: all of them, unless a story says which.
scanned=() # or --some
scans() { # HOST TARGET...
    on "$1" "$story_root/tests/e2e/ocs_packets.py" scan "${scanned[@]}" eth0 $outside_router $scanner "${@:2}"
}
# What arrived of it is what the rows of the external card open, each port once.
scan_reached() { # HOST TABLE
    same_lines 'what the scan reached' \
        "$("$story_root/tests/e2e/ocs_packets.py" arrived "$lab_folder/$1.packets" $scanner)" \
        "$("$story_root/tests/e2e/ocs_packets.py" open "${scanned[@]}" "$2" eth0)"
}
