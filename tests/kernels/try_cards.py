#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Tries edgefw on cards, in a machine that has nothing else to do: scripts/vm has booted it.

    try_cards.py EDGEFW [--modes MODE,...] CARD...

CARD names the machine's cards in their order (02:00:00:00:00:00 is the first); the last card of the machine is the peer
of all others, at the other end of one wire, in a network namespace of its own. Prints a line for each card and mode, fields
apart by tabs: kernel, card, driver, mode asked for, mode got or "refused", then what was tried, each "ok" or what it was.
"""

import argparse
import contextlib
import ctypes
import difflib
import json
import os
import re
import socket
import subprocess
import sys
import tempfile
import threading
import time

PEER = "/run/netns/peer"
LIBC = ctypes.CDLL(None, use_errno=True)
CLONE_NEWNET = 0x40000000
LIMIT = 15.0  # seconds for one exchange: these machines are emulated
ANSWER = 2.0  # what has not come back by then is lost

POLICY = """version: 1
default: drop
rules:
  - {{name: tcp, side: external, direction: both, protocol: tcp, local_port: 5001, action: pass}}
  - {{name: udp, side: external, direction: inbound, protocol: udp, local_port: 5002, action: pass}}
  - {{name: ping, side: external, direction: inbound, protocol: icmp, action: pass}}
  - {{name: out, side: external, direction: outbound, action: pass}}
  - {{name: {extra}, side: external, direction: inbound, protocol: tcp, local_port: 9, action: pass}}
