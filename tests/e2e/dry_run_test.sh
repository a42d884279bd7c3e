#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# A dry run says which packets change and which live connections a push would end; the push ends exactly these.
# shellcheck source=tests/e2e/story.sh
source "$(dirname "$0")/story.sh"
story_begin
lab_host client host
lab_cable client eth0 host eth0
lab_address client eth0 198.51.100.9/24
lab_address host eth0 198.51.100.1/24
serves host udp://198.51.100.1:1000 udp://198.51.100.1:2000 tcp://198.51.100.1:22

policy before <<'END'
version: 1
default: drop
rules:
  - {name: talk, side: external, direction: inbound, protocol: udp, local: 198.51.100.1, local_port: [1000, 2000], action: pass}
  - {name: ssh, side: external, direction: inbound, protocol: tcp, local: 198.51.100.1, local_port: 22, action: pass}
END
policy after <<'END'
version: 1
default: drop
rules:
  - {name: talk, side: external, direction: inbound, protocol: udp, local: 198.51.100.1, local_port: 1000, action: pass}
  - {name: ssh, side: external, direction: inbound, protocol: tcp, local: 198.51.100.1, local_port: 22, action: pass}
END
policy renamed <<'END'
version: 1
default: drop
rules:
  - {name: shell, side: external, direction: inbound, protocol: tcp, local: 198.51.100.1, local_port: 22, action: pass}
  - {name: talk, side: external, direction: inbound, protocol: udp, local: 198.51.100.1, local_port: [1000, 2000], action: pass}
END
policy nothing <<'END'
version: 1
default: drop
rules: []
END

chapter 'a dry run before the first policy judges what was learned'
edgefw host attach eth0
traffic client udp 198.51.100.1:1000 --count 2 --bind 198.51.100.9:5001
traffic client udp 198.51.100.1:2000 --count 2 --bind 198.51.100.9:5002
equal 'revoked' "$(edgefw host --json push --dry-run "$lab_folder/after.yaml" | jq -c '.compared[0] | [.difference, .revoked]')" '[null,1]'
edgefw host push "$lab_folder/before.yaml"

chapter 'a dry run says which packets change, exactly'
dry_run() { edgefw host --json push --dry-run "$lab_folder/$1.yaml"; }
equal 'same' "$(dry_run before | jq -c '.compared[0].difference | [.same, .changes]')" '[true,[]]'
equal 'changes' "$(dry_run after | jq -c '[.compared[0].difference.changes[] | [.kind, .from, .to, (.boxes | length), .more]]')" \
    '[["narrowed",{"verdict":"pass","rule":"talk"},{"verdict":"drop","rule":null},3,0]]'
equal 'replayed' "$(dry_run after | jq '.compared[0].difference.replayed')" true
equal 'diff' "$(edgefw host --json diff "$lab_folder/after.yaml" | jq -S .)" \
    "$(dry_run after | jq -S '.compared[0].difference')"
equal 'renamed' "$(dry_run renamed | jq -c '.compared[0].difference | [.same, .renamed, .moved]')" \
    '[true,[{"from":"ssh","to":"shell"}],1]'
got=0
edgefw host push --dry-run --exit-code "$lab_folder/after.yaml" >/dev/null || got=$?
equal 'exit code' "$got" 6
edgefw host push --dry-run --exit-code "$lab_folder/renamed.yaml" >/dev/null

chapter 'it lists the connections that would be revoked, and ends none'
for port in 6001 6002 6003; do
    traffic client udp 198.51.100.1:2000 --count 2 --bind "198.51.100.9:$port"
done
traffic client udp 198.51.100.1:1000 --count 2 --bind 198.51.100.9:6004
traffic client tcp 198.51.100.1:22 --connections 2
# What was learned at port 2000 is the fourth.
revoked=$(edgefw host --json push --dry-run --list "$lab_folder/after.yaml" |
    jq -c '[.compared[0].connections[] | [.local_port, .remote_port]] | sort')
equal 'would be revoked' "$revoked" '[[2000,5002],[2000,6001],[2000,6002],[2000,6003]]'
edgefw host push --dry-run "$lab_folder/after.yaml" | grep -q '^4 connections would be revoked' || fail 'it does not say 4'
edgefw host push --dry-run "$lab_folder/renamed.yaml" | grep -q '^0 connections would be revoked' || fail 'a name ends one'
equal 'all of them' "$(edgefw host --json push --dry-run "$lab_folder/nothing.yaml" | jq '.compared[0].revoked')" \
    "$(edgefw host --json connections | jq '.connections | length')"
equal 'policy in force' "$(edgefw host --json show | jq -c '[.rules[].id]')" '["talk","ssh"]'

chapter 'it says which drops would pass, and which openers would drop'
recent() { dry_run "$1" | jq -c ".compared[0].recent | $2"; }
policy more <<'END'
version: 1
default: drop
rules:
  - {name: talk, side: external, direction: inbound, protocol: udp, local: 198.51.100.1, local_port: [1000, 2000], action: pass}
  - {name: ssh, side: external, direction: inbound, protocol: tcp, local: 198.51.100.1, local_port: 22, action: pass}
  - {name: game, side: external, direction: inbound, protocol: udp, remote: 198.51.100.0/24, local_port: 3000, action: pass}
END
equal 'nothing dropped' "$(recent more '[.minutes, .drops, .openers]')" '[10,[],[]]'
traffic client fire 198.51.100.1:3000 --count 3 --bind 198.51.100.9:7001
traffic client fire 198.51.100.1:4000 --count 2 --bind 198.51.100.9:7002
equal 'would pass' "$(recent more '[.drops[] | [.interface, .source_port, .destination_port, .count, .rule, .would_pass]]')" \
    '[["eth0",7001,3000,3,null,"game"]]'
equal 'as before' "$(recent before '[.drops, .openers]')" '[[],[]]'
text=$(edgefw host push --dry-run "$lab_folder/more.yaml")
[[ $text == *'3 recorded drops of the last 10 minutes would pass:'*'eth0 inbound udp 198.51.100.9:7001 > 198.51.100.1:3000: rule game'* ]] ||
    fail "as text: $text"
opened=$(edgefw host --json counters | jq '[.interfaces[].rules[] | select(.id == "talk") | .connections] | add')
equal 'openers' "$(recent after '[.openers[] | [.rule, .opened, ([.boxes[] | contains(":2000")] | all), .more]]')" \
    "[[\"talk\",$opened,true,0]]"
equal 'of all rules' "$(recent nothing '[.openers[].rule] | sort')" '["ssh","talk"]'

chapter 'the push ends exactly these'
edgefw host push "$lab_folder/after.yaml"
traffic client fire 198.51.100.1:2000 --count 3 --bind 198.51.100.9:6001
traffic client fire 198.51.100.1:2000 --count 3 --bind 198.51.100.9:6002
traffic client fire 198.51.100.1:2000 --count 3 --bind 198.51.100.9:6003
traffic client fire 198.51.100.1:2000 --count 3 --bind 198.51.100.9:5002
equal 'revoked' "$(edgefw host --json connections state=revoked | jq ".connections | length")" 4
traffic client udp 198.51.100.1:1000 --count 2 --bind 198.51.100.9:6004
traffic client udp 198.51.100.1:1000 --count 2 --bind 198.51.100.9:5001
equal 'none but these' "$(edgefw host --json connections state=revoked | jq ".connections | length")" 4
equal 'left' "$(edgefw host --json connections | jq -c '[.connections[] | select(.protocol == "udp" and (.revoked | not)) | .remote_port] | sort')" '[5001,6004]'

edgefw host detach eth0
nothing_left host
