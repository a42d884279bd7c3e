#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Clients that hold their connections to serve: slow_clients.py ADDRESS PORT

Idle ones, ones that send a header line now and then for ever, and ones that never read their answer. Says "ready" when
all have connected, and goes on until it is ended; who is cut off comes again.
"""
import socket
import sys
import time

IDLE, SLOW, DEAF = 150, 8, 8


def connect(text):
    client = socket.create_connection((sys.argv[1], int(sys.argv[2])), timeout=20)
    client.sendall(text)
    return client


def say(client, text):
    try:
        client.sendall(text)
        client.setblocking(False)
        try:
            return client.recv(1, socket.MSG_PEEK) != b""
        except BlockingIOError:
            return True
        finally:
            client.setblocking(True)
    except OSError:
        return False


def main():
    slow = [connect(b"GET /metrics HTTP/1.1\r\n") for _ in range(SLOW)]
    held = [connect(b"GET /metrics HTTP/1.1\r\n\r\n") for _ in range(DEAF)]
    held += [connect(b"") for _ in range(IDLE)]
    print("ready", flush=True)
    while True:
        time.sleep(0.5)
        slow = [client if say(client, b"X-Slow: 1\r\n") else connect(b"GET /metrics HTTP/1.1\r\n") for client in slow]


main()
