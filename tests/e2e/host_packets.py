#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Counts at the hosts what was sent and what arrived, and holds it against the counters of edgefw.

    host_packets.py count CARD FILE                      counts the frames of a card until SIGTERM
    host_packets.py compare TABLE COUNTERS FOLDER        the counters of edgefw, with what the hosts saw

The table is of lines:

    host NAME CARD|- NETWORK[,NETWORK...] [uncounted]    a host, and the card of the filter on the way to it
    open CARD                                            its default passes; every other card's drops
    forward ID PROTOCOL ADDRESS:PORT ADDRESS:PORT        a port forward, from and to
    unseen CARD PACKETS BYTES                            dropped there before the sender's own card could see them
    CARD RULE PROTOCOL LOCAL PORTS REMOTE PORTS [OPENS]  OPENS is the end that opens: in, out; or the way of packets
                                                         that pass alone, without state: in-alone, out-alone

FOLDER/HOST.packets is what was counted at each host. A forward is one of the card that `outside` is at.
"""

import argparse
import collections
import ipaddress
import json
import pickle
import signal
import socket
import struct
import sys

ETH_P_ALL = 3
SO_RCVBUFFORCE = 33  # as root, beyond net.core.rmem_max
SOL_PACKET, PACKET_STATISTICS = 263, 6
ETHERNET = 14
ICMP, TCP, UDP = 1, 6, 17
ICMP_ERRORS = (3, 11, 12)
PROTOCOLS = {"tcp": TCP, "udp": UDP}
SYN, SYN_ACK = 0x02, 0x12
NO_NUMBER = bytes(4)
ARRIVED, SENT = b"<", b">"


def card_socket(card, ethertype):
    made = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
    made.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 1 << 29)
    made.bind((card, ethertype))
    return made, made.getsockname()[4]


# What is the same at both ends of the way: length, fragment, protocol, addresses, ports (or ICMP type), TCP flags,
# and of a SYN its number: a client may use a port again. Of an ICMP error the ports, and the protocol instead of flags,
# are those of the packet it quotes: it is one of that flow.
class Key(collections.namedtuple("Key", "bytes fragment protocol source target source_port target_port flags number")):
    def flow_protocol(self):
        return self.flags if self.protocol == ICMP else self.protocol

    def flow(self):
        ends = (self.source, self.source_port), (self.target, self.target_port)
        return self.flow_protocol(), min(ends), max(ends)

    def opens(self):
        return self.protocol == UDP or self.protocol == TCP and self.flags == 2

    def __str__(self):
        source, target = (ipaddress.IPv4Address(address) for address in (self.source, self.target))
        return f"{self.protocol} {source}:{self.source_port} > {target}:{self.target_port} flags {self.flags}"


def key_of(packed):
    length, fragment, *flow, flags, number = struct.unpack("!HHB4s4sHHBI", packed)
    return Key(length + ETHERNET, fragment & 0x3FFF, *flow, flags & 0x3F, number)


def count(options):
    raw, own = card_socket(options.card, ETH_P_ALL)
    seen, arp = {}, 0  # in the order of the first of each kind
    signal.signal(signal.SIGTERM, lambda *_: raw.setblocking(False))  # what has come is still counted
    print("ready", flush=True)
    while True:
        try:
            frame = raw.recv(66)
        except BlockingIOError:
            break
        kind = frame[12:14]
        if kind == b"\x08\x00":
            way = SENT if frame[6:12] == own else ARRIVED
            key = way + frame[16:18] + frame[20:22] + frame[23:24] + frame[26:34]
            if frame[23] == ICMP and frame[34] in ICMP_ERRORS:
                key += frame[64:66] + frame[62:64] + frame[51:52] + NO_NUMBER
            elif frame[23] == TCP and frame[47] & SYN_ACK == SYN:
                key += frame[34:38] + frame[47:48] + frame[38:42]
            else:
                key += frame[34:38] + (frame[47:48] or b"\0") + NO_NUMBER
            seen[key] = seen.get(key, 0) + 1
        elif kind == b"\x08\x06":
            arp += 1
        else:
            print(f"{options.card}: a frame that is neither IPv4 nor ARP: {frame.hex()}", file=sys.stderr)
            return 1
    missed = struct.unpack("II", raw.getsockopt(SOL_PACKET, PACKET_STATISTICS, 8))[1]
    if missed:
        print(f"{options.card}: {missed} frames were missed in counting", file=sys.stderr)
        return 1
    with open(options.file, "wb") as file:
        pickle.dump({"seen": seen, "arp": arp}, file)
    return 0


def read(name):
    with open(name, "rb") as file:
        return pickle.load(file)


def arrivals(counted):
    """All that arrived, at whatever host."""
    return {packed[1:] for host in counted for packed in host["seen"] if packed[:1] == ARRIVED}


def log_of(counted, arrived=None):
    """What a host sent and what arrived there, its ARP, and which end it saw first of each flow. What is not in
    `arrived` is lost, most of it a scan: it is only told apart by what decides which card lost it."""
    log = {ARRIVED: collections.Counter(), SENT: collections.Counter(), "arp": counted["arp"], "opened": {}}
    lost = collections.Counter()
    for packed, packets in counted["seen"].items():
        if arrived is not None and packed[1:] not in arrived:
            lost[packed[1:14]] += packets
            continue
        key = key_of(packed[1:])
        log[packed[:1]][key] += packets
        log["opened"].setdefault(key.flow(), (key.source, key.source_port))
    for packed, packets in lost.items():
        log[SENT][key_of(packed + bytes(9))] += packets  # no ports, no flags
    return log


class Networks:
    def __init__(self, text):
        self.ranges = []
        for part in [] if text == "any" else text.split(","):
            network = ipaddress.IPv4Network(part)
            self.ranges.append((network.network_address.packed, network.broadcast_address.packed))

    def hold(self, address):
        return not self.ranges or any(first <= address <= last for first, last in self.ranges)


class Ports:
    def __init__(self, text):
        parts = [] if text == "any" else [part.partition("-") for part in text.split(",")]
        self.ranges = [(int(first), int(last or first)) for first, _, last in parts]

    def hold(self, port):
        return not self.ranges or any(first <= port <= last for first, last in self.ranges)


class Row:
    """A line of the table: CARD RULE PROTOCOL LOCAL PORTS REMOTE PORTS [OPENS]."""

    def __init__(self, line):
        self.card, self.rule, protocol, local, local_ports, remote, remote_ports, *opens = line.split()
        self.protocol = PROTOCOLS[protocol]
        self.local, self.remote = Networks(local), Networks(remote)
        self.local_ports, self.remote_ports = Ports(local_ports), Ports(remote_ports)
        self.opens, _, self.alone = (opens or ["any"])[0].partition("-")
        self.packets = self.bytes = 0
        self.opened = set()

    def holds(self, protocol, local, remote, sender, opener):
        begins = sender if self.alone else opener
        return (
            protocol == self.protocol
            and self.local.hold(local[0])
            and self.remote.hold(remote[0])
            and self.local_ports.hold(local[1])
            and self.remote_ports.hold(remote[1])
            and (self.opens == "any" or begins == (local if self.opens == "out" else remote))
        )

    def add(self, key, packets):
        self.packets += packets
        self.bytes += packets * key.bytes
        if key.opens() and not self.alone:
            self.opened.add((key.flow(), key.number))

    def __str__(self):
        return f"{self.packets} packets, {self.bytes} bytes, {len(self.opened)} connections"


class Forward:
    """A line of the table: forward ID PROTOCOL ADDRESS:PORT ADDRESS:PORT. Outside only its public end is seen."""

    def __init__(self, line):
        _, self.rule, protocol, public, target = line.split()
        self.protocol = PROTOCOLS[protocol]
        self.public, self.target = self.end(public), self.end(target)
        self.packets = self.bytes = 0
        self.opened = set()

    @staticmethod
    def end(text):
        address, _, port = text.partition(":")
        return socket.inet_aton(address), int(port)

    def inwards(self, key):
        if (key.protocol, key.target, key.target_port) != (self.protocol, *self.public):
            return key
        return key._replace(target=self.target[0], target_port=self.target[1])

    def outwards(self, key):
        if (key.protocol, key.source, key.source_port) != (self.protocol, *self.public):
            return key
        return key._replace(source=self.target[0], source_port=self.target[1])

    def translate(self, log):
        """The log of the host outside, as if there were no translation; what was translated is counted."""
        for way, translated in ((SENT, self.inwards), (ARRIVED, self.outwards)):
            keys = collections.Counter()
            for key, packets in log[way].items():
                inner = translated(key)
                keys[inner] += packets
                if inner != key:
                    Row.add(self, inner, packets)
                    opener = log["opened"][key.flow()]
                    log["opened"].setdefault(inner.flow(), self.target if opener == self.public else opener)
            log[way] = keys

    alone = ""
    __str__ = Row.__str__


class Host:
    """A line of the table: host NAME CARD|- NETWORKS [uncounted]."""

    def __init__(self, line):
        _, self.name, card, networks, *uncounted = line.split()
        self.card = None if card == "-" else card
        self.networks = Networks(networks)
        self.counted = not uncounted


class Table:
    def __init__(self, lines):
        self.hosts, self.rows, self.open, self.forwards, self.unseen = [], [], set(), [], collections.Counter()
        for line in lines:
            kind = line.split(maxsplit=1)[0] if line.strip() else "#"
            if kind == "host":
                self.hosts.append(Host(line))
            elif kind == "open":
                self.open.add(line.split()[1])
            elif kind == "forward":
                self.forwards.append(Forward(line))
            elif kind == "unseen":
                _, card, packets, octets = line.split()
                self.unseen.update({(card, "packets"): int(packets), (card, "bytes"): int(octets)})
            elif not kind.startswith("#"):
                self.rows.append(Row(line))


class Ledger:
    """Who sent what to whom, and what of it arrived. A packet is judged on the card to each end of its way."""

    def __init__(self, folder, table):
        self.table = table
        counted = {host.name: read(f"{folder}/{host.name}.packets") for host in table.hosts if host.counted}
        # Elsewhere the ports of what is lost matter too.
        each_card_drops = not table.open and not table.forwards and len(counted) == len(table.hosts)
        arrived = arrivals(counted.values()) if each_card_drops else None
        self.logs = {name: log_of(host, arrived) for name, host in counted.items()}
        self.errors = []
        self.passed, self.by_default = collections.Counter(), collections.Counter()
        self.dropped = collections.Counter(table.unseen)
        for forward in table.forwards:
            forward.translate(self.logs["outside"])
        self.opened = collections.ChainMap(*(log["opened"] for log in self.logs.values()))
        self.judge()

    def ends_of(self, key):
        """The hosts of both ends. An address that nobody has is a broadcast: to the other host."""
        source, target = (
            next((host for host in self.table.hosts if host.networks.hold(address)), None)
            for address in (key.source, key.target)
        )
        return source, target or next(host for host in self.table.hosts if host is not source)

    def judge(self):
        sent, arrived = collections.Counter(), collections.Counter()
        for log in self.logs.values():
            sent.update(log[SENT])
            arrived.update(log[ARRIVED])
        for key in sent.keys() | arrived.keys():
            source, target = self.ends_of(key)
            cards = [host.card for host in (source, target) if host.card]
            if not source.counted:
                sent[key] = arrived[key]
            if not target.counted and all(card in self.table.open or self.rows_of(key, card, source) for card in cards):
                arrived[key] = sent[key]
            lost = sent[key] - arrived[key]
            if lost < 0:
                self.errors.append(f"arrived more often than it was sent: {key}")
            if key.fragment or key.bytes > 1514:
                self.errors.append(f"not one whole packet, cannot be counted: {key}")
            for card in cards if arrived[key] else []:
                self.enter(key, card, source, arrived[key])
            if lost > 0:
                self.lose(key, cards, source, lost)

    def rows_of(self, key, card, source):
        """The end at the card is the remote one."""
        ends = (key.source, key.source_port), (key.target, key.target_port)
        local, remote = reversed(ends) if source.card == card else ends
        opener = self.opened.get(key.flow())
        return [
            row for row in self.table.rows
            if row.card == card and row.holds(key.flow_protocol(), local, remote, ends[0], opener)
        ]

    def enter(self, key, card, source, packets):
        rows = self.rows_of(key, card, source)
        if not rows and card in self.table.open:
            self.by_default[card] += packets
            return
        if len(rows) != 1:
            self.errors.append(f"arrived, and {len(rows)} rows of the tables open it: {key}")
            return
        rows[0].add(key, packets)
        self.passed[card] += packets

    def lose(self, key, cards, source, packets):
        """By the first card on the way whose default drops."""
        for card in cards:
            if card not in self.table.open:
                self.dropped[card, "packets"] += packets
                self.dropped[card, "bytes"] += packets * key.bytes
                return
            self.enter(key, card, source, packets)
        self.errors.append(f"lost, and no card drops it: {key}")

    def compare(self, counters):
        for interface in counters["interfaces"]:
            card = interface["interface"]
            self.compare_rules(card, {rule["id"]: rule for rule in interface["rules"]})
            if any(host.name == "outside" and host.card == card for host in self.table.hosts):
                counted = {forward["id"]: forward for forward in interface["nat"]}
                for forward in self.table.forwards:
                    self.same_rule(card, forward, counted)
            reasons = collections.defaultdict(collections.Counter)
            for entry in interface["directions"]:
                reasons[entry["verdict"], entry["reason"]].update(packets=entry["packets"], bytes=entry["bytes"])
            dropped = reasons.pop(("drop", "default"), collections.Counter())
            dropped += reasons.pop(("drop", "icmp-unrelated"), collections.Counter())
            self.same(f"{card} dropped by default", f"{dropped['packets']} packets, {dropped['bytes']} bytes",
                      f"{self.dropped[card, 'packets']} packets, {self.dropped[card, 'bytes']} bytes")
            if card in self.table.open:
                passed = reasons.pop(("pass", "default"), collections.Counter())["packets"]
                self.same(f"{card} passed by default", passed, self.by_default[card])
            known = "rule", "connection", "icmp-error"
            passed = sum(reasons.pop(("pass", reason), {"packets": 0})["packets"] for reason in known)
            self.same(f"{card} passed", passed, self.passed[card])
            host = next(host for host in self.table.hosts if host.card == card and host.counted)
            builtin = reasons.pop(("pass", "builtin"), {"packets": 0})["packets"]
            self.same(f"{card} builtin", builtin, self.logs[host.name]["arp"])
            self.same(f"{card} other reasons", sorted(reason for _, reason in reasons), [])

    def compare_rules(self, card, rules):
        known = {row.rule: row for row in self.table.rows if row.card == card}
        for row in known.values():
            self.same_rule(card, row, rules)
        for rule, counted in rules.items():
            if rule not in known and rule != "builtin/arp" and counted["packets"]:
                self.errors.append(f"{card} {rule}: counts, and is in no table")

    def same_rule(self, card, row, rules):
        said = "no such rule"
        if row.rule in rules:
            said = "{packets} packets, {bytes} bytes, {connections} connections".format_map(rules[row.rule])
        self.same(f"{card} {row.rule}", said, row)
        if not row.packets:
            self.errors.append(f"{card} {row.rule}: nothing was sent that proves it")

    def same(self, what, counted, seen):
        if str(counted) == str(seen):
            print(f"{what}: {counted}")
        else:
            self.errors.append(f"{what}: counted {counted}, the hosts saw {seen}")


def compare(options):
    with open(options.table, encoding="utf-8") as file:
        table = Table(file)
    ledger = Ledger(options.folder, table)
    with open(options.counters, encoding="utf-8") as file:
        ledger.compare(json.load(file))
    if ledger.errors:
        more = f" (and {len(ledger.errors) - 3} more)" if len(ledger.errors) > 3 else ""
        print("; ".join(ledger.errors[:3]) + more, file=sys.stderr)
    return 1 if ledger.errors else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(required=True)
    for run, names in ((count, ("card", "file")), (compare, ("table", "counters", "folder"))):
        command = commands.add_parser(run.__name__)
        command.set_defaults(run=run)
        for name in names:
            command.add_argument(name)
    options = parser.parse_args()
    return options.run(options)


if __name__ == "__main__":
    sys.exit(main())
