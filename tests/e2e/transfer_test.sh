#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# Groove, online backup and timeSensor with their kind of programs: curl, nginx, SOCKS, bulk transfer, FTP, SFTP, TLS,
# broadcasts. Each part ends with the counts: what the hosts saw is what the rules counted.
# shellcheck source=tests/e2e/story.sh
source "$(dirname "$0")/story.sh"
for program in nginx openssl curl nc socat vsftpd /usr/sbin/sshd sftp ssh-keygen sha256sum unshare ping; do
    command -v $program >/dev/null || fail "no $program here: scripts/bootstrap installs it"
done
story_begin
# shellcheck source=tests/e2e/theoffice_network.sh
source "$story_root/tests/e2e/theoffice_network.sh"
# shellcheck source=tests/e2e/transfer_programs.sh
source "$story_root/tests/e2e/transfer_programs.sh"

readonly elsewhere=198.51.100.8
readonly relay=63.209.254.10 last_relay=207.244.117.255 no_relay=207.244.118.1
readonly relays=63.209.254.0/24,198.182.235.0/24,207.244.116.0/24,207.244.117.0/24
readonly backup=204.164.111.10 another=204.164.111.11 alternate=140.239.229.63
readonly no_backup=204.164.111.64 no_alternate=140.239.228.255
readonly subnets=204.164.111.0/26,140.239.229.0/26
readonly proxy=172.25.33.8 server=172.25.33.10
# Computers inside: of Groove; of backup; of timeSensor; of nobody.
readonly free=10.45.16.20 restricted=10.45.16.21 proxied=10.45.16.22
readonly agent=10.45.16.23 stateless=10.45.16.24
readonly passive=10.45.16.25 active=10.45.16.26 remote_client=10.45.16.27
readonly nobody=10.45.16.99

readonly network="host outside eth0 198.51.100.0/24,$relays,$no_relay/32,$subnets,$no_backup/32,$no_alternate/32
host inside eth1 10.45.16.0/24
host protected - 172.25.33.0/24
open eth1"

chapter 'the network and its servers'
build_office
lab_address outside eth0 $elsewhere/24 $relay/32 $last_relay/32 $no_relay/32 $backup/32 $another/32 $alternate/32 \
    $no_backup/32 $no_alternate/32
lab_address inside eth0 $nobody/24 $free/24 $restricted/24 $proxied/24 $agent/24 $stateless/24 $passive/24 $active/24 \
    $remote_client/24
lab_address protected eth0 $proxy/24 $server/24
office_routes
on outside sysctl -qw net.ipv4.tcp_synack_retries=1 # where a reply is refused, the server gives up soon
make_certificate lab.example
mkdir "$lab_folder/www"
head -c 2000000 /dev/urandom >"$lab_folder/www/update"
nginx_on outside <<END
server { listen 80; listen 8080; listen 2491; listen 2492; listen 16383; listen 19811; listen 25;
         listen $another:16384; listen $no_backup:16384; listen $no_alternate:16384; listen $anyone:16384; }
server { listen 443 ssl; listen 465 ssl; listen 587 ssl; listen 993 ssl; listen 995 ssl; listen 994 ssl;
         listen 19812 ssl; listen 19813 ssl; listen 19814 ssl; }
END
nginx_on inside <<<"server { listen 80; listen $agent:1024; listen 2492; listen 19812; }"
nginx_on protected <<<'server { listen 19811; listen 19815; listen 19812 ssl; listen 19813 ssl; listen 19814 ssl; }'
start protected proxy "$story_root/tests/e2e/transfer_socks.py" $proxy:1080
start_ftp outside $anyone 50000-50099
start_sftp outside $anyone
start_backup outside $backup $alternate
serves outside tcp://$elsewhere:20 tcp://$elsewhere:23 udp://$anyone:443 udp://$relay:2492 udp://$backup:16384
await outside tcp :80 :443
await inside tcp :80
await protected tcp :19812 $proxy:1080

# Without a filter all that a function attempts comes through, with it nothing.
all_pass() {
    attempts_begin
    "$1"
    attempts_end
    equal 'what came through without a filter' "$came_through" "$tried"
}
none_pass() {
    attempts_begin 2
    "$1"
    attempts_end
    equal 'what came through' "$came_through" ''
}

# Groove.
policy groove <<END
version: 1
default: { internal: pass }
rules:
  - { use: groove, as: free, with: { client: $free } }
  - { use: groove, as: restricted, with: { client: $restricted, relays_only: true, sstp_inbound: true } }
  - { use: groove, as: proxied, with: { client: $proxied, socks_proxy: $proxy } }
