#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# Rules that name hosts, against a real DNS server: what it answers comes into force without a push and without breaking
# a connection; what it does not answer changes nothing; what it lies about harms nobody.
# shellcheck source=tests/e2e/story.sh
source "$(dirname "$0")/story.sh"
story_begin
lab_street
lab_address client eth0 198.51.100.10/24 198.51.100.11/24
serves client udp://198.51.100.9:1000 udp://198.51.100.10:1000 udp://198.51.100.11:1000 udp://198.51.100.10:2000

readonly hosts=$lab_folder/hosts
readonly dns=127.0.0.1:5353
# zone NAME=ADDRESS...: what the DNS server says from now on.
zone() {
    local entry
    for entry in "$@"; do printf '%s %s\n' "${entry#*=}" "${entry%=*}"; done >"$hosts"
    [[ -z ${dns_server-} ]] || kill -HUP "$dns_server"
}
zone oem.lab.test=198.51.100.9 target.lab.test=198.51.100.11
lab_start edge dnsmasq --no-daemon --conf-file=/dev/null --no-resolv --no-hosts --user=root --pid-file= --port=5353 \
    --listen-address=127.0.0.1 --bind-interfaces --addn-hosts="$hosts" --local-ttl=1 --local=/lab.test/ \
    --cname=alias.lab.test,second.lab.test --cname=second.lab.test,target.lab.test 2>"$lab_folder/dnsmasq"
dns_server=$lab_started
waits_for 60 grep -q started "$lab_folder/dnsmasq"

cat <<END | policy named
version: 1
default: drop
names: {keep: 0}
rules:
  - {name: oem, side: external, direction: outbound, protocol: udp, local: 10.0.0.5, remote: oem.lab.test, remote_port: 1000, action: pass}
  - {name: alias, side: external, direction: outbound, protocol: udp, local: 10.0.0.5, remote: alias.lab.test, remote_port: 2000, action: pass}
tests:
  - {packet: 'external outbound udp 10.0.0.5:4000 > oem.lab.test:1000', expect: pass, rule: oem}
  - {packet: 'external outbound udp 10.0.0.5:4000 > alias.lab.test:1000', expect: drop}
