#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# Office Communications Server 2007 in the other four topologies (tables 13 to 26), one after the other on one router,
# with the kind of programs it is about; then its edge server as its own firewall. All ways in and out are tried in
# each, and a fifth of all ports (all at length; ocs_test.sh tries all): what comes through is what its tables open.
#
#   outside ------- eth0 router eth1 ------- inside        eth0 external, eth1 internal, eth2 not attached
#                        eth2
#                         |
#                     perimeter                            two servers for each role, and a load balancer before them
# shellcheck source=tests/e2e/story.sh
source "$(dirname "$0")/story.sh"
story_begin
# shellcheck source=tests/e2e/ocs_servers.sh
source "$story_root/tests/e2e/ocs_servers.sh"

[[ -n ${EDGEFW_LONG-} ]] || scanned=(--some)
readonly access2_external=131.107.155.21 access2_internal=172.25.33.21
readonly av2_external=131.107.155.22 av2_internal=172.25.33.22
readonly conferencing2_external=131.107.155.23 conferencing2_internal=172.25.33.23
readonly access_vip=131.107.155.31 access_internal_vip=172.25.33.31
readonly av_vip=131.107.155.32 av_internal_vip=172.25.33.32
readonly conferencing_vip=131.107.155.33 conferencing_internal_vip=172.25.33.33

# What the rows name of an array: its servers, the VIP, or both.
arrays() {
    access=("$access_vip") access_inside=("$access_internal" "$access2_internal")
    conferencing=("$conferencing_vip") conferencing_inside=("$conferencing_internal" "$conferencing2_internal")
    av=("$av_external" "$av2_external") av_inside=("$av_internal" "$av2_internal")
    av_443=$av_vip av_inside_443=$av_internal_vip # and 5062
    av_3478=("${av[@]}" "$av_vip") av_inside_3478=("${av_inside[@]}" "$av_internal_vip")
}

# What both scaled topologies ask of their arrays.
readonly of_arrays=(
    "web_conferencing_internal: [$conferencing_internal, $conferencing2_internal]"
    "web_conferencing_external_vip: $conferencing_vip"
    "av_internal: [$av_internal, $av2_internal]" "av_internal_vip: $av_internal_vip"
    "av_external: [$av_external, $av2_external]" "av_external_vip: $av_vip"
)

# An array's users come to one of its servers, and stay with it.
start_balancer() {
    on perimeter nft -f - <<END
table ip balancer {
    map first {
        type ipv4_addr : ipv4_addr
        elements = { $access_vip : $access_external, $access_internal_vip : $access_internal,
                     $av_vip : $av_external, $av_internal_vip : $av_internal,
                     $conferencing_vip : $conferencing_external, $conferencing_internal_vip : $conferencing_internal }
    }
    map second {
        type ipv4_addr : ipv4_addr
        elements = { $access_vip : $access2_external, $access_internal_vip : $access2_internal,
                     $av_vip : $av2_external, $av_internal_vip : $av2_internal,
                     $conferencing_vip : $conferencing2_external, $conferencing_internal_vip : $conferencing2_internal }
    }
    chain arriving {
        type nat hook prerouting priority dstnat
        ip saddr { $another, $colleague } dnat to ip daddr map @second
        dnat to ip daddr map @first
    }
}
END
}

# From local port 5061, as the row says literally.
federates() { # HOST SOURCE ADDRESS:PORT
    on "$1" timeout "$patience" socat -u OPEN:/dev/null "$(tls_client "$3,bind=$2:5061,reuseaddr,reuseport")" \
        2>>"$lab_folder/said"
}

