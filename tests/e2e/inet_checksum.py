# SPDX-License-Identifier: GPL-2.0-only
"""The checksum of RFC 1071, for the programs here that make frames themselves."""

import struct


def ones_sum(data):
    """Of an even number of bytes, unfolded."""
    return sum(struct.unpack(f"!{len(data) // 2}H", data))


def checksum(total):
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF
