#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""tcx_programs.py CARD [ingress|egress]: how many programs sit on its tcx hook. Older bpftools do not see that hook.

With --attach PIN or --detach PIN: puts a pinned program there, behind all others, or takes it away.
"""

import argparse
import ctypes
import errno
import os
import platform
import socket
import struct
import sys

SYS_BPF = {"x86_64": 321, "aarch64": 280}[platform.machine()]
BPF_OBJ_GET, BPF_PROG_ATTACH, BPF_PROG_DETACH, BPF_PROG_QUERY = 7, 8, 9, 16
HOOKS = {"ingress": 46, "egress": 47}  # BPF_TCX_*


def bpf(command, attribute):
    libc = ctypes.CDLL(None, use_errno=True)
    result = libc.syscall(SYS_BPF, command, attribute, len(attribute))
    return result, ctypes.get_errno()


def count(card, hook):
    # union bpf_attr, query: target_ifindex, attach_type, query_flags, attach_flags, prog_ids, count, and zeros
    attribute = ctypes.create_string_buffer(struct.pack("=IIIIQI", card, hook, 0, 0, 0, 0), 64)
    result, error = bpf(BPF_PROG_QUERY, attribute)
    if result == 0:
        return struct.unpack_from("=I", attribute, 24)[0]
    if error != errno.EINVAL:  # EINVAL: a kernel without tcx, so without programs on it
        sys.exit(f"BPF_PROG_QUERY: {os.strerror(error)}")
    return 0


def change(command, card, hook, pin):
    path = ctypes.create_string_buffer(pin.encode())
    program, error = bpf(BPF_OBJ_GET, ctypes.create_string_buffer(struct.pack("=QII", ctypes.addressof(path), 0, 0), 64))
    if program < 0:
        sys.exit(f"{pin}: {os.strerror(error)}")
    # target_ifindex, attach_bpf_fd, attach_type, attach_flags
    result, error = bpf(command, ctypes.create_string_buffer(struct.pack("=IIII", card, program, hook, 0), 64))
    if result < 0:
        sys.exit(f"tcx: {os.strerror(error)}")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("card", type=socket.if_nametoindex)
    parser.add_argument("hook", nargs="?", choices=HOOKS, default="egress")
    parser.add_argument("--attach")
    parser.add_argument("--detach")
    options = parser.parse_args()
    hook = HOOKS[options.hook]
    if options.attach:
        change(BPF_PROG_ATTACH, options.card, hook, options.attach)
    elif options.detach:
        change(BPF_PROG_DETACH, options.card, hook, options.detach)
    else:
        print(count(options.card, hook))


main()
