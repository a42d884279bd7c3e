#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# Who is logged in by SSH is not locked out by what they type.
# shellcheck source=tests/e2e/story.sh
source "$(dirname "$0")/story.sh"
story_begin
lab_street

ssh-keygen -q -t ed25519 -N '' -f "$lab_folder/ssh.host"
ssh-keygen -q -t ed25519 -N '' -f "$lab_folder/ssh.user"
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
mkdir -p /run/sshd # for its separated privileges; Debian's own is the same
lab_start edge /usr/sbin/sshd -D -e -f "$lab_folder/sshd.conf" 2>"$lab_folder/sshd"
listens() { on edge ss -Hltn 'sport = :22' | grep -q .; }
waits_for 30 listens || fail "sshd: $(<"$lab_folder/sshd")"

ssh=(ssh -q -i "$lab_folder/ssh.user" -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o BatchMode=yes
    root@198.51.100.1)
# log_in NAME: a session that says what it is told; its client's port is in session_port.
log_in() {
    mkfifo "$lab_folder/in.$1"
    : >"$lab_folder/out.$1"
    exec {session}<>"$lab_folder/in.$1"
    nsenter --net="/run/netns/$(lab_netns client)" -- "${ssh[@]}" cat <&"$session" >"$lab_folder/out.$1" &
    session_out=$lab_folder/out.$1
    lives || fail 'no session'
    session_port=$(on edge ss -Htn 'sport = :22' | awk '{ sub(/.*:/, "", $5); print $5 }')
    session_ends="198.51.100.9:$session_port > 198.51.100.1:22"
}
said=0
# lives [SECONDS]: whether the session answers.
lives() {
    said=$((said + 1))
    echo "word $said" >&"$session"
    waits_for "${1:-30}" grep -qx "word $said" "$session_out"
}

policy closed <<'END'
version: 1
default: drop
rules:
  - { name: web, side: external, direction: inbound, protocol: tcp, local_port: 80, action: pass }
END
policy open <<'END'
version: 1
default: drop
rules:
  - { name: ssh, side: external, direction: inbound, protocol: tcp, remote: 198.51.100.9, local_port: 22, action: pass }
END
policy stateless <<'END'
version: 1
default: drop
rules:
  - { name: in, side: external, direction: inbound, protocol: tcp, local_port: 22, state: none, action: pass }
  - { name: out, side: external, direction: outbound, protocol: tcp, local_port: 22, state: none, action: pass }
END
policy taken <<'END'
version: 1
default: drop
rules:
  - { name: ssh, side: external, direction: inbound, protocol: tcp, local_port: 22, action: pass }
nat:
  - { name: elsewhere, type: port-forward, protocol: tcp, public: 198.51.100.1, public_port: 22, to: 10.0.0.5, to_port: 22 }
END
would_end="this policy would end the SSH session"

chapter 'the first push'
edgefw edge attach eth0
edgefw edge attach eth1 --side internal
log_in one
refused 1 "$would_end $session_ends on eth0 (drop, reason default); add a rule that passes it, push with --confirm 60s, or use --force" \
    edge "$EDGEFW" push "$lab_folder/closed.yaml"
equal 'generation' "$(generation edge)" 0
edgefw edge push "$lab_folder/open.yaml"
lives || fail 'the session ended'

chapter 'later ones'
refused 1 "$would_end $session_ends on eth0 (drop, reason default)" edge "$EDGEFW" push "$lab_folder/closed.yaml"
refused 1 'nat elsewhere would translate it' edge "$EDGEFW" push "$lab_folder/taken.yaml"
edgefw edge push --dry-run "$lab_folder/closed.yaml" >"$lab_folder/dry" 2>"$lab_folder/stderr"
grep -q "^warning: a push would be refused: $would_end" "$lab_folder/stderr" || fail "$(<"$lab_folder/stderr")"
equal 'generation' "$(generation edge)" 1
lives || fail 'the session ended'
# No packet of it passes the other card.
edgefw edge push --iface eth1 "$lab_folder/closed.yaml"

chapter 'typed in a session'
type_there() { on client "${ssh[@]}" "$1" </dev/null >"$lab_folder/stdout" 2>"$lab_folder/stderr"; }
! type_there "$EDGEFW push $lab_folder/closed.yaml" || fail 'pushed'
grep -q 'this policy would end your SSH session .* and 1 more' "$lab_folder/stderr" || fail "$(<"$lab_folder/stderr")"
# As with sudo, which leaves the variable out.
! type_there "env -u SSH_CONNECTION sh -c '$EDGEFW push $lab_folder/closed.yaml; exit \$?'; exit \$?" || fail 'pushed'
grep -q 'this policy would end your SSH session .* and 1 more' "$lab_folder/stderr" || fail "$(<"$lab_folder/stderr")"
type_there "$EDGEFW push $lab_folder/open.yaml" || fail "$(<"$lab_folder/stderr")"

chapter 'rollback is a push, too'
edgefw edge push --iface eth0 --force "$lab_folder/closed.yaml"
! lives 2 || fail 'a policy that drops it leaves the session alone'
# It is dead already: nothing more is lost.
edgefw edge push "$lab_folder/closed.yaml"
edgefw edge push "$lab_folder/open.yaml"
log_in two
refused 1 "$would_end" edge "$EDGEFW" rollback
edgefw edge rollback --force
! lives 2 || fail 'a policy that drops it leaves the session alone'

chapter 'a card that is attached with a policy adopts nothing'
edgefw edge detach eth0
log_in three
refused 1 "attach --policy would end the SSH session" edge "$EDGEFW" attach eth0 --policy "$lab_folder/open.yaml"
equal 'hooks' "$(hooks edge eth0)" '0 received, 0 sent'
edgefw edge attach eth0 --policy "$lab_folder/stateless.yaml"
lives || fail 'the session ended'
# In no table: it goes on by the rules of each packet, or not.
refused 1 "$would_end" edge "$EDGEFW" push "$lab_folder/open.yaml"
edgefw edge detach eth0
edgefw edge attach eth0 --force --policy "$lab_folder/open.yaml"
! lives 2 || fail 'adopted'

chapter 'what serve pushes is pushed, and said'
edgefw edge detach eth0
edgefw edge attach eth0
log_in four
lab_start edge "$EDGEFW" serve --listen 127.0.0.1:0 --policy "$lab_folder/closed.yaml" 2>"$lab_folder/serve"
waits_for 120 grep -q 'generation .* is in force' "$lab_folder/serve" || fail "serve: $(<"$lab_folder/serve")"
grep -q "^warning: $would_end .*; it is pushed" "$lab_folder/serve" || fail "serve: $(<"$lab_folder/serve")"
kill -TERM "$lab_started"
