#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# @TheOffice with real sockets: version 2 behind its port map and with its licence server, version 3 with servers that
# have names, and the gateway that is its own firewall. What the hosts saw is what the rules counted.
# shellcheck source=tests/e2e/story.sh
source "$(dirname "$0")/story.sh"
for program in nginx openssl curl nc dnsmasq unshare; do
    command -v $program >/dev/null || fail "no $program here: scripts/bootstrap installs it"
done
story_begin
# shellcheck source=tests/e2e/theoffice_network.sh
source "$story_root/tests/e2e/theoffice_network.sh"

readonly public=203.0.113.7 licence=198.51.100.20 oem=198.51.100.30 lookup=198.51.100.31 oem_moved=198.51.100.32
readonly names=198.51.100.53           # the name server
readonly v2=172.25.33.5 v3=172.25.33.6 # gateways
readonly client=10.45.16.20 no_client=10.45.16.21

cat >"$lab_folder/table" <<END
host router    -    $router_outside/32,$public/32,$router_inside/32,$router_protected/32 uncounted
host outside   eth0 198.51.100.0/24
host inside    eth1 10.45.16.0/24
host protected -    172.25.33.0/24
open eth1
forward v2/map-9555 tcp $public:9555 $v2:9555
# edgefw itself asks for the names
eth0 names                 udp $router_outside/32 any  $names/32  53   out
# Versions 2.0 and below
eth0 v2/inbound-9555       tcp $v2/32     9555 any        any  in
eth0 v2/outbound-from-9555 tcp $v2/32     9555 any        any  out
eth0 v2/outbound-to-9555   tcp $v2/32     any  any        9555 out
# Versions 3.0 and above, gateway connection
eth0 v3/oem-9555           tcp $v3/32     any  $oem/32,$oem_moved/32 9555 out
eth0 v3/lookup-9555        tcp $v3/32     any  $lookup/32 9555 out
eth0 v3/lookup-5222        tcp $v3/32     any  $lookup/32 5222 out
eth0 v3/outgoing-udp       udp $v3/32     any  any        any  out
# Versions 3.0 and above, client connection
eth0 client/lookup-9555    tcp $client/32 any  $lookup/32 9555 out
eth0 client/lookup-5222    tcp $client/32 any  $lookup/32 5222 out
eth0 client/outgoing-udp   udp $client/32 any  any        any  out
END
policy names <<END
version: 1
names: { keep: 0 }
default: { internal: pass }
rules:
  - { name: names, side: external, direction: outbound, protocol: udp, local: $router_outside, remote: $names,
      remote_port: 53, action: pass }
END
policy office <<END
$(<"$lab_folder/names.yaml")
  - { use: theoffice-v2-gateway, as: v2, with: { gateway: $v2, public: $public, mapping: port } }
  - { use: theoffice-v3-gateway, as: v3, with: { gateway: $v3 } }
  - { use: theoffice-v3-client, as: client, with: { client: $client } }
END

answers_names() { # OEM: its address
    printf '%s %s\n' "$1" oem.trispen.com $lookup lookup.trispen.com >"$lab_folder/hosts"
    start outside dnsmasq dnsmasq --no-daemon --conf-file=/dev/null --no-resolv --no-hosts --user=root --pid-file= \
        --listen-address=$names --bind-interfaces --addn-hosts="$lab_folder/hosts" --local-ttl=1 --local=/trispen.com/
    await outside udp $names:53
}

# A host asks the lab's name server, as it would any other: by way of its own /etc/resolv.conf.
named() { # HOST COMMAND...
    # shellcheck disable=SC2016  # for the shell there
    on "$1" "${own_mounts[@]}" sh -c 'mount --bind "$0" /etc/resolv.conf && exec "$@"' "$lab_folder/resolv.conf" "${@:2}"
}
signs_on() { # HOST NAME:PORT: the whole file over TLS
    named "$1" curl -sS --cacert "$certificate" --max-time "$patience" -o "$lab_folder/fetched" "https://$2/account" \
        2>"$lab_folder/said" && cmp -s "$lab_folder/fetched" "$lab_folder/www/account"
}

