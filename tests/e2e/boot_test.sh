#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# edgefw boot: the card is closed before anything else happens, opens with its policy, and what cannot even be closed
# stays down. The unit and real reboots: tests/kernels/boot_test.sh.
# shellcheck source=tests/e2e/story.sh
source "$(dirname "$0")/story.sh"
story_begin
lab_host edge client
lab_cable client eth0 edge eth0
lab_address client eth0 198.51.100.9/24 2001:db8:9::9/64
lab_address edge eth0 198.51.100.1/24 2001:db8:9::1/64

config() { cat >"$lab_folder/boot.conf"; }
boot() { edgefw edge boot eth0 --config "$lab_folder/boot.conf" "$@"; }
# booting NAME: boot in the background, as the unit runs it; what it says is in $lab_folder/NAME.
booting() {
    lab_start edge "$EDGEFW" boot eth0 --config "$lab_folder/boot.conf" 2>"$lab_folder/$1"
    booted=$lab_started
}
says() { grep -qF -- "$2" "$lab_folder/$1"; } # NAME TEXT
closed() { edgefw edge --json status | jq -r '[.closed[].interface] | join(" ")'; }
dropped() { edgefw edge --json status | jq ".closed[0].$1.dropped"; } # received|sent
passes() { traffic client "$1" 198.51.100.1:"$2" >/dev/null 2>&1; } # tcp|udp PORT
stays_out() { ! EDGEFW_ANSWER_SECONDS=1 passes "$@"; } # likewise

policy good <<EOF
version: 1
default: drop
rules:
- {name: web, side: external, direction: inbound, protocol: tcp, local: 198.51.100.1, local_port: 443, action: pass}
EOF
policy bad <<EOF
version: 1
default: perhaps
EOF
serves edge tcp://198.51.100.1:22 tcp://198.51.100.1:443 udp://198.51.100.1:53

chapter 'a policy that is refused: the card is closed, but for the networks that are named'
config <<EOF
on_boot_failure: closed
ssh_from: 198.51.100.0/29
policy: $lab_folder/bad.yaml
EOF
refused_boot() { # CODE TEXT: boot ends with CODE, and says TEXT
    local got=0
    boot --once >"$lab_folder/stdout" 2>"$lab_folder/stderr" || got=$?
    ((got == $1)) || fail "exit code $got, not $1: $(<"$lab_folder/stderr")"
    says stderr "$2" || fail "boot should say '$2', and says: $(<"$lab_folder/stderr")"
}
refused_boot 3 'bad.yaml:2:10'
refused_boot 3 'eth0 is CLOSED until then'
equal 'closed cards' "$(closed)" eth0
equal 'hooks' "$(hooks edge eth0)" '1 received, 1 sent'
stays_out tcp 22 || fail 'SSH passes from a network that is not named'
stays_out tcp 443 || fail 'a port other than 22 passes'
(($(dropped received) > 0)) || fail 'what drops is not counted'
before=$(dropped sent)
unanswered edge udp 198.51.100.9:7 --count 2
(($(dropped sent) > before)) || fail 'the host sends'
[[ $(edgefw edge status) == *'eth0 is CLOSED until its policy is in force'*'nothing is attached'* ]] || fail "$(edgefw edge status)"
edgefw edge doctor eth0 >"$lab_folder/doctor"
says doctor 'card.eth0.closed' || fail "$(<"$lab_folder/doctor")"
says doctor 'card.eth0.tc ' && fail 'doctor takes what closes the card for a program of somebody else'
refused 1 'eth0 is closed until its policy is in force' edge "$EDGEFW" push "$lab_folder/good.yaml"

chapter 'closed again by other words, without a moment between'
config <<EOF
on_boot_failure: closed
ssh_from: [203.0.113.0/24, 198.51.100.8/30, 2001:db8:9::/64]
policy: $lab_folder/bad.yaml
EOF
refused_boot 3 'and SSH of 203.0.113.0/24, 198.51.100.8/30, 2001:db8:9::/64'
equal 'hooks' "$(hooks edge eth0)" '1 received, 1 sent'
passes tcp 22 || fail 'SSH of a named network does not pass'
on client ip neighbour flush dev eth0
on edge ip neighbour flush dev eth0
passes tcp 22 || fail 'SSH does not pass where its neighbour must be found first'
stays_out tcp 443 || fail 'a port other than 22 passes'
stays_out udp 53 || fail 'UDP passes'

