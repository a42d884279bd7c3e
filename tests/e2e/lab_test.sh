#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# The laboratory removes what it made however it ends, pins and processes included, and two never meet.
# shellcheck source=tests/e2e/story.sh
source "$(dirname "$0")/story.sh"
story_begin

# A laboratory of its own, with an attached card and a process; then COMMAND decides how it ends.
cat >"$lab_folder/other" <<END
#!/usr/bin/env bash
set -euo pipefail
source "$story_root/scripts/lab"
lab_begin
lab_street
on edge "$EDGEFW" attach eth0
lab_start server sleep 1000
lab_pins edge >"$lab_folder/pins"
ip netns pids "\$(lab_netns server)" >"$lab_folder/pids"
eval "\$1"
END
chmod +x "$lab_folder/other"

# Not even on its way out; a zombie waits for whoever is its parent by now.
runs() { [[ $(ps -o state= -p "$1") == [!Z]* ]]; }

left_by() { # PID
    if ip netns list | grep "^$lab_prefix-$1-"; then fail 'namespaces are left'; fi
    [[ ! -e $(<"$lab_folder/pins") ]] || fail 'pins are left'
    if runs "$(<"$lab_folder/pids")"; then fail 'a process is left'; fi
    if compgen -G "${TMPDIR:-/tmp}/$lab_prefix-$1-*"; then fail 'files are left'; fi
}

run_other() { # COMMAND: sets `other`
    rm -f "$lab_folder/ready"
    "$lab_folder/other" "$1" 2>>"$lab_folder/said" &
    other=$!
}

# shellcheck disable=SC2016  # for the other laboratory to expand
for ending in true false 'exit 3' 'unset_variable=$unset'; do
    chapter "a laboratory that ends with: $ending"
    run_other "$ending"
    wait "$other" || true
    left_by "$other"
done

for signal in TERM INT HUP; do
    chapter "a laboratory that gets SIG$signal while it waits for a command"
    # Background jobs of a script ignore SIGINT: env gives it back.
    env --default-signal=INT "$lab_folder/other" "touch '$lab_folder/ready'; on client sleep 1000" &
    other=$!
    waits_for 60 test -e "$lab_folder/ready"
    rm "$lab_folder/ready"
    kill "-$signal" "$other"
    got=0
    wait "$other" || got=$?
    ((got > 128)) || fail "exit code $got"
    left_by "$other"
done

chapter 'what a SIGKILL leaves, the next laboratory removes'
run_other "touch '$lab_folder/ready'; on client sleep 1000"
waits_for 60 test -e "$lab_folder/ready"
# No other laboratory begins meanwhile, which would remove it.
exec {lock}</sys/fs
flock "$lock"
kill -KILL "$other"
wait "$other" 2>/dev/null || true
left=$(ip netns list | grep "^$lab_prefix-$other-" || true)
exec {lock}<&-
[[ $left ]] || fail 'nothing was left: this story proves nothing'
"$story_root/scripts/lab" true
left_by "$other"

chapter 'two laboratories at once'
run_other 'sleep 1'
first=$other
run_other 'sleep 1'
wait "$first" || fail 'the first laboratory failed'
wait "$other" || fail 'the second laboratory failed'
left_by "$first"
left_by "$other"