END
cat >"$lab_folder/groove.table" <<END
$network
eth0 free/outbound-80-443        tcp $free/32       any  any     80,443 out
eth0 free/outbound-2492          tcp $free/32       any  any     2492   out
eth0 restricted/outbound-80-443  tcp $restricted/32 any  $relays 80,443 out
eth0 restricted/outbound-2492    tcp $restricted/32 any  any     2492   out
eth0 restricted/inbound-2492     tcp $restricted/32 2492 any     any    in
eth0 proxied/outbound-80-443     tcp $proxied/32    any  any     80,443 out
eth0 proxied/socks-outbound-2492 tcp $proxy/32      any  $relays 2492   out
eth1 proxied/socks-internal      tcp $proxy/32      1080 $proxied/32 any
END
groove_refuses() {
    attempt connects inside $free $anyone:8080
    attempt connects inside $free $anyone:2491
    attempt echoes inside $free $anyone:443
    attempt echoes inside $free $relay:2492
    attempt connects inside $nobody $relay:443
    attempt connects inside $restricted $anyone:80
    attempt connects inside $restricted $no_relay:443
    attempt connects inside $proxied $relay:2492 # the proxy alone does
    attempt by_proxy inside $proxied $anyone:2492
    attempt by_proxy inside $proxied $relay:80
    attempt connects outside $anyone $free:2492
    attempt connects outside $relay $restricted:80
    attempt connects outside $relay $proxied:2492
    attempt connects outside $relay $proxy:1080
}

chapter 'Groove: without a filter all can be reached, with it what no sentence opens is refused'
all_pass groove_refuses
part_begins router outside inside protected
edgefw router push "$lab_folder/groove.yaml"
none_pass groove_refuses

chapter 'Groove: HTTP and SSL, to anybody or to the relay servers alone; SSTP; from other computers where it is opened'
for where in $anyone $relay; do
    fetches inside $free http "$where":80
    fetches inside $free https "$where":443
    fetches inside $free http "$where":2492
    fetches inside $restricted http "$where":2492
done
for where in $relay $last_relay; do
    fetches inside $restricted http "$where":80
    fetches inside $restricted https "$where":443
done
fetches outside $anyone http $restricted:2492
fetches inside $proxied https $anyone:443

chapter 'Groove: port 2492 of the relay servers through a SOCKS proxy'
for where in $relay $last_relay; do
    by_proxy inside $proxied "$where":2492 || fail "no way through the SOCKS proxy to $where: $(tail -n 1 "$lab_folder/said")"
done

chapter 'Groove: the counts are compared'
part_ends router "$lab_folder/groove.table" outside inside protected

# Online backup.
policy backup <<END
version: 1
default: { internal: pass }
rules:
  - { use: online-backup, as: agent, with: { client: $agent } }
  - { use: online-backup, as: stateless, with: { client: $stateless, stateless_replies: true } }
  - { use: online-backup, as: proxied, with: { client: $proxied, proxy: socks, socks_proxy: $proxy } }
END
cat >"$lab_folder/backup.table" <<END
$network
eth0 agent/outbound-16384         tcp $agent/32     any       $subnets 16384 out
eth0 stateless/outbound-16384     tcp $stateless/32 any       $subnets 16384 out-alone
eth0 stateless/replies-1024-5000  tcp $stateless/32 1024-5000 $subnets any   in-alone
eth0 proxied/socks-outbound-16384 tcp $proxy/32     any       $subnets 16384 out
eth1 proxied/socks-internal       tcp $proxy/32     1080      $proxied/32 any
END
backup_refuses() {
    attempt connects inside $agent $backup:16383
    attempt connects inside $agent $backup:443
    attempt connects inside $agent $no_backup:16384
    attempt connects inside $agent $no_alternate:16384
    attempt connects inside $nobody $backup:16384
    attempt echoes inside $agent $backup:16384
    attempt echoes inside $stateless $backup:16384
    attempt pings inside $agent $backup
    attempt connects inside $stateless $no_backup:16384
    attempt connects inside $proxied $backup:16384
    attempt by_proxy inside $proxied $anyone:16384
    attempt connects outside $another $agent:1024
    attempt connects outside $another $stateless:2492
    attempt connects outside $another $proxy:1080
}

chapter 'online backup: without a filter all can be reached, with it what no rule of theirs opens is refused'
all_pass backup_refuses
part_begins router outside inside protected
edgefw router push "$lab_folder/backup.yaml"
none_pass backup_refuses

chapter 'online backup: without state, replies come to ports 1024 to 5000 alone'
for port in 1024 5000; do fetches inside $stateless http $another:16384 --local-port $port; done
beside_the_ports() {
    attempt from_port inside $stateless 1023 $another:16384
    attempt from_port inside $stateless 5001 $another:16384
}
none_pass beside_the_ports
backs_up inside $alternate 50000000 TCP:$alternate:16384,bind=$stateless:2000

