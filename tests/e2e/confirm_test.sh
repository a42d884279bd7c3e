#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# A push that locks its operator out heals by itself: SSH over the filtered card, every process of edgefw killed, and the
# session goes on. Then the same at a terminal: yes, no, Ctrl-C, the end of the input.
# shellcheck source=tests/e2e/story.sh
source "$(dirname "$0")/story.sh"
for program in /usr/sbin/sshd ssh ssh-keygen unshare; do
    command -v "$program" >/dev/null || { echo "skipped: no $program"; exit 77; }
done
# How long a lock-out lasts, 4 s unless said otherwise (50 at length).
readonly lock_out=${EDGEFW_LOCK_OUT:-$(at_length 4 50)}
story_begin
lab_street

policy good <<'END'
version: 1
default: drop
rules:
  - {name: ssh, side: external, direction: inbound, protocol: tcp, local_port: 22, action: pass}
END
policy other <<'END'
version: 1
default: drop
rules:
  - {name: shell, side: external, direction: inbound, protocol: tcp, local_port: 22, action: pass}
  - {name: web, side: external, direction: inbound, protocol: tcp, local_port: 80, action: pass}
END
policy locks_out <<'END'
version: 1
default: drop
rules:
  - {name: web, side: external, direction: inbound, protocol: tcp, local_port: 80, action: pass}
END

for key in host user; do ssh-keygen -q -t ed25519 -N '' -f "$lab_folder/ssh.$key"; done
cat >"$lab_folder/sshd.conf" <<END
ListenAddress 198.51.100.1:22
HostKey $lab_folder/ssh.host
AuthorizedKeysFile $lab_folder/ssh.user.pub
PidFile none
StrictModes no
UsePAM no
UseDNS no
PasswordAuthentication no
END
# Its folder for separated privileges is in a /run of its own.
# shellcheck disable=SC2016  # for the shell there
lab_start edge unshare --mount sh -c \
    'mount -t tmpfs tmpfs /run && mkdir /run/sshd && exec /usr/sbin/sshd -D -e -f "$0"' "$lab_folder/sshd.conf" \
    2>"$lab_folder/sshd.log"
readonly shell=(ssh -i "$lab_folder/ssh.user" -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null
    -o LogLevel=ERROR -o BatchMode=yes -o ConnectTimeout=1 root@198.51.100.1)
can_log_in() { on client "${shell[@]}" true; }

# A sender that was told of its drops would try each half second, and give up after 5 tries: before the deadline. One
# that takes them for losses backs off, and its fifth try is 6 s after the first. Linux's own number is 15.
if ((lock_out < 8)); then on edge sysctl -q net.ipv4.tcp_retries2=5; fi

edgefw edge attach eth0 --policy "$lab_folder/good.yaml"
waits_for 10 can_log_in || fail "nobody can log in at all: $(<"$lab_folder/sshd.log")"

# A number every tenth of a second, over the session that is to live through it.
readonly last=$((lock_out * 10 + 60))
lab_start client "${shell[@]}" "for i in \$(seq $last); do echo \$i; sleep 0.1; done" >"$lab_folder/session"
readonly session=$lab_started
begins() { [[ -s $lab_folder/session ]]; }
waits_for 10 begins || fail 'the session does not begin'
lines() { wc -l <"$lab_folder/session"; }

chapter "a lock-out of $lock_out s, with edgefw killed"
# setsid: a shell that is told to kill must not take it for a job of its own.
lab_start edge setsid "$EDGEFW" push --confirm "${lock_out}s" "$lab_folder/locks_out.yaml" >"$lab_folder/push" 2>&1 \
    </dev/null
