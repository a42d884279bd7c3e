#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# shellcheck disable=SC2034,SC2154  # for the stories, and from story.sh
# The network of theoffice_test.sh and transfer_test.sh: a router.

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

talks() { # HOST ADDRESS:PORT --connections N --bytes N: all at once
    on "$1" "$story_root/tests/e2e/theoffice_clients.py" talk "${@:2}" 2>"$lab_folder/said" || fail "$(<"$lab_folder/said")"
}
