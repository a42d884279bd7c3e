#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""What flood_test.sh holds open, and what it is flooded with.

    flood_clients.py hold ADDRESS:PORT COUNT             opens TCP connections; at SIGUSR1 each must still echo
    flood_clients.py hold_udp ADDRESS:PORT COUNT         sockets of which each has sent, was answered, and goes on
    flood_clients.py ask_udp ADDRESS:PORT SECONDS        asks from one new port after the other; says how many were answered
    flood_clients.py flood CARD tcp|udp ADDRESS:PORT COUNT MAC   so many openers from random addresses, as fast as it can
"""

import argparse
import random
import signal
import socket
import struct
import sys
import time

sys.dont_write_bytecode = True  # nothing is left in the source tree

# pylint: disable=wrong-import-position
from inet_checksum import checksum, ones_sum

PATIENCE = 30  # seconds for an answer, on a machine that has other work
FRAMES = 100000  # made before, and sent again with other sources


def endpoint(text):
    host, _, port = text.rpartition(":")
    return host, int(port)


def awaited():
    """Says that all is open, and waits for SIGUSR1."""
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR1})
    print("ready", flush=True)
    signal.sigwait({signal.SIGUSR1})


def echoes(held, number):
    message = struct.pack("!I", number)
    held.sendall(message)
    return held.recv(4, socket.MSG_WAITALL) == message


def hold(options):
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR1})
    all_held = []
    for _ in range(options.count):
        held = socket.create_connection(options.to, timeout=PATIENCE)
        all_held.append(held)
    awaited()
    alive = 0
    for number, held in enumerate(all_held):
        try:
            alive += echoes(held, number)
        except OSError:
            break  # the others would take as long to be given up
    print(f"{alive} of {options.count} alive", flush=True)


def hold_udp(options):
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR1})
    all_held = []
    for number in range(options.count):
        held = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        held.settimeout(PATIENCE)
        held.connect(options.to)
        held.send(struct.pack("!I", number))
        held.recv(4)
        all_held.append(held)
    time.sleep(2.1)  # what goes on for two seconds is confirmed
    for number, held in enumerate(all_held):
        held.send(struct.pack("!I", number))
        held.recv(4)
    awaited()


def ask_udp(options):
    answered = 0
    end = time.monotonic() + options.seconds
    while time.monotonic() < end:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
            asking.settimeout(0.2)
            asking.connect(options.to)
            try:
                asking.send(b"asked")
                answered += asking.recv(5) == b"asked"
            except OSError:  # no room in a queue on the way
                pass
    print(answered)


def frame(mac, own, protocol, to):
    """From somewhere in 10.0.0.0/8, which is routed back to where it came from."""
    source = struct.pack("!I", 10 << 24 | random.getrandbits(24))
    target = socket.inet_aton(to[0])
    port = random.randrange(1024, 65536)
    if protocol == "tcp":
        header = struct.pack("!HHIIBBHHH", port, to[1], random.getrandbits(32), 0, 5 << 4, 2, 65535, 0, 0)
        number, at = 6, 16
    else:
        header = struct.pack("!HHHH", port, to[1], 12, 0) + b"abcd"
        number, at = 17, 6
    total = checksum(ones_sum(source + target + struct.pack("!HH", number, len(header)) + header))
    header = header[:at] + struct.pack("!H", total) + header[at + 2 :]
    ip = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(header), 0, 0x4000, 64, number, 0, source, target)
    ip = ip[:10] + struct.pack("!H", checksum(ones_sum(ip))) + ip[12:]
    return bytearray(mac + own + b"\x08\x00" + ip + header)


IP_CHECKSUM, SOURCE, TRANSPORT = 24, 26, 34


def move_source(one, checksum_at):
    """To the next network of 65,536 addresses; both checksums with it (RFC 1624)."""
    one[SOURCE + 1] = (one[SOURCE + 1] + 1) & 0xFF
    change = 1 if one[SOURCE + 1] else 0xFFFF - 0xFF  # 255 less
    for at in (IP_CHECKSUM, checksum_at):
        (old,) = struct.unpack_from("!H", one, at)
        struct.pack_into("!H", one, at, checksum((~old & 0xFFFF) + change))


def flood(options):
    raw = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
    raw.bind((options.card, 0))
    own = raw.getsockname()[4]
    mac = bytes.fromhex(options.mac.replace(":", ""))
    frames = [frame(mac, own, options.protocol, options.to) for _ in range(FRAMES)]
    checksum_at = TRANSPORT + (16 if options.protocol == "tcp" else 6)
    print("ready", flush=True)
    sent = 0
    while sent < options.count:
        for one in frames[sent % FRAMES :][:1000]:
            if sent >= FRAMES:
                move_source(one, checksum_at)
            try:
                sent += raw.send(one) > 0
            except OSError:  # no room in the queue of the card
                pass
    print(sent)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(required=True)
    for run in (hold, hold_udp, ask_udp, flood):
        command = commands.add_parser(run.__name__)
        command.set_defaults(run=run)
        if run is flood:
            command.add_argument("card")
            command.add_argument("protocol", choices=("tcp", "udp"))
        command.add_argument("to", type=endpoint)
        if run is ask_udp:
            command.add_argument("seconds", type=float)
        else:
            command.add_argument("count", type=int)
        if run is flood:
            command.add_argument("mac")
    options = parser.parse_args()
    options.run(options)


if __name__ == "__main__":
    main()
