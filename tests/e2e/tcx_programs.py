#!/usr/bin/env python3
"""tcx_programs.py CARD: how many programs sit on its tcx egress hook. Older bpftools do not see that hook."""

import ctypes
import errno
import platform
import socket
import struct
import sys

SYS_BPF = {"x86_64": 321, "aarch64": 280}[platform.machine()]
BPF_PROG_QUERY = 16
BPF_TCX_EGRESS = 47


def main():
    # union bpf_attr, query: target_ifindex, attach_type, query_flags, attach_flags, prog_ids, count, and zeros
    card = socket.if_nametoindex(sys.argv[1])
    attribute = ctypes.create_string_buffer(struct.pack("=IIIIQI", card, BPF_TCX_EGRESS, 0, 0, 0, 0), 64)
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.syscall(SYS_BPF, BPF_PROG_QUERY, attribute, len(attribute)) != 0:
        if ctypes.get_errno() != errno.EINVAL:  # EINVAL: a kernel without tcx, so without programs on it
            sys.exit(f"BPF_PROG_QUERY: errno {ctypes.get_errno()}")
        print(0)
        return
    print(struct.unpack_from("=I", attribute, 24)[0])


main()
