#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# A capture of 10^5 packets that is replayed is counted as the card counted the packets themselves, rule by rule.
# shellcheck source=tests/e2e/story.sh
source "$(dirname "$0")/story.sh"
story_begin
lab_host client host
lab_cable client eth0 host eth0
lab_address client eth0 198.51.100.9/24 2001:db8:9::9/64
lab_address host eth0 198.51.100.1/24 2001:db8:9::1/64
# A capture has what the wire would: frames, not what is parted into frames later.
for host in client host; do on "$host" ethtool -K eth0 tso off gso off gro off tx off >/dev/null; done
serves host udp://198.51.100.1:1000 "udp://[2001:db8:9::1]:1000" tcp://198.51.100.1:80
serves client udp://198.51.100.9:2000

policy first <<'YAML'
version: 1
default: drop
rules:
  - {name: media, side: external, direction: inbound, protocol: udp, local_port: 1000, action: pass}
  - {name: trap, side: external, direction: inbound, protocol: udp, local_port: 1001, action: drop}
  - {name: web, side: external, direction: inbound, protocol: tcp, local_port: 80, action: pass}
  - {name: call, side: external, direction: outbound, protocol: udp, remote_port: 2000, action: pass}
YAML
sed 's/local_port: 80/local_port: 81/' "$lab_folder/first.yaml" | policy second

counts() { jq -c '.[] | [.direction, .verdict, .reason, .packets, .bytes]' | sort; }
rules() { jq -c '.[] | select(.packets > 0) | [.id, .packets, .bytes]' | sort; }
# What the card counted, by reason and by rule.
of_card() {
    local counted
    counted=$(edgefw host --json counters eth0)
    jq '.interfaces[0].directions' <<<"$counted" | counts
    jq '.interfaces[0].rules' <<<"$counted" | rules
}
# The card counts by reason over all rules, and by rule over all reasons.
of_replay() {
    edgefw host --json replay "$@" >"$lab_folder/replay.json"
    jq '.policies[0].counts | group_by([.direction, .verdict, .reason]) |
        map(.[0] + {packets: (map(.packets) | add), bytes: (map(.bytes) | add)})' "$lab_folder/replay.json" | counts
    jq '.policies[0].counts | map(select(.rule)) | group_by(.rule) |
        map({id: .[0].rule, packets: (map(.packets) | add), bytes: (map(.bytes) | add)})' "$lab_folder/replay.json" | rules
}

# A file that is being written may end within a packet.
captured() { capinfos -Mc "$1" 2>/dev/null | awk '/^Number of packets/ { print $NF }' || true; }
card_packets() { edgefw host --json counters eth0 | jq '.interfaces[0].total.packets'; }
all_is_captured() { (($(captured "$lab_folder/client.pcap") == $(card_packets))); }
capture_ends() {
    kill -TERM "$tcpdump"
    wait "$tcpdump" || true
}
# capture_begins BYTES: at the other end of the cable, of each packet the first BYTES. Hosts tell the groups they listen
# to when they like: anew, until it has every packet that the card counts from its first on.
capture_begins() {
    if [[ -n ${tcpdump-} ]]; then
        capture_ends
        edgefw host detach eth0
    fi
    edgefw host attach eth0 --policy "$lab_folder/first.yaml"
    lab_start client tcpdump -i eth0 -U --immediate-mode --buffer-size=65536 -s "$1" -w "$lab_folder/client.pcap" \
        2>"$lab_folder/tcpdump"
    tcpdump=$lab_started
    waits_for 30 grep -q listening "$lab_folder/tcpdump" || fail 'tcpdump does not listen'
    all_is_captured
}
# One moment of both: what the card has counted is `wanted`, what was captured is the file $capture.
is_one_moment() {
    wanted=$(of_card)
    cp "$lab_folder/client.pcap" "$capture"
    number=$(captured "$capture")
    ((number == $(jq -s 'map(select(length == 5)[3]) | add' <<<"$wanted")))
}

chapter '10^5 packets, as the other end of the cable sees them'
waits_for 60 capture_begins 128 || fail 'the network does not come to rest'
traffic client udp 198.51.100.1:1000 --count 600 --bytes 300
traffic client udp '[2001:db8:9::1]:1000' --count 100 --bytes 64
traffic client fire 198.51.100.1:1001 --count 77
traffic client fire 198.51.100.1:1002 --count 33
traffic client tcp 198.51.100.1:80 --connections "$(much_of 100 4)" --bytes 600000
capture=$lab_folder/capture.pcap
waits_for 60 is_one_moment || fail "$number packets were captured, and the card counted $wanted"
grep -q '"web",' <<<"$wanted" || fail "no rule was counted: $wanted"
((number > $(much_of 100000 4000))) || fail "only $number packets"

chapter 'the counts are those of the card, by the policy in force and by its file'
mac=$(on host ip -json link show eth0 | jq -r '.[0].address')
equal 'in force' "$(of_replay "$capture" --local "$mac")" "$wanted"
equal 'judged by' "$(jq -c '[.policies[0].by, .policies[0].refused.first, .packets]' "$lab_folder/replay.json")" \
    "[\"kernel\",null,$number]"
(($(jq .filled_up "$lab_folder/replay.json") > number / 10)) || fail 'nothing was captured in part'
equal 'by the file' "$(of_replay "$capture" --local "$mac" --policy "$lab_folder/first.yaml")" "$wanted"
equal 'by networks' "$(of_replay - --local 198.51.100.1 --local 2001:db8:9::1 --local fe80::/10 <"$capture" |
    grep -v builtin)" "$(grep -v builtin <<<"$wanted")"
