#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""A pcap file of this machine's byte order as pcapng, on standard output: each packet cut to 96 bytes, with the way it
went at the card of a MAC address (epb_flags).

    short_capture.py FILE MAC
"""

import struct
import sys

MOST = 96
INBOUND, OUTBOUND = 1, 2


def block(kind, body):
    body += bytes(-len(body) % 4)
    return struct.pack("=II", kind, len(body) + 12) + body + struct.pack("=I", len(body) + 12)


def main():
    with open(sys.argv[1], "rb") as file:
        data = file.read()
    mac = bytes.fromhex(sys.argv[2].replace(":", ""))
    out = [block(0x0A0D0D0A, struct.pack("=IHHq", 0x1A2B3C4D, 1, 0, -1)), block(1, struct.pack("=HHI", 1, 0, MOST))]
    at = 24
    while at < len(data):
        _, _, captured, length = struct.unpack_from("=IIII", data, at)
        packet = data[at + 16 : at + 16 + min(captured, MOST)]
        way = OUTBOUND if packet[6:12] == mac else INBOUND
        body = struct.pack("=IIIII", 0, 0, 0, len(packet), length) + packet + bytes(-len(packet) % 4)
        out.append(block(6, body + struct.pack("=HHIHH", 2, 4, way, 0, 0)))
        at += 16 + captured
    sys.stdout.buffer.write(b"".join(out))


main()
