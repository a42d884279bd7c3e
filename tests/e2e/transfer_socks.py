#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""A SOCKS 5 proxy for transfer_test.sh: CONNECT to an IPv4 address, without authentication (RFC 1928).

transfer_socks.py ADDRESS:PORT
"""

import asyncio
import socket
import sys

PATIENCE = 8  # seconds for a connection outwards; what the filter drops is not tried for longer
VERSION, NO_LOGIN, CONNECT, IPV4 = 5, 0, 1, 1
GRANTED, HOST_UNREACHABLE, NO_COMMAND = 0, 4, 7


def answer(code):
    return bytes((VERSION, code, 0, IPV4)) + bytes(6)


async def asked(reader, writer):
    """The address and port that the client wants, or none."""
    _, methods = await reader.readexactly(2)
    await reader.readexactly(methods)
    writer.write(bytes((VERSION, NO_LOGIN)))
    _, command, _, kind = await reader.readexactly(4)
    if (command, kind) != (CONNECT, IPV4):
        writer.write(answer(NO_COMMAND))
        return None
    address = socket.inet_ntoa(await reader.readexactly(4))
    return address, int.from_bytes(await reader.readexactly(2), "big")


async def hand_on(reader, writer):
    while data := await reader.read(1 << 16):
        writer.write(data)
        await writer.drain()
    writer.write_eof()


async def serve_one(reader, writer, own):
    target = await asked(reader, writer)
    if not target:
        return
    try:
        opening = asyncio.open_connection(*target, local_addr=(own, 0))
        far_reader, far_writer = await asyncio.wait_for(opening, PATIENCE)
    except (OSError, asyncio.TimeoutError):
        writer.write(answer(HOST_UNREACHABLE))
        return
    writer.write(answer(GRANTED))
    await asyncio.gather(hand_on(reader, far_writer), hand_on(far_reader, writer))
    far_writer.close()


async def main():
    own, _, port = sys.argv[1].partition(":")

    async def client(reader, writer):
        try:
            await serve_one(reader, writer, own)
        except (OSError, EOFError):
            pass  # the client has gone
        finally:
            writer.close()

    async with await asyncio.start_server(client, own, int(port)) as server:
        await server.serve_forever()


asyncio.run(main())
