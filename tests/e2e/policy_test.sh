#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# Policies that are wrong change nothing; policies that are right come into force on every card at once.
# shellcheck source=tests/e2e/story.sh
source "$(dirname "$0")/story.sh"
story_begin
lab_street
serves server udp://10.0.0.5:1000 udp://10.0.0.5:2000

# Passes one UDP port through both cards and nothing else.
pass_port() {
    cat <<END
version: 1
default: drop
rules:
  - {name: out, side: external, direction: inbound, protocol: udp, local: 10.0.0.5, local_port: $1, action: pass}
  - {name: in, side: internal, direction: inbound, protocol: udp, remote: 10.0.0.5, remote_port: $1, action: pass}
END
}
pass_port 1000 | policy first
pass_port 2000 | policy second
wrong=$lab_folder/wrong.yaml

chapter 'a push with nothing attached'
refused 1 'no card is attached' edge "$EDGEFW" push "$lab_folder/first.yaml"
nothing_left edge

chapter 'attach --policy is in force from the first packet'
edgefw edge attach eth0 --policy "$lab_folder/first.yaml"
traffic client udp 10.0.0.5:1000 --count 10
traffic client fire 10.0.0.5:2000 --count 10
equal 'dropped by default' "$(reason_count edge eth0 default)" 10
edgefw edge attach eth1 --side internal --policy "$lab_folder/first.yaml"
traffic client udp 10.0.0.5:1000 --count 10
equal 'connections on eth1' "$(rule_count edge eth1 in connections)" 1

chapter 'attach with a wrong policy leaves nothing'
edgefw edge detach eth1
echo 'version: 2' | policy wrong
refused 3 "$wrong:1:" edge "$EDGEFW" attach eth1 --side internal --policy "$wrong"
equal 'hooks of eth1' "$(hooks edge eth1)" '0 received, 0 sent'
edgefw edge attach eth1 --side internal
edgefw edge push "$lab_folder/first.yaml"
mv "$lab_folder/first.yaml" "$lab_folder/moved.yaml"
edgefw edge show --source | cmp - "$lab_folder/moved.yaml" || fail 'show --source is not what was pushed'
equal 'digest' "$(edgefw edge --json show | jq -r .digest)" "$(sha256sum <"$lab_folder/moved.yaml" | cut -d' ' -f1)"
mv "$lab_folder/moved.yaml" "$lab_folder/first.yaml"

chapter 'a wrong policy names every error and changes nothing'
before=$(edgefw edge --json status | jq -c '.interfaces | map({generation, digest, programs})')
policy wrong <<'END'
version: 1
default: drop
rules:
  - {name: one, side: outside, direction: inbound, action: pass}
  - {name: two, side: external, direction: inbound, protocol: udp, local_port: 70000, action: pass}
  - {name: two, side: external, direction: inbound, actoin: pass}
END
got=0
edgefw edge push "$wrong" 2>"$lab_folder/errors" || got=$?
equal 'exit code' "$got" 3
for line in 4 5 6; do
    grep -q "^$wrong:$line:[0-9]*: " "$lab_folder/errors" || fail "no error names line $line: $(<"$lab_folder/errors")"
done
equal 'status' "$(edgefw edge --json status | jq -c '.interfaces | map({generation, digest, programs})')" "$before"
for command in check push; do
    got=0
    edgefw edge --json "$command" "$wrong" >"$lab_folder/errors" 2>/dev/null || got=$?
    equal "exit code of $command --json" "$got" 3
    equal "errors of $command --json" "$(jq -c '[.errors[] | .line] | unique' "$lab_folder/errors")" '[4,5,6]'
done
traffic client udp 10.0.0.5:1000 --count 10

chapter 'a policy whose own test fails is not pushed'
{
    pass_port 2000
    printf 'tests:\n  - {packet: "external inbound udp 198.51.100.9:40000 > 10.0.0.5:1000", expect: pass}\n'
} | policy wrong
refused 3 "$wrong:7:" edge "$EDGEFW" push "$wrong"
refused 3 'test failed' edge "$EDGEFW" check "$wrong"
equal 'status' "$(edgefw edge --json status | jq -c '.interfaces | map({generation, digest, programs})')" "$before"

chapter 'a file that is not there'
refused 1 "$lab_folder/nosuch.yaml" edge "$EDGEFW" push "$lab_folder/nosuch.yaml"

chapter 'a dry run says what would change, and changes nothing'
edgefw edge push --dry-run "$lab_folder/second.yaml" | grep -q 2000
equal 'status' "$(edgefw edge --json status | jq -c '.interfaces | map({generation, digest, programs})')" "$before"