readonly push=$lab_started
in_force() { grep -q 'is in force' "$lab_folder/push"; }
waits_for 10 in_force || fail "it was not pushed: $(<"$lab_folder/push")"
grep -q 'unless it is confirmed: edgefw confirm' "$lab_folder/push" || fail "it says not how to keep it: $(<"$lab_folder/push")"
kill -KILL "$push"
wait "$push" 2>/dev/null || true
before=$(lines)
can_log_in 2>/dev/null && fail 'a policy without SSH lets somebody log in'
after=$(lines)
((after - before <= 3)) || fail "the session went on by $((after - before)) lines"
edgefw edge status | grep -q '^WAITS: generation 2 falls back in' || fail 'status does not say that it waits'
waits_for $((lock_out + 10)) can_log_in || fail 'nobody can log in after the deadline'
edgefw edge status | grep -q '^FELL BACK: ' || fail 'status does not say that it fell back'
equal 'generation' "$(generation edge)" 3

chapter 'the session goes on, and nothing of it is lost'
all_lines() { (($(lines) >= last)); }
waits_for $((2 * lock_out + 60)) all_lines || fail 'the session has ended'
wait "$session" || fail 'the session has ended'
equal 'lines' "$(lines)" "$last"
seq "$last" | cmp - "$lab_folder/session"
# By its own connection: it was not opened again.
equal 'revoked connections' "$(edgefw edge --json connections state=revoked | jq '.connections | length')" 0
[[ $(reason_count edge eth0 revoked) -gt 0 ]] || fail 'no packet was dropped as revoked'

chapter 'confirmed by another command'
lab_start edge "$EDGEFW" push --confirm 60s "$lab_folder/other.yaml" >"$lab_folder/push" 2>&1 </dev/null
readonly waiting=$lab_started
waits_for 10 in_force || fail "it was not pushed: $(<"$lab_folder/push")"
refused 1 'generation 4 waits to be confirmed' edge "$EDGEFW" push "$lab_folder/good.yaml"
edgefw edge confirm
wait "$waiting" || fail "the command that waited: $(<"$lab_folder/push")"
equal 'last line' "$(tail -n 1 "$lab_folder/push")" 'generation 4 is confirmed'
refused 1 'no push waits to be confirmed' edge "$EDGEFW" confirm
equal 'waits' "$(edgefw edge --json status | jq -c .waits)" null

chapter 'at a terminal'
typed() { # CODE KEYS
    local code=0
    on edge "$story_root/tests/e2e/terminal.py" 'keep? [y/N]' "$2" "$EDGEFW" push --confirm 60s "$lab_folder/good.yaml" \
        >"$lab_folder/terminal" || code=$?
    equal "exit code after $2" "$code" "$1"
}
typed 0 'y\n'
grep -q 'is confirmed' "$lab_folder/terminal" || fail "$(<"$lab_folder/terminal")"
equal 'rule' "$(edgefw edge --json show | jq -r '.rules[0].id')" ssh
edgefw edge push "$lab_folder/other.yaml"
for keys in 'n\n' '\n' '\x03'; do
    typed 1 "$keys"
    grep -q 'taken back: the policy before' "$lab_folder/terminal" || fail "$keys: $(<"$lab_folder/terminal")"
    equal 'rule' "$(edgefw edge --json show | jq -r '.rules[0].id')" shell
done
# The end of the input is no answer: it waits for the deadline.
code=0
on edge "$story_root/tests/e2e/terminal.py" 'keep?' '\x04' "$EDGEFW" push --confirm 1s "$lab_folder/good.yaml" \
    >"$lab_folder/terminal" || code=$?
equal 'exit code after the end of the input' "$code" 1
grep -q 'not confirmed: the policy before' "$lab_folder/terminal" || fail "$(<"$lab_folder/terminal")"

chapter 'what makes no sense'
for time in 0 0s 1x 25h 99999999999999999999; do
    refused 2 "--confirm $time: give a time from 1s to 24h" edge "$EDGEFW" push --confirm "$time" "$lab_folder/good.yaml"
done
refused 2 '--dry-run' edge "$EDGEFW" push --confirm 5s --dry-run "$lab_folder/good.yaml"
refused 2 'exclude each other' edge "$EDGEFW" push --confirm 5s --upgrade "$lab_folder/good.yaml"
refused 1 'was not confirmed in time' edge "$EDGEFW" confirm

edgefw edge detach eth0
nothing_left edge
