#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Real sockets for the stories of the e2e ring and for the demo; every count it prints is of what happened.

    traffic.py serve tcp://ADDRESS:PORT udp://ADDRESS:PORT ...   echoes; on SIGTERM prints what each received
    traffic.py tcp ADDRESS:PORT [--connections N] [--bytes N]    each connection sends bytes and wants them back
    traffic.py udp ADDRESS:PORT [--count N] [--bytes N]          each datagram must come back; and none of those
                   [--forbidden ADDRESS:PORT]                    that are sent to the second address beside them;
                                                                 without end (--count 0) it says when the first is back
    traffic.py fire ADDRESS:PORT [--count N]                     datagrams that nobody should answer
    traffic.py frames CARD                                       sends raw frames, one line of hex each, from stdin
"""

import argparse
import os
import selectors
import signal
import socket
import sys
import time

# What has not come back by then is lost: the networks here are memory. An emulated machine takes its time.
ANSWER_SECONDS = float(os.environ.get("EDGEFW_ANSWER_SECONDS", "10"))
# Datagrams in flight. Few enough for every queue on the way, so that a loss is the filter's doing.
WINDOW = 16

SO_RCVBUFFORCE = 33  # as root, beyond net.core.rmem_max


def endpoint(text):
    host, _, port = text.rpartition(":")
    return host.strip("[]"), int(port)


def make_socket(address, kind, bind=None):
    family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
    made = socket.socket(family, kind)
    if kind == socket.SOCK_DGRAM:
        made.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 16 << 20)  # a window of jumbo datagrams fits
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if bind:
        made.bind(bind)
    return made


class Stop:
    """Becomes true at SIGTERM or SIGINT."""

    def __init__(self):
        self.asked = False
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._ask)

    def _ask(self, *_):
        self.asked = True


class EchoServer:
    def __init__(self, urls):
        self.selector = selectors.DefaultSelector()
        self.received = dict.fromkeys(urls, 0)  # tcp: connections, udp: datagrams
        for url in urls:
            protocol, _, where = url.partition("://")
            address = endpoint(where)
            if protocol == "tcp":
                listening = make_socket(address, socket.SOCK_STREAM, bind=address)
                listening.listen(512)
                self.selector.register(listening, selectors.EVENT_READ, (self.accept, url))
            else:
                bound = make_socket(address, socket.SOCK_DGRAM, bind=address)
                self.selector.register(bound, selectors.EVENT_READ, (self.answer, url))

    def accept(self, listening, url):
        connection, _ = listening.accept()
        self.received[url] += 1
        self.selector.register(connection, selectors.EVENT_READ, (self.echo, url))

    def echo(self, connection, _url):
        try:
            data = connection.recv(1 << 16)
            if data:
                connection.sendall(data)
                return
        except OSError:
            pass  # the filter may have ended it; its client says so
        self.selector.unregister(connection)
        connection.close()

    def answer(self, bound, url):
        data, sender = bound.recvfrom(1 << 16)
        self.received[url] += 1
        bound.sendto(data, sender)

    def run(self):
        stop = Stop()
        print("ready", flush=True)
        while not stop.asked:
            for key, _ in self.selector.select(timeout=0.1):
                handler, url = key.data
                handler(key.fileobj, url)
        for url, count in self.received.items():
            print(url, count)


def serve(options):
    EchoServer(options.urls).run()
    return 0


def talk(options, payload):
    """One connection, closed in order. Whether all came back."""
    connection = make_socket(options.to, socket.SOCK_STREAM, options.bind)
    connection.settimeout(ANSWER_SECONDS)
    with connection:
        connection.connect(options.to)
        returned = bytearray()
        for begin in range(0, len(payload), 1 << 14):
            part = payload[begin : begin + (1 << 14)]
            connection.sendall(part)
            while len(returned) < begin + len(part):
                data = connection.recv(1 << 16)
                if not data:
                    return False
                returned += data
        connection.shutdown(socket.SHUT_WR)
        return connection.recv(1) == b"" and returned == payload


def tcp(options):
    payload = bytes(i * 7 % 251 for i in range(options.bytes))
    done = 0
    for _ in range(options.connections):
        try:
            done += talk(options, payload)
        except OSError as error:
            print(f"connection {done + 1}: {error}", file=sys.stderr)
            break
    print(f"{done} of {options.connections} connections, {options.bytes} bytes each way")
    return 0 if done == options.connections else 1


class EchoClient:
    """Keeps WINDOW datagrams in flight and counts which come back."""

    def __init__(self, options):
        self.socket = make_socket(options.to, socket.SOCK_DGRAM, options.bind)
        self.socket.connect(options.to)
        self.socket.settimeout(ANSWER_SECONDS)
        self.forbidden = None
        if options.forbidden:
            self.forbidden = make_socket(options.forbidden, socket.SOCK_DGRAM)
            self.forbidden.connect(options.forbidden)
            self.forbidden.setblocking(False)
        self.padding = b"x" * (options.bytes - 8)
        self.sent = 0
        self.waiting = set()

    def send(self):
        if self.forbidden:
            self.forbidden.send(b"may not arrive")
        self.waiting.add(self.sent)
        self.socket.send(self.sent.to_bytes(8, "big") + self.padding)
        self.sent += 1

    def receive(self):
        """False when nothing came within ANSWER_SECONDS."""
        try:
            data = self.socket.recv(1 << 16)
        except (TimeoutError, socket.timeout):
            return False
        except ConnectionRefusedError:
            return True  # an ICMP error: the datagram stays missing
        if data[8:] == self.padding:
            self.waiting.discard(int.from_bytes(data[:8], "big"))
        return True

    def run(self, count, gap):
        stop = Stop()
        said = count != 0
        while not stop.asked and (count == 0 or self.sent < count):
            if not said and self.sent > len(self.waiting):
                print("the first is back", file=sys.stderr, flush=True)
                said = True
            self.send()
            if gap:
                time.sleep(gap)
            while len(self.waiting) >= (1 if gap else WINDOW):
                if not self.receive():
                    break
        while self.waiting and self.receive():
            pass

    def passed_forbidden(self):
        """Whether one came back. It would have done so before the datagram that was sent after it."""
        try:
            return bool(self.forbidden and self.forbidden.recv(1 << 16))
        except OSError:
            return False


def udp(options):
    client = EchoClient(options)
    client.run(options.count, options.gap)
    print(f"{client.sent} sent, {client.sent - len(client.waiting)} returned")
    if client.passed_forbidden():
        print("a forbidden datagram was answered", file=sys.stderr)
        return 1
    return 1 if client.waiting else 0


def fire(options):
    firing = make_socket(options.to, socket.SOCK_DGRAM, options.bind)
    firing.connect(options.to)
    answered = 0
    for number in range(options.count):
        firing.send(b"x" * options.bytes)
        if number % WINDOW == WINDOW - 1:
            time.sleep(0.002)  # lets the queues run empty
    firing.settimeout(0.2)
    try:
        while True:
            firing.recv(1 << 16)
            answered += 1
    except OSError:
        pass
    print(f"{options.count} sent, {answered} answered")
    return 1 if answered else 0


def frames(options):
    raw = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
    raw.bind((options.card, 0))
    for line in sys.stdin:
        raw.send(bytes.fromhex(line))
    return 0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(required=True)

    def command(run):
        added = commands.add_parser(run.__name__)
        added.set_defaults(run=run)
        return added

    command(serve).add_argument("urls", nargs="+")
    command(frames).add_argument("card")
    for run in (tcp, udp, fire):
        client = command(run)
        client.add_argument("to", type=endpoint)
        client.add_argument("--bind", type=endpoint)
        client.add_argument("--bytes", type=int, default=64)
        if run is tcp:
            client.add_argument("--connections", type=int, default=1)
            continue
        client.add_argument("--count", type=int, default=1, help="0: until SIGTERM")
        if run is udp:
            client.add_argument("--gap", type=float, default=0, help="seconds between datagrams, one in flight")
            client.add_argument("--forbidden", type=endpoint, help="a datagram goes here before each; none may come back")
    options = parser.parse_args()
    return options.run(options)


if __name__ == "__main__":
    sys.exit(main())
