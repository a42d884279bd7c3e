#!/usr/bin/env bash
# Office Communications Server 2007, the consolidated edge topology (tables 9 to 12), with the kind of programs it is
# about: nginx, SIP over mutual TLS, a TURN server. And a scan of all ports: what arrives is what the tables open.
#
#   outside ------- eth0 router eth1 ------- inside        eth0 external, eth1 internal, eth2 not attached
#                        eth2
#                         |
#                     perimeter                            four servers, each with an external and an internal address
# shellcheck source=tests/e2e/story.sh
source "$(dirname "$0")/story.sh"
for program in turnserver turnutils_uclient turnutils_peer nginx sipp socat openssl curl; do
    command -v $program >/dev/null || fail "no $program here: scripts/bootstrap installs it"
done
story_begin
# shellcheck source=tests/e2e/ocs_servers.sh
source "$story_root/tests/e2e/ocs_servers.sh"

# The tables as they are read below: CARD RULE PROTOCOL LOCAL PORT REMOTE PORT.
cat >"$lab_folder/tables" <<END
# Table 9: reverse proxy
eth1 ocs/reverse-proxy/internal-443          tcp $proxy_internal         any         any       443
eth0 ocs/reverse-proxy/external-443          tcp $proxy_external         443         any       any
# Table 10: Access Edge Server
eth1 ocs/access-edge/internal-5061-inbound   tcp $access_internal        any         $next_hop 5061
eth1 ocs/access-edge/internal-5061-outbound  tcp $access_internal        5061        any       any
eth0 ocs/access-edge/external-5061           tcp $access_external        5061        any       any
eth0 ocs/access-edge/external-443            tcp $access_external        443         any       any
# Table 11: Web Conferencing Edge Server
eth1 ocs/web-conferencing-edge/internal-8057 tcp $conferencing_internal  8057        any       any
eth0 ocs/web-conferencing-edge/external-443  tcp $conferencing_external  443         any       any
# Table 12: A/V Edge Server
eth1 ocs/av-edge/internal-443                tcp $av_internal            443         any       any
eth1 ocs/av-edge/internal-5062               tcp $av_internal            5062        any       any
eth1 ocs/av-edge/internal-3478               udp $av_internal            3478        any       any
eth0 ocs/av-edge/external-443                tcp $av_external            443         any       any
eth0 ocs/av-edge/external-50000-59999-tcp    tcp $av_external            50000-59999 any       any
eth0 ocs/av-edge/external-3478               udp $av_external            3478        any       any
eth0 ocs/av-edge/external-50000-59999-udp    udp $av_external            50000-59999 any       any
END

policy ocs <<END
version: 1
default: drop
rules:
  - use: ocs2007-consolidated-edge
    as: ocs
    with:
      reverse_proxy_internal: $proxy_internal
      reverse_proxy_external: $proxy_external
      access_edge_internal: $access_internal
      access_edge_external: $access_external
      next_hop: $next_hop
      web_conferencing_internal: $conferencing_internal
      web_conferencing_external: $conferencing_external
      av_internal: $av_internal
      av_external: $av_external
END
sed 's/ next_hop:/ director:/' "$lab_folder/ocs.yaml" | policy director


# What no row opens. The A/V Edge has its relays beside the range here.
what_no_table_opens() {
    attempt reaches outside $anyone http://$proxy_external:80
    attempt reaches outside $anyone https://$conferencing_external:8058
    attempt reaches outside $anyone https://$conferencing_internal:8057
    attempt reaches outside $anyone https://$web_server:443
    attempt reaches inside $user https://$proxy_external:443
    attempt reaches inside $user https://$conferencing_internal:8058
    attempt reaches inside $user https://$anyone:443
    attempt reaches perimeter $proxy_external https://$anyone:443
    attempt reaches perimeter $proxy_internal http://$web_server:80
    attempt reaches perimeter $conferencing_internal https://$web_server:443
    attempt reaches perimeter $access_internal https://$wrong_host:5061 # the next hop is another
    attempt greets perimeter $access_external $anyone:5061              # from another port than 5061
    attempt relays outside $anyone $av_external 3478 -t -e $anyone -r 3480
    attempt relays outside $anyone $av_external 443 -e $anyone -r 3480
    attempt relays outside $anyone $av_external 3478 -e $user -r 3480
    attempt relays inside $user $av_external 3478 -e $anyone -r 3480
    attempt relays inside $user $av_internal 3478 -e $anyone -r 3480
}

