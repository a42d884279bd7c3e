#!/usr/bin/env bash
# The tests of tests/kernels/tests.list in the machine that scripts/vm has booted: `guest.sh PROGRAMS [quick]`, where PROGRAMS is the
# folder of edgefw, kernel_tests and foreign.o. Prints a line a test, which scripts/test-kernels reads:
#
#   ok SECONDS NAME            FAILED SECONDS NAME, with what it said below, after "  | "
#
# and before them `booted SECONDS KERNEL PACKAGE`, after them `done`.
set -u
cd "$(dirname "$0")/../.." || exit
readonly programs=$1 quick=${2-} list=tests/kernels/tests.list
readonly longest=400 # seconds: no test of the list takes a quarter of that on two idle cores
export EDGEFW=$programs/edgefw EDGEFW_FOREIGN=$programs/foreign.o EDGEFW_SHORT=1

# Names of a kind ("story", "kernel") in the list.
listed() { awk -v kind="$1" '$1 == kind { print $2 }' "$list"; }

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
    export TMPDIR=/tmp/test
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
    begin=$(now)
    : >/tmp/output
    while IFS= read -r line; do
        printf '%s\n' "$line" >>/tmp/output
        if [[ $line =~ ^\[\ RUN ]]; then
            : >/tmp/output
        elif [[ $line =~ ^\[\ +(OK|FAILED|SKIPPED)\ +\]\ ([^ ,]+).*\(([0-9]+)\ ms\)$ ]]; then
            status=${BASH_REMATCH[1]} name=${BASH_REMATCH[2]}
            cases=$((cases + 1))
            printf '%s %d.%d kernel.%s\n' "${status/#SKIPPED/FAILED}" $((BASH_REMATCH[3] / 1000)) \
                $((BASH_REMATCH[3] / 100 % 10)) "$name" | sed 's/^OK /ok /'
            [[ $status == OK ]] || explain_failure /tmp/output
            rm -f /tmp/test/edgefw-verifier-*
        fi
    done < <(in_folder timeout -k 5 1000 "$programs/kernel_tests" --gtest_filter="$1" 2>&1; echo "ended $?")
    line=$(tail -n 1 /tmp/output)
    if [[ $line != 'ended '[01] || $cases == 0 ]]; then # killed, time is up, or none matched
        printf 'FAILED %s kernel %s\n' "$(seconds_since "$begin")" "$1"
        explain_failure /tmp/output
    fi
}

printf 'booted %s %s %s\n' "$(cut -d ' ' -f 1 /proc/uptime)" "$(uname -r)" "$(uname -v | sed -n 's/.*Debian \([^ ]*\).*/\1/p')"
modprobe -qa tun ppp_generic # nobody asks for the devices that programs open
kernel_tests 'VerifierBudget.*'
story smoke tests/kernels/smoke_test.sh
if [[ -n $quick ]]; then
    story e2e.egress_clsact tests/e2e/egress_clsact_test.sh
    echo 'done'
    exit 0
fi
listed story | while read -r name; do story "e2e.$name" "tests/e2e/${name}_test.sh"; done
kernel_tests "$(listed kernel | paste -s -d :)-$(listed not-kernel | paste -s -d :)"
echo 'done'
