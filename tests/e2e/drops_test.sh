#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# The drop recorder: `edgefw drops` says what dropped, why, and what would pass it now; a flood does not wash out what is
# rare; the records outlive every process and every push; tshark reads them.
# shellcheck source=tests/e2e/story.sh
source "$(dirname "$0")/story.sh"
story_begin
seconds=$(at_length 12 60)
lab_host client host
lab_cable client eth0 host eth0
lab_address client eth0 198.51.100.9/24
lab_address host eth0 198.51.100.1/24
policy closed <<'END'
version: 1
default: drop
rules:
  - {name: trap, side: external, direction: inbound, protocol: udp, local_port: 9, action: drop}
  - {name: web, side: external, direction: inbound, protocol: tcp, local_port: 80, action: pass, log: true}
END
policy open <<'END'
version: 1
default: drop
rules:
  - {name: web-alt, side: external, direction: inbound, protocol: tcp, local_port: 8080, action: pass}
END
serves host tcp://198.51.100.1:80
edgefw host attach eth0 --policy "$lab_folder/closed.yaml"
mac=$(on host ip -json link show eth0 | jq -r '.[0].address')
drops() { edgefw host --json drops "$@"; }

chapter 'who, what, and which rule'
traffic client fire 198.51.100.1:9 --count 3 --bind 198.51.100.9:7000
one=$(drops reason=rule 198.51.100.9 destination_port=9)
equal 'the flow' "$(jq -c '.drops[0] | [.interface, .direction, .reason, .rule, .generation, .protocol, .source,
    .source_port, .destination, .destination_port, .count, .vlan, .would_pass]' <<<"$one")" \
    '["eth0","inbound","rule","trap",1,"udp","198.51.100.9",7000,"198.51.100.1",9,3,null,null]'
[[ $(jq -r '.drops[0].where' <<<"$one") == *closed.yaml:4:* ]] || fail "where: $(jq -r '.drops[0].where' <<<"$one")"
text=$(edgefw host drops rule=trap)
[[ $text == *'trap ('*closed.yaml:4* && $text == *'3 packets in 1 flow'* ]] || fail "as text: $text"
refused 2 'is not a time' host "$EDGEFW" drops --last soon
refused 2 'there is no such reason' host "$EDGEFW" drops reason=nothing

chapter 'what a rule logs: the opener alone'
traffic client tcp 198.51.100.1:80 --connections 1 --bytes 500
equal 'logged' "$(drops rule=web | jq -c '[.drops[] | [.verdict, .count]]')" '[["pass",1]]'

chapter 'a flood of drops, and one packet of another reason now and then'
lab_start client "$story_root/tests/e2e/flood_clients.py" flood eth0 tcp 198.51.100.1:22 1000000000 "$mac" >"$lab_folder/flooded"
flooding=$lab_started
waits_for 60 grep -q ready "$lab_folder/flooded" || fail 'nobody floods'
sent=0
for ((port = 20000; port < 20000 + seconds / 3; port++)); do
    # A datagram may be lost where the flood fills the card's queue: it is sent until it is counted.
    before=$(rule_count host eth0 trap packets)
    until (($(rule_count host eth0 trap packets) > before)); do
        traffic client fire 198.51.100.1:9 --count 1 --bind "198.51.100.9:$port"
    done
    sent=$((sent + 1))
    sleep 3
done
kill $flooding
equal 'found' "$(drops rule=trap | jq '[.drops[] | select(.source_port >= 20000) | .source_port] | unique | length')" "$sent"
totals=$(drops | jq -c '.reasons[] | select(.reason == "default")')
echo "found each of $sent beside the flood: $totals"
(($(jq .dropped <<<"$totals") > 100000)) || fail "that was no flood: $totals"
equal 'in sum' "$(jq '.recorded + .skipped' <<<"$totals")" "$(reason_count host eth0 default)"

