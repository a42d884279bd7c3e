#!/usr/bin/env bash
# packaging/edgefw@.service over real reboots: armed before the network is configured, a card that goes and comes back, a
# policy that is refused at boot and mended. Runs itself in a machine with systemd (scripts/vm):
#
#   tests/kernels/boot_test.sh [KERNEL [PROGRAMS]]     6.12 build
#
# In the machine: `boot_test.sh in-machine PROGRAMS`, at the end of each boot.
set -euo pipefail
cd "$(dirname "$0")/../.."

if [[ ${1-} != in-machine ]]; then
    exec scripts/vm run "${1:-6.12}" --systemd --seconds 600 --card virtio-net-pci -- \
        tests/kernels/boot_test.sh in-machine "${2:-build}"
fi

readonly programs=$2 unit=edgefw@eth0.service
boot=$(cat /boot-number 2>/dev/null || echo 0)
echo $((boot + 1)) >/boot-number

fail() {
    printf 'FAILED (boot %d): %s\n' "$boot" "$*"
    journalctl -b -u "$unit" -o cat --no-pager | tail -n 5
    exit 1
}
good() { printf 'boot %d: %s\n' "$boot" "$*"; }
waits_for() { # SECONDS COMMAND...
    local end=$((SECONDS + $1))
    until "${@:2}"; do
        ((SECONDS < end)) || return 1
        sleep 0.5
    done
}
armed() { [[ $(edgefw --json status | jq '[.interfaces[] | select(.interface == "eth0" and .generation > 0)] | length') == 1 ]]; }
# When a unit began to be active, in microseconds since the boot.
active_since() { systemctl show -P ActiveEnterTimestampMonotonic "$1"; }

is_inactive() { ! systemctl -q is-active "$unit"; }

install_all() {
    install "$programs/edgefw" /usr/bin/edgefw
    mkdir -p /usr/share/edgefw /etc/edgefw
    cp -r profiles /usr/share/edgefw/
    install -m 644 packaging/edgefw@.service /etc/systemd/system/
    printf 'version: 1\ndefault: drop\n' >/etc/edgefw/policy.yaml
    printf '[Match]\nName=eth0\n[Network]\nAddress=192.0.2.1/24\nConfigureWithoutCarrier=yes\n' >/etc/systemd/network/eth0.network
    systemctl enable -q "$unit" systemd-networkd
}

# The driver lets go of the card, and takes it again.
replug() {
    local device
    device=$(basename "$(readlink -f /sys/class/net/eth0/device)")
    echo "$device" >/sys/bus/virtio/drivers/virtio_net/unbind
    waits_for 20 test ! -e /sys/class/net/eth0 || fail 'the card did not go'
    waits_for 20 is_inactive || fail 'the unit stays without its card'
    echo "$device" >/sys/bus/virtio/drivers/virtio_net/bind
}

case $boot in
    0)
        install_all
        ;;
    1)
        waits_for 60 systemctl -q is-active "$unit" || fail "the unit is $(systemctl is-active "$unit")"
        armed || fail 'the card is not armed'
        (($(active_since "$unit") <= $(active_since systemd-networkd))) || fail 'the network was configured first'
        good 'armed before the network is configured'
        replug
        waits_for 60 armed || fail 'a card that came back is not armed'
        good 'a card that came back is armed'
        systemctl stop "$unit"
        armed || fail 'stopping the unit opened the card'
        good 'stopping the unit leaves the card armed'
        printf 'version: 1\ndefault: perhaps\n' >/etc/edgefw/policy.yaml
        ;;
    2)
        armed && fail 'armed with a policy that is refused'
        journalctl -b -u "$unit" -o cat --no-pager | grep -q 'policy.yaml:2' || fail 'the journal does not say what is wrong'
        good 'a policy that is refused is said, with its line'
        printf 'version: 1\ndefault: drop\n' >/etc/edgefw/policy.yaml
        waits_for 60 armed || fail 'the mended policy is not in force'
        good 'mended, it comes into force without a hand'
        echo 'boot: all held'
        exit 0
        ;;
esac
sync
systemctl reboot 2>/dev/null # there is no bus to announce it on
sleep 100