END
readonly named=$lab_folder/named.yaml
addresses_of() { edgefw edge --json status | jq -r --arg name "$1" '.hosts[] | select(.name == $name).addresses | join(" ")'; }
is_now() { [[ $(addresses_of "$1") == "$2" ]]; }                # NAME ADDRESSES
passes() { traffic server udp "$1" --count 1 >/dev/null 2>&1; } # ADDRESS:PORT
has_address() { [[ " $(addresses_of oem.lab.test) " == *" $1 "* ]]; }
refuses() { unanswered server udp "$1" --count 1; }
metric_is() { [[ $(on edge curl -sSf http://localhost:9477/metrics | awk -v name="$1" '$1 == name { print $2 }') == "$2" ]]; }

chapter 'check, show and explain look names up, or are told'
edgefw edge check "$named" --resolver "$dns"
equal 'check' "$(edgefw edge check "$named" --resolver "$dns" 2>&1)" "$named: 2 rules, 0 nat entries, 2 tests passed"
equal 'show' "$(edgefw edge --json --resolver "$dns" show "$named" | jq -r '.hosts[0].addresses[0]')" 198.51.100.11
equal 'told' "$(edgefw edge --json --resolve oem.lab.test=192.0.2.7 --resolve alias.lab.test=192.0.2.8 explain \
    --policy "$named" 'external outbound udp 10.0.0.5:4000 > 192.0.2.7:1000' | jq -r .rule)" oem
refused 2 'is not ADDR[:PORT]' edge "$EDGEFW" check "$named" --resolver nowhere
refused 2 'is not NAME=ADDR' edge "$EDGEFW" check "$named" --resolve oem.lab.test

chapter 'push: the names stand for their addresses, CNAMEs followed'
edgefw edge attach eth0
edgefw edge push "$named" --resolver "$dns"
passes 198.51.100.9:1000 || fail 'oem.lab.test is not reached'
refuses 198.51.100.10:1000
is_now alias.lab.test 198.51.100.11 || fail "alias.lab.test is $(addresses_of alias.lab.test)"

chapter 'serve: another address comes into force when the TTL is over; what is open goes on'
lab_start edge "$EDGEFW" serve --resolver "$dns" --names-min 1 2>"$lab_folder/log"
serving=$lab_started
waits_for 60 grep -q 'listening on' "$lab_folder/log"
lab_start server "$story_root/tests/e2e/traffic.py" udp 198.51.100.9:1000 --count 0 --gap 0.005 >"$lab_folder/flow" 2>&1
flow=$lab_started
waits_for 60 grep -q 'first is back' "$lab_folder/flow" || fail "no connection is open: $(<"$lab_folder/flow")"
programs=$(edgefw edge --json status | jq -c '.interfaces[0].programs')
zone oem.lab.test=198.51.100.10 target.lab.test=198.51.100.11
waits_for 60 is_now oem.lab.test 198.51.100.10 || fail "oem.lab.test is $(addresses_of oem.lab.test)"
passes 198.51.100.10:1000 || fail 'the new address is not reached'
refuses 198.51.100.9:1000 # a new connection to the old one
sleep 1
kill -TERM "$flow"
wait "$flow" || fail "the open connection lost packets: $(<"$lab_folder/flow")"
tail -n 1 "$lab_folder/flow"
equal 'generation' "$(generation edge)" 1
equal 'programs' "$(edgefw edge --json status | jq -c '.interfaces[0].programs')" "$programs"
equal 'revoked' "$(reason_count edge eth0 revoked)" 0

chapter 'two names at one address, then apart again'
zone oem.lab.test=198.51.100.10 target.lab.test=198.51.100.10
waits_for 60 is_now alias.lab.test 198.51.100.10
passes 198.51.100.10:1000 || fail 'the first name is lost'
passes 198.51.100.10:2000 || fail 'the second name is not found'
zone oem.lab.test=198.51.100.9 target.lab.test=198.51.100.10
waits_for 60 is_now oem.lab.test 198.51.100.9
passes 198.51.100.10:2000 || fail 'the second name went with the first'
refuses 198.51.100.10:1000

chapter 'a name that is gone, and a server that is silent, change nothing but a metric and the log'
zone target.lab.test=198.51.100.10
waits_for 60 metric_is 'edgefw_host_last_question_answered{host="oem.lab.test"}' 0
passes 198.51.100.9:1000 || fail 'the last address is lost'
waits_for 60 grep -q 'the host oem.lab.test was not found (there is no such name); it keeps' "$lab_folder/log"
zone oem.lab.test=198.51.100.9 target.lab.test=198.51.100.10
waits_for 60 metric_is 'edgefw_host_last_question_answered{host="oem.lab.test"}' 1
kill -STOP "$dns_server"
waits_for 60 metric_is 'edgefw_host_last_question_answered{host="oem.lab.test"}' 0
passes 198.51.100.9:1000 || fail 'the last address is lost'
kill -CONT "$dns_server"
waits_for 60 metric_is 'edgefw_host_last_question_answered{host="oem.lab.test"}' 1

chapter '300 addresses on one name, and back'
mapfile -t many < <(for ((i = 0; i < 300; i++)); do printf 'oem.lab.test=203.0.%d.%d\n' $((i / 250)) $((i % 250 + 1)); done)
zone oem.lab.test=198.51.100.11 "${many[@]}" target.lab.test=198.51.100.10
has_addresses() { (($(addresses_of oem.lab.test | wc -w) == $1)); }
waits_for 60 has_addresses 301 || fail "$(addresses_of oem.lab.test | wc -w) addresses"
passes 198.51.100.11:1000 || fail 'the last of 301 addresses is not reached'
equal 'the first' "$(edgefw edge --json explain 'external outbound udp 10.0.0.5:4000 > 203.0.0.1:1000' | jq -r .rule)" oem
zone oem.lab.test=198.51.100.9 target.lab.test=198.51.100.10
waits_for 60 has_addresses 1
refuses 198.51.100.11:1000

chapter 'one of three addresses at a time: those seen lately pass, until their time is over'
# For how long they pass: long enough that all three can be seen in it, which depends on the machine.
for keep in 10 30 90; do
    sed "s/keep: 0/keep: ${keep}s/" "$named" >"$lab_folder/kept.yaml"
    edgefw edge push "$lab_folder/kept.yaml" --resolver "$dns"
    begin=$SECONDS missed=()
    for last in 10 11 9; do
        zone "oem.lab.test=198.51.100.$last" target.lab.test=198.51.100.10
        waits_for 60 has_address "198.51.100.$last" || fail "oem.lab.test is $(addresses_of oem.lab.test)"
    done
    for last in 9 10 11; do
        EDGEFW_ANSWER_SECONDS=3 passes "198.51.100.$last:1000" || missed+=("198.51.100.$last")
    done
    ((${#missed[@]})) || break
    ((SECONDS - begin >= keep)) || fail "not reached within $keep s: ${missed[*]}"
done
waits_for 120 is_now oem.lab.test 198.51.100.9 || fail "oem.lab.test is $(addresses_of oem.lab.test)"
refuses 198.51.100.10:1000
edgefw edge push "$named" --resolver "$dns"

chapter 'serve ends at once, also while it waits for an answer'
kill -STOP "$dns_server"
sleep 3
kill -TERM "$serving"
ended() { ! kill -0 "$serving" 2>/dev/null; }
waits_for 5 ended || fail 'serve does not end'
wait "$serving" || fail "serve ended with $?"

chapter 'a push does not wait for a silent server: it is in force while the server is asked'
before=$(generation edge)
lab_start edge "$EDGEFW" push "$named" --resolver "$dns" 2>"$lab_folder/said"
pushing=$lab_started
is_pushed() { (($(generation edge) == before + 1)); }
waits_for 60 is_pushed || fail 'the policy is not in force'
kill -0 "$pushing" 2>/dev/null || fail 'the push has ended, and nobody asked behind it'
passes 198.51.100.9:1000 || fail 'the address in force is lost'
wait "$pushing" || fail "the push ended with $?: $(<"$lab_folder/said")"
grep -q 'oem.lab.test was not found .*; it keeps the addresses it had' "$lab_folder/said" || fail "$(<"$lab_folder/said")"

chapter 'a push without a serve brings in what the server says, behind'
kill -CONT "$dns_server"
zone oem.lab.test=198.51.100.10 target.lab.test=198.51.100.11
edgefw edge push "$named" --resolver "$dns"
is_now oem.lab.test 198.51.100.10 || fail "oem.lab.test is $(addresses_of oem.lab.test)"
zone oem.lab.test=198.51.100.9 target.lab.test=198.51.100.11
sleep 2 # the TTL
edgefw edge push "$named" --resolver "$dns"
is_now oem.lab.test 198.51.100.9 || fail "oem.lab.test is $(addresses_of oem.lab.test)"
kill -STOP "$dns_server"
sleep 2 # the TTL

chapter 'a push without a server keeps what is in force; a name never found matches nothing'
sed 's/alias.lab.test/never.lab.test/' "$named" | sed '/^tests:/,$d' | policy unknown
edgefw edge push "$lab_folder/unknown.yaml" --resolver "$dns" 2>"$lab_folder/said"
grep -q 'oem.lab.test was not found .*; it keeps the addresses it had' "$lab_folder/said" || fail "$(<"$lab_folder/said")"
grep -q 'never.lab.test was not found .*; rules that name it match nothing' "$lab_folder/said" || fail "$(<"$lab_folder/said")"
passes 198.51.100.9:1000 || fail 'the last address is lost'
refuses 198.51.100.10:2000
kill -CONT "$dns_server"

chapter 'a server that lies in every field'
for seed in 1 2 3; do
    lab_start edge "$story_root/tests/e2e/names_liar.py" 127.0.0.1 5354 "$seed" >"$lab_folder/liar"
    liar=$lab_started
    waits_for 60 grep -q ready "$lab_folder/liar"
    for ((i = 0; i < 3; i++)); do
        edgefw edge --json show "$lab_folder/unknown.yaml" --resolver 127.0.0.1:5354 >"$lab_folder/shown" 2>"$lab_folder/said" ||
            fail "show ended with $?: $(<"$lab_folder/said")"
        # Found or not, nothing that no host has.
        jq -r '.hosts[].addresses[]' "$lab_folder/shown" >"$lab_folder/found"
        if grep -vxE '198\.51\.100\.9|2001:db8:9::9' "$lab_folder/found"; then fail 'a lie is believed'; fi
    done
    kill "$liar"
    wait "$liar" 2>/dev/null || true
done

edgefw edge detach eth0
nothing_left edge