"""


def sh(command, check=True):
    done = subprocess.run(command, shell=isinstance(command, str), capture_output=True, text=True)
    if check and done.returncode:
        raise RuntimeError(f"{command}: {done.stderr.strip() or done.stdout.strip()}")
    return done.stdout


def in_peer(command, check=True):
    return sh(["nsenter", "--net=" + PEER, "--", *command.split()], check)


@contextlib.contextmanager
def network(path):
    """What is made inside belongs to that network namespace; of this thread alone."""
    if path is None:
        yield
        return
    with open("/proc/thread-self/ns/net") as mine, open(path) as other:
        if LIBC.setns(other.fileno(), CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), "setns")
        try:
            yield
        finally:
            LIBC.setns(mine.fileno(), CLONE_NEWNET)


def make_socket(where, kind, address=None):
    with network(where):
        made = socket.socket(socket.AF_INET, kind)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    made.settimeout(LIMIT)
    if address:
        made.bind(address)
    return made


def take(connection, size):
    taken = bytearray()
    while len(taken) < size and (part := connection.recv(size - len(taken))):
        taken += part
    return taken


def tcp(server, client, address, size=300000):
    """SIZE bytes there and the same ones back."""
    listener = make_socket(server, socket.SOCK_STREAM, address)
    listener.listen()

    def answer():
        with contextlib.suppress(OSError):
            connection, _ = listener.accept()
            with connection:
                connection.settimeout(LIMIT)
                connection.sendall(take(connection, size))

    thread = threading.Thread(target=answer)
    thread.start()
    sent = os.urandom(size)
    try:
        with make_socket(client, socket.SOCK_STREAM) as connection:
            connection.connect(address)
            connection.sendall(sent)
            same = take(connection, size) == sent
        return "ok" if same else "other bytes came back"
    except OSError as error:
        return f"failed ({error.__class__.__name__})"
    finally:
        with contextlib.suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join()


def udp(server, client, address, count, size=200, gap=0.0):
    """How many of COUNT datagrams came back."""
    stop = threading.Event()
    echo = make_socket(server, socket.SOCK_DGRAM, address)
    echo.settimeout(0.2)

    def answer():
        while not stop.is_set():
            with contextlib.suppress(OSError):
                datagram, sender = echo.recvfrom(65535)
                echo.sendto(datagram, sender)

    thread = threading.Thread(target=answer)
    thread.start()
    back = 0
    with make_socket(client, socket.SOCK_DGRAM) as sender:
        sender.settimeout(ANSWER)
        for number in range(count):
            payload = number.to_bytes(4, "big").ljust(size, b"u")
            with contextlib.suppress(OSError):
                sender.sendto(payload, address)
                back += sender.recv(65535) == payload
            if number - back > 20:  # they do not come back
                break
            time.sleep(gap)
    stop.set()
    thread.join()
    echo.close()
    return back


def pings(address, count):
    """How many of COUNT jumbo frames came back."""
    said = in_peer(f"ping -q -c {count} -i 0.02 -W 2 -s 8000 {address}", check=False)
    return int(re.search(r"(\d+) received", said).group(1))


class Refused(Exception):
    pass


class Edgefw:
    def __init__(self, program, card):
        self.command = [program, "--json"]
        self.card = card
        self.folder = tempfile.mkdtemp()

    def __call__(self, *arguments):
        done = subprocess.run([*self.command, *arguments], capture_output=True, text=True)
        if done.returncode:
            raise Refused(done.stderr.strip().splitlines()[-1].removeprefix("edgefw: "))
        self.said = done.stderr.strip()
        return json.loads(done.stdout) if done.stdout.startswith("{") else {}

    def policy(self, extra):
        path = f"{self.folder}/{extra}.yaml"
        with open(path, "w") as file:
            file.write(POLICY.format(extra=extra))
        return path

    def attach(self, mode):
        return self("attach", self.card, "--mode", mode, "--policy", self.policy("before"))["mode"]

    def counters(self):
        return self("counters", self.card)["interfaces"][0]

    def received(self):
        return sum(line["packets"] for line in self.counters()["directions"] if line["direction"] == "inbound")


def peer_sent():
    link = json.loads(in_peer("ip -j -s link show dev wire"))[0]
    return link["stats64"]["tx"]["packets"]


def as_it_is(card):
    """What detach has to leave as attach found it."""
    link = sh(f"ip -d link show dev {card}")
    link = re.sub(r"prog/xdp.*|qdisc \S+|state \S+|<\S*>", "", link)
    lists = "".join(sh(f"ethtool {option} {card}", check=False) for option in ("-k", "-l", "-g"))
    return (link + lists).splitlines()


def changes(before, after):
    lines = [line for line in difflib.ndiff(before, after) if line[0] in "+-"]
    return "; ".join(re.sub(r"\s+", " ", line) for line in lines) or "ok"


def wait_for_link(card, address):
    """Some drivers set the card up anew, and its link comes back seconds later."""
    end = time.monotonic() + LIMIT
    while time.monotonic() < end:
        if " 0% packet loss" in in_peer(f"ping -q -c 1 -W 1 {address}", check=False):
            return
    raise Refused(f"no link on {card} after {LIMIT:.0f} seconds")


class Card:
    def __init__(self, edgefw, name, number):
        self.edgefw = Edgefw(edgefw, name)
        self.name = name
        self.address, self.peer = f"10.0.{number}.1", f"10.0.{number}.2"
        self.tagged, self.peer_tagged = f"10.7.{number}.1", f"10.7.{number}.2"

    def up(self):
        sh(f"ip link set {self.name} mtu 1500 up")
        sh(f"ip addr add {self.address}/24 dev {self.name}")
        in_peer(f"ip addr add {self.peer}/24 dev wire")
        in_peer(f"ip addr add {self.peer_tagged}/24 dev tag7")
        # Merging of received packets, wherever it can be had.
        sh(f"ethtool -K {self.name} gro on; ethtool -K {self.name} lro on; ethtool -K {self.name} rx-gro-hw on", check=False)
        wait_for_link(self.name, self.address)

    def down(self):
        in_peer("ip addr flush dev wire")
        in_peer("ip addr flush dev tag7")
        sh(f"ip addr flush dev {self.name} && ip link set {self.name} down mtu 1500")

    def exchange(self):
        """At the usual MTU: TCP, UDP, counters, push."""
        edgefw, tried = self.edgefw, {}
        wait_for_link(self.name, self.address)
        counted, sent = edgefw.received(), peer_sent()
        inward = tcp(None, PEER, (self.address, 5001))
        outward = tcp(PEER, None, (self.peer, 5001))
        tried["tcp"] = inward if inward != "ok" else outward
        tried["udp"] = self.all_back(udp(None, PEER, (self.address, 5002), 20), 20)
        sent = peer_sent() - sent
        counted = edgefw.received() - counted
        tried["counters"] = "ok" if counted == sent else f"{counted} of {sent}"
        tried["push"] = self.push_live()
        return tried

    @staticmethod
    def all_back(back, count):
        return "ok" if back == count else f"{count - back} of {count} lost"

    def push_live(self):
        failure = []

        def push():
            time.sleep(0.3)
            try:
                self.edgefw("push", self.edgefw.policy("after"))
            except Refused as error:
                failure.append(str(error))

        thread = threading.Thread(target=push)
        thread.start()
        back = udp(None, PEER, (self.address, 5002), 100, gap=0.01)
        thread.join()
        return failure[0] if failure else self.all_back(back, 100)

    def vlan(self, mode):
        """Attached once more: the kernel takes LRO from a card that has a VLAN device."""
        sh(f"ip link add tag7 link {self.name} type vlan id 7")
        try:
            sh(f"ip link set tag7 up && ip addr add {self.tagged}/24 dev tag7")
            self.edgefw.attach(mode)
            try:
                wait_for_link(self.name, self.address)
                return tcp(None, PEER, (self.tagged, 5001), 20000)
            finally:
                self.edgefw("detach", self.name)
        except Refused as error:
            return str(error)
        finally:
            sh("ip link del tag7")

    def jumbo(self, mode):
        """At MTU 9000, on a card that has received jumbo frames before the attach."""
        if sh(f"ip link set {self.name} mtu 9000 2>&1", check=False).strip():
            return "no MTU 9000"
        try:
            wait_for_link(self.name, self.address)
            udp(None, PEER, (self.address, 5002), 100, size=8000)
            if not any(pings(self.address, 150) == 150 for _ in range(3)):
                return "the card loses frames without edgefw"
            got = self.edgefw.attach(mode)
            said = " (warned)" if self.edgefw.said else ""
            try:
                wait_for_link(self.name, self.address)
                result = self.all_back(pings(self.address, 150), 150)
                if result == "ok":
                    result = tcp(None, PEER, (self.address, 5001))
            finally:
                self.edgefw("detach", self.name)
            return (result if got == mode or mode == "auto" else f"{result}, {got}") + said
        except Refused as error:
            return f"refused: {error}"
        finally:
            sh(f"ip link set {self.name} mtu 1500")

    def try_mode(self, mode, others):
        """A mode that `auto` takes is tried under its own name, where that is one of the others."""
        self.up()
        tried = {}
        try:
            before = as_it_is(self.name)
            try:
                got = self.edgefw.attach(mode)
            except Refused as error:
                return "refused", {"why": str(error), "jumbo": "", "detach": changes(before, as_it_is(self.name))}
            try:
                tried = {} if got in others else self.exchange()
            finally:
                self.edgefw("detach", self.name)
            if got in others:
                return got, tried
            wait_for_link(self.name, self.address)
            tried["detach"] = changes(before, as_it_is(self.name))
            tried["vlan"] = self.vlan(mode)
            tried["jumbo"] = self.jumbo(mode)
            return got, tried
        finally:
            self.down()


COLUMNS = ("tcp", "udp", "vlan", "counters", "push", "jumbo", "detach", "why")


def machine_cards(names):
    """The machine's cards by their address on the wire: their names come in the order in which drivers were loaded."""
    numbered = {}
    for link in json.loads(sh("ip -j link")):
        if link.get("address", "").startswith("02:00:00:00:00:"):
            numbered[int(link["address"][-2:], 16)] = link["ifname"]
    if len(numbered) != len(names) + 1:
        raise SystemExit(f"try_cards: {len(names)} cards and a peer were to be found, there are {numbered}")
    return numbered


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("edgefw")
    parser.add_argument("cards", nargs="+")
    parser.add_argument("--modes", default="auto,native,generic,tc")
    options = parser.parse_args()

    cards = machine_cards(options.cards)
    sh("sysctl -qw net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1 net.ipv4.conf.all.arp_ignore=1")
    sh("ip netns add peer")
    sh(f"ip link set {cards[len(options.cards)]} netns peer name wire")
    in_peer("sysctl -qw net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1")
    # What the peer counts are the packets on the wire.
    in_peer("ethtool -K wire tso off gso off gro off")
    in_peer("ip link set wire mtu 9000 up")
    in_peer("ip link add tag7 link wire type vlan id 7")
    in_peer("ip link set tag7 mtu 1500 up")

    release, begin = os.uname().release, time.monotonic()
    for number, name in enumerate(options.cards):
        driver = re.search(r"driver: (\S+)", sh(f"ethtool -i {cards[number]}")).group(1)
        modes = options.modes.split(",")
        for mode in modes:
            try:
                got, tried = Card(options.edgefw, cards[number], number).try_mode(mode, set(modes) - {mode})
            except (Refused, RuntimeError) as error:
                got, tried = "failed", {"why": str(error)}
            fields = [release, name, driver, mode, got, *(tried.get(column, "") for column in COLUMNS)]
            print("\t".join(field.replace("\t", " ").replace("\n", " ") for field in fields), flush=True)
            print(f"{time.monotonic() - begin:.0f} s: {name} {mode}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
