#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""tun_pair.py CARD NETNS CARD: a cable of two tun devices, whose packets begin with the IP header; until SIGTERM.

The first card is made in the network namespace this runs in, the second in NETNS (a path). Prints "ready" when both are
there.
"""

import ctypes
import fcntl
import os
import select
import signal
import struct
import sys

TUNSETIFF = 0x400454CA
IFF_TUN, IFF_NO_PI = 0x0001, 0x1000
CLONE_NEWNET = 0x40000000
LARGEST = 65535


def make(name):
    device = os.open("/dev/net/tun", os.O_RDWR)
    fcntl.ioctl(device, TUNSETIFF, struct.pack("16sH22x", name.encode(), IFF_TUN | IFF_NO_PI))
    return device


def main():
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    here, netns, there = sys.argv[1:]
    one = make(here)
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.setns(os.open(netns, os.O_RDONLY), CLONE_NEWNET) != 0:
        sys.exit(f"setns: {os.strerror(ctypes.get_errno())}")
    other = make(there)
    print("ready", flush=True)
    while True:
        for device in select.select([one, other], [], [])[0]:
            packet = os.read(device, LARGEST)
            try:
                os.write(other if device is one else one, packet)
            except OSError:  # that card is down
                pass


main()
