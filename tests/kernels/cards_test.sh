#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# Real cards of a kernel that scripts/vm boots: `cards_test.sh [KERNEL]` (6.12). What edgefw does on a card that has native
# XDP, on one that has none, and on one that takes a program and shows it nothing. scripts/try-cards tries more of them.
set -euo pipefail
cd "$(dirname "$(realpath "$0")")/../.."

readonly kernel=${1:-6.12} edgefw=${EDGEFW:-build/edgefw} vm=${EDGEFW_VM:-scripts/vm}
mkdir -p build
scratch=$(mktemp -d build/cards.XXXXXX)
trap 'rm -rf "$scratch"' EXIT
strip -o "$scratch/edgefw" "$edgefw"

setpriv --pdeathsig TERM "$vm" run "$kernel" --seconds 400 --card virtio-net-pci --card e1000e --card virtio-net-pci,1,mrg_rxbuf=off \
    --card virtio-net-pci -- \
    python3 tests/kernels/try_cards.py --modes auto,native "$scratch/edgefw" virtio e1000e 'not merged' |
    tee "$scratch/lines"

bad=0
# CARD MODE WANTED: the mode that was got, and that nothing went wrong in it.
expect() {
    local line
    line=$(awk -F '\t' -v card="$1" -v mode="$2" '$2 == card && $4 == mode' "$scratch/lines")
    if ! awk -F '\t' -v wanted="$3" '{
            if ($5 != wanted || NF != 13) exit 1
            for (i = 6; i <= 12; i++) if ($i != "ok" && $i != "") exit 1
            found = 1
        } END { exit !found }' <<<"$line"; then
        printf 'FAILED: %s --mode %s: %s wanted: %s\n' "$1" "$2" "$3" "$line"
        bad=1
    fi
}
# 6.1 takes no native program at MTU 9000; what it then says is its own.
if [[ $kernel != 6.1 ]]; then expect virtio native native; fi
expect virtio auto native
expect e1000e auto tc
expect e1000e native refused
expect 'not merged' auto tc
expect 'not merged' native refused
exit "$bad"
