#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# The demo of the README: it succeeds, and leaves nothing when it is interrupted.
# shellcheck source=tests/e2e/story.sh
source "$(dirname "$0")/story.sh"
story_begin

chapter 'to the end'
"$story_root/scripts/demo" >"$lab_folder/demo" || fail "the demo: $(<"$lab_folder/demo")"
for line in '$ edgefw attach eth0' '$ edgefw push policy.yaml' '$ edgefw counters' 'All counts are equal' 'the connection goes on' \
    'FELL BACK: the last push was not confirmed'; do
    grep -qF -- "$line" "$lab_folder/demo" || fail "the demo does not show: $line"
done

chapter 'interrupted at several points'
for seconds in 0.3 1 2; do
    "$story_root/scripts/demo" >"$lab_folder/demo" 2>&1 &
    demo=$!
    sleep "$seconds"
    kill -TERM "$demo"
    got=0
    wait "$demo" || got=$?
    equal 'exit code' "$got" 143
    if ip netns list | grep "^$lab_prefix-$demo-"; then fail 'namespaces are left'; fi
done
