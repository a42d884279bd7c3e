#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# Office Communications Server 2007, the consolidated edge topology (tables 9 to 12), with the kind of programs it is
# about: nginx, SIP over mutual TLS, a TURN server. And a scan of all ports: what arrives is what the tables open.
#
#   outside ------- eth0 router eth1 ------- inside        eth0 external, eth1 internal, eth2 not attached
#                        eth2
#                         |
#                     perimeter                            four servers, each with an external and an internal address
# shellcheck source=tests/e2e/story.sh
source "$(dirname "$0")/story.sh"
story_begin
# shellcheck source=tests/e2e/ocs_servers.sh
source "$story_root/tests/e2e/ocs_servers.sh"

policy_of_one_server_each ocs2007-consolidated-edge | policy ocs
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
make_files
start_outside outside
start_inside
start_web $conferencing_external:443 $conferencing_internal:8057
start_access_edge $access_external $access_internal $access_external $anyone
start_sip perimeter
start_authentication perimeter $av_internal
start_av_edge perimeter $av_external $av_internal 60000 60999

chapter 'without a filter all can be reached'
attempts_begin
what_no_table_opens
attempts_end
equal 'what came through' "$came_through" "$tried"

chapter 'the hosts begin to count, and the policy is in force'
part_begins router outside inside perimeter
edgefw router push "$lab_folder/ocs.yaml"

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
end_program av-edge.perimeter.$av_external
start_av_edge perimeter $av_external $av_internal 50000 59999
calls 20 inside $next_hop $av_internal:5062
attempts_begin 4
attempt relays outside $anyone $av_external 3478 -e $user -r 3480 # not directly to a host inside
users_media outside $anyone $av_external $av_external inside $user $av_internal $av_internal
attempts_end
equal 'what came through' "$came_through" ''

chapter 'somebody outside tries all ports of all servers'
scans outside $proxy_external $access_external $conferencing_external $av_external

chapter 'with a Director, the Access Edge Server listens to it alone'
end_program inside.$access_internal # its one connection outwards, from port 5061 to 5061, is used up
start_access_inside $access_internal TCP:127.0.0.1:5060
attempts_begin
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
tables >"$lab_folder/tables"
part_ends router "$lab_folder/tables" outside inside perimeter
scan_reached perimeter "$lab_folder/tables"
