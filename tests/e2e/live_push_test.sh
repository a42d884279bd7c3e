#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# Pushes under traffic: two policies in turn, while packets cross both hooks of two cards. What both pass is never lost,
# what both drop never passes, and the cards never flap.
# shellcheck source=tests/e2e/story.sh
source "$(dirname "$0")/story.sh"
# EDGEFW_PUSHES says how many, 60 unless said otherwise (1000 at length).
readonly pushes=${EDGEFW_PUSHES:-$(at_length 60 1000)}
story_begin
lab_street
serves server udp://10.0.0.5:1000 udp://10.0.0.5:1001 udp://10.0.0.5:1002 udp://10.0.0.5:2000 tcp://10.0.0.5:80

# 1000 and 80 keep state, 1001 is judged packet by packet; 1002 is passed by this policy or not; 2000 never.
alternating() {
    cat <<END
version: 1
default: drop
rules:
  - {name: ext-keep, side: external, direction: inbound, protocol: udp, local_port: 1000, action: pass}
  - {name: int-keep, side: internal, direction: inbound, protocol: udp, remote_port: 1000, action: pass}
  - {name: ext-web, side: external, direction: inbound, protocol: tcp, local_port: 80, action: pass}
  - {name: int-web, side: internal, direction: inbound, protocol: tcp, remote_port: 80, action: pass}
  - {name: ext-each, side: external, direction: both, protocol: udp, local_port: 1001, state: none, action: pass}
  - {name: int-each, side: internal, direction: both, protocol: udp, remote_port: 1001, state: none, action: pass}
  - {name: ext-alternating, side: external, direction: both, protocol: udp, local_port: 1002, state: none, action: $1}
  - {name: int-alternating, side: internal, direction: both, protocol: udp, remote_port: 1002, state: none, action: $1}
END
}
alternating pass | policy even
alternating drop | policy odd
edgefw edge attach eth0
edgefw edge attach eth1 --side internal
edgefw edge push "$lab_folder/even.yaml"

flows=()
flow() { # NAME ARGUMENT...
    lab_start client "$story_root/tests/e2e/traffic.py" "${@:2}" >"$lab_folder/flow.$1" 2>&1
    flows+=("$1:$lab_started")
}

lab_start edge ip -o monitor link >"$lab_folder/links"
chapter 'the monitor sees a card that flaps'
waits_for 60 sh -c "nsenter --net='/run/netns/$(lab_netns edge)' ip link set lo down; nsenter --net='/run/netns/$(lab_netns edge)' ip link set lo up; grep -q lo '$lab_folder/links'"

chapter "$pushes pushes"
flow keep udp 10.0.0.5:1000 --count 0 --gap 0.001 --forbidden 10.0.0.5:2000
flow each udp 10.0.0.5:1001 --count 0 --gap 0.001 --forbidden 10.0.0.5:2000
flow burst udp 10.0.0.5:1000 --count 100000
flow web tcp 10.0.0.5:80 --connections "$(at_length 100 300)" --bytes 20000
for ((number = 1; number <= pushes; number++)); do
    if ((number % 2)); then name=odd; else name=even; fi
    edgefw edge push "$lab_folder/$name.yaml"
done >"$lab_folder/pushed"
equal 'pushes' "$(wc -l <"$lab_folder/pushed")" "$pushes"

chapter 'nothing was lost that both policies pass'
for flow in "${flows[@]}"; do
    # One that counts may be done; connections have an end of their own.
    [[ $flow == web:* ]] || kill -TERM "${flow#*:}" 2>/dev/null || true
    wait "${flow#*:}" || fail "flow ${flow%:*}: $(<"$lab_folder/flow.${flow%:*}")"
    printf '%s: %s\n' "${flow%:*}" "$(<"$lab_folder/flow.${flow%:*}")"
done

chapter 'nothing passed that both policies drop'
equal 'generation' "$(generation edge)" $((pushes + 1))
ends_serving server
equal 'arrived at port 2000' "$(received server udp://10.0.0.5:2000)" 0
forbidden=$(awk '{ sum += $1 } END { print sum }' "$lab_folder"/flow.{keep,each})
equal 'dropped by default' "$(reason_count edge eth0 default)" "$forbidden"
equal 'revoked' "$(reason_count edge eth0 revoked)" 0

chapter 'no card flapped, and the links are those of the beginning'
if grep -q eth "$lab_folder/links"; then fail "cards changed: $(<"$lab_folder/links")"; fi

edgefw edge detach eth0
edgefw edge detach eth1
nothing_left edge
