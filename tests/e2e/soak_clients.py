#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""The mixed traffic of soak_test.sh, until SIGTERM; what it counted is one line of JSON then.

    soak_clients.py send KIND=ADDRESS:PORT...
        long    TCP connections that stay: numbered messages of all sizes, each must come back
        short   TCP connections one after the other, each with a message, closed in order
        flows   UDP from a new port every few datagrams, each must come back
        fire    UDP that nobody answers
    soak_clients.py take ADDRESS:PORT    counts UDP and answers nothing
    soak_clients.py held FOLDER          what the kernel holds for the pins in a folder: programs, maps, links and bytes
                                         of maps, also of what is reached through a program array
"""

import asyncio
import collections
import json
import os
import random
import signal
import socket
import subprocess
import sys

PATIENCE = 30  # seconds for an answer: far more than it takes where nothing is lost
LONG, SHORT, FLOWS = 20, 4, 4  # at once
LONG_PAUSE, SHORT_PAUSE, FLOW_PAUSE, FIRE_PAUSE = 0.05, 0.02, 0.01, 0.004  # seconds
FLOW = 10  # datagrams from one port
LARGEST = 4000  # bytes of a message; small enough for every queue on the way


class Soak:
    def __init__(self):
        self.stop = asyncio.Event()
        self.counted = collections.defaultdict(collections.Counter)

    async def pause(self, seconds):
        try:
            await asyncio.wait_for(self.stop.wait(), seconds)
        except asyncio.TimeoutError:
            pass

    @staticmethod
    async def echoed(reader, writer, message):
        writer.write(message)
        if await asyncio.wait_for(reader.readexactly(len(message)), PATIENCE) != message:
            raise OSError("a message came back as another")

    @staticmethod
    async def close(reader, writer):
        writer.write_eof()
        if await asyncio.wait_for(reader.read(1), PATIENCE):
            raise OSError("more came back than was sent")
        writer.close()

    async def opened(self, name, to):
        self.counted[name]["connections"] += 1
        return await asyncio.wait_for(asyncio.open_connection(*to), PATIENCE)

    async def long(self, name, to):
        reader, writer = await self.opened(name, to)
        while not self.stop.is_set():
            number = self.counted[name]["messages"].to_bytes(8, "big")
            await self.echoed(reader, writer, number + os.urandom(random.randrange(LARGEST)))
            self.counted[name]["messages"] += 1
            await self.pause(LONG_PAUSE)
        await self.close(reader, writer)

    async def short(self, name, to):
        while not self.stop.is_set():
            reader, writer = await self.opened(name, to)
            await self.echoed(reader, writer, os.urandom(500))
            await self.close(reader, writer)
            await self.pause(SHORT_PAUSE)

    async def flows(self, name, to):
        loop = asyncio.get_running_loop()
        while not self.stop.is_set():
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as flow:
                flow.setblocking(False)
                flow.connect(to)
                for _ in range(FLOW):
                    datagram = self.counted[name]["datagrams"].to_bytes(8, "big") + os.urandom(random.randrange(1400))
                    self.counted[name]["datagrams"] += 1
                    await loop.sock_sendall(flow, datagram)
                    if await asyncio.wait_for(loop.sock_recv(flow, 1 << 16), PATIENCE) != datagram:
                        raise OSError("a datagram came back as another")
                    await self.pause(FLOW_PAUSE)

    async def fire(self, name, to):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as firing:
            firing.connect(to)
            while not self.stop.is_set():
                firing.send(bytes(100))
                self.counted[name]["datagrams"] += 1
                await self.pause(FIRE_PAUSE)

    async def run(self, jobs):
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGTERM, self.stop.set)
        times = {"long": LONG, "short": SHORT, "flows": FLOWS, "fire": 1}
        tasks = {}
        for job in jobs:
            kind, _, where = job.partition("=")
            host, _, port = where.rpartition(":")
            for _ in range(times[kind]):
                tasks[asyncio.create_task(getattr(self, kind)(job, (host, int(port))))] = job
        print("ready", flush=True)
        await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
        self.stop.set()
        await asyncio.wait(tasks)
        failed = [f"{tasks[task]}: {task.exception()!r}" for task in tasks if task.exception()]
        if failed:
            print(f"{failed[0]} (and {len(failed) - 1} more)", file=sys.stderr)
        print(json.dumps(self.counted))
        return 1 if failed else 0


def take(where):
    host, _, port = where.rpartition(":")
    taking = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    taking.bind((host, int(port)))
    signal.signal(signal.SIGTERM, lambda *_: taking.setblocking(False))
    print("ready", flush=True)
    taken = 0
    while True:
        try:
            taking.recv(1 << 16)
        except BlockingIOError:
            break
        taken += 1
    print(taken)
    return 0


def asked(*arguments):
    # Its exit code says nothing: that of Debian 13 shows a pinned link and returns 255.
    said = subprocess.run(("bpftool", "--json", *arguments), capture_output=True, text=True, check=False)
    return json.loads(said.stdout or "{}")


def held(folder):
    """All that a pin keeps, and what that keeps. The kind of a pin is the one that bpftool can show it as."""
    programs, maps, links, waiting = {}, {}, {}, []

    def program(number):
        if number not in programs:
            programs[number] = asked("prog", "show", "id", str(number))
            for one in programs[number].get("map_ids", []):
                table(one)

    def table(number):
        if number not in maps:
            maps[number] = asked("map", "show", "id", str(number))
            if maps[number].get("type") == "prog_array":
                for entry in asked("map", "dump", "id", str(number)):
                    value = entry.get("value")
                    if isinstance(value, list):
                        program(int.from_bytes(bytes(int(byte, 16) for byte in value), sys.byteorder))

    for place, _, names in os.walk(folder):
        waiting += [os.path.join(place, name) for name in names]
    for pin in waiting:
        for kind, found in ("map", table), ("prog", program), ("link", None):
            said = asked(kind, "show", "pinned", pin)
            if "id" not in said:
                continue
            if found:
                found(said["id"])
            else:
                links[said["id"]] = said
                program(said["prog_id"])
            break
    memory = sum(int(one["bytes_memlock"]) for one in maps.values())
    counts = f"{len(programs)} programs, {len(maps)} maps, {len(links)} links"
    print(f"{len(waiting)} pins, {counts}, {memory} bytes of maps")
    return 0


def main():
    kind, *rest = sys.argv[1:] or [""]
    if kind == "send":
        return asyncio.run(Soak().run(rest))
    if kind in ("take", "held") and len(rest) == 1:
        return {"take": take, "held": held}[kind](*rest)
    sys.exit(__doc__)


if __name__ == "__main__":
    sys.exit(main())
