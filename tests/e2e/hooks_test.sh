#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# A card that loses a hook: status, /healthz and a metric say so, attach --again puts it back, serve --keep-attached does
# it by itself.
# shellcheck source=tests/e2e/story.sh
source "$(dirname "$0")/story.sh"
story_begin
lab_street
serves server udp://10.0.0.5:7

policy echo <<'END'
version: 1
default: pass
rules:
  - {name: secret, side: external, direction: inbound, protocol: udp, local_port: 7, state: none, action: drop}
END
pins=$(lab_pins edge)
card_of() { echo "$pins/card_$(on edge ip -json link show "$1" | jq '.[0].ifindex')"; }
health() { on edge curl -sS -o "$lab_folder/health" -w '%{http_code}' http://localhost:9477/healthz; }
metric() { on edge curl -sSf http://localhost:9477/metrics | awk -v name="$1" '$1 == name { print $2 }'; } # NAME{LABELS}
lose_link() { bpftool link detach pinned "$(card_of "$1")/$2"; } # CARD PIN
drops() { traffic client fire 10.0.0.5:7 --count 5 && [[ $(rule_count edge eth0 secret packets) -gt $1 ]]; } # MORE-THAN

edgefw edge attach eth0 --policy "$lab_folder/echo.yaml"
edgefw edge attach eth1 --side internal --policy "$lab_folder/echo.yaml"
lab_start edge "$EDGEFW" serve 2>"$lab_folder/log"
serving=$lab_started
waits_for 60 grep -q 'listening on' "$lab_folder/log"
equal 'health' "$(health)" 200
equal 'the hook holds' "$(metric 'edgefw_hook_attached{interface="eth0",hook="received"}')" 1
edgefw edge status >"$lab_folder/status"
! grep -q 'NOT FILTERING' "$lab_folder/status" || fail 'status finds something lost'

chapter 'the receiving hook of one of two cards'
lose_link eth0 link_received
equal 'health at once' "$(health)" 503
grep -q '^NOT FILTERING: eth0: its receiving hook is lost' "$lab_folder/health" || fail "health: $(<"$lab_folder/health")"
equal 'received' "$(metric 'edgefw_hook_attached{interface="eth0",hook="received"}')" 0
equal 'sent' "$(metric 'edgefw_hook_attached{interface="eth0",hook="sent"}')" 1
equal 'the other card' "$(metric 'edgefw_hook_attached{interface="eth1",hook="received"}')" 1
edgefw edge status >"$lab_folder/status"
# shellcheck disable=SC2016 # they are what it prints
grep -q '^NOT FILTERING: eth0: its receiving hook is lost.*`edgefw attach --again eth0`' "$lab_folder/status" ||
    fail "status: $(<"$lab_folder/status")"
equal 'json' "$(edgefw edge --json status | jq -c '[.not_filtering[] | [.interface, .holds.received, .holds.sent, .pinned]]')" \
    '[["eth0",false,true,true]]'
waits_for 60 grep -q '^NOT FILTERING: eth0: its receiving hook is lost' "$lab_folder/log" || fail "log: $(<"$lab_folder/log")"
edgefw edge push "$lab_folder/echo.yaml" 2>"$lab_folder/said" >/dev/null
grep -q '^warning: NOT FILTERING: eth0' "$lab_folder/said" || fail "push: $(<"$lab_folder/said")"
edgefw edge attach --again eth0
equal 'health' "$(health)" 200
waits_for 60 grep -q 'every attached card filters again' "$lab_folder/log" || fail "log: $(<"$lab_folder/log")"
equal 'said once' "$(grep -c '^NOT FILTERING: eth0: its receiving' "$lab_folder/log")" 1
before=$(rule_count edge eth0 secret packets)
drops "$before" || fail 'the hook that was put back does not filter'

chapter 'the pins of a card'
rm -r "$(card_of eth0)"
equal 'health' "$(health)" 503
edgefw edge status >"$lab_folder/status"
grep -q '^NOT FILTERING: eth0: both its hooks are lost' "$lab_folder/status" || fail "status: $(<"$lab_folder/status")"
refused 1 'edgefw attach eth0 --policy FILE' edge "$EDGEFW" attach --again eth0
kill -TERM "$serving"
wait "$serving"

chapter 'serve that keeps cards attached'
lab_start edge "$EDGEFW" serve --keep-attached --policy "$lab_folder/echo.yaml" 2>"$lab_folder/log"
serving=$lab_started
is_well() { [[ $(health 2>/dev/null) == 200 ]]; }
waits_for 60 is_well || fail "log: $(<"$lab_folder/log")"
grep -q 'eth0 had lost a hook and is attached again' "$lab_folder/log" || fail "log: $(<"$lab_folder/log")"
drops 0 || fail 'the card that was attached again does not filter'
lose_link eth1 link_received
waits_for 60 grep -q 'eth1 had lost a hook and is attached again' "$lab_folder/log" || fail "log: $(<"$lab_folder/log")"
waits_for 60 is_well || fail "log: $(<"$lab_folder/log")"
equal 'side' "$(edgefw edge --json status | jq -r '.interfaces[] | select(.interface == "eth1").side')" internal
kill -TERM "$serving"
wait "$serving"

chapter 'what is remembered is root'"'"'s alone'
# shellcheck disable=SC2016  # expanded by the inner shell
with_memory=("${own_mounts[@]}" sh -c 'mount -t tmpfs -o "$1" none /run/edgefw && shift && exec "$@"' sh)
refused 1 '/run/edgefw can be changed by other users' edge "${with_memory[@]}" mode=0777 "$EDGEFW" status
refused 1 'mend it: look at what is in it, then: rm -r /run/edgefw' edge "${with_memory[@]}" mode=0777 "$EDGEFW" detach eth0
refused 1 '/run/edgefw belongs to user 1000' edge "${with_memory[@]}" uid=1000,mode=0700 "$EDGEFW" push "$lab_folder/echo.yaml"

chapter 'detach forgets'
edgefw edge detach eth0
rm -r "$(card_of eth1)"
edgefw edge detach eth1
edgefw edge status >"$lab_folder/status"
grep -q 'nothing is attached' "$lab_folder/status" || fail "status: $(edgefw edge status)"
nothing_left edge

chapter 'where nothing can be remembered attach says so, and filters'
mkdir -p /run/edgefw
on edge "${with_memory[@]}" ro,mode=0700 "$EDGEFW" attach eth0 2>"$lab_folder/said" >/dev/null
grep -q '^warning: eth0 is not remembered as attached' "$lab_folder/said" || fail "attach: $(<"$lab_folder/said")"
edgefw edge detach eth0
nothing_left edge