# Who tries what, and whether the tables open it: of the single site (13 to 16), the scaled single site (17 to 20), the
# remote site (21 to 23), the scaled remote site (24 to 26).
ways() {
    # Reverse proxy
    way + + + + reaches outside $anyone https://$proxy_external:443
    way - - - - reaches outside $anyone http://$proxy_external:80
    way - - - - reaches inside $user https://$proxy_external:443
    way - - - - reaches perimeter $proxy_internal http://$web_server:80
    # Access Edge Server
    way + - - - greets outside $anyone $access_external:5061
    way + - - - greets outside $anyone $access_external:443
    way - - - - greets outside $anyone $access2_external:5061
    way - - - - greets outside $another $access2_external:443
    way - + - - greets outside $anyone $access_vip:5061
    way - + - - greets outside $another $access_vip:443
    way - - - - greets outside $anyone $access_internal:5061
    way + - - - federates perimeter $access_external $another:443
    way - + - - federates perimeter $access_vip $another:443
    way - - - - greets perimeter $access_vip $anyone:5061 # from another port than 5061
    way + + - - connects inside $next_hop $access_internal:5061
    way - + - - connects inside $next_hop $access2_internal:5061
    way - - - - connects inside $next_hop $access_internal_vip:5061 # the rows name the servers
    way + - - - connects inside $wrong_host $access_internal:5061   # not with a Director
    way + + - - greets perimeter $access_internal $next_hop:5061
    way - + - - greets perimeter $access2_internal $next_hop:5061
    way - - - - greets perimeter $access_internal $wrong_host:5061
    # Web Conferencing Edge Server
    way + - + - reaches outside $anyone https://$conferencing_external:443
    way - - + - reaches outside $anyone https://$conferencing2_external:443
    way - + - + reaches outside $another https://$conferencing_vip:443
    way - - - - reaches outside $anyone https://$conferencing_vip:8058
    way + + + + reaches inside $web_server https://$conferencing_internal:8057
    way - + + + reaches inside $web_server https://$conferencing2_internal:8057
    way - - - - reaches inside $web_server https://$conferencing_internal_vip:8057
    way - - - - reaches perimeter $conferencing_internal https://$web_server:443
    # A/V Edge Server
    way + - + - relays outside $anyone $av_external 443 -t -e $anyone -r 3480
    way - - - - relays outside $anyone $av2_external 443 -t -e $anyone -r 3480
    way - + - + relays outside $another $av_vip 443 -t -e $anyone -r 3480
    way + + + + relays outside $anyone $av_external 3478 -e $anyone -r 3480
    way - + - + relays outside $anyone $av2_external 3478 -e $anyone -r 3480
    way - + - + relays outside $another $av_vip 3478 -e $anyone -r 3480
    way - - - - relays outside $anyone $av_vip 3478 -t -e $anyone -r 3480
    way + + + + connects outside $anyone $av_external:59000
    way - + - + connects outside $anyone $av2_external:59000
    way - - - - connects outside $anyone $av_vip:59000
    way + + + + echoes outside $anyone $av_external:59000
    way - - - - echoes outside $anyone $av_vip:59000
    way - + - + echoes perimeter $av2_external:50001 $anyone:6000
    way - - - - echoes perimeter $av_vip:50001 $anyone:6000
    way - - - - echoes perimeter $av_external:49999 $anyone:6000
    way + - + - relays inside $user $av_internal 443 -t -e $anyone -r 3480
    way - - - - relays inside $user $av2_internal 443 -t -e $anyone -r 3480
    way - + - + relays inside $colleague $av_internal_vip 443 -t -e $anyone -r 3480
    way + + + + relays inside $user $av_internal 3478 -e $anyone -r 3480
    way - + - + relays inside $user $av2_internal 3478 -e $anyone -r 3480
    way - + - + relays inside $user $av_internal_vip 3478 -e $anyone -r 3480
    way + - + - greets inside $next_hop $av_internal:5062
    way - + - + greets inside $colleague $av_internal_vip:5062
}
way() {
    local patience=7
    if ((!topology)) || [[ ${!topology} == + ]]; then
        patience=$much_patience
        should+=("${*:5}")
    fi
    attempt "${@:5}"
}
ways_are_tried() { # TOPOLOGY, 1 to 4
    local topology=$1 should=()
    attempts_begin 0
    ways
    attempts_end
    same_lines 'came through' "$came_through" "$(printf '%s\n' "${should[@]}")"
}

