#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""A user whose media goes through a TURN server (RFC 8656, RFC 6062), for the stories of OCS: what turnutils_uclient
does not do.

    ocs_turn.py echo SOURCE SERVER:PORT USER:PASSWORD PERMITTED...
        a UDP relay: sends back what comes to it, until SIGTERM
    ocs_turn.py tcp SOURCE SERVER:PORT USER:PASSWORD PEER:PORT
        a TCP relay: connects from it to PEER, and then is connected to by PEER's host; both send back what comes

Both print `relay PORT` when somebody may come to it, and at the end how much came.
"""

import hashlib
import hmac
import os
import signal
import socket
import struct
import sys

MAGIC = 0x2112A442
ALLOCATE, REFRESH, SEND, DATA, PERMIT, CONNECT, BIND, ATTEMPT = 0x3, 0x4, 0x16, 0x17, 0x8, 0xA, 0xB, 0x1C
USERNAME, INTEGRITY, ERROR, LIFETIME, PEER, PAYLOAD, REALM, NONCE = 0x6, 0x8, 0x9, 0xD, 0x12, 0x13, 0x14, 0x15
RELAYED, TRANSPORT, CONNECTION = 0x16, 0x19, 0x2A
TCP, UDP = 6, 17
TRANSFER, CHUNK = 200_000, 10_000


def endpoint(text):
    host, _, port = text.rpartition(":")
    return host, int(port)


def attribute(kind, value):
    return struct.pack("!HH", kind, len(value)) + value + bytes(-len(value) % 4)


def packed_address(address):
    host = struct.unpack("!I", socket.inet_aton(address[0]))[0]
    return struct.pack("!BBHI", 0, 1, address[1] ^ MAGIC >> 16, host ^ MAGIC)


def unpacked_address(value):
    port, host = struct.unpack("!HI", value[2:8])
    return socket.inet_ntoa(struct.pack("!I", host ^ MAGIC)), port ^ MAGIC >> 16


def parse(message):
    found, place = {}, 20
    while place < len(message):
        kind, size = struct.unpack_from("!HH", message, place)
        found[kind] = message[place + 4 : place + 4 + size]
        place += 4 + size + -size % 4
    return struct.unpack_from("!H", message)[0], found


class Session:
    """One association with the server, over UDP or TCP."""

    def __init__(self, source, server, login, kind):
        self.opened = source, server, login
        self.user, _, self.password = login.partition(":")
        self.credentials, self.key = b"", None
        self.socket = socket.socket(socket.AF_INET, kind)
        self.stream = kind == socket.SOCK_STREAM
        self.socket.settimeout(30)
        self.socket.bind((source, 0))
        self.socket.connect(server)
        self.indications = []

    def exactly(self, size):
        data = b""
        while len(data) < size:
            part = self.socket.recv(size - len(data))
            if not part:
                raise EOFError("the server closed the connection")
            data += part
        return data

    def receive(self):
        if not self.stream:
            return parse(self.socket.recv(1 << 16))
        head = self.exactly(20)
        return parse(head + self.exactly(struct.unpack_from("!H", head, 2)[0]))

    def send(self, kind, attributes):
        if self.key:
            attributes += self.credentials
        size = len(attributes) + (24 if self.key else 0)
        message = struct.pack("!HHI", kind, size, MAGIC) + os.urandom(12) + attributes
        if self.key:
            message += attribute(INTEGRITY, hmac.digest(self.key, message, "sha1"))
        self.socket.sendall(message)

    def request(self, kind, attributes=b""):
        self.send(kind, attributes)
        while True:
            answer, found = self.receive()
            if answer & 0x110 == 0x100:
                return found
            if answer & 0x110 != 0x110:
                self.indications.append((answer, found))
                continue
            code = found[ERROR][2] * 100 + found[ERROR][3]
            if code != 401 or self.key:
                raise OSError(f"request {kind:#x}: error {code}")
            self.credentials = attribute(USERNAME, self.user.encode())
            self.credentials += attribute(REALM, found[REALM]) + attribute(NONCE, found[NONCE])
            text = f"{self.user}:{found[REALM].decode()}:{self.password}"
            self.key = hashlib.md5(text.encode()).digest()
            self.send(kind, attributes)

    def allocate(self, transport):
        relayed = self.request(ALLOCATE, attribute(TRANSPORT, bytes((transport, 0, 0, 0))))[RELAYED]
        return unpacked_address(relayed)[1]

    def permit(self, host):
        self.request(PERMIT, attribute(PEER, packed_address((host, 0))))

    def indication(self):
        return self.indications.pop(0) if self.indications else self.receive()

    def end(self):
        self.request(REFRESH, attribute(LIFETIME, bytes(4)))
        self.socket.close()


def echo(source, server, login, *permitted):
    asked = []
    signal.signal(signal.SIGTERM, lambda *_: asked.append(True))
    session = Session(source, server, login, socket.SOCK_DGRAM)
    port = session.allocate(UDP)
    for host in permitted:
        session.permit(host)
    print(f"relay {port}", flush=True)
    session.socket.settimeout(0.1)
    key, session.key = session.key, None  # an indication carries no credentials
    echoed = 0
    while not asked:
        try:
            kind, found = session.indication()
        except TimeoutError:
            continue
        if kind == DATA:
            session.send(SEND, attribute(PEER, found[PEER]) + attribute(PAYLOAD, found[PAYLOAD]))
            echoed += 1
    session.key = key
    session.socket.settimeout(30)
    session.end()
    print(f"{echoed} echoed")


def data_connection(control, number):
    """The second connection to the server, which becomes the data of a connection of the relay."""
    session = Session(*control.opened, socket.SOCK_STREAM)
    session.credentials, session.key = control.credentials, control.key
    session.request(BIND, attribute(CONNECTION, number))
    return session.socket


def transfer(data):
    """Sends bytes and wants them back."""
    sent, returned = os.urandom(TRANSFER), b""
    for begin in range(0, TRANSFER, CHUNK):
        data.sendall(sent[begin : begin + CHUNK])
        while len(returned) < begin + CHUNK:
            part = data.recv(CHUNK)
            if not part:
                raise EOFError("the peer's connection ended early")
            returned += part
    if returned != sent:
        raise OSError("other bytes came back from the peer than were sent")


def tcp(source, server, login, peer):
    peer = endpoint(peer)
    control = Session(source, server, login, socket.SOCK_STREAM)
    port = control.allocate(TCP)
    control.permit(peer[0])

    number = control.request(CONNECT, attribute(PEER, packed_address(peer)))[CONNECTION]
    with data_connection(control, number) as data:
        transfer(data)

    print(f"relay {port}", flush=True)
    kind, found = control.indication()
    if kind != ATTEMPT:
        raise OSError(f"the server says {kind:#x}, not that somebody connects")
    with data_connection(control, found[CONNECTION]) as data:
        transfer(data)
    control.end()
    print(f"2 connections, {TRANSFER} bytes each way")


if __name__ == "__main__":
    try:
        {"echo": echo, "tcp": tcp}[sys.argv[1]](sys.argv[2], endpoint(sys.argv[3]), *sys.argv[4:])
    except (OSError, EOFError) as wrong:
        sys.exit(f"ocs_turn.py {sys.argv[1]}: {wrong or 'no answer'}")
