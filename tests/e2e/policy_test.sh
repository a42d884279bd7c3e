#!/usr/bin/env bash
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

chapter 'a push comes into force on both cards; what it removes ends at once'
traffic client udp 10.0.0.5:1000 --count 10 --bind 198.51.100.9:5555
edgefw edge push "$lab_folder/second.yaml"
equal 'generations' "$(edgefw edge --json status | jq -c '[.interfaces[].generation] | unique | length')" 1
traffic client udp 10.0.0.5:2000 --count 10
traffic client fire 10.0.0.5:1000 --count 3 --bind 198.51.100.9:5555
equal 'revoked' "$(reason_count edge eth0 revoked)" 1
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

edgefw edge detach eth0
edgefw edge detach eth1
nothing_left edge
