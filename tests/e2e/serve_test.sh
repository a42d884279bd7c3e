#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# serve: metrics that Prometheus can scrape, a policy file that is followed, a wrong one that changes nothing.
# shellcheck source=tests/e2e/story.sh
source "$(dirname "$0")/story.sh"
story_begin
lab_host client host
lab_cable client eth0 host eth0
lab_address client eth0 198.51.100.9/24
lab_address host eth0 198.51.100.1/24
serves host udp://198.51.100.1:1000 udp://198.51.100.1:2000

readonly watched=$lab_folder/watched.yaml
passes_ports() {
    cat <<END
version: 1
default: drop
rules:
  - {name: media, side: external, direction: inbound, protocol: udp, local_port: $1, action: pass}
END
}
scrape() { on host curl -sSf http://localhost:9477/metrics; }
metric() { scrape | awk -v name="$1" '$1 == name { print $2 }'; } # NAME{LABELS}
metric_is() { [[ $(metric "$1") == "$2" ]]; }
readonly media='edgefw_rule_packets_total{interface="eth0",side="external",direction="inbound",rule="media",profile="",action="pass"}'

passes_ports 1000 >"$watched"
edgefw host attach eth0
lab_start host "$EDGEFW" serve --policy "$watched" 2>"$lab_folder/log"
serving=$lab_started

chapter 'the file is pushed at the start'
waits_for 60 grep -q 'listening on' "$lab_folder/log"
waits_for 60 metric_is 'edgefw_generation{interface="eth0"}' 1
equal 'health' "$(on host curl -sSf http://localhost:9477/healthz)" ok
traffic client udp 198.51.100.1:1000 --count 40
equal 'media' "$(metric "$media")" 80
equal 'policy' "$(metric edgefw_policy_last_push_success)" 1
equal 'type' "$(scrape | grep '^# TYPE edgefw_rule_packets_total')" '# TYPE edgefw_rule_packets_total counter'

chapter 'of root it keeps what a push takes, in every thread, and nothing comes back'
readonly kept=000000c000001000 # CAP_NET_ADMIN, CAP_PERFMON, CAP_BPF
for thread in /proc/"$serving"/task/*; do
    for set in CapPrm CapEff CapBnd; do
        equal "$set of ${thread##*/}" "$(awk -v set="$set:" '$1 == set { print $2 }' "$thread/status")" "$kept"
    done
    equal "CapInh of ${thread##*/}" "$(awk '$1 == "CapInh:" { print $2 }' "$thread/status")" 0000000000000000
    equal "NoNewPrivs of ${thread##*/}" "$(awk '$1 == "NoNewPrivs:" { print $2 }' "$thread/status")" 1
done

chapter 'a second serve on the same port says so'
refused 1 'cannot listen on' host timeout 60 "$EDGEFW" serve

chapter 'a changed file comes into force; counters go on from where they were'
passes_ports '[1000, 2000]' >"$watched"
waits_for 60 metric_is 'edgefw_generation{interface="eth0"}' 2
traffic client udp 198.51.100.1:2000 --count 10
equal 'media' "$(metric "$media")" 100
equal 'pushes' "$(metric 'edgefw_push_total{result="ok"}')" 2

chapter '?nonzero leaves out a rule without a packet, and of the rest nothing'
cat >>"$watched" <<'END'
  - {name: idle, side: external, direction: inbound, protocol: udp, local_port: 4000, action: pass}
END
waits_for 60 metric_is 'edgefw_generation{interface="eth0"}' 3
nonzero() { on host curl -sSf 'http://localhost:9477/metrics?nonzero'; }
equal 'idle among all' "$(scrape | awk '/rule="idle"/ { lines++ } END { print lines + 0 }')" 3
equal 'idle' "$(nonzero | awk '/rule="idle"/ { lines++ } END { print lines + 0 }')" 0
equal 'media' "$(nonzero | awk -v name="$media" '$1 == name { print $2 }')" 100
equal 'what else is left out' "$(comm -3 <(scrape | cut -d' ' -f1 | sort) <(nonzero | cut -d' ' -f1 | sort) |
    awk '!/rule="idle"/ { lines++ } END { print lines + 0 }')" 0
