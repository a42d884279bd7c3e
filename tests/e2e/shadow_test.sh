#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# A policy that is asked beside the one in force: what it would decide otherwise is told, nothing else changes, a killed
# `push --shadow` leaves the policy in force whole, and the push of the same file does what was told.
# shellcheck source=tests/e2e/story.sh
source "$(dirname "$0")/story.sh"
story_begin
lab_street
serves server udp://10.0.0.5:1000 udp://10.0.0.5:2000

passes_port() {
    cat <<END
version: 1
default: drop
rules:
  - {name: ext-$1, side: external, direction: inbound, protocol: udp, local_port: $1, action: pass}
  - {name: int-$1, side: internal, direction: both, protocol: udp, remote_port: $1, state: none, action: pass}
END
}
passes_port 1000 | policy one
passes_port 2000 | policy two
digest=$(sha256sum "$lab_folder/one.yaml" | cut -d' ' -f1)
edgefw edge attach eth0
edgefw edge attach eth1 --side internal
refused 1 'no policy is in force' edge "$EDGEFW" push --shadow "$lab_folder/two.yaml"
edgefw edge push "$lab_folder/one.yaml"

# told: of eth0, the pairs of rules with what they count.
told() {
    edgefw edge --json counters eth0 --shadow | jq -r '.shadows[].differences[] |
        "\(.in_force.verdict) \(.in_force.rule // .in_force.reason) > \(.shadow.rule // .shadow.reason): \(.packets) \(.connections)"' | sort
}
is_open() { grep -q 'first is back' "$lab_folder/flow"; }

chapter 'a connection is open, and a shadow begins'
lab_start client "$story_root/tests/e2e/traffic.py" udp 10.0.0.5:1000 --count 0 --gap 0.02 >"$lab_folder/flow" 2>&1
flow=$lab_started
waits_for 60 is_open || fail "no connection is open: $(<"$lab_folder/flow")"
edgefw edge push --shadow "$lab_folder/two.yaml" | tee "$lab_folder/said"
grep -q 'two.yaml is the shadow of eth0, eth1 and decides nothing' "$lab_folder/said" || fail 'push --shadow says something else'
traffic client udp 10.0.0.5:1000 --count 1
unanswered client udp 10.0.0.5:2000 --count 2
waits_for 10 told >"$lab_folder/told"
equal 'told' "$(told | tr '\n' ';')" 'drop default > ext-2000: 2 0;pass ext-1000 > default: 1 1;'
edgefw edge status | grep '^SHADOW: eth0: .*two.yaml, asked about 4, would decide 4 otherwise$' || fail 'status says something else'
equal 'recorded' "$(edgefw edge --json drops --iface eth0 --shadow | jq -c '[.drops[] | [.verdict, .rule]] | sort | unique')" \
    '[["drop",null],["pass","ext-2000"]]'
equal 'drops beside it' "$(edgefw edge --json drops --iface eth0 | jq -c '[.drops[] | .shadow] | unique')" '[false]'
equal 'in the history' "$(edgefw edge --json history | jq -c '[.history[] | [.entry, .in_force]]')" '[[1,["eth0","eth1"]]]'

kills=$(at_length 6 40)
chapter "$kills kills of a push of a shadow"
RANDOM=2
begin=$(date +%s%3N)
edgefw edge push --shadow "$lab_folder/two.yaml" >"$lab_folder/pushed"
longest=$((($(date +%s%3N) - begin) * 3 / 2))
for ((number = 0; number < kills; number++)); do
    lab_start edge "$EDGEFW" push --shadow "$lab_folder/two.yaml" >"$lab_folder/pushed" 2>&1
    after=$((RANDOM % longest))
    sleep "$((after / 1000)).$(printf '%03d' $((after % 1000)))"
    kill -KILL "$lab_started" 2>/dev/null || true # some are done by then
    wait "$lab_started" 2>/dev/null || true
    equal 'in force' "$(edgefw edge --json status | jq -r '[.interfaces[].digest] | unique | join(" ")')" "$digest"
    edgefw edge counters --shadow >"$lab_folder/counters" || fail "kill $number: $(<"$lab_folder/counters")"
    traffic client udp 10.0.0.5:1000 --forbidden 10.0.0.5:2000 --count 1 >"$lab_folder/traffic" 2>&1 ||
        fail "kill $number: $(<"$lab_folder/traffic")"
done

chapter 'it ends, and leaves nothing'
edgefw edge push --shadow "$lab_folder/two.yaml"
edgefw edge push --end-shadow
refused 1 'there is no shadow' edge "$EDGEFW" push --end-shadow
refused 1 'there is no shadow' edge "$EDGEFW" counters --shadow
refused 1 'there is no shadow' edge "$EDGEFW" drops --shadow
refused 1 'there is no shadow on eth1' edge "$EDGEFW" push --end-shadow --iface eth1
refused 2 'FILE' edge "$EDGEFW" push --shadow
refused 1 'nowhere.yaml' edge "$EDGEFW" push --shadow "$lab_folder/nowhere.yaml"
equal 'pins' "$(find "$(lab_pins edge)" -name 'shadow*')" ''
equal 'generations' "$(find "$(lab_pins edge)" -name 'generation_*' | wc -l)" 1
kill -0 "$flow" 2>/dev/null || fail "the connection has ended: $(<"$lab_folder/flow")"

chapter 'pushed, it does what was told'
edgefw edge push --shadow "$lab_folder/two.yaml"
edgefw edge push "$lab_folder/two.yaml"
equal 'a shadow behind it' "$(edgefw edge --json status | jq -c '[.interfaces[].shadow] | unique')" '[null]'
traffic client udp 10.0.0.5:2000 --forbidden 10.0.0.5:1000 --count 1

chapter 'of one card alone: the policy in force is still one'
edgefw edge push --shadow "$lab_folder/one.yaml" --iface eth0
equal 'compared' "$(edgefw edge --json push --dry-run "$lab_folder/two.yaml" | jq -c '[.compared[].interfaces]')" '[["eth0","eth1"]]'

chapter 'behind a push that fell back: that stays said, and the history names the push that is in force'
in_force() { edgefw edge --json history | jq -c '[.history[] | select(.in_force != []) | .entry]'; }
edgefw edge push "$lab_folder/one.yaml"
pushed=$(in_force)
! on edge "$EDGEFW" push --confirm 1s "$lab_folder/two.yaml" >"$lab_folder/said" 2>&1 </dev/null || fail 'nobody has confirmed it'
{ cat "$lab_folder/two.yaml" && echo 'nat: [{name: map, type: port-forward, protocol: udp, public: 198.51.100.1, public_port: 9, to: 10.0.0.5}]'; } |
    policy translates
for change in "--shadow $lab_folder/translates.yaml" --end-shadow; do
    # shellcheck disable=SC2086
    on edge "$EDGEFW" push $change >"$lab_folder/said" 2>"$lab_folder/warned"
    [[ $change == --end-shadow ]] || grep -q 'NAT entries are not those in force' "$lab_folder/warned" ||
        fail "nothing is said of NAT: $(<"$lab_folder/warned")"
    edgefw edge status | grep -q '^FELL BACK' || fail "push $change takes back that a push fell back"
    equal "in force behind push $change" "$(in_force)" "$pushed"
done

edgefw edge detach eth0
edgefw edge detach eth1
nothing_left edge