chapter 'a dry run compares with the policy of each card'
edgefw edge push --iface eth1 "$lab_folder/second.yaml" >/dev/null
edgefw edge push --dry-run "$lab_folder/second.yaml" >"$lab_folder/changes"
grep -q '^eth0, under generation ' "$lab_folder/changes" || fail "eth0 is not named: $(<"$lab_folder/changes")"
equal 'eth1' "$(sed -n '/^eth1, under generation /{n;p}' "$lab_folder/changes")" \
    'no packet changes verdict, rule or translation'
equal 'compared' "$(edgefw edge --json push --dry-run "$lab_folder/second.yaml" |
    jq -c '[.compared[] | [.interfaces[0], .changes == "no change\n"]]')" '[["eth0",false],["eth1",true]]'
# The connection of port 1000 is there until its next packet: the policy in force would not have it either.
equal 'one card' "$(edgefw edge push --dry-run --iface eth1 "$lab_folder/second.yaml")" \
    $'no packet changes verdict, rule or translation\n\n1 connection would be revoked; --list names them'
edgefw edge push --iface eth1 "$lab_folder/first.yaml" >/dev/null

chapter 'a push comes into force on both cards; what it removes ends at once'
traffic client udp 10.0.0.5:1000 --count 10 --bind 198.51.100.9:5555
edgefw edge push "$lab_folder/second.yaml"
equal 'generations' "$(edgefw edge --json status | jq -c '[.interfaces[].generation] | unique | length')" 1
traffic client udp 10.0.0.5:2000 --count 10
traffic client fire 10.0.0.5:1000 --count 3 --bind 198.51.100.9:5555
(($(reason_count edge eth0 revoked) >= 1)) || fail 'nothing was revoked' # each packet of what is kept counts
traffic client fire 10.0.0.5:1000 --count 5

chapter 'explain judges by the policy in force, and touches nothing'
counted() { # the hosts may ask each other for addresses meanwhile, which builtin rules count
    edgefw edge --json counters | jq -c '.interfaces[] | [.interface, .rules[], .reasons[] |
        select(type != "object" or (.id // .reason | startswith("builtin") | not))]'
}
before=$(counted)
edgefw edge explain 'external inbound udp 198.51.100.9:40000 > 10.0.0.5:2000' | grep -q 'pass, rule out, reason rule'
edgefw edge explain 'external inbound udp 198.51.100.9:40000 > 10.0.0.5:1000' | grep -q 'drop, reason default'
equal 'counters' "$(counted)" "$before"

chapter 'frames that are not IP are judged by rules that name their ethertype'
{
    pass_port 2000
    cat <<'END'
  - {name: time, side: external, direction: inbound, ethertype: [ptp, 0x88b5], action: pass}
tests:
  - {packet: external inbound ethertype ptp, expect: pass, rule: time}
  - {packet: external outbound ethertype ptp, expect: drop, reason: unsupported-ethertype}
  - {packet: external inbound ethertype pppoe-session vlan 7, expect: pass, rule: builtin/pppoe}
END
} | policy ethertypes
edgefw edge push "$lab_folder/ethertypes.yaml"
edgefw edge explain 'external inbound ethertype 0x88b5' | grep -q 'pass, rule time, reason rule'
edgefw edge show | grep -Eq 'time +external +inbound +ethertype 0x88b5, ptp'
frames() { # ethertype
    for _ in {1..10}; do printf 'ffffffffffff02005e005301%s%092d\n' "$1" 0; done | traffic client frames eth0
}
frames 88b5
frames 88b6
equal 'by the rule' "$(rule_count edge eth0 time packets)" 10
equal 'by none' "$(reason_count edge eth0 unsupported-ethertype)" 10

chapter 'a card for whose side the policy has no rule is named'
pass_port 1000 | sed '/side: external/d' | policy inside
names_the_card() {
    grep -q 'warning: eth0: no rule of the policy is for external cards' "$lab_folder/said" ||
        fail "the card is not named: $(<"$lab_folder/said")"
}
edgefw edge push "$lab_folder/inside.yaml" 2>"$lab_folder/said"
names_the_card
equal 'cards named' "$(grep -c 'no rule of the policy' "$lab_folder/said")" 1
edgefw edge status | grep -q '^NO RULE: eth0: '
edgefw edge detach eth0
edgefw edge attach eth0 --policy "$lab_folder/inside.yaml" 2>"$lab_folder/said"
names_the_card

edgefw edge detach eth0
edgefw edge detach eth1
nothing_left edge
