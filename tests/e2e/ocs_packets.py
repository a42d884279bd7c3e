#!/usr/bin/env python3
"""Sends a port scan, and counts at the hosts what was sent and what arrived, for ocs_test.sh.

    ocs_packets.py count CARD FILE                      counts the frames of a card until SIGTERM
    ocs_packets.py scan CARD GATEWAY SOURCE TARGET...   a SYN and a datagram to each of 65,536 ports of each target
    ocs_packets.py arrived FILE SOURCE                  the ports that the scan reached, by server
    ocs_packets.py compare TABLE COUNTERS FOLDER        the counters of edgefw, with what the hosts saw
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

ETH_P_ALL, ETH_P_ARP = 3, 0x0806
SO_RCVBUFFORCE = 33  # as root, beyond net.core.rmem_max
SOL_PACKET, PACKET_STATISTICS = 263, 6
ETHERNET = 14
TCP, UDP = 6, 17
PROTOCOLS = {"tcp": TCP, "udp": UDP}
SCAN_PORT = 40000  # the source port of the scan


def card_socket(card, ethertype):
    made = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
    made.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 1 << 29)
    made.bind((card, ethertype))
    return made, made.getsockname()[4]


# What is the same at both ends of the way: length, fragment, protocol, addresses, ports (or ICMP type), TCP flags.
class Key(collections.namedtuple("Key", "bytes fragment protocol source target source_port target_port flags")):
    def opens(self):
        return self.protocol == UDP or self.protocol == TCP and self.flags == 2

    def __str__(self):
        source, target = (ipaddress.IPv4Address(address) for address in (self.source, self.target))
        return f"{self.protocol} {source}:{self.source_port} > {target}:{self.target_port} flags {self.flags}"


def key_of(packed):
    length, fragment, protocol, source, target, source_port, target_port, flags = struct.unpack("!HHB4s4sHHB", packed)
    return Key(length + ETHERNET, fragment & 0x3FFF, protocol, source, target, source_port, target_port, flags & 0x3F)


def count(options):
    raw, own = card_socket(options.card, ETH_P_ALL)
    arrived, sent, arp = {}, {}, 0
    signal.signal(signal.SIGTERM, lambda *_: raw.setblocking(False))  # what has come is still counted
    print("ready", flush=True)
    while True:
        try:
            frame = raw.recv(64)
        except BlockingIOError:
            break
        kind = frame[12:14]
        if kind == b"\x08\x00":
            key = frame[16:18] + frame[20:22] + frame[23:24] + frame[26:38] + (frame[47:48] or b"\0")
            seen = sent if frame[6:12] == own else arrived
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
        pickle.dump({"arrived": arrived, "sent": sent, "arp": arp}, file)
    return 0


def ones_sum(data):
    return sum(struct.unpack(f"!{len(data) // 2}H", data))


def checksum(total):
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


class Scan:
    """A card's queue holds 256 frames: after each burst, the answer to an ARP probe says that the router took them."""

    BURST = 128

    def __init__(self, card, gateway, source):
        self.raw, self.own = card_socket(card, ETH_P_ARP)
        self.raw.settimeout(10)
        self.gateway, self.source = socket.inet_aton(gateway), socket.inet_aton(source)
        self.router = b"\xff" * 6
        self.router = self.ask()

    def ask(self):
        """Sent from 0.0.0.0, so that its answer is none that the host's own kernel asked for."""
        arp = struct.pack("!HHBBH6s4s6s4s", 1, 0x0800, 6, 4, 1, self.own, bytes(4), bytes(6), self.gateway)
        self.raw.send(self.router + self.own + b"\x08\x06" + arp)
        while True:
            frame = self.raw.recv(64)
            if frame[20:22] == b"\0\2" and frame[28:32] == self.gateway and frame[38:42] == bytes(4):
                return frame[22:28]

    def frames(self, target, protocol):
        size = 20 if protocol == TCP else 8
        ip = bytearray(struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + size, 0, 0x4000, 64, protocol, 0, self.source, target))
        struct.pack_into("!H", ip, 10, checksum(ones_sum(ip)))
        start = self.router + self.own + b"\x08\x00" + bytes(ip) + struct.pack("!H", SCAN_PORT)
        total = ones_sum(self.source + target) + protocol + size + SCAN_PORT
        if protocol == TCP:
            middle, end = struct.pack("!IIBBH", 7, 0, 0x50, 2, 64240), bytes(2)
            total += ones_sum(middle)
        else:
            middle, end = struct.pack("!H", size), b""
            total += size
        for port in range(65536):
            yield start + struct.pack("!H", port) + middle + struct.pack("!H", checksum(total + port)) + end

    def run(self, target, protocol):
        send = self.raw.send
        for number, frame in enumerate(self.frames(socket.inet_aton(target), protocol)):
            send(frame)
            if number % self.BURST == self.BURST - 1:
                self.ask()


