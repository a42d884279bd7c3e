#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# The rules of scripts/check-style, each on its own: in a tree that is clean it passes; with one file that breaks one
# rule it fails, and names the rule and the file; with the nearest file that breaks none it passes.
set -euo pipefail

root=$(cd "$(dirname "$0")/../.." && pwd)
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
readonly tree=$folder/tree tested=$folder/tested

fail() {
    printf 'FAILED: %s\n' "$*" >&2
    exit 1
}

mkdir -p "$tree"/{bpf,maps,userspace/kernel,tests,bench,scripts,.ci,cmake,docs}
cp "$root/scripts/check-style" "$tree/scripts/"
readonly notice='SPDX-License-Identifier: GPL-2.0-only'
# Stands for what makes the page of the reasons.
printf '#!/bin/sh\n# %s\necho generated\n' "$notice" >"$tree/scripts/generate-reasons"
chmod +x "$tree/scripts/generate-reasons"
echo generated >"$tree/docs/reasons.md"
printf '# %s\n' "$notice" | tee "$tree/CMakeLists.txt" >"$tree/Makefile"

# checked: what the script says of the tree is $said, how it ends is $status.
checked() {
    status=0
    said=$("$tree/scripts/check-style" 2>&1) || status=$?
}

# breaks RULE FILE, with the file's text on stdin: the words of the rule are the beginning of what it reports.
breaks() {
    mkdir -p "$(dirname "$tree/$2")"
    cat >"$tree/$2"
    checked
    rm "$tree/$2"
    ((status == 1)) || fail "'$1': $2 passes: $said"
    [[ $said == *"check-style: $1"*$'\n'*"$2"* ]] || fail "'$1': neither it nor $2 is named: $said"
    (($(grep -c '^check-style: ' <<<"$said") == 1 + says_no_shellcheck)) || fail "$2 breaks another rule than '$1', too: $said"
    echo "$1" >>"$tested"
}
# keeps FILE: likewise, and nothing is said of it.
keeps() {
    mkdir -p "$(dirname "$tree/$1")"
    cat >"$tree/$1"
    checked
    rm "$tree/$1"
    ((status == 0)) || fail "$1 does not pass: $said"
    [[ $said != *"$1"* ]] || fail "$1 is named: $said"
}
code() { printf '// %s\n' "$notice" && cat; } # a source with its first line

checked
((status == 0)) || fail "a clean tree does not pass: $said"
says_no_shellcheck=0
[[ $said != *'no shellcheck here'* ]] || says_no_shellcheck=1

rule='<bpf/...> belongs in userspace/kernel, bench and tests'
code <<<'#include <bpf/libbpf.h>' | breaks "$rule" userspace/observe/counters.cpp
code <<<' #  include <bpf/bpf.h>' | breaks "$rule" userspace/main.cpp
code <<<'#include <bpf/libbpf.h>' | keeps userspace/kernel/program.cpp
code <<<'#include <bpf/libbpf.h>' | keeps bench/bench.cpp
code <<<'#include <linux/bpf.h>' | keeps userspace/policy/parse.cpp

rule='a room includes what stands below it (ARCHITECTURE.md)'
code <<<'#include "userspace/cli/output.h"' | breaks "$rule" userspace/kernel/map.h
code <<<'#include "userspace/image/image.h"' | breaks "$rule" userspace/check/check.cpp
code <<<'#include "userspace/show/table.h"' | keeps userspace/daemon/metrics.cpp
code <<<'#include "userspace/kernel/map.h"' | keeps userspace/kernel/map.cpp
code <<<'#include "userspace/cli/push.h"' | keeps userspace/main.cpp

rule='no conditional compilation in bpf/ and maps/'
code <<<'#ifdef WITH_IPV6' | breaks "$rule" bpf/track.h
code <<<'#if EDGEFW_ABI_VERSION > 1' | breaks "$rule" maps/abi.h
code <<<'# elif 1' | breaks "$rule" bpf/entry.bpf.c
code <<<'#ifndef OTHER_H' | breaks "$rule" maps/other.h
printf '%s\n' '#ifndef EDGEFW_MAPS_PORT_H' '#ifdef __cplusplus' '#endif' '#endif' | code | keeps maps/port.h
code <<<'#ifdef __linux__' | keeps userspace/base/fd.h

rule='name the stage or the noun, not util, helper, common, misc or manager'
for name in util utils helper helpers common misc manager; do code </dev/null | breaks "$rule" "userspace/base/$name.h"; done
code </dev/null | breaks "$rule" bpf/common.h
code </dev/null | keeps bpf/common_prefix.h
code </dev/null | keeps tests/utility.h

rule='the first line (after #!) is SPDX-License-Identifier: GPL-2.0-only, in a comment'
breaks "$rule" userspace/policy/check.h <<<'#pragma once'
breaks "$rule" tests/e2e/story.py <<<$'#!/usr/bin/env python3\nimport sys\n# SPDX-License-Identifier: GPL-2.0-only'
breaks "$rule" maps/rate.h <<<'// SPDX-License-Identifier: MIT'
breaks "$rule" scripts/without <<<'no notice and no end'
keeps tests/e2e/story.py <<<$'#!/usr/bin/env python3\n# SPDX-License-Identifier: GPL-2.0-only'
keeps userspace/README.md <<<'what is no source needs none'

rule='docs/reasons.md is what scripts/generate-reasons prints (make docs)'
breaks "$rule" docs/reasons.md <<<'edited by hand'
echo generated >"$tree/docs/reasons.md"

rule='trailing whitespace'
code <<<'int one; ' | breaks "$rule" userspace/base/one.h
code <<<$'int one;\t' | breaks "$rule" bpf/one.h
code <<<' int one;' | keeps maps/one.h

if ((says_no_shellcheck)); then
    echo 'no shellcheck here: its rule is not tested'
    echo shellcheck >>"$tested"
else
    # shellcheck disable=SC2016  # for the script that is planted
    printf '#!/bin/sh\n# %s\necho %s\n' "$notice" '$1' | breaks shellcheck scripts/unquoted
    # shellcheck disable=SC2016
    printf '#!/bin/sh\n# %s\necho %s\n' "$notice" '"$1"' | keeps scripts/quoted
fi

# A warning ends nothing.
lines() { code < <(yes 'int one;' | head -n "$(($1 - 1))"); }
lines 501 >"$tree/userspace/long.cpp"
checked
rm "$tree/userspace/long.cpp"
[[ $status == 0 && $said == *'check-style: warning: userspace/long.cpp has 501 lines'* ]] || fail "501 lines: $said"
lines 500 | keeps userspace/long.cpp

# No rule without a test.
while IFS= read -r rule; do
    while IFS= read -r name; do [[ $rule != "$name"* ]] || continue 2; done <"$tested"
    fail "no test here breaks the rule '$rule' of scripts/check-style"
done < <(sed -n "s/^ *report '\([^']*\)'.*/\1/p" "$root/scripts/check-style")
echo "$(sort -u "$tested" | wc -l) rules"
