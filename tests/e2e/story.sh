#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# What the stories of the e2e ring share: the program under test, a laboratory, and claims about what happened. A claim
# that does not hold ends the story. Exit codes are ctest's: 77 is a skip, with its reason.
set -euo pipefail

story_root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
readonly story_root
readonly EDGEFW=${EDGEFW:-$story_root/build/edgefw}

# shellcheck source=scripts/lab
source "$story_root/scripts/lab"

fail() {
    printf 'FAILED: %s\n' "$*" >&2
    story_failed "$*"
    exit 1
}

chapter() {
    printf -- '-- %s\n' "$*"
    story_chapter=$*
}
story_chapter='the beginning'

story_begin() {
    if ((EUID != 0)); then
        echo 'skipped: the e2e ring makes network namespaces, which needs root'
        exit 77
    fi
    [[ -x $EDGEFW ]] || fail "no program at $EDGEFW: build it, or name it in EDGEFW"
    lab_begin
    trap story_end EXIT
    story_hold
    set -E # the place of a failure, also in functions
    trap story_error ERR
}
# The place is the nearest that is neither here nor in scripts/lab, whose `on` waits for all that fails.
story_error() {
    local frame=1 file line said
    while ((frame < ${#BASH_SOURCE[@]} - 1)) && [[ ${BASH_SOURCE[frame]##*/} == @(story.sh|lab) ]]; do
        frame=$((frame + 1))
    done
    file=${BASH_SOURCE[frame]} line=${BASH_LINENO[frame - 1]}
    said="${file##*/}:$line: $(sed -n "${line}s/^ *//p" "$file")"
    [[ ! -e $lab_folder/failed || $said != "$(tail -n 1 "$lab_folder/failed")" ]] || return 0
    printf 'FAILED: %s\n' "$said" >&2
    story_failed "$said"
}

# Stories run side by side, each in namespaces of its own; the folders that hold the state of all namespaces are shared.
# Whoever leaves one empty removes it, also under the hands of another who is about to use it: not while a story runs.
readonly story_held=("$lab_memory/story-$$" "$lab_bpffs/edgefw/story-$$")
# Remembered as a card of a namespace that is in use, it is nothing that edgefw takes away.
story_hold() {
    local held
    until story_remembered; do sleep 0.01; done 2>/dev/null
    until (umask 077 && mkdir -p "${story_held[1]}"); do sleep 0.01; done 2>/dev/null
    for held in "$lab_memory"/story-* "$lab_bpffs"/edgefw/story-*; do # of stories that were killed
        kill -0 "${held##*-}" 2>/dev/null || rm -rf "$held"
    done
}
story_remembered() {
    (umask 077 && mkdir -p "${story_held[0]}") &&
        printf '{"namespace": "%s"}\n' "$(readlink /proc/self/ns/net)" >"${story_held[0]}/held"
}

# What failed, before anything is removed: the first is the innermost.
story_failed() {
    if [[ -d $lab_folder ]]; then printf '%s\n' "$1" >>"$lab_folder/failed"; fi
}
# The chapter, what failed there, and the ends of what was written last: all in a few lines.
story_saw() {
    local file
    printf 'in the chapter: %s\n' "$story_chapter"
    if [[ -s $lab_folder/failed ]]; then head -n 3 "$lab_folder/failed" | cut -c 1-600 | sed 's/^/failed: /'; fi
    find "$lab_folder" -maxdepth 1 -type f -size -1000k -size +0 ! -name failed ! -name '*.yaml' ! -name '*.pem' \
        -printf '%T@ %p\n' | sort -rn | while read -r _ file; do if grep -qI . "$file"; then echo "$file"; fi; done |
        head -n 3 | while read -r file; do
        printf '%s: %s\n' "${file##*/}" "$(tail -c 2000 "$file" | tr -d '\000' | tail -n 2 | paste -s -d '|' | cut -c 1-400)"
    done
}
story_end() {
    local status=$? saw=''
    trap '' HUP INT TERM # what was begun is finished
    trap - EXIT ERR
    set +e
    ((status == 0 || status == 77)) || saw=$(story_saw 2>&1)
    rm -rf "${story_held[@]}"
    (lab_end)
    rmdir "$lab_bpffs/edgefw" "$lab_memory" 2>/dev/null # unless somebody has something there
    # Last, so that whoever sees ten lines sees this.
    [[ -z $saw ]] || printf 'FAILED (%d) %s\n' "$status" "$saw" >&2
    exit "$status"
}

# edgefw HOST ARGUMENT...
edgefw() { on "$1" "$EDGEFW" "${@:2}"; }

# refused CODE TEXT HOST COMMAND...: the command ends with CODE, says TEXT on stderr in one line, and nothing on stdout.
refused() {
    local code=$1 text=$2 got=0 said
    shift 2
    on "$@" >"$lab_folder/stdout" 2>"$lab_folder/stderr" || got=$?
    said=$(<"$lab_folder/stderr")
    ((got == code)) || fail "exit code $got, not $code, of '${*:2}': $said"
    [[ $said == *"$text"* ]] || fail "'${*:2}' should say '$text', and says: $said"
    (($(wc -l <"$lab_folder/stderr") == 1)) || fail "'${*:2}' says more than one line: $said"
    [[ ! -s $lab_folder/stdout ]] || fail "'${*:2}' failed and printed: $(<"$lab_folder/stdout")"
}

# equal WHAT GOT WANTED
equal() { [[ $2 == "$3" ]] || fail "$1: $2, not $3"; }

# What `edgefw counters` says of a card; FIELD is packets, bytes or connections.
rule_count() { # HOST CARD RULE FIELD
    edgefw "$1" --json counters "$2" |
        jq --arg id "$3" --arg field "$4" '.interfaces[0] | (.rules + .nat)[] | select(.id == $id)[$field]'
}
reason_count() { # HOST CARD REASON
    edgefw "$1" --json counters "$2" |
        jq --arg reason "$3" '.interfaces[0].reasons[] | select(.reason == $reason).packets'
}

generation() { edgefw "$1" --json status | jq '.generation'; } # HOST

# Programs on the hooks of a card: received (XDP, tcx and clsact) and sent (tcx and clsact).
hooks() { # HOST CARD
    local xdp
    xdp=$(on "$1" ip -json link show "$2" | jq '.[0] | if .xdp then 1 else 0 end')
    printf '%d received, %d sent' $((xdp + $(tc_programs "$@" ingress))) "$(tc_programs "$@" egress)"
}
tc_programs() { # HOST CARD ingress|egress
    local clsact
    clsact=$(on "$1" tc filter show dev "$2" "$3" | grep -c ' handle ' || true)
    echo $((clsact + $(on "$1" "$story_root/tests/e2e/tcx_programs.py" "$2" "$3")))
}

# Whether a story repeats itself with further kinds of cards: not where the processor is emulated (tests/kernels/guest.sh).
thorough() { [[ -z ${EDGEFW_SHORT-} ]]; }
# much_of MUCH LITTLE: how much of something, likewise.
much_of() { if thorough; then echo "$1"; else echo "$2"; fi; }
# at_length USUAL LONG: how much of something; what proves the point, unless EDGEFW_LONG asks for the long form.
at_length() { if [[ -z ${EDGEFW_LONG-} ]]; then echo "$1"; else echo "$2"; fi; }

# The kinds of hook at tc that this kernel has, by trying: it had none but clsact before 6.6.
tc_kinds() { # HOST CARD, which is not attached
    if on "$1" "$EDGEFW" attach "$2" --egress tcx >/dev/null 2>&1; then
        on "$1" "$EDGEFW" detach "$2" >/dev/null
        echo tcx
    fi
    echo clsact
}

# Pins programs of somebody else: $lab_foreign/foreign_received (XDP), $lab_foreign/foreign_sent (tc) and the others.
# EDGEFW_FOREIGN is their object where there is no compiler.
load_foreign() {
    local object=${EDGEFW_FOREIGN:-$lab_folder/foreign.o}
    [[ -n ${EDGEFW_FOREIGN-} ]] || clang -O2 -g -target bpf -c "$story_root/tests/e2e/foreign.bpf.c" -o "$object"
    bpftool prog loadall "$object" "$lab_foreign"
}

# nothing_left HOST: no program on any hook, no pin, no directory, no memory.
nothing_left() {
    local card pins
    pins=$(lab_pins "$1")
    [[ ! -e $pins ]] || fail "pins are left: $(find "$pins")"
    [[ ! -e $lab_memory/${pins##*/} ]] || fail "a card is remembered: $(find "$lab_memory/${pins##*/}")"
    for card in $(on "$1" ip -json link show | jq -r '.[].ifname | select(. != "lo")'); do
        equal "programs on $card" "$(hooks "$1" "$card")" '0 received, 0 sent'
    done
}

# What begins a command that mounts for itself alone. In a chroot "/" is no mount, and none can be made private there;
# what is mounted ends with the command all the same, unless the machine shares its mounts with others.
own_mounts=(unshare --mount)
# shellcheck disable=SC2034  # for the stories
unshare --mount true 2>/dev/null || own_mounts=(unshare --mount --propagation unchanged)

# traffic HOST ARGUMENT...: what has not come back after EDGEFW_ANSWER_SECONDS is lost. They are many, for a machine that
# has other work; whoever wants nothing back gives them a few.
traffic() { on "$1" "$story_root/tests/e2e/traffic.py" "${@:2}"; }

# unanswered HOST ARGUMENT...: as traffic, of which nothing comes back; what it says is said only otherwise.
unanswered() {
    local said
    ! said=$(EDGEFW_ANSWER_SECONDS=$(much_of 1 5) traffic "$@" 2>&1) || fail "answered: ${*:2}: $said"
}

# waits_for SECONDS COMMAND...: until it succeeds.
waits_for() {
    local end=$((SECONDS + $1))
    until "${@:2}"; do
        ((SECONDS < end)) || return 1
        sleep 0.05
    done
}

# serves HOST URL...: an echo server there. What it received: received URL, after ends_serving.
serves() {
    : >"$lab_folder/served.$1"
    lab_start "$1" "$story_root/tests/e2e/traffic.py" serve "${@:2}" >"$lab_folder/served.$1"
    story_servers[$1]=$lab_started
    waits_for 60 grep -q ready "$lab_folder/served.$1" || fail "the server on $1 did not start"
}
declare -A story_servers=()

ends_serving() { # HOST
    kill -TERM "${story_servers[$1]}"
    wait "${story_servers[$1]}"
}

received() { # HOST URL
    awk -v url="$2" '$1 == url { print $2 }' "$lab_folder/served.$1"
}

# policy NAME: the policy on stdin becomes the file $lab_folder/NAME.yaml.
policy() { cat >"$lab_folder/$1.yaml"; }
