#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# What was put in force is written down, and comes back without the files that it was made of.
# shellcheck source=tests/e2e/story.sh
source "$(dirname "$0")/story.sh"
story_begin
lab_street
serves server udp://10.0.0.5:1000 udp://10.0.0.5:2000

edge_netns=$(lab_netns edge)
readonly history=$lab_histories/netns_$edge_netns

# Passes one UDP port through both cards and nothing else.
pass_port() {
    cat <<END
version: 1
default: drop
rules:
  - {name: out-$1, side: external, direction: inbound, protocol: udp, local: 10.0.0.5, local_port: $1, action: pass}
  - {name: in-$1, side: internal, direction: inbound, protocol: udp, remote: 10.0.0.5, remote_port: $1, action: pass}
END
}
pass_port 1000 | policy first
pass_port 2000 | policy second

# told FIELD: of each entry, newest first.
told() { edgefw edge --json history | jq -c "[.history[] | $1]"; }
digest_of() { sha256sum "$lab_folder/$1.yaml" | cut -d' ' -f1; }

chapter 'nothing yet'
equal 'history' "$(edgefw edge history)" 'no policy was put in force yet, or nobody wrote it down'
refused 1 'no policy is in force' edge "$EDGEFW" rollback
refused 1 'the history has no entry 3: it is empty' edge "$EDGEFW" rollback 3
[[ ! -e $history ]] || fail 'looking makes a folder'

chapter 'what each command puts in force is written down'
edgefw edge attach eth0 --policy "$lab_folder/first.yaml"
edgefw edge attach eth1 --side internal
equal 'an attach' "$(told '[.entry, .in_force, .one_card, .file]')" "[[1,[\"eth0\"],true,\"$lab_folder/first.yaml\"]]"
edgefw edge push --iface eth1 "$lab_folder/first.yaml"
equal 'a push of one card' "$(told '[.entry, .in_force, .cards, .one_card]')" \
    '[[2,["eth1"],["eth1"],true],[1,["eth0"],["eth0"],true]]'
on edge env SUDO_USER=alice "$EDGEFW" push - <"$lab_folder/second.yaml"
equal 'a push' "$(told '[.entry, .in_force, .one_card, .file, .user]' | jq -c '.[0]')" \
    '[3,["eth0","eth1"],false,"-","alice"]'
equal 'digests' "$(told .digest)" "[\"$(digest_of second)\",\"$(digest_of first)\",\"$(digest_of first)\"]"
equal 'rules' "$(told .rules)" '[2,2,2]'
equal 'the command line' "$(told .command | jq -r '.[1]')" "$EDGEFW push --iface eth1 $lab_folder/first.yaml"
equal 'rights' "$(stat -c '%a %u' "$history" "$history/entry_3" | tr '\n' ' ')" '700 0 600 0 '
traffic client udp 10.0.0.5:2000 --count 3
unanswered client udp 10.0.0.5:1000 --count 1

chapter 'what fails is no entry'
echo 'version: 2' | policy wrong
refused 3 'wrong.yaml:1:' edge "$EDGEFW" push "$lab_folder/wrong.yaml"
equal 'entries' "$(told .entry)" '[3,2,1]'

chapter 'rollback goes to the policy before, without its file'
rm "$lab_folder/first.yaml" "$lab_folder/second.yaml"
before=$(edgefw edge --json status | jq .generation)
edgefw edge rollback --dry-run >"$lab_folder/dry"
grep -q '^+ .*out-1000' "$lab_folder/dry" || fail "the dry run: $(<"$lab_folder/dry")"
equal 'generation after a dry run' "$(generation edge)" "$before"
edgefw edge rollback
equal 'generation' "$(generation edge)" $((before + 1))
equal 'a rollback' "$(told '[.entry, .in_force, .from, .file]' | jq -c '.[0]')" \
    "[4,[\"eth0\",\"eth1\"],2,\"$lab_folder/first.yaml\"]"
traffic client udp 10.0.0.5:1000 --count 3
unanswered client udp 10.0.0.5:2000 --count 1
pass_port 1000 | cmp - <(edgefw edge show --source) || fail 'show --source is not what was pushed first'

chapter 'rollback N'
edgefw edge rollback 3
traffic client udp 10.0.0.5:2000 --count 3
refused 1 'the history has no entry 9: there are 5, 4, 3, 2, 1' edge "$EDGEFW" rollback 9
refused 2 '' edge "$EDGEFW" rollback 0
equal 'entries' "$(told .entry)" '[5,4,3,2,1]'
# What was of one card alone is for it again.
edgefw edge rollback 1
equal 'of one card' "$(told '[.entry, .in_force, .one_card]' | jq -c '.[0:2]')" '[[6,["eth0"],true],[5,["eth1"],false]]'
refused 1 'different policies before' edge "$EDGEFW" rollback
edgefw edge rollback --iface eth1
traffic client udp 10.0.0.5:1000 --count 3

chapter 'a profile, a file of a set and a host come back without their files and the DNS'
mkdir "$lab_folder/profiles"
cat >"$lab_folder/profiles/through.yaml" <<'END'
name: through
title: One port
document: { title: A story, section: Doors }
variables:
  servers: { type: addresses, description: the servers }
rules:
  - { name: out, side: external, direction: inbound, protocol: udp, local: $servers, local_port: 2000, action: pass }
END
echo 10.0.0.5 >"$lab_folder/servers.txt"
policy third <<'END'
version: 1
default: drop
sets:
  servers: { file: servers.txt }