what_no_row_opens() {
    attempt connects outside $anyone $v2:9554
    attempt echoes outside $anyone $v2:9555
    attempt connects outside $anyone $v3:9555
    attempt echoes outside $anyone $v3:5222
    attempt connects outside $lookup $client:5222
    attempt echoes outside $lookup $client:5222
    attempt connects protected $v2 $licence:9554
    attempt connects protected $v2 $lookup:5222
    attempt echoes protected $v2 $licence:9555
    attempt connects protected $v3 $oem:5222
    attempt connects protected $v3 $licence:9555
    attempt connects protected $v3 $lookup:9554
    attempt connects inside $client $oem:9555
    attempt connects inside $client $licence:9555
    attempt connects inside $client $lookup:9554
    attempt connects inside $no_client $lookup:9555
    attempt connects inside $no_client $lookup:5222
    attempt echoes inside $no_client $licence:9555
}

chapter 'the network and its servers'
build_office
lab_address outside eth0 $licence/24 $oem/24 $lookup/24 $oem_moved/24 $names/24
lab_address router eth0 $public/32
lab_address inside eth0 $client/24 $no_client/24
lab_address protected eth0 $v3/24 $v2/24
office_routes
echo "nameserver $names" >"$lab_folder/resolv.conf"
make_certificate oem.trispen.com lookup.trispen.com
mkdir "$lab_folder/www"
head -c 300000 /dev/urandom >"$lab_folder/www/account"
nginx_on outside <<END
server { listen $oem:9555 ssl; listen $oem:5222 ssl; listen $oem_moved:9555 ssl;
         listen $lookup:9555 ssl; listen $lookup:9554 ssl; listen $lookup:5222 ssl; }
END
serves outside tcp://$licence:9555 tcp://$licence:9554 udp://$licence:9555 udp://$anyone:3478 tcp://$anyone:6000
serves inside tcp://$client:5222 udp://$client:5222
serves protected tcp://$v2:9555 tcp://$v2:9554 udp://$v2:9555 tcp://$v3:9555 udp://$v3:5222
answers_names $oem
await outside tcp $oem:9555 $lookup:5222

chapter 'without a filter all can be reached'
attempts_begin
what_no_row_opens
attempts_end
equal 'what came through' "$came_through" "$tried"

chapter 'the hosts begin to count, and the policy is in force; its names are those of the lab'
part_begins router outside inside protected
edgefw router push "$lab_folder/names.yaml"
edgefw router push "$lab_folder/office.yaml" --resolver $names
equal 'hosts by name' "$(edgefw router --json show | jq -c '[.hosts[] | [.name, .addresses[]]] | sort')" \
    "[[\"lookup.trispen.com\",\"$lookup\"],[\"oem.trispen.com\",\"$oem\"]]"

chapter 'what no row opens is refused'
attempts_begin 3
what_no_row_opens
attempt connects outside $anyone $public:9554
attempt connects outside $anyone $public:9556
attempt echoes outside $anyone $public:9555
attempts_end
equal 'what came through' "$came_through" ''

chapter 'version 2: 400 clients at once through the port map'
talks outside $public:9555 --connections 400 --bytes 20000
equal 'through the map' "$(rule_count router eth0 v2/map-9555 connections)" 400
# Whoever has a way to [GW IP] needs no map. (From another address than the 400: ports of theirs may come again.)
traffic outside tcp $v2:9555 --connections 5 --bytes 50000 --bind $licence:0
equal 'through the map' "$(rule_count router eth0 v2/map-9555 connections)" 400

chapter 'version 2: the licence connection'
traffic protected tcp $licence:9555 --connections 20 --bytes 5000 --bind $v2:0

chapter 'version 2: read literally, the gateway opens from its port 9555'
ends_serving protected
equal 'clients that the gateway had' "$(received protected tcp://$v2:9555)" 405
traffic protected tcp $anyone:6000 --bytes 5000 --bind $v2:9555

chapter 'version 3: gateway and client find their servers by name'
for server in oem.trispen.com:9555 lookup.trispen.com:9555 lookup.trispen.com:5222; do
    signs_on protected $server || fail "the gateway does not reach $server: $(<"$lab_folder/said")"
done
for server in lookup.trispen.com:9555 lookup.trispen.com:5222; do
    signs_on inside $server || fail "the client does not reach $server: $(<"$lab_folder/said")"
done

chapter 'version 3: outgoing UDP sessions'
traffic protected udp $anyone:3478 --count 200 --bytes 900 --bind $v3:0
traffic inside udp $anyone:3478 --count 200 --bytes 900 --bind $client:0

