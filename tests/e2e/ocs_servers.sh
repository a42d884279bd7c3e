#!/usr/bin/env bash
# shellcheck disable=SC2034,SC2154  # for ocs_test.sh, and from story.sh
# The network of ocs_test.sh, its servers, and what their users do.

# shellcheck source=tests/e2e/programs.sh
source "$story_root/tests/e2e/programs.sh"

readonly anyone=198.51.100.9 scanner=198.51.100.66 outside_router=198.51.100.1
readonly next_hop=10.45.16.10 web_server=10.45.16.20 user=10.45.16.30 wrong_host=10.45.16.99
readonly proxy_external=131.107.155.10 proxy_internal=172.25.33.10
readonly access_external=131.107.155.11 access_internal=172.25.33.11
readonly av_external=131.107.155.12 av_internal=172.25.33.12
readonly conferencing_external=131.107.155.13 conferencing_internal=172.25.33.13
readonly login=ann:media

build_network() {
    lab_host outside router inside perimeter
    lab_cable outside eth0 router eth0
    lab_cable inside eth0 router eth1
    lab_cable perimeter eth0 router eth2
    lab_address outside eth0 $anyone/24 $scanner/24
    lab_address router eth0 $outside_router/24
    lab_address inside eth0 $next_hop/24 $web_server/24 $user/24 $wrong_host/24
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
    one_frame_a_packet outside eth0
    one_frame_a_packet inside eth0
    one_frame_a_packet perimeter eth0
}

# SIP is TCP on the loopback here, and mutual TLS on the wire, as between real servers.
readonly tls="cert=$certificate,key=$key,cafile=$certificate,verify=1"
tls_server() { start "$1" "$2" socat "OPENSSL-LISTEN:$3,$tls,reuseaddr,reuseport,fork" "$4"; } # HOST NAME LISTEN TO
tls_client() { printf 'OPENSSL:%s,%s,commonname=ocs.example' "$1" "$tls"; }                    # ADDRESS:PORT[,OPTION]

start_av_edge() { # FIRST LAST: the ports of its relays
    start perimeter av-edge turnserver -n --no-cli --no-tls --no-dtls --no-rfc5780 --log-file stdout --relay-threads 1 \
        --listening-ip $av_external --listening-ip $av_internal --listening-port 3478 \
        --aux-server $av_external:443 --aux-server $av_internal:443 \
        --relay-ip $av_external --min-port "$1" --max-port "$2" \
        --lt-cred-mech --user $login --realm ocs.example --userdb "$lab_folder/turndb" --pidfile "$lab_folder/turn.pid"
    await perimeter udp $av_external:443 $av_internal:443 $av_external:3478 $av_internal:3478
    await perimeter tcp $av_external:443 $av_internal:443 $av_external:3478 $av_internal:3478
}

start_servers() {
    make_certificate ocs.example
    mkdir "$lab_folder/www"
    head -c 500000 /dev/urandom >"$lab_folder/www/meeting"

    # Beside what the tables are about, ports that somebody could reach if the filter did not refuse it.
    nginx_on inside <<<"server { listen 443 ssl; listen 80; listen $wrong_host:5061 ssl; }"
    nginx_on outside <<<'server { listen 443 ssl; listen 80; }'
    nginx_on perimeter <<END
server {
    listen $proxy_external:443 ssl;
    location / { proxy_pass https://$web_server; proxy_bind $proxy_internal; proxy_ssl_name ocs.example;
                 proxy_ssl_verify on; proxy_ssl_trusted_certificate $certificate; }
}
server { listen $conferencing_external:443 ssl; listen $conferencing_internal:8057 ssl; }
server { listen 80; listen 8058 ssl; }
END

    local host
    for host in outside inside perimeter; do
        start $host sip.$host sipp -sn uas -t t1 -max_socket 100 -i 127.0.0.1 -p 5060 -nostdin
    done
    tls_server outside federation 5061,bind=$anyone TCP:127.0.0.1:5060
    tls_server inside next-hop 5061,bind=$next_hop TCP:127.0.0.1:5060
    # The Access Edge Server hands on what comes from one end to the other.
    tls_server perimeter access-federation 5061,bind=$access_external \
        "$(tls_client $next_hop:5061,bind=$access_internal)"
    tls_server perimeter access-users 443,bind=$access_external "$(tls_client $next_hop:5061,bind=$access_internal)"
    # Its connections outwards are from local port 5061, as the row says literally.
    tls_server perimeter access-inside 5061,bind=$access_internal \
        "$(tls_client $anyone:5061,bind=$access_external:5061,reuseaddr,reuseport)"
    tls_server perimeter authentication 5062,bind=$av_internal TCP:127.0.0.1:5060

    start outside peer.outside turnutils_peer -L $anyone -p 3480
    start inside peer.inside turnutils_peer -L $user -p 3480
    serves outside tcp://$anyone:6000
    start_av_edge 60000 60999
}

