#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# The tests of tests/kernels/tests.list in the machine that scripts/vm has booted: `guest.sh PROGRAMS [quick|middle|newest]`,
# where PROGRAMS is the folder of edgefw, kernel_tests and foreign.o; `middle` is a kernel that is neither the oldest nor
# the newest of the run. Prints a line a test, which scripts/test-kernels reads:
#
#   ok SECONDS NAME            FAILED SECONDS NAME, with what it said below, after "  | "
#
# before them `booted SECONDS KERNEL PACKAGE`, and `not here: NAME...` of the list; behind them a line `suite SECONDS NAME`
# for each suite, and `done`.
set -u
cd "$(dirname "$0")/../.." || exit
readonly programs=$1 which=${2-} list=tests/kernels/tests.list
readonly longest=400 # seconds: no test of the list takes a quarter of that on two idle cores
export EDGEFW=$programs/edgefw EDGEFW_FOREIGN=$programs/foreign.o EDGEFW_SHORT=1 EDGEFW_ANSWER_SECONDS=5 TMPDIR=/tmp/test
mkdir -p "$TMPDIR"

# What of the list runs here: the names of a kind ("story", "kernel"); of "not-kernel" those that do not.
# shellcheck disable=SC2016  # awk's own
listed() { of_list '$1 == kind && here() { print $2 }' "$1"; }
# shellcheck disable=SC2016
left_out() { of_list '($1 !~ /^not-/ && !here()) || ($1 ~ /^not-/ && $3 == "before" && here()) { printf " %s", $2 }'; }
of_list() {
    awk -v kind="${2-}" -v which="$which" -v release="$(uname -r)" '
        function older(than, ours, theirs) {
            split(release, ours, "[.]")
            split(than, theirs, "[.]")
            return ours[1] * 1000 + ours[2] < theirs[1] * 1000 + theirs[2]
        }
        function here() {
            if ($1 ~ /^not-/) return $3 != "before" || older($4)
            return !($3 == "ends" && which == "middle") && !($3 == "oldest" && which != "")
        }
        !/^(not-)?(story|kernel) / { next }
        '"$1" "$list"
}

now() { local of=$EPOCHREALTIME && printf '%s' "${of/[.,]/}"; }
seconds_since() { printf '%d.%d' $((($(now) - $1) / 1000000)) $((($(now) - $1) / 100000 % 10)); }

# What a failed test said, and the end of the verifier's log if that is why.
explain_failure() { # OUTPUT
    local log
    tail -n 25 "$1" | cut -c 1-300 | sed 's/^/  | /'
    for log in "$TMPDIR"/edgefw-verifier-*; do
        [[ -e $log ]] || continue
        printf '  | %s ends:\n' "$log"
        tail -n 20 "$log" | cut -c 1-200 | sed 's/^/  |   /'
        return # a test that goes on after a refusal has many alike
    done
}

# in_folder COMMAND...: in an empty folder for temporary files.
in_folder() {
    rm -rf "$TMPDIR" && mkdir "$TMPDIR"
    "$@"
}

story() { # NAME SCRIPT
    local begin status=0
    begin=$(now)
    in_folder timeout -k 5 "$longest" "$2" >/tmp/output 2>&1 || status=$?
    # A skip (77) is a failure here, as in the other rings.
    if ((status == 0)); then
        printf 'ok %s %s\n' "$(seconds_since "$begin")" "$1"
    else
        printf 'FAILED %s %s\n  | exit code %d\n' "$(seconds_since "$begin")" "$1" "$status"
        explain_failure /tmp/output
    fi
}

# One process for all cases of some suites: each would load the data path anew. Their lines come as they end.
kernel_tests() { # FILTER
    local line name status begin cases=0
    local -A suites=() # milliseconds
    begin=$(now)
    : >/tmp/output
    while IFS= read -r line; do
        printf '%s\n' "$line" >>/tmp/output
        if [[ $line =~ ^\[\ RUN ]]; then
            : >/tmp/output
        elif [[ $line =~ ^\[\ +(OK|FAILED|SKIPPED)\ +\]\ ([^ ,]+).*\(([0-9]+)\ ms\)$ ]]; then
            status=${BASH_REMATCH[1]} name=${BASH_REMATCH[2]}
            cases=$((cases + 1))
            suites[${name%%.*}]=$((${suites[${name%%.*}]-0} + BASH_REMATCH[3]))
            printf '%s %d.%d kernel.%s\n' "${status/#SKIPPED/FAILED}" $((BASH_REMATCH[3] / 1000)) \
                $((BASH_REMATCH[3] / 100 % 10)) "$name" | sed 's/^OK /ok /'
            [[ $status == OK ]] || explain_failure /tmp/output
            rm -f /tmp/test/edgefw-verifier-*
        fi
    done < <(in_folder timeout -k 5 1000 "$programs/kernel_tests" --gtest_filter="$1" 2>&1; echo "ended $?")
    for name in "${!suites[@]}"; do printf 'suite %d %s\n' $((suites[$name] / 1000)) "$name"; done | sort -k2,2nr
    line=$(tail -n 1 /tmp/output)
    if [[ $line != 'ended '[01] || $cases == 0 ]]; then # killed, time is up, or none matched
        printf 'FAILED %s kernel %s\n' "$(seconds_since "$begin")" "$1"
        explain_failure /tmp/output
    fi
}

printf 'booted %s %s %s\n' "$(cut -d ' ' -f 1 /proc/uptime)" "$(uname -r)" "$(uname -v | sed -n 's/.*Debian \([^ ]*\).*/\1/p')"
left=$(left_out)
[[ $which == quick || -z $left ]] || printf 'not here:%s\n' "$left"
modprobe -qa tun ppp_generic # nobody asks for the devices that programs open
kernel_tests 'VerifierBudget.*'
story smoke tests/kernels/smoke_test.sh
if [[ $which == quick ]]; then
    story e2e.egress_clsact tests/e2e/egress_clsact_test.sh
    echo 'done'
    exit 0
fi
listed story | while read -r name; do story "e2e.$name" "tests/e2e/${name}_test.sh"; done
kernel_tests "$(listed kernel | paste -s -d :)-$(listed not-kernel | paste -s -d :)"
echo 'done'