chapter 'the policy is mended: it comes into force, and no packet passes that it does not name meanwhile'
booting mended
waits_for 60 says mended 'eth0 is CLOSED until then' || fail "boot says: $(<"$lab_folder/mended")"
# Datagrams all the while, to a server that neither names.
lab_start client bash -c 'while :; do "$@"; done' sh "$story_root/tests/e2e/traffic.py" fire 198.51.100.1:53 --count 100
firing=$lab_started
cp "$lab_folder/good.yaml" "$lab_folder/bad.yaml"
wait "$booted" || fail "boot ended with $?: $(<"$lab_folder/mended")"
says mended 'attached to eth0 (external' || fail "boot says: $(<"$lab_folder/mended")"
equal 'closed cards' "$(closed)" ''
equal 'hooks' "$(hooks edge eth0)" '1 received, 1 sent'
kill "$firing"
wait "$firing" || true
passes tcp 443 || fail 'the policy is not in force'
stays_out tcp 22 || fail 'SSH passes although the policy does not name it'

chapter 'the unit runs again: what is attached stays as it is'
generation_before=$(generation edge)
boot 2>"$lab_folder/again"
says again 'eth0 is attached already' || fail "$(<"$lab_folder/again")"
equal 'the generation' "$(generation edge)" "$generation_before"
edgefw edge detach eth0
nothing_left edge

chapter 'no boot.conf, and one that is wrong: closed'
rm "$lab_folder/boot.conf"
boot --once >/dev/null 2>"$lab_folder/stderr" && fail 'there is no policy' # /etc/edgefw/policy.yaml
says stderr 'and SSH of nobody' || fail "$(<"$lab_folder/stderr")"
config <<EOF
on_boot_failure: closed
ssh_from: 198.51.100.9
policy: $lab_folder/good.yaml
cards: {eth0: {side: extrenal}}
EOF
refused_boot 3 "boot.conf:4:22: 'extrenal' is not a side"
equal 'closed cards' "$(closed)" eth0
passes tcp 22 || fail 'what could be read of boot.conf does not count'

chapter 'detach opens a closed card, also one that two have closed at once'
edgefw edge detach eth0
for ((pair = 0; pair < 5; pair++)); do
    boot --once >/dev/null 2>"$lab_folder/one" &
    one=$!
    boot --once >/dev/null 2>"$lab_folder/two" && fail 'boot.conf is wrong'
    wait "$one" && fail 'boot.conf is wrong'
    for which in one two; do
        says "$which" 'eth0 is CLOSED' || fail "boot says: $(<"$lab_folder/$which")"
    done
    equal 'hooks' "$(hooks edge eth0)" '1 received, 1 sent'
    edgefw edge detach eth0 >/dev/null
    nothing_left edge
    equal 'qdiscs of clsact' "$(on edge tc qdisc show dev eth0 | grep -c clsact || true)" 0
done

chapter 'what attach refuses is not closed'
refused 1 'lo joins the host to itself' edge "$EDGEFW" boot lo --once
refused 1 'no card named nosuch0' edge "$EDGEFW" boot nosuch0
nothing_left edge

chapter 'open, where the operator wants it, also when it was closed'
boot --once >/dev/null 2>&1 && fail 'boot.conf is wrong'
equal 'closed cards' "$(closed)" eth0
config <<EOF
on_boot_failure: open
policy: $lab_folder/nosuch.yaml
EOF
refused_boot 1 'eth0 is OPEN until then: everything passes'
nothing_left edge
passes tcp 22 || fail 'it is not open'

chapter 'a file system for state that is broken: closed all the same'
config <<EOF
on_boot_failure: closed
ssh_from: 198.51.100.9
policy: $lab_folder/good.yaml
EOF
# shellcheck disable=SC2016  # expanded by the inner shell
without_bpffs=(unshare --mount --propagation unchanged sh -c 'mount --make-rprivate /sys && umount /sys/fs/bpf && exec "$@"' sh)
# What is in force cannot be kept without it, and closing the card does not need it.
closes_without_bpffs() {
    on edge "${without_bpffs[@]}" "$EDGEFW" boot --once eth0 --config "$lab_folder/boot.conf" >/dev/null 2>"$lab_folder/stderr" &&
        fail 'there is no bpffs'
    equal 'closed cards without a bpffs' "$(closed)" eth0
}
closes_without_bpffs
says stderr 'no bpffs at /sys/fs/bpf' || fail "$(<"$lab_folder/stderr")"
equal 'closed cards' "$(closed)" eth0
passes tcp 22 || fail 'SSH of a named network does not pass'
stays_out tcp 443 || fail 'the card is open'