passes_ports '[1000, 2000]' >"$watched"
waits_for 60 metric_is 'edgefw_generation{interface="eth0"}' 4

chapter 'a wrong file leaves the running policy, names its errors, and shows in the metrics'
printf 'version: 1\ndefault: dorp\nrulse: []\n' >"$watched"
waits_for 60 metric_is edgefw_policy_last_push_success 0
equal 'errors' "$(metric edgefw_policy_errors)" 2
equal 'rejected' "$(metric 'edgefw_push_total{result="rejected"}')" 1
grep -q "^$watched:2:" "$lab_folder/log" || fail "the log names no error of line 2: $(<"$lab_folder/log")"
grep -q "^$watched:3:" "$lab_folder/log" || fail "the log names no error of line 3: $(<"$lab_folder/log")"
equal 'generation' "$(metric 'edgefw_generation{interface="eth0"}')" 4
traffic client udp 198.51.100.1:2000 --count 10
equal 'media' "$(metric "$media")" 120

chapter 'a file that is replaced, as editors do, is followed too'
passes_ports 1000 >"$watched.new"
mv "$watched.new" "$watched"
waits_for 60 metric_is edgefw_policy_last_push_success 1
equal 'errors' "$(metric edgefw_policy_errors)" 0
equal 'media' "$(metric "$media")" 120
traffic client udp 198.51.100.1:1000 --count 10
equal 'media' "$(metric "$media")" 140

chapter 'the reasons sum up to the packets of the card'
traffic client fire 198.51.100.1:3000 --count 30
scraped=$(scrape | awk '/^edgefw_reason_packets_total\{/ { sum += $NF } END { print sum }')
equal 'sum over reasons' "$scraped" "$(edgefw host --json counters | jq '.interfaces[0].total.packets')"

chapter 'with these rights it pushes to a card at clsact, too, and sees who is closed'
edgefw host detach eth0
edgefw host attach eth0 --mode tc --egress clsact --policy "$watched"
waits_for 60 metric_is 'edgefw_generation{interface="eth0"}' 1
traffic client udp 198.51.100.1:1000 --count 10
passes_ports '[1000, 3000]' >"$watched"
waits_for 60 metric_is 'edgefw_generation{interface="eth0"}' 2
equal 'media' "$(metric "$media")" 20
edgefw host detach eth0
lab_cable client eth1 host eth1
printf 'on_boot_failure: closed\npolicy: /nonexistent\n' >"$lab_folder/boot.conf"
edgefw host boot eth1 --once --config "$lab_folder/boot.conf" >/dev/null 2>&1 || true
equal 'closed' "$(metric 'edgefw_interface_closed{interface="eth1"}')" 1
edgefw host detach eth1
edgefw host attach eth0 --policy "$watched"

chapter 'clients that are idle, send slowly or do not read keep nobody out'
lab_start host "$story_root/tests/e2e/slow_clients.py" 127.0.0.1 9477 >"$lab_folder/slow"
slow=$lab_started
waits_for 60 grep -q ready "$lab_folder/slow"
for ((i = 0; i < 5; i++)); do
    equal 'health' "$(on host curl -sSf --max-time 20 http://localhost:9477/healthz)" ok
    on host curl -sSf --max-time 20 http://localhost:9477/metrics >/dev/null
    sleep 0.3
done
kill "$slow"
wait "$slow" 2>/dev/null || true

chapter 'SIGTERM ends it in order; the filter stays'
kill -TERM "$serving"
wait "$serving"
traffic client udp 198.51.100.1:1000 --count 10
equal 'media' "$(rule_count host eth0 media packets)" 20

edgefw host detach eth0
nothing_left host
