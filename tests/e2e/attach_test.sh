#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# Attaching and detaching a card: what must not be touched is not touched, and nothing is left behind.
# shellcheck source=tests/e2e/story.sh
source "$(dirname "$0")/story.sh"
story_begin
lab_street

chapter 'an attached card without a policy passes everything, and counts it'
edgefw edge attach eth0
equal 'hooks' "$(hooks edge eth0)" '1 received, 1 sent'
unanswered client udp 198.51.100.1:7 --count 1
serves server udp://10.0.0.5:7
traffic client udp 10.0.0.5:7 --count 40
(($(reason_count edge eth0 no-policy) >= 80)) || fail 'what passes without a policy is not counted'

chapter 'a second attach, a missing card, a card that is not attached'
refused 1 'eth0 is already attached' edge "$EDGEFW" attach eth0
refused 1 'nosuch0' edge "$EDGEFW" attach nosuch0
refused 1 'lo joins the host to itself' edge "$EDGEFW" attach lo
refused 1 'eth1 is not attached' edge "$EDGEFW" detach eth1
equal 'hooks after refusals' "$(hooks edge eth0)" '1 received, 1 sent'

chapter 'detach removes both hooks and every pin'
edgefw edge detach eth0
nothing_left edge
refused 1 'eth0 is not attached' edge "$EDGEFW" detach eth0
nothing_left edge

chapter 'a card with an XDP program of somebody else'
load_foreign
on edge bpftool net attach xdp pinned "$lab_foreign/foreign_received" dev eth0
foreign=$(on edge ip -json link show eth0 | jq '.[0].xdp.prog.id')
refused 1 'another XDP program holds eth0' edge "$EDGEFW" attach eth0
equal 'the foreign program' "$(on edge ip -json link show eth0 | jq '.[0].xdp.prog.id')" "$foreign"
equal 'hooks' "$(hooks edge eth0)" '1 received, 0 sent'
on edge bpftool net detach xdp dev eth0
nothing_left edge

chapter 'a caller without permission'
install -m 755 "$EDGEFW" "$lab_folder/edgefw"
chmod 711 "$lab_folder"
nobody=(setpriv --reuid=65534 --regid=65534 --clear-groups "$lab_folder/edgefw")
refused 5 '' edge "${nobody[@]}" attach eth0
nothing_left edge
edgefw edge attach eth0
refused 5 '' edge "${nobody[@]}" detach eth0
refused 5 '' edge "${nobody[@]}" counters
equal 'hooks after refusals' "$(hooks edge eth0)" '1 received, 1 sent'
edgefw edge detach eth0
policy tested <<'END'
version: 1
default: drop
tests: [{packet: "external inbound udp 198.51.100.9:40000 > 192.0.2.2:1000", expect: pass}]
END
chmod 644 "$lab_folder/tested.yaml"
refused 3 'test failed' edge "${nobody[@]}" check "$lab_folder/tested.yaml"
sed 's/expect: pass/expect: drop/' "$lab_folder/tested.yaml" >"$lab_folder/good.yaml"
chmod 644 "$lab_folder/good.yaml"
on edge "${nobody[@]}" check --strict "$lab_folder/good.yaml" >"$lab_folder/stdout" 2>"$lab_folder/stderr" ||
    fail "check where no program can be loaded: $(<"$lab_folder/stderr")"
grep -q '1 test passed in user space' "$lab_folder/stdout" || fail "the same says: $(<"$lab_folder/stdout")"
grep -q 'no program tried on this kernel' "$lab_folder/stderr" || fail "the same warns: $(<"$lab_folder/stderr")"
policy hidden <<'END'
version: 1
default: drop
rules:
- { name: all, side: external, direction: inbound, action: pass }
- { name: web, side: external, direction: inbound, protocol: tcp, local_port: 443, action: pass }
END
edgefw edge check "$lab_folder/hidden.yaml"
got=0
on edge "$EDGEFW" check --strict "$lab_folder/hidden.yaml" >"$lab_folder/stdout" 2>"$lab_folder/stderr" || got=$?
equal 'exit code of a warning with --strict' "$got" 3
grep -q '1 warning, and --strict lets none pass' "$lab_folder/stderr" || fail "$(<"$lab_folder/stderr")"
{ on edge "$EDGEFW" --json check --strict "$lab_folder/hidden.yaml" 2>/dev/null || true; } | python3 -c '
import json, sys
error, = json.load(sys.stdin)["errors"]
assert error["line"] == 5 and error["hint"] == "move it up or remove it", error' || fail 'a warning with --strict as JSON'
refused 3 'test failed' edge "$EDGEFW" check --strict "$lab_folder/tested.yaml"

chapter 'no bpffs'
# shellcheck disable=SC2016  # expanded by the inner shell
without_bpffs=(unshare --mount --propagation unchanged sh -c 'mount --make-rprivate /sys && umount /sys/fs/bpf && exec "$@"' sh "$EDGEFW")
refused 1 'no bpffs at /sys/fs/bpf' edge "${without_bpffs[@]}" attach eth0
refused 1 'no bpffs at /sys/fs/bpf' edge "${without_bpffs[@]}" status
nothing_left edge

chapter 'wrong command lines'
refused 2 '' edge "$EDGEFW" attach
refused 2 '' edge "$EDGEFW" attach eth0 --side sideways
refused 2 '' edge "$EDGEFW" frobnicate
nothing_left edge

chapter 'generic mode, where the driver cannot'
edgefw edge attach eth0 --mode generic
equal 'mode' "$(edgefw edge --json status | jq -r '.interfaces[0].mode')" generic
traffic client udp 10.0.0.5:7 --count 40
(($(reason_count edge eth0 no-policy) >= 80)) || fail 'generic mode does not see both directions'
edgefw edge detach eth0
nothing_left edge
