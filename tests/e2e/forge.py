#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""One forged TCP segment, by a raw socket: whatever its sender says, the network does not ask.

    forge.py SOURCE:PORT DESTINATION:PORT FLAGS [--sequence N] [--acknowledgment N] [--ttl N] [--bytes N]
                                                [--wrong-checksum]

FLAGS are TCP's, as letters: A ACK, F FIN, P PSH, R RST, S SYN.
"""

import argparse
import ipaddress
import socket
import struct

from inet_checksum import checksum, ones_sum

BITS = {"F": 0x01, "S": 0x02, "R": 0x04, "P": 0x08, "A": 0x10}
TCP_HEADER = 20


def endpoint(text):
    host, _, port = text.rpartition(":")
    return ipaddress.IPv4Address(host), int(port)


def segment(source, destination, options):
    (source_host, source_port), (host, port) = source, destination
    flags = sum(BITS[letter] for letter in options.flags)
    data = bytes(options.bytes + options.bytes % 2)[: options.bytes]
    header = struct.pack("!HHIIBBHHH", source_port, port, options.sequence, options.acknowledgment,
                         TCP_HEADER // 4 << 4, flags, 65535, 0, 0)
    length = len(header) + len(data)
    pseudo = source_host.packed + host.packed + struct.pack("!HH", socket.IPPROTO_TCP, length)
    whole = pseudo + header + data + bytes(length % 2)
    value = checksum(ones_sum(whole)) ^ (0x5555 if options.wrong_checksum else 0)
    return header[:16] + struct.pack("!H", value) + header[18:] + data


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("source", type=endpoint)
    parser.add_argument("destination", type=endpoint)
    parser.add_argument("flags")
    parser.add_argument("--sequence", type=int, default=1000)
    parser.add_argument("--acknowledgment", type=int, default=7000)
    parser.add_argument("--ttl", type=int, default=64)
    parser.add_argument("--bytes", type=int, default=0)
    parser.add_argument("--wrong-checksum", action="store_true")
    options = parser.parse_args()
    payload = segment(options.source, options.destination, options)
    # The kernel fills in length, identification and checksum.
    header = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 0, 0, 0, options.ttl, socket.IPPROTO_TCP, 0,
                         options.source[0].packed, options.destination[0].packed)
    with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW) as raw:
        raw.sendto(header + payload, (str(options.destination[0]), 0))


if __name__ == "__main__":
    main()
