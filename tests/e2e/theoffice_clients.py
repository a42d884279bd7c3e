#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Clients for the stories with real programs.

    theoffice_clients.py talk ADDRESS:PORT --connections N --bytes N   all are open at once, then each sends bytes of
                                                                       its own and wants them back; a few at a time
    theoffice_clients.py knock tcp|udp SOURCE:PORT ADDRESS:PORT...     one SYN, or one datagram of 64 bytes, to each:
                                                                       nothing is sent again, and nothing awaited
"""

import argparse
import asyncio
import random
import socket
import sys

PATIENCE = 60.0  # seconds for all
# Connections that send at one time. Few enough for every queue on the way, so that a loss is the filter's doing.
WINDOW = 8


def endpoint(text):
    address, _, port = text.rpartition(":")
    return address, int(port)


async def speak(number, size, stream):
    reader, writer = stream
    said = random.Random(number).randbytes(size + number)

    async def say():
        writer.write(said)
        await writer.drain()

    saying = asyncio.create_task(say())
    heard = await reader.readexactly(len(said))
    await saying
    writer.write_eof()
    rest = await reader.read()
    writer.close()
    return heard == said and not rest


async def talk_all(options):
    window = asyncio.Semaphore(WINDOW)

    async def within(coroutine):
        async with window:
            return await coroutine

    numbers = range(options.connections)
    streams = await asyncio.gather(*(within(asyncio.open_connection(*options.to)) for _ in numbers))
    return sum(await asyncio.gather(*(within(speak(number, options.bytes, streams[number])) for number in numbers)))


def talk(options):
    try:
        done = asyncio.run(asyncio.wait_for(talk_all(options), PATIENCE))
    except (OSError, EOFError, asyncio.TimeoutError) as error:
        print(f"of {options.connections} connections not all went well: {error!r}", file=sys.stderr)
        return 1
    if done != options.connections:
        print(f"{done} of {options.connections} connections carried what was said", file=sys.stderr)
    return 0 if done == options.connections else 1


def knock(options):
    for target in options.targets:
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM if options.protocol == "tcp" else socket.SOCK_DGRAM) as made:
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            made.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
            made.setblocking(False)
            made.bind(options.source)
            made.connect_ex(target)
            if options.protocol == "udp":
                made.send(b"x" * 64)
    return 0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(required=True)
    talking = commands.add_parser("talk")
    talking.add_argument("to", type=endpoint)
    talking.add_argument("--connections", type=int, required=True)
    talking.add_argument("--bytes", type=int, required=True)
    talking.set_defaults(run=talk)
    knocking = commands.add_parser("knock")
    knocking.add_argument("protocol", choices=("tcp", "udp"))
    knocking.add_argument("source", type=endpoint)
    knocking.add_argument("targets", type=endpoint, nargs="+")
    knocking.set_defaults(run=knock)
    options = parser.parse_args()
    return options.run(options)


if __name__ == "__main__":
    sys.exit(main())