await_servers() {
    await perimeter tcp :80 :8058 127.0.0.1:5060 $proxy_external:443 $access_external:443 $access_external:5061 \
        $access_internal:5061 $conferencing_external:443 $conferencing_internal:8057 $av_internal:5062
    await inside tcp :80 :443 127.0.0.1:5060 $next_hop:5061 $wrong_host:5061
    await outside tcp :80 :443 127.0.0.1:5060 $anyone:5061
    await outside udp $anyone:3480
    await inside udp $user:3480
}

# fetches HOST SOURCE ADDRESS:PORT: the whole file over TLS, unharmed.
fetches() {
    on "$1" curl -sS --cacert "$certificate" --connect-to "::$3" --interface "$2" --max-time 10 \
        https://ocs.example/meeting >"$lab_folder/fetched" || fail "$1 cannot fetch from $3"
    cmp "$lab_folder/fetched" "$lab_folder/www/meeting" || fail "$1 fetched something else from $3"
}

# calls COUNT HOST SOURCE ADDRESS:PORT: INVITE, 180, 200, ACK, BYE, 200, all through one TLS connection.
calls() {
    start "$2" caller socat TCP-LISTEN:5070,bind=127.0.0.1,reuseaddr "$(tls_client "$4,bind=$3")"
    await "$2" tcp 127.0.0.1:5070
    on "$2" sipp -sn uac -t t1 -max_socket 100 -i 127.0.0.1 -m "$1" -r 1000 -d 0 -nostdin -timeout 20 -timeout_error \
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

# The user inside has a relay of their own for calls from outside; turnutils_uclient cannot answer.
inside_user() { # NAME MODE SERVER:PORT ARGUMENT...: sets `relay` to the port of the relay
    start inside "$1" "$story_root/tests/e2e/ocs_turn.py" "$2" "$3" $login "${@:4}"
    waits_for 20 grep -q '^relay' "$lab_folder/$1.log" || fail "no relay for the user inside: $(<"$lab_folder/$1.log")"
    relay=$(awk '$1 == "relay" { print $2 }' "$lab_folder/$1.log")
}

ends_well() { # NAME LAST-LINE
    wait "${programs[$1]}" || fail "$1: $(tail -n 1 "$lab_folder/$1.log")"
    unset "programs[$1]"
    equal "$1" "$(tail -n 1 "$lab_folder/$1.log")" "$2"
}

# All at once, since turnutils_uclient takes seconds however little it says.
users_media() {
    local relay pid
    declare -A jobs=()
    beside() { # COMMAND...: what it says is said at the end
        "$@" 2>"$lab_folder/beside.${#jobs[@]}" &
        jobs[$!]=$lab_folder/beside.${#jobs[@]}
    }
    inside_user answers echo $av_internal:3478 $anyone $av_external
    beside media inside $user $av_internal 3478 -e $anyone -r 3480
    beside media inside $user $av_internal 443 -t -e $anyone -r 3480
    beside media outside $anyone $av_external 3478 -e $anyone -r 3480
    beside media outside $anyone $av_external 443 -T
    beside media outside $anyone $av_external 443 -t -e $av_external -r "$relay" # from relay to relay, to inside
    traffic outside udp $av_external:"$relay" --count 300 --bytes 172 >"$lab_folder/said" ||
        fail "from outside to the relay of a user inside: $(<"$lab_folder/said")"

    inside_user calls tcp $av_internal:443 $anyone:6000                          # its relay connects outwards
    on outside socat TCP:$av_external:"$relay" PIPE 2>"$lab_folder/said" || true # and is connected to; the server resets
    ends_well calls '2 connections, 200000 bytes each way'
    for pid in "${!jobs[@]}"; do
        wait "$pid" || fail "$(sed -n 's/^FAILED: //p' "${jobs[$pid]}" | head -n 1)"
    done
    kill -TERM "${programs[answers]}"
    ends_well answers '500 echoed'
}
