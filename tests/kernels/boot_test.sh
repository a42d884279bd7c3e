#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# packaging/edgefw@.service and boot.conf over real reboots: armed before the network is configured; a card that goes and
# comes back; a policy that is refused; a broken file system for state; a kernel that refuses even the program that closes
# the card. Runs itself in a machine with systemd (scripts/vm):
#
#   tests/kernels/boot_test.sh [KERNEL [PROGRAMS]]     6.12 build
#
# In the machine: `boot_test.sh in-machine PROGRAMS`, at the end of each boot. eth1 is the other end of eth0's wire, in a
# network namespace of its own.
set -euo pipefail
cd "$(dirname "$0")/../.."

if [[ ${1-} != in-machine ]]; then
    exec scripts/vm run "${1:-6.12}" --systemd --seconds 900 --card virtio-net-pci --card virtio-net-pci -- \
        tests/kernels/boot_test.sh in-machine "${2:-build}"
fi

readonly programs=$2 unit=edgefw@eth0.service drop_in=/etc/systemd/system/edgefw@.service.d/test.conf
boot=$(cat /boot-number 2>/dev/null || echo 0)
echo $((boot + 1)) >/boot-number

fail() {
    printf 'FAILED (boot %d): %s\n' "$boot" "$*"
    systemctl status "$unit" --no-pager -l | tail -n 15
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
closed() { [[ $(edgefw --json status | jq '[.closed[] | select(.interface == "eth0")] | length') == 1 ]]; }
is_up() { ip -json link show eth0 | jq -e '.[0].flags | index("UP")' >/dev/null; }
is_down() { ! is_up; }
# When a unit began to be active, in microseconds since the boot.
active_since() { systemctl show -P ActiveEnterTimestampMonotonic "$1"; }
# What the unit says of itself, and what it has logged since the boot.
status_says() { [[ $(systemctl show -P StatusText "$unit") == *"$1"* ]]; }
journal_says() { journalctl -b -u "$unit" -o cat --no-pager | grep -qF -- "$1"; }
is_inactive() { ! systemctl -q is-active "$unit"; }
before_the_network() {
    (($(active_since "$unit") > 0 && $(active_since "$unit") <= $(active_since systemd-networkd))) || fail 'the network was configured first'
}

policy() { printf 'version: 1\ndefault: %s\n' "$1" >/etc/edgefw/policy.yaml; }
config() { printf 'on_boot_failure: %s\nssh_from: 192.0.2.8/29\n' "$1" >/etc/edgefw/boot.conf; }

install_all() {
    install "$programs/edgefw" /usr/bin/edgefw
    mkdir -p /usr/share/edgefw /etc/edgefw
    cp -r profiles /usr/share/edgefw/
    install -m 644 packaging/edgefw@.service packaging/edgefw-serve.service /etc/systemd/system/
    policy drop
    config closed
    printf '[Match]\nName=eth0\n[Network]\nAddress=192.0.2.1/24\nDHCP=ipv4\nConfigureWithoutCarrier=yes\n' >/etc/systemd/network/eth0.network
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

# What `serve` tells of the card's generation; nothing where it does not answer.
told_generation() { python3 -c 'import urllib.request
for line in urllib.request.urlopen("http://127.0.0.1:9477/metrics", timeout=5).read().decode().splitlines():
    if line.startswith("edgefw_generation{"): print(line.split()[-1])' 2>/dev/null || true; }
tells_generation() { [[ $(told_generation) == "$1" ]]; }

# The other end of the wire: one address that boot.conf names, one that it does not, and a DHCP server.
make_peer() {
    ip netns add peer
    ip link set eth1 netns peer
    ip -n peer link set eth1 up
    ip -n peer address add 192.0.2.9/24 dev eth1
    ip -n peer address add 192.0.2.99/24 dev eth1
    ip netns exec peer dnsmasq --no-daemon --port 0 --interface eth1 --dhcp-range 192.0.2.50,192.0.2.60,2m \
        --dhcp-leasefile=/run/leases --user=root >/run/dnsmasq.log 2>&1 &
    tests/e2e/traffic.py serve tcp://192.0.2.1:22 tcp://192.0.2.1:443 &
    waits_for 60 ss -Hltn src 192.0.2.1:443 >/dev/null
}
# systemd-networkd has an address of the peer's.
leased() { ip -4 -o address show dev eth0 | grep -q 'inet 192\.0\.2\.5'; }
# Whether the peer gets an answer: FROM PORT
reaches() { timeout 20 ip netns exec peer python3 -c 'import socket, sys
s = socket.create_connection(("192.0.2.1", int(sys.argv[2])), 6, (sys.argv[1], 0))
s.sendall(b"x")
sys.exit(s.recv(1) != b"x")' "$1" "$2" 2>/dev/null; }

case $boot in
    0)
        install_all
        ;;
    1)
        waits_for 60 systemctl -q is-active "$unit" || fail "the unit is $(systemctl is-active "$unit")"
        armed || fail 'the card is not armed'
        before_the_network
        good 'armed before the network is configured'
        replug
        waits_for 60 armed || fail 'a card that came back is not armed'
        good 'a card that came back is armed'
        systemctl stop "$unit"
        armed || fail 'stopping the unit opened the card'
        good 'stopping the unit leaves the card armed'
        generation=$(edgefw --json status | jq .generation)
        systemctl start edgefw-serve # pushes the file
        waits_for 60 tells_generation $((generation + 1)) || fail "serve in its sandbox: $(journalctl -b -u edgefw-serve -o cat --no-pager | tail -n 5)"
        policy pass
        waits_for 60 tells_generation $((generation + 2)) || fail "a push in the sandbox: $(journalctl -b -u edgefw-serve -o cat --no-pager | tail -n 5)"
        systemctl stop edgefw-serve
        good 'serve tells and pushes in its sandbox'
        policy perhaps
        ;;
    2)
        armed && fail 'armed with a policy that is refused'
        closed || fail 'a policy that is refused has not closed the card'
        before_the_network
        journal_says 'policy.yaml:2' || fail 'the journal does not say what is wrong'
        status_says 'eth0 is CLOSED until then' || fail 'the status does not say that the card is closed'
        good 'a policy that is refused: closed before the network is configured, and said with its line'
        make_peer
        waits_for 30 reaches 192.0.2.9 22 || fail 'SSH of a named network does not pass'
        reaches 192.0.2.99 22 && fail 'SSH of another network passes'
        reaches 192.0.2.9 443 && fail 'another port passes'
        waits_for 90 leased || fail "DHCP does not pass: $(</run/dnsmasq.log)"
        good 'closed: ARP, DHCP and SSH of a named network pass, and nothing else that was tried'
        replug
        waits_for 60 closed || fail 'a card that came back is not closed'
        good 'a card that came back is closed'
        policy drop
        waits_for 60 armed || fail 'the mended policy is not in force'
        closed && fail 'armed, and still closed'
        good 'mended, it comes into force without a hand'
        # The next boot finds no bpffs.
        printf '[Unit]\nDefaultDependencies=no\nBefore=%s\n[Service]\nType=oneshot\nExecStart=umount /sys/fs/bpf\n' "$unit" \
            >/etc/systemd/system/no-bpffs.service
        mkdir -p "${drop_in%/*}"
        printf '[Unit]\nWants=no-bpffs.service\nAfter=no-bpffs.service\n' >"$drop_in"
        ;;
    3)
        journal_says 'no bpffs at /sys/fs/bpf' || fail 'the journal does not say what is wrong'
        journal_says 'eth0 is CLOSED until then' || fail 'without a bpffs the card was not closed'
        good 'a broken file system for state: closed'
        # This script has a bpffs: scripts/vm mounts one.
        waits_for 60 armed || fail 'the policy is not in force although there is a bpffs'
        good 'it is there again: the policy comes into force without a hand'
        printf '[Service]\nCapabilityBoundingSet=CAP_NET_ADMIN\n' >"$drop_in"
        ;;
    4)
        status_says 'eth0 is kept DOWN until then' || fail 'the status does not say that the card is down'
        is_down || fail 'the card is up'
        ip link set eth0 up
        waits_for 10 is_down || fail 'somebody set the card up, and it is up'
        good 'what cannot be closed is down, and stays down'
        rm "$drop_in"
        systemctl daemon-reload
        systemctl restart "$unit"
        waits_for 60 armed || fail 'the policy is not in force although the kernel takes it'
        policy perhaps
        config open
        ;;
    5)
        journal_says 'eth0 is OPEN until then' || fail 'the journal does not say that the card is open'
        armed && fail 'armed with a policy that is refused'
        closed && fail 'closed, and boot.conf says open'
        good 'open, where boot.conf says so'
        echo 'boot: all held'
        exit 0
        ;;
esac
sync
systemctl reboot 2>/dev/null # there is no bus to announce it on
sleep 100
