#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""What nat_load_test.sh sends through a port forward, and the relay that holds some of it back.

    nat_load_clients.py hold ADDRESS:PORT COUNT BYTES SOURCE...      opens TCP connections from these addresses in turn;
                                                                     at SIGUSR1 each sends bytes of its own and wants
                                                                     them back
    nat_load_clients.py serve ADDRESS:PORT...                        takes and gives what `transfer` asks for
    nat_load_clients.py transfer ADDRESS:PORT up|down BYTES          over one TCP connection; SHA-256 of both ends
    nat_load_clients.py echo_unchecked ADDRESS:PORT                  answers UDP without a checksum
    nat_load_clients.py datagrams ADDRESS:PORT [--unchecked] SIZE... random bytes over UDP, which must come back
    nat_load_clients.py folded ADDRESS:PORT SOURCE TARGET:PORT       UDP of which the checksum folds to zero: as it is
                                                                     sent, and as it is when sent on to TARGET
    nat_load_clients.py relay TUN SECONDS                            each packet routed there comes back that much later
"""

import argparse
import collections
import fcntl
import hashlib
import os
import random
import select
import signal
import socket
import struct
import sys
import threading
import time

sys.dont_write_bytecode = True  # nothing is left in the source tree

# pylint: disable=wrong-import-position
from inet_checksum import ones_sum

PATIENCE = 30  # seconds without any progress
IN_FLIGHT = 64  # connections that open or talk at once: few enough for every queue on the way
IP_BIND_ADDRESS_NO_PORT, SO_NO_CHECK = 24, 11
PIECE = 1 << 16


def endpoint(text):
    host, _, port = text.rpartition(":")
    return host.strip("[]"), int(port)


def family_of(address):
    return socket.AF_INET6 if ":" in address[0] else socket.AF_INET


class Held:
    """A connection of `hold`, and what of its own bytes has come back."""

    def __init__(self, number, source, options):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        self.socket.setsockopt(socket.IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.bind((source, 0))
        self.socket.setblocking(False)
        self.socket.connect_ex(options.to)
        self.wanted = hashlib.shake_128(number.to_bytes(4, "big")).digest(options.bytes)
        self.returned = b""

    def speak(self):
        if self.socket.send(self.wanted) != len(self.wanted):
            raise OSError("the bytes of one connection do not fit its buffer")

    def closes(self):
        self.socket.shutdown(socket.SHUT_WR)

    def has_closed(self):
        return self.socket.recv(1) == b""

    def has_returned(self):
        self.returned += self.socket.recv(PIECE) or b"?" * len(self.wanted)  # closed: it can no more be right
        return len(self.returned) >= len(self.wanted)


def in_turn(count, begin, event, done):
    """Keeps IN_FLIGHT of `count` at work: begin(number) makes one, done(one) at its event says whether it is done."""
    poll, working, begun, finished = select.epoll(), {}, 0, 0
    while finished < count:
        while begun < count and len(working) < IN_FLIGHT:
            one = begin(begun)
            working[one.socket.fileno()] = one
            poll.register(one.socket, event)
            begun += 1
        ready = poll.poll(PATIENCE)
        if not ready:
            raise OSError(f"{finished} of {count} done, and {PATIENCE} s without progress")
        for number, _ in ready:
            if done(working[number]):
                poll.unregister(number)
                del working[number]
                finished += 1


def hold(options):
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR1})
    held = []

    def opens(number):
        held.append(Held(number, options.sources[number % len(options.sources)], options))
        return held[-1]

    def is_open(one):
        error = one.socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if error:
            raise OSError(error, f"connection {len(held)}: {os.strerror(error)}")
        return True

    def speaks(number):
        held[number].speak()
        return held[number]

    def closes(number):
        held[number].closes()
        return held[number]

    in_turn(options.count, opens, select.EPOLLOUT, is_open)
    print("ready", flush=True)
    signal.sigwait({signal.SIGUSR1})
    in_turn(options.count, speaks, select.EPOLLIN, Held.has_returned)
    in_turn(options.count, closes, select.EPOLLIN, Held.has_closed)
    unharmed = sum(one.returned == one.wanted for one in held)
    print(f"{unharmed} of {options.count} unharmed")
    return 0 if unharmed == options.count else 1


class Stream:
    """Random bytes in which no two pieces are alike, so that a piece in a wrong place shows; and their SHA-256."""

    def __init__(self):
        self.pool = os.urandom(16 << 20)
        self.digest = hashlib.sha256()

    def send(self, connection, count):
        while count:
            begin = random.randrange(len(self.pool) - PIECE)
            piece = memoryview(self.pool)[begin : begin + min(count, PIECE)]
            connection.sendall(piece)
            self.digest.update(piece)
            count -= len(piece)
        return self.digest.digest()


def take(connection, count):
    """The SHA-256 of so many bytes, fewer when the other end closes."""
    digest, buffer = hashlib.sha256(), bytearray(PIECE)
    while count:
        got = connection.recv_into(buffer, min(count, PIECE))
        if not got:
            break
        digest.update(memoryview(buffer)[:got])
        count -= got
    return digest.digest()


ASKED = struct.Struct("!4sQ")
DIGEST = 32


def serve_one(connection):
    with connection:
        connection.settimeout(PATIENCE)
        try:
            way, count = ASKED.unpack(connection.recv(ASKED.size, socket.MSG_WAITALL))
            connection.sendall(take(connection, count) if way.strip() == b"up" else Stream().send(connection, count))
        except (OSError, struct.error):
            pass  # its client says what is missing


def serve(options):
    listening = []
    for address in options.addresses:
        listening.append(socket.create_server(address, family=family_of(address), backlog=64))
    print("ready", flush=True)
    while True:
        for one in select.select(listening, [], [])[0]:
            threading.Thread(target=serve_one, args=(one.accept()[0],), daemon=True).start()


def transfer(options):
    with socket.create_connection(options.to, timeout=PATIENCE) as connection:
        begin = time.monotonic()
        connection.sendall(ASKED.pack(options.way.encode().ljust(4), options.bytes))
        if options.way == "up":
            own = Stream().send(connection, options.bytes)
        else:
            own = take(connection, options.bytes)
        others = connection.recv(DIGEST, socket.MSG_WAITALL)
        seconds = time.monotonic() - begin
    same = own == others
    print(f"{options.way}: {options.bytes >> 20} MiB in {seconds:.1f} s, SHA-256 {'equal' if same else 'differs'}")
    return 0 if same else 1


def echo_unchecked(options):
    answering = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    answering.setsockopt(socket.SOL_SOCKET, SO_NO_CHECK, 1)
    answering.bind(options.to)
    print("ready", flush=True)
    while True:
        data, sender = answering.recvfrom(PIECE)
        answering.sendto(data, sender)


def asking(options, unchecked=False, source=None):
    made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    made.setsockopt(socket.SOL_SOCKET, SO_NO_CHECK, unchecked)
    made.settimeout(2)
    made.bind((source or "0.0.0.0", 0))
    made.connect(options.to)
    return made


def is_echoed(asked, data):
    asked.send(data)
    try:
        return asked.recv(PIECE) == data
    except OSError:
        return False


def datagrams(options):
    """One at a time. Ends at the first that does not come back."""
    asked = asking(options, options.unchecked)
    for size in options.sizes:
        if not is_echoed(asked, os.urandom(size)):
            print(f"{size} bytes do not come back", file=sys.stderr)
            return 1
    print(f"{len(options.sizes)} sizes from {min(options.sizes)} to {max(options.sizes)} bytes came back")
    return 0


def folding(source, target):
    """Two bytes that make the sum over pseudo header, header and themselves zero (which is written 0xffff)."""
    length = 8 + 2
    pseudo = socket.inet_aton(source[0]) + socket.inet_aton(target[0]) + struct.pack("!HH", socket.IPPROTO_UDP, length)
    total = ones_sum(pseudo + struct.pack("!HHH", source[1], target[1], length))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return struct.pack("!H", 0xFFFF - total)


def folded(options):
    asked = asking(options, source=options.source)
    for target in options.to, options.target:
        if not is_echoed(asked, folding(asked.getsockname(), target)):
            print(f"the datagram that folds to zero for {target[0]} does not come back", file=sys.stderr)
            return 1
    return 0


def relay(options):
    """A path that takes longer than the others: what goes this way is overtaken."""
    tunsetiff, iff_tun, iff_no_pi = 0x400454CA, 0x0001, 0x1000
    tun = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(tun, tunsetiff, struct.pack("16sH22x", options.tun.encode(), iff_tun | iff_no_pi))
    print("ready", flush=True)
    waiting = collections.deque()
    while True:
        patience = max(0, waiting[0][0] - time.monotonic()) if waiting else None
        if select.select([tun], [], [], patience)[0]:
            waiting.append((time.monotonic() + options.seconds, os.read(tun, PIECE)))
        while waiting and waiting[0][0] <= time.monotonic():
            os.write(tun, waiting.popleft()[1])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(required=True)

    def command(run, to=True):
        added = commands.add_parser(run.__name__)
        added.set_defaults(run=run)
        if to:
            added.add_argument("to", type=endpoint)
        return added

    holding = command(hold)
    holding.add_argument("count", type=int)
    holding.add_argument("bytes", type=int)
    holding.add_argument("sources", nargs="+")
    command(serve, to=False).add_argument("addresses", type=endpoint, nargs="+")
    transferring = command(transfer)
    transferring.add_argument("way", choices=("up", "down"))
    transferring.add_argument("bytes", type=int)
    command(echo_unchecked)
    sending = command(datagrams)
    sending.add_argument("--unchecked", action="store_true")
    sending.add_argument("sizes", type=int, nargs="+")
    fold = command(folded)
    fold.add_argument("source")
    fold.add_argument("target", type=endpoint)
    relaying = command(relay, to=False)
    relaying.add_argument("tun")
    relaying.add_argument("seconds", type=float)
    options = parser.parse_args()
    return options.run(options)


if __name__ == "__main__":
    sys.exit(main())