much=$(at_length $((64 << 20)) $((1 << 30)))
chapter "online backup: $((much >> 20)) MiB to the primary server, some to the alternate one, and some through a SOCKS proxy"
backs_up inside $backup "$much" TCP:$backup:16384,bind=$agent
backs_up inside $alternate 10000000 TCP:$alternate:16384,bind=$agent
by_proxy inside $proxied $another:16384 || fail "no way through the SOCKS proxy: $(tail -n 1 "$lab_folder/said")"

chapter 'online backup: the counts are compared'
part_ends router "$lab_folder/backup.table" outside inside protected

# timeSensor.
policy timesensor <<END
version: 1
default: { internal: pass }
rules:
  - { use: timesensor-classic, as: passive, with: { client: $passive, email: true, ftp_data: passive,
      ftp_passive_ports: 50000-50099 } }
  - { use: timesensor-classic, as: active, with: { client: $active, ftp_data: active } }
  - { use: timesensor-365-server, as: server, with: { server: $server, email: true, ftp_data: passive,
      ftp_passive_ports: 50000-50099 } }
  - { use: timesensor-365-client, as: client, with: { client: $remote_client, email: true } }
END
cat >"$lab_folder/timesensor.table" <<END
$network
# Klassische Installation
eth0 passive/outbound-80-443-8080     tcp $passive/32 any any 80,443,8080     out
eth0 passive/outbound-20-22           tcp $passive/32 any any 20-22           out
eth0 passive/outbound-465-587-993-995 tcp $passive/32 any any 465,587,993,995 out
eth0 passive/ftp-data-passive         tcp $passive/32 any any 50000-50099     out
eth0 active/outbound-80-443-8080      tcp $active/32  any any 80,443,8080     out
eth0 active/outbound-20-22            tcp $active/32  any any 20-22           out
eth0 active/ftp-data-active           tcp $active/32  any any 20              in
# timeSensor LEGAL 365, serverseitig
eth0 server/outbound-80-443-8080      tcp $server/32  any any 80,443,8080     out
eth0 server/outbound-20-22            tcp $server/32  any any 20-22           out
eth0 server/outbound-465-587-993-995  tcp $server/32  any any 465,587,993,995 out
eth0 server/outbound-19812-19814      tcp $server/32  any any 19812-19814     out
eth0 server/inbound-19812-19814       tcp $server/32  19812-19814 any any     in
eth0 server/ftp-data-passive          tcp $server/32  any any 50000-50099     out
# timeSensor LEGAL 365, clientseitig
eth0 client/outbound-465-587-993-995  tcp $remote_client/32 any any 465,587,993,995 out
eth0 client/outbound-19812-19814      tcp $remote_client/32 any any 19812-19814     out
END
timesensor_refuses() {
    attempt connects inside $passive $elsewhere:23
    attempt connects inside $passive $anyone:25
    attempt connects inside $passive $anyone:994
    attempt connects inside $passive $anyone:19812
    attempt echoes inside $passive $anyone:443
    attempt downloads inside $passive active $anyone
    attempt downloads inside $active passive $anyone
    attempt connects inside $active $anyone:993
    attempt connects inside $remote_client $anyone:443
    attempt connects inside $remote_client $anyone:22
    attempt connects inside $remote_client $anyone:19811
    attempt connects inside $nobody $anyone:19812
    attempt connects protected $server $anyone:19811
    attempt connects outside $anyone $server:19811
    attempt connects outside $anyone $server:19815
    attempt connects outside $anyone $passive:19812
    attempt connects outside $anyone $remote_client:19812
}

chapter 'timeSensor: without a filter all can be reached, with it what no row opens is refused'
all_pass timesensor_refuses
part_begins router outside inside protected
edgefw router push "$lab_folder/timesensor.yaml"
none_pass timesensor_refuses

chapter 'timeSensor: licence server, updates by FTP and SFTP, e-mail'
for who in "inside $passive" "inside $active" "protected $server"; do
    # shellcheck disable=SC2086  # host and address
    {
        fetches $who http $anyone:80
        fetches $who https $anyone:443
        fetches $who http $anyone:8080
        sftp_downloads $who $anyone || fail "$who: no SFTP: $(tail -n 1 "$lab_folder/said")"
    }
done
traffic inside tcp $elsewhere:20 --bind $passive:0 # read literally
downloads inside $passive passive $anyone || fail "no FTP in passive mode: $(tail -n 1 "$lab_folder/said")"
downloads inside $active active $anyone || fail "no FTP in active mode: $(tail -n 1 "$lab_folder/said")"
downloads protected $server passive $anyone || fail "no FTP in passive mode: $(tail -n 1 "$lab_folder/said")"
for port in 465 587 993 995; do
    fetches inside $passive https $anyone:$port
    fetches protected $server https $anyone:$port
    fetches inside $remote_client https $anyone:$port