# What nobody has to reach at an edge server that is alone.
ways_to_alone() {
    attempt reaches peer $anyone http://$proxy_external:80
    attempt reaches peer $anyone https://$conferencing_external:8057
    attempt greets peer $anyone $av_internal:5062
    attempt relays peer $anyone $av_internal 443 -t -e $anyone -r 3480
    attempt relays peer $anyone $av_internal 3478 -e $anyone -r 3480
    attempt relays peer $anyone $av_external 443 -e $anyone -r 3480
    attempt relays peer $anyone $av_external 3478 -t -e $anyone -r 3480
    attempt connects peer $anyone $av_external:49999
}

# Each row of the tables, with users whom the balancer gives different servers.
users_at_work() {
    local caller server number callers=("$anyone" "$another") called=("$user" "$colleague")
    for number in "${!av[@]}"; do
        beside users_media outside "${callers[number]}" "${av[number]}" "$av_443" \
            inside "${called[number]}" "${av_inside[number]}" "$av_inside_443"
    done
    for caller in "${callers[@]}"; do
        fetches outside "$caller" $proxy_external:443
        for server in "${access[@]}"; do
            calls 5 outside "$caller" "$server:5061"
            calls 5 outside "$caller" "$server:443"
        done
        for server in "${conferencing[@]}"; do fetches outside "$caller" "$server:443"; done
    done
    for server in "${access_inside[@]}"; do calls 5 inside $next_hop "$server:5061"; done
    for server in "${conferencing_inside[@]}"; do fetches inside $web_server "$server:8057"; done
    for caller in $next_hop $colleague; do calls 5 inside "$caller" "$av_inside_443:5062"; done
}