rules:
  - { use: through, with: { servers: 10.0.0.5 } }
  - { name: in, side: internal, direction: inbound, protocol: udp, remote: $servers, remote_port: 2000, action: pass }
  - { name: named, side: external, direction: outbound, protocol: tcp, remote: oem.lab.test, action: pass }
END
edgefw edge --profiles "$lab_folder/profiles" --resolve oem.lab.test=192.0.2.7 push "$lab_folder/third.yaml"
third=$(told .entry | jq '.[0]')
pass_port 1000 | on edge "$EDGEFW" push -
rm -r "$lab_folder/profiles" "$lab_folder/servers.txt" "$lab_folder/third.yaml"
edgefw edge --resolver 127.0.0.1:9 rollback
traffic client udp 10.0.0.5:2000 --count 3
equal 'the profile' "$(edgefw edge --json show --source | jq -r '.profiles[].name')" through
equal 'the host' "$(edgefw edge --json show | jq -c '.hosts[0].addresses')" '["192.0.2.7"]'
equal 'digests' "$(told '[.digest, .entry]' | jq --argjson third "$third" '.[0][0] == (map(select(.[1] == $third))[0][0])')" true
edgefw edge rollback --iface eth0

chapter 'a file that holds something else is named'
pass_port 3000 | policy first
edgefw edge rollback 6 2>"$lab_folder/stderr"
grep -q "first.yaml holds another policy now" "$lab_folder/stderr" || fail "warned of: $(<"$lab_folder/stderr")"
rm "$lab_folder/first.yaml"

chapter 'what nobody wrote down is found in force'
# As a push that was killed behind its flip leaves it, or one of a version without a history.
pass_port 1000 | on edge "$EDGEFW" push -
rm "$history"/entry_*
equal 'entries' "$(told .entry)" '[]'
pass_port 3000 | on edge "$EDGEFW" push -
equal 'found' "$(told '[.entry, .command == null, .digest]' | jq -c 'last')" "[1,true,\"$(pass_port 1000 | sha256sum | cut -d' ' -f1)\"]"
edgefw edge rollback
traffic client udp 10.0.0.5:1000 --count 3
# Killed between the flip and its entry, the push before is what a rollback goes back to.
pass_port 3000 | on edge "$EDGEFW" push -
rm "$history/entry_$(told .entry | jq '.[0]')"
edgefw edge rollback
traffic client udp 10.0.0.5:1000 --count 3

chapter 'ten are kept, and what was before the one in force'
for _ in {1..14}; do pass_port 4000 | on edge "$EDGEFW" push - >"$lab_folder/pushed"; done
equal 'files' "$(find "$history" -name 'entry_*' | wc -l)" 10
newest=$(told .entry | jq '.[0]')
edgefw edge rollback
traffic client udp 10.0.0.5:1000 --count 3
equal 'the next number' "$(told .entry | jq '.[0]')" $((newest + 1))

chapter 'files of others and damaged ones are left out with a warning'
truncate -s -7 "$history/entry_$newest"
echo 'hello' >"$history/notes"
mkfifo "$history/entry_99"
ln -s /etc/passwd "$history/entry_98"
head -c 5000 /dev/urandom >"$history/entry_97"
edgefw edge --json history >"$lab_folder/json" 2>"$lab_folder/stderr"
equal 'warnings' "$(grep -c '^warning: ' "$lab_folder/stderr")" 5
equal 'the newest' "$(jq '.history[0].entry' "$lab_folder/json")" $((newest + 1))
rm "$history/entry_97" "$history/entry_98" "$history/entry_99" "$history/notes" "$history/entry_$newest"

chapter 'where nothing can be written the push goes on'
before=$(generation edge)
# shellcheck disable=SC2016  # for the shell there
pass_port 2000 | on edge "${own_mounts[@]}" sh -c \
    'mount -t tmpfs -o ro none /var/lib && exec "$0" push -' "$EDGEFW" >"$lab_folder/pushed" 2>"$lab_folder/stderr"
equal 'generation' "$(generation edge)" $((before + 1))
equal 'lines' "$(wc -l <"$lab_folder/stderr")" 1
grep -q '^warning: this push is not in the history.*Read-only' "$lab_folder/stderr" || fail "$(<"$lab_folder/stderr")"
chmod 755 "$history"
pass_port 2000 | on edge "$EDGEFW" push - >"$lab_folder/pushed" 2>"$lab_folder/stderr"
grep -q "chmod 0700 $history" "$lab_folder/stderr" || fail "$(<"$lab_folder/stderr")"
chmod 700 "$history"

chapter 'serve is named'
pass_port 1000 | policy first
lab_start edge "$EDGEFW" serve --listen 127.0.0.1:0 --policy "$lab_folder/first.yaml" --interval 1 2>"$lab_folder/serve"
serving=$lab_started
served() { [[ $(told .user | jq -r '.[0]') == serve ]]; }
waits_for 30 served || fail "no entry of serve: $(<"$lab_folder/serve")"
kill -TERM "$serving"
wait "$serving" || true

chapter 'the history outlives detach'
edgefw edge detach eth0
edgefw edge detach eth1
nothing_left edge
equal 'in force' "$(told '.in_force | length' | jq -c unique)" '[0]'
newest=$(told .entry | jq '.[0]')
edgefw edge attach eth0
edgefw edge attach eth1 --side internal
edgefw edge rollback "$newest"
traffic client udp 10.0.0.5:1000 --count 3