done

chapter 'timeSensor: client and server, ports 19812 to 19814'
for port in 19812 19813 19814; do
    fetches outside $anyone https $server:$port
    fetches protected $server https $anyone:$port
    fetches inside $remote_client https $anyone:$port
done

chapter 'timeSensor: the counts are compared'
part_ends router "$lab_folder/timesensor.table" outside inside protected

# One host, one card. An announcement goes no further than the subnet, so that it can be seen here alone.
readonly somebody=203.0.113.9 own_server=203.0.113.20 own_office=203.0.113.21 own_agent=203.0.113.22
readonly subnet=203.0.113.0/24 broadcasts=203.0.113.255/32,255.255.255.255/32
policy alone <<END
version: 1
default: drop
rules:
  - { use: timesensor-365-server, as: server, with: { server: $own_server, broadcast: true, subnet: $subnet } }
  - { use: timesensor-classic, as: office, with: { client: $own_office, broadcast: true, subnet: $subnet } }
  - { use: online-backup, as: agent, with: { client: $own_agent, stateless_replies: true } }
END
cat >"$lab_folder/alone.table" <<END
host peer  eth0 $somebody/32,$another/32
host alone -    $own_server/32,$own_office/32,$own_agent/32
eth0 server/outbound-80-443-8080     tcp $own_server/32 any         any           80,443,8080 out
eth0 server/outbound-19812-19814     tcp $own_server/32 any         any           19812-19814 out
eth0 server/inbound-19812-19814      tcp $own_server/32 19812-19814 any           any         in
eth0 server/broadcast-19813-outbound udp $own_server/32 any         $broadcasts   19813       out-alone
eth0 office/outbound-80-443-8080     tcp $own_office/32 any         any           80,443,8080 out
eth0 office/broadcast-19813-outbound udp $own_office/32 any         $broadcasts   19813       out-alone
eth0 office/broadcast-19813-inbound  udp $broadcasts    19813       $subnet       any         in-alone
eth0 agent/outbound-16384            tcp $own_agent/32  any         $subnets      16384       out-alone
eth0 agent/replies-1024-5000         tcp $own_agent/32  1024-5000   $subnets      any         in-alone
END
alone_refuses() {
    attempt connects peer $somebody $own_server:19811
    attempt connects peer $somebody $own_office:19812
    attempt connects peer $another $own_agent:19812
}

chapter 'one host, one card: what no row opens is refused'
build_alone
lab_address peer eth0 $somebody/24 $another/32
lab_address alone eth0 $own_server/24 $own_office/24 $own_agent/24
on alone ip route add default via $somebody
on peer ip route add default via $own_server
nginx_on peer <<<'server { listen 80; listen 443 ssl; listen 19812 ssl; }'
nginx_on alone <<<'server { listen 19811; listen 19812 ssl; listen 19814 ssl; }'
start_backup peer $another
await peer tcp :80
await alone tcp :19812
hears peer
hears alone
all_pass alone_refuses
part_begins alone peer alone
edgefw alone push "$lab_folder/alone.yaml"
none_pass alone_refuses
knocks alone tcp $own_server:0 $somebody:25 $somebody:16384
knocks alone tcp $own_agent:3000 $somebody:16384 $another:443
knocks alone udp $own_server:0 $somebody:19813 255.255.255.255:19812 203.0.113.255:19814
knocks alone udp $own_agent:0 255.255.255.255:19813 $another:16384
knock peer udp $another:19813 203.0.113.255:19813 255.255.255.255:19813 # from another network
knock peer udp $somebody:19813 203.0.113.255:19812 $own_office:19813

chapter 'one host: announcements from and to the subnet'
announces alone $own_server 5 203.0.113.255 255.255.255.255
announces alone $own_office 5 203.0.113.255 255.255.255.255
announces peer $somebody 5 203.0.113.255 255.255.255.255

chapter 'one host: connections, and a backup without state'
fetches alone $own_server http $somebody:80
fetches alone $own_server https $somebody:19812
fetches alone $own_office https $somebody:443
fetches peer $somebody https $own_server:19812
fetches peer $somebody https $own_server:19814
backs_up alone $another 50000000 TCP:$another:16384,bind=$own_agent:1024

chapter 'one host: the counts are compared'
echo "unseen eth0 $unseen $unseen_bytes" >>"$lab_folder/alone.table"
for source in $own_server $own_office; do equal "announcements of $source" "$(heard peer "$source")" 10; done
equal "announcements of $somebody" "$(heard alone $somebody)" 10
part_ends alone "$lab_folder/alone.table" peer alone
