#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""A DNS server that lies: names_liar.py ADDRESS PORT SEED

Each answer begins as a good one and is then wrong in some field: id, flags, counts, name (with compression loops), type,
class, TTL, length, address; cut short, doubled, or noise. A part of them stays good. The sequence follows from SEED.
"""
import random
import socket
import struct
import sys

HOSTS = ["198.51.100.9", "127.0.0.1", "0.0.0.0", "224.0.0.1", "255.255.255.255"]
TYPES = {"A": 1, "CNAME": 5, "SOA": 6, "AAAA": 28}


def question_of(packet):
    end = 12
    while end < len(packet) and packet[end]:
        end += 1 + packet[end]
    return packet[12:end + 5]


def record(rng, question):
    name = rng.choice([b"\xc0\x0c", b"\xc0\x0c", b"\xc0\xff", b"\x3f", b"\xc0" + bytes([12 + len(question)])])
    kind = rng.choice([struct.unpack("!H", question[-4:-2])[0], *TYPES.values(), rng.randrange(65536)])
    data = {
        1: socket.inet_aton(rng.choice(HOSTS)),
        28: socket.inet_pton(socket.AF_INET6, rng.choice(["2001:db8:9::9", "::1", "::", "ff02::1", "::ffff:1.2.3.4"])),
    }.get(kind, rng.choice([b"\xc0\x0c", b"", b"\x07example\x04test\x00", rng.randbytes(rng.randrange(40))]))
    length = rng.choice([len(data)] * 4 + [0, 1, len(data) + 1, 65535])
    ttl = rng.choice([0, 1, 60, 2**31, 2**32 - 1])
    return name + struct.pack("!HHIH", kind, rng.choice([1, 1, 1, 3, 255]), ttl, length) + data


def answer(rng, packet):
    question = question_of(packet)
    records = [record(rng, question) for _ in range(rng.choice([0, 1, 1, 2, 40]))]
    counts = [1, len(records), 0, 0]
    if rng.random() < 0.2:
        counts[rng.randrange(4)] = rng.randrange(65536)
    identity = packet[:2] if rng.random() < 0.9 else rng.randbytes(2)
    flags = rng.choice([0x8580] * 6 + [0x8583, 0x8582, 0x8785, 0x0100, rng.randrange(65536)])
    reply = identity + struct.pack("!H4H", flags, *counts) + question + b"".join(records)
    shape = rng.random()
    if shape < 0.1:
        return reply[:rng.randrange(len(reply))]
    if shape < 0.2:
        return reply + reply
    if shape < 0.3:
        return rng.randbytes(rng.randrange(512))
    if shape < 0.4:
        spoiled = bytearray(reply)
        for _ in range(3):
            spoiled[rng.randrange(len(spoiled))] = rng.randrange(256)
        return bytes(spoiled)
    return reply


def main():
    rng = random.Random(int(sys.argv[3]))
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.bind((sys.argv[1], int(sys.argv[2])))
    print("ready", flush=True)
    while True:
        packet, peer = server.recvfrom(4096)
        if len(packet) >= 17:
            server.sendto(answer(rng, packet), peer)


main()
