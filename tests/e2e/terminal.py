#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""terminal.py WAIT_FOR KEYS COMMAND...: runs COMMAND on a terminal of its own. When it has shown WAIT_FOR it is typed
KEYS (\\x03 is Ctrl-C, \\x04 Ctrl-D). Prints what was shown, and exits as COMMAND does."""
import codecs
import os
import pty
import select
import sys
import time

wait_for, keys, command = sys.argv[1].encode(), codecs.decode(sys.argv[2], "unicode_escape").encode(), sys.argv[3:]
pid, terminal = pty.fork()
if pid == 0:
    os.execvp(command[0], command)
shown, typed, end = b"", False, time.monotonic() + 60
while time.monotonic() < end:
    if select.select([terminal], [], [], 0.1)[0]:
        try:
            piece = os.read(terminal, 4096)
        except OSError:
            break
        if not piece:
            break
        shown += piece
    if not typed and wait_for in shown:
        os.write(terminal, keys)
        typed = True
_, status = os.waitpid(pid, 0)
sys.stdout.buffer.write(shown)
sys.exit(os.waitstatus_to_exitcode(status))
