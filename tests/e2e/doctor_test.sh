#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# edgefw doctor: what it says of a host that is well, and of what is wrong with one; it changes nothing.
# shellcheck source=tests/e2e/story.sh
source "$(dirname "$0")/story.sh"
story_begin
lab_street

# doctor CODE HOST ARGUMENT...: runs it as JSON into $report; it must end with CODE.
report=$lab_folder/report
doctor() {
    local code=$1 got=0
    on "$2" "${as[@]}" --json doctor "${@:3}" >"$report" 2>"$lab_folder/stderr" || got=$?
    ((got == code)) || fail "exit code $got, not $code: $(<"$lab_folder/stderr") $(jq -c '.findings[] | select(.severity == "fail")' "$report")"
}
as=("$EDGEFW")

# finding ID: its severity; nothing where there is none.
finding() { jq -r --arg id "$1" '.findings[] | select(.id == $id).severity' "$report"; }
text() { jq -r --arg id "$1" '.findings[] | select(.id == $id).text' "$report"; }

# What a host looks like from outside: cards, qdiscs, programs on hooks, pins.
picture() {
    on edge ip link show
    on edge tc qdisc show
    hooks edge eth0
    local pins
    pins=$(lab_pins edge)
    if [[ -e $pins ]]; then find "$pins"; fi
}

chapter 'a host that is well'
before=$(picture)
doctor 0 edge
for id in kernel.xdp-frags kernel.programs libbpf.version bpffs.mounted caller.capabilities nat.forwarding card.eth0; do
    equal "$id" "$(finding $id)" ok
done
equal 'cards' "$(jq -c '[.cards[].interface]' "$report")" '["eth0","eth1"]'
equal 'the driver' "$(jq -r '.cards[0].driver' "$report")" veth
equal 'the host after it was looked at' "$(picture)" "$before"
on edge "$EDGEFW" doctor >"$report" || fail 'the text ends otherwise than the JSON'
grep -q '^ok    kernel.features ' "$report" || fail "no line about features: $(<"$report")"
(($(wc -l <"$report") <= 24)) || fail "more than a screen: $(<"$report")"

chapter 'an attached card is edgefw'\''s own'
edgefw edge attach eth0
doctor 0 edge eth0
equal 'attached' "$(jq -c '.cards[0] | [.attached, all(.programs[]; .edgefw), (.programs | length)]' "$report")" \
    '[true,true,2]'
equal 'cards' "$(jq -c '[.cards[].interface]' "$report")" '["eth0"]'
edgefw edge detach eth0

chapter 'a bridge, a card above another, and an XDP program of somebody else'
on edge ip link add br0 type bridge
on edge ip link set eth1 master br0
on edge ip link add link eth0 name above type macvlan
load_foreign
on edge bpftool net attach xdp pinned "$lab_foreign/foreign_received" dev eth0
doctor 0 edge
equal 'the port of a bridge' "$(finding card.eth1.master)" note
equal 'a bridge has no native XDP' "$(jq -r '.cards[] | select(.interface == "br0").native' "$report")" false
equal 'a macvlan' "$(finding card.above.below)" note
equal 'a foreign program' "$(finding card.eth0.xdp)" warn
[[ $(text card.eth0.xdp) == *foreign_receive* ]] || fail "not named: $(text card.eth0.xdp)"
doctor 1 edge eth0
equal 'a foreign program on the card that was asked about' "$(finding card.eth0.xdp)" fail
on edge bpftool net detach xdp dev eth0

chapter 'settings'
on edge sysctl -qw net.ipv4.ip_forward=0 net.ipv4.ip_local_port_range='1024 65535' net.ipv4.conf.eth1.rp_filter=1 \
    net.ipv4.conf.all.rp_filter=0
on edge ethtool -K eth0 rx-vlan-offload on
doctor 0 edge
equal 'routing' "$(finding nat.forwarding)" note
equal 'local ports' "$(finding nat.local-ports)" warn
equal 'reverse paths' "$(finding nat.reverse-path)" note
equal 'VLAN tags' "$(finding card.eth0.vlan-tags)" note
# The remedies are commands: they cure.
jq -r '.findings[] | select(.id | test("^nat[.]|vlan-tags")).do // empty' "$report" >"$lab_folder/remedies"
on edge bash -e "$lab_folder/remedies" >/dev/null
doctor 0 edge
for id in nat.reverse-path card.eth0.vlan-tags; do
    equal "$id after its remedy" "$(finding $id)" ''
done
equal 'routing after its remedy' "$(finding nat.forwarding)" ok
equal 'local ports after their remedy' "$(finding nat.local-ports)" ok

chapter 'a caller without permission is told what is to be seen, and by whom'
install -m 755 "$EDGEFW" "$lab_folder/edgefw"
chmod 711 "$lab_folder"
as=(setpriv --reuid=65534 --regid=65534 --clear-groups "$lab_folder/edgefw")
doctor 5 edge
equal 'unread' "$(jq '[.findings[] | select(.id == "kernel.programs" or .id == "cards.tcx").read] | any' "$report")" false
equal 'the driver, for everybody' "$(jq -r '.cards[0].driver' "$report")" veth
as=("$EDGEFW")

chapter 'no bpffs'
# shellcheck disable=SC2016  # expanded by the inner shell
as=(unshare --mount --propagation unchanged sh -c 'mount --make-rprivate /sys && umount /sys/fs/bpf && exec "$@"' sh "$EDGEFW")
doctor 1 edge
equal 'bpffs' "$(finding bpffs.mounted)" fail
grep -q 'stands in the way' "$lab_folder/stderr" || fail "it says: $(<"$lab_folder/stderr")"
as=("$EDGEFW")

chapter 'wrong command lines'
refused 1 'no card named nosuch0' edge "$EDGEFW" doctor nosuch0
refused 2 '' edge "$EDGEFW" doctor eth0 eth1
nothing_left edge