echo "   $(edgefw host --verbose replay "$capture" --local "$mac" 2>&1 >/dev/null | grep 'replay:')"

chapter 'without root: the same, in user space'
cp "$EDGEFW" "$lab_folder/edgefw"
chmod 755 "$lab_folder" "$lab_folder/edgefw"
chmod 644 "$capture" "$lab_folder/first.yaml"
nobody=(setpriv --reuid=65534 --regid=65534 --clear-groups "$lab_folder/edgefw")
on host "${nobody[@]}" --json replay "$capture" --local "$mac" --policy "$lab_folder/first.yaml" >"$lab_folder/nobody.json"
edgefw host --json replay "$capture" --local "$mac" --policy "$lab_folder/first.yaml" >"$lab_folder/replay.json"
as_root=$(jq -c '.policies[0].counts' "$lab_folder/replay.json")
equal 'in user space' "$(jq -c '.policies[0].counts' "$lab_folder/nobody.json")" "$as_root"
equal 'it says so' "$(jq -r '.policies[0].by' "$lab_folder/nobody.json")" user-space
refused 5 'needs no root' host "${nobody[@]}" replay "$capture" --local "$mac"

chapter 'two policies: what differs is the web, and nothing else'
edgefw host --json replay "$capture" --local "$mac" --in-force --policy "$lab_folder/second.yaml" \
    >"$lab_folder/two.json"
equal 'changes' "$(jq -r '.changes[] | "\(.direction) \(.old.rule) \(.new.verdict) \(.new.reason)"' "$lab_folder/two.json" | sort -u)" \
    $'inbound web drop default\noutbound web drop default'
equal 'the first' "$(jq -r '.unexpected.first[0].packet' "$lab_folder/two.json" | sed 's/:[0-9]* >/ >/')" \
    'external inbound tcp 198.51.100.9 > 198.51.100.1:80 syn'
equal 'how many' "$(jq .unexpected.packets "$lab_folder/two.json")" \
    "$(jq '[.policies[0].counts[] | select(.rule == "web").packets] | add' "$lab_folder/two.json")"
edgefw host replay "$capture" --local "$mac" --policy "$lab_folder/first.yaml" \
    --policy "$lab_folder/second.yaml" | grep -q '^and [0-9]* more$' || fail 'more packets than are listed are not counted'

chapter 'what was recorded as dropped, by another policy'
edgefw host drops --write "$lab_folder/drops.pcapng" rule=trap >/dev/null
sed 's/1001, action: drop/1001, action: pass/' "$lab_folder/first.yaml" | policy third
equal 'as before' "$(edgefw host --json replay "$lab_folder/drops.pcapng" | jq .unexpected.packets)" 0
edgefw host replay "$lab_folder/drops.pcapng" --policy "$lab_folder/third.yaml" | grep -q 'otherwise than the capture says' ||
    fail 'what would pass now is not named'

chapter 'without a direction, cut off, and captured in part'
refused 2 'give --local' host "$EDGEFW" replay "$capture"
refused 1 'is no pcap or pcapng file' host "$EDGEFW" replay "$lab_folder/first.yaml"
refused 1 'cannot read' host "$EDGEFW" replay "$lab_folder/none.pcap"
head -c 10000 "$capture" >"$lab_folder/cut.pcap"
got=0
edgefw host replay "$lab_folder/cut.pcap" --local "$mac" >"$lab_folder/stdout" 2>"$lab_folder/stderr" || got=$?
equal 'exit code' "$got" 1
grep -q 'packets judged' "$lab_folder/stdout" || fail "nothing of the cut capture was judged"
grep -q 'is cut off behind packet' "$lab_folder/stderr" || fail "it says: $(<"$lab_folder/stderr")"

"$story_root/tests/e2e/short_capture.py" "$capture" "$mac" >"$lab_folder/short.pcapng"
equal 'in part, with directions' "$(of_replay "$lab_folder/short.pcapng" --policy "$lab_folder/first.yaml")" "$wanted"

chapter 'frames that are longer than a test run takes'
for host in client host; do on "$host" ip link set eth0 mtu 9000; done
waits_for 60 capture_begins 128 || fail 'the network does not come to rest'
traffic client tcp 198.51.100.1:80 --connections 5 --bytes 400000
# Their openers are such frames, so that nobody who has not judged them knows the answers.
traffic host udp 198.51.100.9:2000 --count 20 --bytes 5000
capture=$lab_folder/jumbo.pcap
waits_for 60 is_one_moment || fail "$number packets were captured, and the card counted $wanted"
equal 'jumbo frames' "$(of_replay "$capture" --local "$mac" --policy "$lab_folder/first.yaml")" "$wanted"
refused=$(jq '.policies[0].refused.packets' "$lab_folder/replay.json")
((refused > 50)) || fail "the kernel refused $refused packets"
edgefw host replay "$capture" --local "$mac" | grep -q 'packets judged in user space, those from [0-9]* on' ||
    fail 'it does not say who judged'
capture_ends

edgefw host detach eth0
refused 1 'attach' host "$EDGEFW" replay "$capture" --local "$mac"
edgefw host attach eth0
refused 1 'no policy is in force' host "$EDGEFW" replay "$capture" --local "$mac"
edgefw host detach eth0
nothing_left host