def scan(options):
    scanner = Scan(options.card, options.gateway, options.source)
    for target in options.targets:
        for protocol in PROTOCOLS.values():
            scanner.run(target, protocol)
    return 0


def load(name):
    with open(name, "rb") as file:
        counted = pickle.load(file)
    for seen in ("arrived", "sent"):
        keys = collections.Counter()
        for packed, packets in counted[seen].items():
            keys[key_of(packed)] += packets
        counted[seen] = keys
    return counted


def ranges(ports):
    found = []
    for port in sorted(ports):
        if found and found[-1][1] == port - 1:
            found[-1][1] = port
        else:
            found.append([port, port])
    return " ".join(f"{first}-{last}" if last > first else str(first) for first, last in found)


def arrived(options):
    source, numbers = socket.inet_aton(options.source), {number: name for name, number in PROTOCOLS.items()}
    reached = collections.defaultdict(collections.Counter)
    for key, packets in load(options.file)["arrived"].items():
        if key.source == source and key.source_port == SCAN_PORT and key.opens():
            reached[f"{socket.inet_ntoa(key.target)} {numbers[key.protocol]}"][key.target_port] += packets
    lines = []
    for where, ports in sorted(reached.items()):
        twice = [port for port, packets in ports.items() if packets != 1]
        lines.append(f"{where} {ranges(ports)}" + (f" (more than once: {ranges(twice)})" if twice else ""))
    print("; ".join(lines))
    return 0


class Row:
    """A line of the table: CARD RULE PROTOCOL LOCAL PORTS REMOTE PORTS."""

    def __init__(self, line):
        self.card, self.rule, protocol, local, self.local_ports, remote, self.remote_ports = line.split()
        self.protocol = PROTOCOLS[protocol]
        self.local, self.remote = (None if text == "any" else socket.inet_aton(text) for text in (local, remote))
        self.packets = self.bytes = 0
        self.opened = set()

    @staticmethod
    def within(port, ports):
        if ports == "any":
            return True
        first, _, last = ports.partition("-")
        return int(first) <= port <= int(last or first)

    def holds(self, protocol, local, local_port, remote, remote_port):
        return (
            protocol == self.protocol
            and self.local in (None, local)
            and self.remote in (None, remote)
            and self.within(local_port, self.local_ports)
            and self.within(remote_port, self.remote_ports)
        )

    def add(self, key, packets):
        self.packets += packets
        self.bytes += packets * key.bytes
        if key.opens():
            ends = (key.source, key.source_port), (key.target, key.target_port)
            self.opened.add((min(ends), max(ends)))

    def __str__(self):
        return f"{self.packets} packets, {self.bytes} bytes, {len(self.opened)} connections"