chapter 'the network and its servers'
build_network
start_servers
await_servers

chapter 'without a filter all can be reached'
attempts_begin 20
what_no_table_opens
attempts_end
equal 'what came through' "$came_through" "$tried"

chapter 'the hosts begin to count, and the policy is in force'
forget_neighbours router outside inside perimeter
for host in outside inside perimeter; do
    begins_counting $host
done
edgefw router attach eth0
edgefw router attach eth1 --side internal
edgefw router push "$lab_folder/ocs.yaml"
one_frame_a_packet router eth0 eth1 eth2

chapter 'what no table opens is refused'
attempts_begin 5
what_no_table_opens
attempts_end
equal 'what came through' "$came_through" ''

chapter 'table 9: the reverse proxy fetches from inside what is asked for outside'
fetches outside $anyone $proxy_external:443

chapter 'table 10: SIP through the Access Edge Server, federated, remote, and from inside out'
calls 20 outside $anyone $access_external:5061
calls 20 outside $anyone $access_external:443
calls 20 inside $next_hop $access_internal:5061

chapter 'table 11: Web conferences'
fetches outside $anyone $conferencing_external:443
fetches inside $web_server $conferencing_internal:8057

chapter 'table 12: media through the A/V Edge Server, from inside and outside, over UDP and TCP'
end_program av-edge
start_av_edge 50000 59999
calls 20 inside $next_hop $av_internal:5062
attempts_begin 4
attempt relays outside $anyone $av_external 3478 -e $user -r 3480 # not directly to a host inside
users_media
attempts_end
equal 'what came through' "$came_through" ''

chapter 'somebody outside tries all ports of all servers'
on outside "$story_root/tests/e2e/ocs_packets.py" scan eth0 $outside_router $scanner \
    $proxy_external $access_external $conferencing_external $av_external

chapter 'with a Director, the Access Edge Server listens to it alone'
end_program access-inside # its one connection outwards, from port 5061 to 5061, is used up
tls_server perimeter access-inside 5061,bind=$access_internal TCP:127.0.0.1:5060
await perimeter tcp $access_internal:5061
attempts_begin 10
attempt greets inside $wrong_host $access_internal:5061
attempts_end
equal 'what came through without a Director' "$came_through" "$tried"
edgefw router push "$lab_folder/director.yaml"
attempts_begin 2
attempt greets inside $wrong_host $access_internal:5061
attempts_end
equal 'what came through' "$came_through" ''
calls 5 inside $next_hop $access_internal:5061

chapter 'all end, and the counts are compared'
for name in "${!programs[@]}"; do [[ $name == packets.* ]] || end_program "$name"; done
ends_serving outside
counts_end router outside inside perimeter

tables_open="$proxy_external tcp 443
$access_external tcp 443 5061
$av_external tcp 443 50000-59999
$av_external udp 3478 50000-59999
$conferencing_external tcp 443"
equal 'what the scan reached, each port once' \
    "$("$story_root/tests/e2e/ocs_packets.py" arrived "$lab_folder/perimeter.packets" $scanner)" "${tables_open//$'\n'/; }"

"$story_root/tests/e2e/ocs_packets.py" compare "$lab_folder/tables" "$lab_folder/counters" "$lab_folder" \
    2>"$lab_folder/differs" || fail "$(<"$lab_folder/differs")"

edgefw router detach eth0
edgefw router detach eth1
nothing_left router