# A topology in force, from its first packet to its last.
topology() { # NUMBER POLICY TARGET...: what is scanned
    part_begins router outside inside perimeter
    edgefw router push "$lab_folder/$2.yaml"
    beside scans outside "${@:3}"
    beside ways_are_tried "$1"
    users_at_work
    all_go_well
    if ((${#access[@]})); then tables; else tables | grep -v /access-edge/; fi >"$lab_folder/tables"
    part_ends router "$lab_folder/tables" outside inside perimeter
    scan_reached perimeter "$lab_folder/tables"
}

chapter 'the network and its servers'
build_network
lab_address perimeter eth0 $access2_external/24 $av2_external/24 $conferencing2_external/24 \
    $access2_internal/24 $av2_internal/24 $conferencing2_internal/24 \
    $access_vip/24 $av_vip/24 $conferencing_vip/24 \
    $access_internal_vip/24 $av_internal_vip/24 $conferencing_internal_vip/24
make_files
start_outside outside
tls_server outside federation.another $another:5061 TCP:127.0.0.1:5060
start_inside
start_web $conferencing_external:443 $conferencing_internal:8057 \
    $conferencing2_external:443 $conferencing2_internal:8057
start_access_edge $access_external $access_internal $access_external $anyone
start_access_edge $access2_external $access2_internal $access_vip $another
start_sip perimeter
start_authentication perimeter $av_internal
start_authentication perimeter $av2_internal
start_av_edge perimeter $av_external $av_internal 50000 58999
start_av_edge perimeter $av2_external $av2_internal 50000 58999
# Beside the relays, and open as they are.
serves perimeter tcp://$av_external:59000 udp://$av_external:59000 tcp://$av2_external:59000
start_balancer

chapter 'the edge server alone'
build_alone
lab_address peer eth0 $anyone/24 $another/24 $scanner/24
lab_address alone eth0 $outside_router/24 \
    $proxy_external/32 $access_external/32 $conferencing_external/32 $av_external/32 $av_internal/32
on peer ip route add default via $outside_router
# The kernel's own word that nobody has a port would end at the filter before the card of its sender could count it.
on alone nft -f - <<END
table ip silent {
    chain sent { type filter hook output priority filter; ip protocol icmp drop; }
}
END
start_outside peer
nginx_on alone <<END
server { listen $proxy_external:443 ssl; listen $conferencing_external:443 ssl; listen 80; listen 8057 ssl; }
END
start_sip alone
tls_server alone federation.alone $access_external:5061 TCP:127.0.0.1:5060
tls_server alone users.alone $access_external:443 TCP:127.0.0.1:5060
start_authentication alone $av_internal
start_av_edge alone $av_external $av_internal 50000 59999
serves alone tcp://$av_external:49999

chapter 'without a filter all can be reached'
attempts_begin
topology=0 ways
ways_to_alone
attempts_end
equal 'what came through' "$came_through" "$tried"

chapter 'tables 13 to 16: the single site'
policy_of_one_server_each ocs2007-single-site-edge | policy single-site
topology 1 single-site $proxy_external $access_external $conferencing_external $av_external

chapter 'tables 17 to 20: the scaled single site, with a Director'
end_program inside.$access_internal
start_access_inside $access_internal "$(tls_client "$anyone:5061,bind=$access_vip:5061,reuseaddr,reuseport")"
arrays
ocs_policy ocs2007-scaled-single-site-edge "${of_arrays[@]}" "director: $next_hop" \
    "access_edge_internal: [$access_internal, $access2_internal]" "access_edge_external_vip: $access_vip" |
    policy scaled-single-site
topology 2 scaled-single-site $proxy_external $access_external $access2_external $access_vip \
    $conferencing_external $conferencing2_external $conferencing_vip $av_external $av2_external $av_vip

chapter 'tables 21 to 23: the remote site, with two Web Conferencing Edge Servers'
one_server_each
access=() access_inside=()
conferencing+=("$conferencing2_external") conferencing_inside+=("$conferencing2_internal")
ocs_policy ocs2007-remote-site-edge "av_internal: $av_internal" "av_external: $av_external" \
    "web_conferencing_internal: [$conferencing_internal, $conferencing2_internal]" \
    "web_conferencing_external: [$conferencing_external, $conferencing2_external]" | policy remote-site
topology 3 remote-site $proxy_external $conferencing_external $conferencing2_external $av_external

chapter 'tables 24 to 26: the scaled remote site'
arrays
access=() access_inside=()
ocs_policy ocs2007-scaled-remote-site-edge "${of_arrays[@]}" | policy scaled-remote-site
topology 4 scaled-remote-site $proxy_external $conferencing_external $conferencing2_external $conferencing_vip \
    $av_external $av2_external $av_vip

# Of the tables, the rows of the external firewall hold.
chapter 'tables 9 to 12: one card, and the consolidated edge server is its own firewall'
policy_of_one_server_each ocs2007-consolidated-edge | policy alone
part_begins alone peer alone
edgefw alone push "$lab_folder/alone.yaml"
beside scans peer $proxy_external $access_external $conferencing_external $av_external
attempts_begin 7
ways_to_alone
beside users_media peer $anyone $av_external $av_external peer $another $av_external $av_external
knocks alone tcp $access_external:5062 $anyone:5061 # from another port than 5061
knocks alone tcp $av_external:60000 $anyone:6000 $another:443
knocks alone udp $av_external:60000 $anyone:6000 $anyone:3480
knocks alone udp $av_internal:50000 $anyone:6000
fetches peer $anyone $proxy_external:443
fetches peer $anyone $conferencing_external:443
calls 5 peer $anyone $access_external:5061
calls 5 peer $another $access_external:443
calls 5 alone $access_external:5061,reuseaddr,reuseport $anyone:5061
all_go_well
attempts_end
equal 'what came through' "$came_through" ''
one_server_each
cat >"$lab_folder/tables" <<END
host alone - $outside_router/32,131.107.155.0/24,172.25.33.0/24
host peer  eth0 198.51.100.0/24
unseen eth0 $unseen $unseen_bytes
$(tables | grep '^eth0')
END
part_ends alone "$lab_folder/tables" peer alone
scan_reached alone "$lab_folder/tables"