chapter 'they outlive a push, and the policy in force says what it would pass'
traffic client fire 198.51.100.1:8080 --count 1 --bind 198.51.100.9:7001
unanswered client tcp 198.51.100.1:8080
equal 'before' "$(drops destination_port=8080 protocol=tcp | jq -c '[.drops[].would_pass] | unique')" '[null]'
edgefw host push "$lab_folder/open.yaml"
equal 'after' "$(drops destination_port=8080 protocol=tcp | jq -c '[.drops[].would_pass] | unique')" '["web-alt"]'
text=$(edgefw host drops destination_port=8080 protocol=tcp)
[[ $text == *'now passes: rule web-alt'* ]] || fail "as text: $text"
equal 'the datagram' "$(drops source_port=7000 | jq -c '.drops | length')" 1
text=$(edgefw host drops source_port=7000)
[[ $text == *'one of generation 1'* ]] || fail "the rule of a policy that has gone: $text"

chapter 'another size of the ring keeps them, off leaves them'
{ cat "$lab_folder/open.yaml" && echo 'record: {bytes: 4194304}'; } >"$lab_folder/larger.yaml"
edgefw host push "$lab_folder/larger.yaml"
equal 'kept' "$(drops source_port=7000 | jq -c '.drops | length')" 1
{ cat "$lab_folder/open.yaml" && echo 'record: {drops: off}'; } >"$lab_folder/off.yaml"
edgefw host push "$lab_folder/off.yaml"
traffic client fire 198.51.100.1:10 --count 1 --bind 198.51.100.9:7003
equal 'kept' "$(drops source_port=7000 | jq -c '.drops | length')" 1
equal 'none new' "$(drops source_port=7003 | jq -c '.drops | length')" 0
edgefw host push "$lab_folder/open.yaml"

chapter 'they are followed'
lab_start host "$EDGEFW" --json drops --follow --last 0 >"$lab_folder/followed"
following=$lab_started
traffic client fire 198.51.100.1:11 --count 1 --bind 198.51.100.9:7004
waits_for 30 grep -q '"source_port":7004' "$lab_folder/followed" || fail 'what drops is not followed'
kill -9 "$following"
wait "$following" 2>/dev/null || true

chapter 'serve writes them, and they outlive it and everybody else'
refused 1 'cannot write /nowhere/drops' host "$EDGEFW" serve --listen 127.0.0.1:0 --drops /nowhere/drops
lab_start host "$EDGEFW" serve --listen 127.0.0.1:0 --drops "$lab_folder/drops.json" 2>"$lab_folder/serve"
serving=$lab_started
waits_for 30 grep -q 'listening on' "$lab_folder/serve" || fail 'serve does not begin'
sleep 1.5 # it looks once a second
traffic client fire 198.51.100.1:12 --count 1 --bind 198.51.100.9:7005
waits_for 30 grep -q '"source_port":7005' "$lab_folder/drops.json" || fail 'what drops is not written'
equal 'a line' "$(jq -c 'select(.source_port == 7005) | [.interface, .reason, .destination_port, .count]' "$lab_folder/drops.json")" '["eth0","default",12,1]'
# Whatever runs of edgefw here.
for pid in $(ip netns pids "$(lab_netns host)"); do
    [[ $(readlink "/proc/$pid/exe") != "$EDGEFW" ]] || kill -KILL "$pid"
done
wait "$serving" 2>/dev/null || true
traffic client fire 198.51.100.1:13 --count 1 --bind 198.51.100.9:7006
equal 'of before and behind' "$(drops protocol=udp | jq -c '[.drops[].source_port | select(. < 20000)] | unique')" '[7000,7001,7004,7005,7006]'

chapter 'tshark reads them'
on host "$EDGEFW" drops source_port=7000 --write "$lab_folder/drops.pcapng"
read=$(tshark -r "$lab_folder/drops.pcapng" -T fields -e udp.dstport -e frame.comment -e frame.verdict.ebpf_xdp -e frame.verdict.hw 2>"$lab_folder/tshark") ||
    fail "tshark refuses the file: $(<"$lab_folder/tshark")"
echo "$read"
[[ $read == 9*'edgefw: drop, reason rule'* ]] || fail "tshark reads: $read"
tshark -r "$lab_folder/drops.pcapng" -V 2>/dev/null | grep -i verdict >"$lab_folder/verdict" || fail 'tshark shows no verdict'