chapter 'version 3: a server moves; after the next push its new address is the right one, and the old one is wrong'
end_program dnsmasq
answers_names $oem_moved
if patience=5 signs_on protected oem.trispen.com:9555; then fail 'the new address passed before a push'; fi
edgefw router push "$lab_folder/office.yaml" --resolver $names
signs_on protected oem.trispen.com:9555 || fail "the gateway does not reach the new address: $(<"$lab_folder/said")"
attempts_begin 2
attempt connects protected $v3 $oem:9555
attempts_end
equal 'what came through' "$came_through" ''

chapter 'the counts are compared'
part_ends router "$lab_folder/table" outside inside protected

# The gateway on the firewall itself, and a gateway of version 1 on a second address of it.
readonly somebody=203.0.113.9 gateway=203.0.113.20 v1=203.0.113.21 pool=10.99.0.7
cat >"$lab_folder/alone.table" <<END
host peer  eth0 $somebody/32
host alone -    $gateway/32,$v1/32,$pool/32
eth0 gw/inbound-9555          tcp $gateway/32 9555 any any  in
eth0 gw/outbound-from-9555    tcp $gateway/32 9555 any any  out
eth0 gw/outbound-to-9555      tcp $gateway/32 any  any 9555 out
eth0 gw/inbound-500-tcp       tcp $gateway/32 500  any any  in
eth0 gw/outbound-from-500-tcp tcp $gateway/32 500  any any  out
eth0 gw/inbound-500-udp       udp $gateway/32 500  any any  in
eth0 gw/outbound-from-500-udp udp $gateway/32 500  any any  out
eth0 gw/from-ip-pool          tcp $pool/32    any  any any  out
eth0 v1/inbound-500           udp $v1/32      500  any any  in
eth0 v1/outbound-from-500     udp $v1/32      500  any any  out
END
policy alone <<END
version: 1
default: drop
rules:
  - { use: theoffice-v2-perimeter-gateway, as: gw, with: { gateway: $gateway, ip_pool: 10.99.0.0/24 } }
  - { use: theoffice-v1-gateway, as: v1, with: { gateway: $v1 } }
END
what_no_row_opens_alone() {
    attempt connects peer $somebody $gateway:9554
    attempt connects peer $somebody $v1:500
    attempt connects peer $somebody $pool:80 # the pool leaves, and never arrives
    attempt echoes peer $somebody $gateway:4500
}

chapter 'one host, one card: the gateway on the firewall itself'
build_alone
lab_address peer eth0 $somebody/24
lab_address alone eth0 $gateway/24 $v1/24 $pool/32
on peer ip route add $pool via $gateway
serves peer tcp://$somebody:9555 tcp://$somebody:6000 tcp://$somebody:80 udp://$somebody:6000
serves alone tcp://$gateway:9555 tcp://$gateway:9554 tcp://$gateway:500 udp://$gateway:500 udp://$gateway:4500 \
    udp://$v1:500 tcp://$v1:500 tcp://$pool:80
attempts_begin
what_no_row_opens_alone
attempts_end
equal 'what came through without a filter' "$came_through" "$tried"
part_begins alone peer alone
edgefw alone push "$lab_folder/alone.yaml"

chapter 'what no row opens is refused'
attempts_begin 2
what_no_row_opens_alone
attempts_end
equal 'what came through' "$came_through" ''
knocks alone tcp $gateway:0 $somebody:6000 $somebody:500 $somebody:9556
knocks alone udp $gateway:0 $somebody:6000 $somebody:500
knocks alone udp $v1:0 $somebody:6000 $somebody:500

chapter 'from both ends'
talks peer $gateway:9555 --connections 200 --bytes 20000
traffic alone tcp $somebody:9555 --connections 5 --bytes 200000 --bind $gateway:0
traffic peer tcp $gateway:500 --connections 5 --bytes 200000
traffic peer udp $gateway:500 --count 50 --bytes 900
traffic peer udp $gateway:500 --count 50 --bind $somebody:500
traffic peer udp $v1:500 --count 50 --bind $somebody:500
traffic alone tcp $somebody:80 --bytes 200000 --bind $pool:0
ends_serving alone # it opens from the ports where it listened
knocks alone tcp $v1:500 $somebody:6000 $somebody:9555
traffic alone tcp $somebody:6000 --bytes 5000 --bind $gateway:9555
traffic alone tcp $somebody:6000 --bytes 5000 --bind $gateway:500
traffic alone udp $somebody:6000 --count 50 --bind $gateway:500
traffic alone udp $somebody:6000 --count 50 --bind $v1:500

chapter 'the counts are compared'
echo "unseen eth0 $unseen $unseen_bytes" >>"$lab_folder/alone.table"
part_ends alone "$lab_folder/alone.table" peer alone