chapter 'it is there again: attach takes the card over, at each kind of hook'
for egress in tcx clsact; do
    edgefw edge attach eth0 --policy "$lab_folder/good.yaml" --mode tc --egress "$egress" >/dev/null 2>&1 || continue
    equal 'closed cards' "$(closed)" ''
    equal 'hooks' "$(hooks edge eth0)" '1 received, 1 sent'
    passes tcp 443 || fail 'the policy is not in force'
    edgefw edge detach eth0
    nothing_left edge
    equal 'qdiscs of clsact' "$(on edge tc qdisc show dev eth0 | grep -c clsact || true)" 0
    closes_without_bpffs
done

chapter 'boot is killed anywhere: the card is closed or under its policy'
begin=$(date +%s%3N)
boot 2>/dev/null
readonly longest=$((($(date +%s%3N) - begin) * 5 / 4))
edgefw edge detach eth0 >/dev/null
RANDOM=1 # the same kills in every run
was_closed=0 was_armed=0
readonly kills=${EDGEFW_KILLS:-$(at_length 6 8)}
for ((number = 0; number < kills || (number < 4 * kills && was_closed == 0); number++)); do
    closes_without_bpffs
    booting killed
    sleep "$(printf '0.%03d' $((RANDOM % longest)))"
    kill -KILL "$booted" 2>/dev/null || true
    wait "$booted" 2>/dev/null || true
    traffic client fire 198.51.100.1:53 --count 20 >/dev/null
    if [[ -n $(closed) ]]; then was_closed=$((was_closed + 1)); else
        (($(generation edge) > 0)) || fail "kill $number: the card is neither closed nor armed"
        was_armed=$((was_armed + 1))
    fi
    boot 2>/dev/null || fail "kill $number: the next boot does not work"
    equal "closed cards after kill $number" "$(closed)" ''
    edgefw edge detach eth0 >/dev/null
    nothing_left edge
done
printf 'closed %d times, armed %d times\n' "$was_closed" "$was_armed"
((was_closed > 0)) || fail 'no kill fell before the end'
closes_without_bpffs

chapter 'an attach that fails leaves a closed card closed'
refused 3 'bad2.yaml' edge "$EDGEFW" attach eth0 --policy "$(policy bad2 <<<'version: 2'; echo "$lab_folder/bad2.yaml")"
equal 'closed cards' "$(closed)" eth0
edgefw edge detach eth0

chapter 'what cannot even be closed is down, and stays down'
on edge tc qdisc add dev eth0 clsact
load_foreign
on edge tc filter add dev eth0 ingress prio 1 handle 0xc105ed bpf da pinned "$lab_foreign/foreign_sent"
foreign=$(on edge tc filter show dev eth0 ingress)
is_up() { [[ $(on edge ip -json link show eth0 | jq -r '.[0].flags | index("UP")') != null ]]; }
config <<EOF
on_boot_failure: closed
ssh_from: 198.51.100.9
policy: $lab_folder/nosuch.yaml
EOF
booting down
waits_for 60 says down 'eth0 is kept DOWN until then: it cannot be closed' || fail "boot says: $(<"$lab_folder/down")"
is_up && fail 'the card is up'
on edge ip link set eth0 up # as whoever configures the network does
waits_for 60 eval '! is_up' || fail 'the card stays up'
cp "$lab_folder/good.yaml" "$lab_folder/nosuch.yaml"
wait "$booted" || fail "boot ended with $?: $(<"$lab_folder/down")"
is_up || fail 'what somebody wanted up is not up'
equal 'the filter of somebody else' "$(on edge tc filter show dev eth0 ingress)" "$foreign"
on edge tc qdisc del dev eth0 clsact
edgefw edge detach eth0

ends_serving edge
equal 'datagrams that came through while the card was closed or under its policy' "$(received edge udp://198.51.100.1:53)" 0