class Ledger:
    """Who sent what to whom, and what of it arrived. The hosts: outside (eth0), inside (eth1), perimeter."""

    CARDS = {"outside": "eth0", "inside": "eth1"}

    def __init__(self, folder, rows):
        self.rows = rows
        self.logs = {host: load(f"{folder}/{host}.packets") for host in ("outside", "inside", "perimeter")}
        self.errors = []
        self.passed = collections.Counter()
        self.dropped = {card: [0, 0] for card in self.CARDS.values()}
        self.judge()

    @staticmethod
    def host_of(address):
        if address[:3] == bytes((198, 51, 100)):
            return "outside"
        return "inside" if address[:3] == bytes((10, 45, 16)) else "perimeter"

    def judge(self):
        sent, arrived = collections.Counter(), collections.Counter()
        for log in self.logs.values():
            sent.update(log["sent"])
            arrived.update(log["arrived"])
        for key in sent.keys() | arrived.keys():
            lost = sent[key] - arrived[key]
            if lost < 0:
                self.errors.append(f"arrived more often than it was sent: {key}")
            if key.fragment or key.bytes > 1514:
                self.errors.append(f"not one whole packet, cannot be counted: {key}")
            ends = self.host_of(key.source), self.host_of(key.target)
            if arrived[key]:
                self.enter(key, ends, arrived[key])
            if lost > 0:
                card = self.CARDS[ends[1] if ends[0] == "perimeter" else ends[0]]
                self.dropped[card][0] += lost
                self.dropped[card][1] += lost * key.bytes

    def enter(self, key, ends, packets):
        forth = (key.target, key.target_port, key.source, key.source_port)  # the server is the local end
        if ends[0] == "perimeter":
            forth = (key.source, key.source_port, key.target, key.target_port)
        card = self.CARDS.get(next((end for end in ends if end != "perimeter"), None))
        rows = [row for row in self.rows if row.card == card and row.holds(key.protocol, *forth)]
        if len(rows) != 1 or "perimeter" not in ends:
            self.errors.append(f"arrived, and {len(rows)} rows of the tables open it: {key}")
            return
        rows[0].add(key, packets)
        self.passed[card] += packets

    def compare(self, counters):
        for interface in counters["interfaces"]:
            card = interface["interface"]
            self.compare_rules(card, {rule["id"]: rule for rule in interface["rules"]})
            reasons = {entry["reason"]: entry for entry in interface["reasons"] if entry["packets"]}
            dropped = reasons.pop("default", {"packets": 0, "bytes": 0})
            self.same(f"{card} dropped by default", f"{dropped['packets']} packets, {dropped['bytes']} bytes",
                      "{} packets, {} bytes".format(*self.dropped[card]))
            passed = sum(reasons.pop(reason, {"packets": 0})["packets"] for reason in ("rule", "connection"))
            self.same(f"{card} passed", passed, self.passed[card])
            host = next(host for host, its in self.CARDS.items() if its == card)
            builtin = reasons.pop("builtin", {"packets": 0})["packets"]
            self.same(f"{card} builtin", builtin, self.logs[host]["arp"])
            self.same(f"{card} other reasons", list(reasons), [])

    def compare_rules(self, card, rules):
        known = {row.rule: row for row in self.rows if row.card == card}
        for rule, row in known.items():
            counted = rules.get(rule)
            said = "no such rule"
            if counted:
                said = "{packets} packets, {bytes} bytes, {connections} connections".format_map(counted)
            self.same(f"{card} {rule}", said, row)
            if not row.packets:
                self.errors.append(f"{card} {rule}: nothing was sent that proves it")
        for rule, counted in rules.items():
            if rule not in known and rule != "builtin/arp" and counted["packets"]:
                self.errors.append(f"{card} {rule}: counts, and is in no table")

    def same(self, what, counted, seen):
        if str(counted) == str(seen):
            print(f"{what}: {counted}")
        else:
            self.errors.append(f"{what}: counted {counted}, the hosts saw {seen}")


def compare(options):
    with open(options.table, encoding="utf-8") as file:
        rows = [Row(line) for line in file if line.strip() and not line.startswith("#")]
    ledger = Ledger(options.folder, rows)
    with open(options.counters, encoding="utf-8") as file:
        ledger.compare(json.load(file))
    if ledger.errors:
        more = f" (and {len(ledger.errors) - 3} more)" if len(ledger.errors) > 3 else ""
        print("; ".join(ledger.errors[:3]) + more, file=sys.stderr)
    return 1 if ledger.errors else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(required=True)
    for run, names in (
        (count, ("card", "file")),
        (scan, ("card", "gateway", "source")),
        (arrived, ("file", "source")),
        (compare, ("table", "counters", "folder")),
    ):
        command = commands.add_parser(run.__name__)
        command.set_defaults(run=run)
        for name in names:
            command.add_argument(name)
        if run is scan:
            command.add_argument("targets", nargs="+")
    options = parser.parse_args()
    return options.run(options)


if __name__ == "__main__":
    sys.exit(main())
