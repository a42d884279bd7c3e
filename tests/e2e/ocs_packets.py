#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Sends a port scan, and says what arrived of it and what should, for ocs_test.sh and ocs_topologies_test.sh.

    ocs_packets.py scan CARD GATEWAY SOURCE TARGET... [--some]   a SYN and a datagram to each of 65,536 ports of each target
    ocs_packets.py arrived FILE SOURCE                           the ports that the scan reached, by server
    ocs_packets.py open TABLE CARD [--some]                      the ports that the rows of a card open to anyone

--some: of the ports those below 10,000, those around 50,000 and 60,000, and each 32nd.
"""

import argparse
import collections
import socket
import struct
import sys

sys.dont_write_bytecode = True  # nothing is left in the source tree

# pylint: disable=wrong-import-position
from host_packets import ARRIVED, PROTOCOLS, TCP, Table, card_socket, log_of, read
from inet_checksum import checksum, ones_sum

ETH_P_ARP = 0x0806
SCAN_PORT = 40000  # the source port of the scan
ALL = range(65536)
SOME = [port for port in ALL if port < 10000 or port % 10000 <= 100 or port % 10000 >= 9900 or port % 32 == 0]
NAMES = {number: name for name, number in PROTOCOLS.items()}


class Scan:
    """A card's queue holds 256 frames: after each burst, the answer to an ARP probe says that the router took them."""

    BURST = 128

    def __init__(self, card, gateway, source, ports):
        self.ports = ports
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
        fields = 0x45, 0, 20 + size, 0, 0x4000, 64, protocol, 0, self.source, target
        ip = bytearray(struct.pack("!BBHHHBBH4s4s", *fields))
        struct.pack_into("!H", ip, 10, checksum(ones_sum(ip)))
        start = self.router + self.own + b"\x08\x00" + bytes(ip) + struct.pack("!H", SCAN_PORT)
        total = ones_sum(self.source + target) + protocol + size + SCAN_PORT
        if protocol == TCP:
            middle, end = struct.pack("!IIBBH", 7, 0, 0x50, 2, 64240), bytes(2)
            total += ones_sum(middle)
        else:
            middle, end = struct.pack("!H", size), b""
            total += size
        for port in self.ports:
            yield start + struct.pack("!H", port) + middle + struct.pack("!H", checksum(total + port)) + end

    def run(self, target, protocol):
        send = self.raw.send
        for number, frame in enumerate(self.frames(socket.inet_aton(target), protocol)):
            send(frame)
            if number % self.BURST == self.BURST - 1:
                self.ask()


def scan(options):
    scanner = Scan(options.card, options.gateway, options.source, SOME if options.some else ALL)
    for target in options.targets:
        for protocol in PROTOCOLS.values():
            scanner.run(target, protocol)
    return 0


def ranges(ports):
    found = []
    for port in sorted(ports):
        if found and found[-1][1] == port - 1:
            found[-1][1] = port
        else:
            found.append([port, port])
    return " ".join(f"{first}-{last}" if last > first else str(first) for first, last in found)


def arrived(options):
    source = socket.inet_aton(options.source)
    reached = collections.defaultdict(collections.Counter)
    for key, packets in log_of(read(options.file))[ARRIVED].items():
        if key.source == source and key.source_port == SCAN_PORT and key.opens():
            reached[f"{socket.inet_ntoa(key.target)} {NAMES[key.protocol]}"][key.target_port] += packets
    for where, ports in sorted(reached.items()):
        twice = [port for port, packets in ports.items() if packets != 1]
        print(f"{where} {ranges(ports)}" + (f" (more than once: {ranges(twice)})" if twice else ""))
    return 0


def opened(options):
    reached = collections.defaultdict(set)
    with open(options.table, encoding="utf-8") as file:
        rows = [row for row in Table(file).rows if row.card == options.card]
    for row in rows:
        for address, _ in row.local.ranges:
            for first, last in row.local_ports.ranges:
                reached[f"{socket.inet_ntoa(address)} {NAMES[row.protocol]}"].update(range(first, last + 1))
    scanned = set(SOME if options.some else ALL)
    for where, ports in sorted(reached.items()):
        print(f"{where} {ranges(ports & scanned)}")
    return 0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(required=True)
    for name, run, names in (
        ("scan", scan, ("card", "gateway", "source")),
        ("arrived", arrived, ("file", "source")),
        ("open", opened, ("table", "card")),
    ):
        command = commands.add_parser(name)
        command.set_defaults(run=run)
        for argument in names:
            command.add_argument(argument)
        if run is not arrived:
            command.add_argument("--some", action="store_true")
        if run is scan:
            command.add_argument("targets", nargs="+")
    options = parser.parse_args()
    return options.run(options)


if __name__ == "__main__":
    sys.exit(main())
