#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# Every shipped profile: its own packets under each of its options, the packets of tests/profiles row by row, and all
# profiles in one policy, in force.
# shellcheck source=tests/e2e/story.sh
source "$(dirname "$0")/story.sh"
story_begin
lab_street

chapter 'the packets that each profile promises, with each of its options'
for profile in "$story_root"/profiles/*.yaml; do
    edgefw edge profile check "$profile" >"$lab_folder/checked" 2>"$lab_folder/said" ||
        fail "$profile: $(<"$lab_folder/said")"
    [[ ! -s $lab_folder/said ]] || fail "$profile: $(<"$lab_folder/said")"
    sed "s|$story_root/||" "$lab_folder/checked"
done

chapter 'row by row: what passes, and the nearest that does not'
rows=0
for rows_of in "$story_root"/tests/profiles/*.yaml; do
    edgefw edge check "$rows_of" >"$lab_folder/checked" 2>"$lab_folder/said" || fail "$(<"$lab_folder/said")"
    sed "s|$story_root/||" "$lab_folder/checked"
    rows=$((rows + 1))
done
for profile in "$story_root"/profiles/*.yaml; do
    name=$(basename "$profile" .yaml)
    [[ -f $story_root/tests/profiles/$name.yaml ]] || fail "$name has no rows in tests/profiles"
done
echo "$rows policies"

chapter 'all of them in one policy'
{
    printf 'version: 1\ndefault: drop\nrules:\n'
    for profile in "$story_root"/profiles/*.yaml; do
        name=$(basename "$profile" .yaml)
        # Of its own test, the `use:` item alone.
        edgefw edge --json show "$story_root/tests/profiles/$name.yaml" >"$lab_folder/shown" 2>"$lab_folder/said" ||
            fail "$(<"$lab_folder/said")"
        sed -n '/^rules:/,/^tests:/{/^rules:/d;/^tests:/d;p}' "$story_root/tests/profiles/$name.yaml" |
            sed "s/^\\( *\\)as: .*/\\1as: $name/"
    done
} | policy everything
edgefw edge attach eth0
edgefw edge attach eth1 --side internal
edgefw edge push "$lab_folder/everything.yaml" 2>"$lab_folder/said" || fail "$(<"$lab_folder/said")"
profiles=$(edgefw edge --json show | jq '[.rules[].profile] | unique | length')
equal 'profiles in force' "$profiles" "$(find "$story_root/profiles" -maxdepth 1 -name '*.yaml' | wc -l)"

chapter 'a profile of one'"'"'s own'
edgefw edge profile new shop --to "$lab_folder"
edgefw edge profile check "$lab_folder/shop.yaml"
refused 1 'it is there already' edge "$EDGEFW" profile new shop --to "$lab_folder"
refused 2 'cannot be a profile'"'"'s name' edge "$EDGEFW" profile new ../shop --to "$lab_folder"
sed -i 's/local_port: 443,/local_port: 444,/' "$lab_folder/shop.yaml"
if edgefw edge profile check "$lab_folder/shop.yaml" >"$lab_folder/checked" 2>"$lab_folder/said"; then
    fail 'a profile that breaks its promise is called good'
fi
grep -q 'shop.yaml:.*external inbound tcp' "$lab_folder/said" || fail "says: $(<"$lab_folder/said")"

chapter 'a broken file beside good profiles is named, and hides none of them'
mkdir "$lab_folder/mine"
edgefw edge profile new good --to "$lab_folder/mine"
printf 'name: bad\ndocument: { title: T }\nrulse: []\n' >"$lab_folder/mine/bad.yaml"
got=0
edgefw edge --profiles "$lab_folder/mine" profile list >"$lab_folder/listed" 2>"$lab_folder/said" || got=$?
equal 'exit code' "$got" 3
equal 'what is said' "$(<"$lab_folder/said")" \
    "$lab_folder/mine/bad.yaml:3:1: unknown key 'rulse' in a profile; did you mean 'rules'?"
grep -q '^good ' "$lab_folder/listed" || fail "good is not listed: $(<"$lab_folder/listed")"
grep -q '^theoffice-v2-gateway ' "$lab_folder/listed" || fail "what ships is not listed: $(<"$lab_folder/listed")"
got=0
edgefw edge --json --profiles "$lab_folder/mine" profile list >"$lab_folder/listed" 2>"$lab_folder/said" || got=$?
equal 'exit code' "$got" 3
equal 'errors' "$(jq -c '[(.profiles | any(.name == "good")), (.errors[] | [.line, .column])]' "$lab_folder/listed")" '[true,[3,1]]'

edgefw edge detach eth0
edgefw edge detach eth1
nothing_left edge
