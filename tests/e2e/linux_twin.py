#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""The same conversations through edgefw and through Linux with nftables and conntrack: what arrives is compared.

    linux_twin.py TABLE OUTSIDE INSIDE MAC

OUTSIDE and INSIDE are network namespaces (files) with cards `edgefw` and `linux`, towards the router of that name,
which has MAC at both its cards. Nobody lives in them: every packet is made here. The table is of lines; # begins a
comment, and what is indented goes on with the line before:

    way NAME SIDE ADDRESS > ADDRESS:PORT SIDE ADDRESS:PORT PROTOCOL... [as ADDRESS[:any]]
        who opens, to which destination, who is reached by that; and, where the opener's own address is hidden, the one
        that is seen instead. With `any` its port may be any one: what counts is that the answers find back.
    PROTOCOL SCRIPT: STEP; STEP; ...
        spoken over each way of that protocol. A step is > (opener) or < (who is reached), then what is sent:
          tcp    flags, or `data` (psh,ack and 100 bytes); seq and ack are those of the conversation, unless seq+N,
                 seq-N or ack+N moves them: such a segment is a stray, and does not move the conversation
          udp    data
          icmp   echo, reply
          all    an ICMP error about the last packet that the other end sent: unreachable, too-big, time-exceeded,
                 problem, quench, redirect; quote=N (bytes of its transport, 8), from=router (one of that side), port+N
                 or seq+N (what is quoted is of another conversation)
          all    again (the last packet of this end)
        with bytes=N, checksum=zero|wrong, ttl=N, options=N (bytes of them in the IPv4 header), fragment=may (on the
        way), pieces=N (fragments of N bytes), order=reversed, only=N (of the fragments). A step `wait` is a rest of
        WAIT seconds, which all conversations take at once.
        Each script ends with a step > and a step < that tell whether the conversation lives: `end>` and `end<`.
    differs PROTOCOL SCRIPT[,SCRIPT...][@WAY[,WAY...]] STEP[,STEP...] | WHAT LINUX DOES | WHAT EDGEFW DOES | WHY
        the only steps (from 1, end>, end<) that may end differently, and they must: passes, drops, `passes N packets`,
        or changed (as many packets arrive, and they are not the same)

Compared is each IPv4 packet that arrives at either side, without TTL and identification. Its header checksum must be
right.
"""

import collections
import ctypes
import os
import re
import select
import socket
import struct
import sys
import time

sys.dont_write_bytecode = True  # nothing is left in the source tree

# pylint: disable=wrong-import-position
from inet_checksum import checksum, ones_sum

TWINS = "linux", "edgefw"
SIDES = "outside", "inside"
FENCE = 253  # a protocol for experiments (RFC 3692): both twins pass it; what was sent before it has arrived
ROUTERS = {"outside": "198.51.100.77", "inside": "10.0.0.77"}  # on the way to an end
FENCE_ENDS = {"outside": ("198.51.100.9", "10.0.0.5"), "inside": ("10.0.0.5", "198.51.100.9")}
PATIENCE = 30  # seconds for a fence
ICMP, TCP, UDP = 1, 6, 17
PROTOCOLS = {"icmp": ICMP, "tcp": TCP, "udp": UDP}
FLAGS = {"fin": 1, "syn": 2, "rst": 4, "psh": 8, "ack": 16, "urg": 32, "none": 0}
ERRORS = {"unreachable": (3, 3), "too-big": (3, 4), "time-exceeded": (11, 0), "problem": (12, 0), "quench": (4, 0),
          "redirect": (5, 1)}
ERROR_TYPES = {kind for kind, _ in ERRORS.values()}
ECHO, REPLY = 8, 0
MTU = 1280  # what `too-big` says
DONT_FRAGMENT, MORE = 0x4000, 0x2000
NO_OPERATION = 1  # an IPv4 option
FIRST_PORT = 20000
BYTES = 100
OPTIONS = {"quote", "from", "bytes", "checksum", "ttl", "options", "fragment", "pieces", "order", "only"}
SENT = {"data", "echo", "reply", "again", "wait"}  # beside flags and errors
MOVES = {"seq", "ack", "port"}
OTHER_END = {">": "<", "<": ">"}


def even(data):
    return data + bytes(len(data) % 2)


def transport_sum(source, target, protocol, data):
    pseudo = source + target + struct.pack("!HH", protocol, len(data)) if protocol != ICMP else b""
    return checksum(ones_sum(even(pseudo + data)))


CHECKSUM_AT = {ICMP: 2, TCP: 16, UDP: 6}


def with_checksum(source, target, protocol, data, wanted=None):
    at = CHECKSUM_AT[protocol]
    total = transport_sum(source, target, protocol, data) or (0xFFFF if protocol == UDP else 0)
    total = {"zero": 0, "wrong": total ^ 0x1111, None: total}[wanted]
    return data[:at] + struct.pack("!H", total) + data[at + 2 :]


def ip_packet(source, target, protocol, data, number, fragment=DONT_FRAGMENT, ttl=64, options=b""):
    first, length = 0x45 + len(options) // 4, 20 + len(options) + len(data)
    header = struct.pack("!BBHHHBBH4s4s", first, 0, length, number & 0xFFFF, fragment, ttl, protocol, 0, source, target)
    header += options
    return header[:10] + struct.pack("!H", checksum(ones_sum(header))) + header[12:] + data


Endpoint = collections.namedtuple("Endpoint", "address port")
Way = collections.namedtuple("Way", "name opener_side source target reached_side reached protocols seen_as any_port")
Script = collections.namedtuple("Script", "name protocol steps")
Difference = collections.namedtuple("Difference", "script ways step linux edgefw why")


class Step:
    def __init__(self, text, name):
        self.text, self.name = text, name
        self.end, self.what, *words = text.split() if text != "wait" else (">", "wait")
        self.options, self.moves = {}, {}
        for word in words:
            if "=" in word:
                key, _, value = word.partition("=")
                self.options[key] = int(value) if value.lstrip("-").isdigit() else value
            else:
                key, sign, value = word.partition("+") if "+" in word else word.partition("-")
                self.moves[key] = int(sign + value)
        if self.what not in ERRORS.keys() | SENT and set(self.what.split(",")) - FLAGS.keys():
            raise ValueError(f"nothing is called '{self.what}'")
        if self.end not in OTHER_END or self.options.keys() - OPTIONS or self.moves.keys() - MOVES:
            raise ValueError(f"no step: '{text}'")


class Table:
    def __init__(self, name):
        self.ways, self.scripts, self.differences = [], [], []
        with open(name, encoding="utf-8") as file:
            text = file.read()
        for line in re.sub(r"\n[ \t]+", " ", re.sub(r"#.*", "", text)).split("\n"):
            try:
                self.read(line.strip())
            except (ValueError, KeyError, TypeError) as error:
                sys.exit(f"{name}: '{line}': {error}")

    def read(self, line):
        kind, _, rest = line.partition(" ")
        if kind == "way":
            self.ways.append(self.way(*rest.split()))
        elif kind == "differs":
            self.differs(*(part.strip() for part in rest.split("|")))
        elif kind:
            name, _, steps = rest.partition(":")
            texts = [text.strip() for text in steps.split(";")]
            steps = [Step(text, str(number)) for number, text in enumerate(texts, 1)]
            asks, answers = ("echo", "reply") if kind == "icmp" else ("data", "data")
            steps += [Step(f"> {asks}", "end>"), Step(f"< {answers}", "end<")]
            self.scripts.append(Script(f"{kind} {name.strip()}", PROTOCOLS[kind], steps))

    @staticmethod
    def end(text):
        address, _, port = text.partition(":")
        return Endpoint(socket.inet_aton(address), int(port or 0))

    def way(self, name, opener_side, source, _, target, reached_side, reached, *rest):
        seen_as, any_port = socket.inet_aton(source), False
        if "as" in rest:
            address, _, port = rest[rest.index("as") + 1].partition(":")
            seen_as, any_port = socket.inet_aton(address), port == "any"
            rest = rest[: rest.index("as")]
        return Way(name, opener_side, socket.inet_aton(source), self.end(target), reached_side, self.end(reached),
                   {PROTOCOLS[protocol] for protocol in rest}, seen_as, any_port)

    def differs(self, steps, linux, edgefw, why):
        protocol, scripts, numbers = steps.split()
        scripts, _, ways = scripts.partition("@")
        ways = tuple(ways.split(",")) if ways else tuple(way.name for way in self.ways)
        for script in scripts.split(","):
            for step in numbers.split(","):
                self.differences.append(Difference(f"{protocol} {script}", ways, step, linux, edgefw, why))


class Network:
    """The cards of both sides towards both twins."""

    def __init__(self, namespaces, mac):
        own = os.open("/proc/self/ns/net", os.O_RDONLY)
        self.cards, self.mac, self.fences = {}, bytes.fromhex(mac.replace(":", "")), 0
        for side, namespace in zip(SIDES, namespaces):
            self.enter(os.open(namespace, os.O_RDONLY))
            for twin in TWINS:
                card = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
                card.bind((twin, 0x0800))
                card.setblocking(False)
                self.cards[side, twin] = card
        self.enter(own)

    @staticmethod
    def enter(namespace):
        if ctypes.CDLL(None, use_errno=True).setns(namespace, 0):
            raise OSError(ctypes.get_errno(), "setns")

    def send(self, side, twin, packet):
        self.cards[side, twin].send(self.mac + bytes(6) + b"\x08\x00" + packet)

    def arrivals(self):
        """{(side, twin): [packet]}: all that has arrived."""
        self.fences += 1
        fence = struct.pack("!Q", self.fences)
        for side, twin in self.cards:
            ends = (socket.inet_aton(address) for address in FENCE_ENDS[side])
            self.send(side, twin, ip_packet(*ends, FENCE, fence, self.fences))
        arrived, missing = {place: [] for place in self.cards}, set(self.cards)
        end = time.monotonic() + PATIENCE
        while missing:
            ready = select.select([self.cards[place] for place in missing], [], [], max(0, end - time.monotonic()))[0]
            if not ready:
                sys.exit(f"the fence does not come through: {sorted(missing)}")
            for place in [place for place in missing if self.cards[place] in ready]:
                frame, origin = self.cards[place].recvfrom(1 << 16)
                packet = frame[14:]
                if origin[2] == socket.PACKET_OUTGOING:
                    continue
                if packet[9] != FENCE:
                    arrived[place].append(packet[: struct.unpack_from("!H", packet, 2)[0]])
                elif packet[20:28] == fence:
                    missing.discard(place)
        return arrived


def zeroed(data, at, count):
    return data[:at] + bytes(count) + data[at + count :] if len(data) >= at + count else data


PORTS_AT = {TCP: (0, 2), UDP: (0, 2), ICMP: (4, 4)}  # of source, target


def without_port(protocol, addresses, data, peer):
    """Transport (or as much as is quoted) without the port of `peer`, and without the checksum that covers it."""
    for address, at in zip(addresses, PORTS_AT[protocol]):
        if address == peer.address and struct.unpack_from("!H", data, at)[0] == peer.port:
            return zeroed(zeroed(data, at, 2), CHECKSUM_AT[protocol], 2)
    return data


def parts(packet):
    """Header, what follows it, the place in its datagram (the fragment's), whether more follows."""
    header = (packet[0] & 15) * 4
    (fragment,) = struct.unpack_from("!H", packet, 6)
    return packet[:header], packet[header:], (fragment & 0x1FFF) * 8, bool(fragment & MORE)


def whole(packets):
    """The transport of the datagrams that arrived, put together: [(addresses, protocol, data)]."""
    pieces = collections.defaultdict(dict)
    for packet in packets:
        _, data, place, _ = parts(packet)
        pieces[packet[4:6] + packet[9:10] + packet[12:20]][place] = data
    return [((key[3:7], key[7:]), key[2], b"".join(one[at] for at in sorted(one))) for key, one in pieces.items()]


def is_checked(addresses, protocol, data):
    return protocol == UDP and data[6:8] == bytes(2) or transport_sum(*addresses, protocol, data) == 0


def compared(packet, peer=None):
    """A packet as it is compared: without TTL, identification, and of a hidden peer without the port."""
    header, data, place, _ = parts(packet)
    wrong = b"wrong header checksum " if checksum(ones_sum(header)) else b""
    if peer and not place:
        if packet[9] == ICMP and data[0] in ERROR_TYPES:
            quoted = data[8:]
            ends = quoted[12:16], quoted[16:20]
            data = zeroed(data[:8], 2, 2) + quoted[:20] + without_port(quoted[9], ends, quoted[20:], peer)
        elif packet[9] in PORTS_AT:
            data = without_port(packet[9], (packet[12:16], packet[16:20]), data, peer)
    return wrong + zeroed(zeroed(zeroed(header, 4, 2), 8, 1), 10, 2) + data


def told(packet):
    """For people."""
    if len(packet) < 20:
        return "a wrong checksum"
    ends = f"{socket.inet_ntoa(packet[12:16])} > {socket.inet_ntoa(packet[16:20])}"
    return f"{ends} protocol {packet[9]}, {packet.hex()}"


class Conversation:
    """A script over a way, through both twins. The numbers of TCP are the same in both; `learned` is what the end that
    is reached sees of the opener, which may differ where a port is chosen: its own endpoint, the opener's."""

    given = {twin: set() for twin in TWINS}  # of all conversations: how openers were seen

    def __init__(self, way, script, number):
        self.way, self.script = way, script
        self.opener = Endpoint(way.source, FIRST_PORT + number)
        seen = Endpoint(way.seen_as, self.opener.port)
        self.learned = {twin: (way.reached, seen) for twin in TWINS}
        self.next = {">": 1000000 + number, "<": 5000000 + number}
        self.last = {}  # of each end: the step, with the numbers it had
        self.number = number

    def ends(self, twin, end):
        """Of a packet of that end: source, target."""
        return (self.opener, self.way.target) if end == ">" else self.learned[twin]

    def side(self, end):
        return self.way.opener_side if end == ">" else self.way.reached_side

    def plan(self, step):
        """What is sent: the numbers are the same in both twins."""
        if step.what == "again":
            return self.last[step.end]
        if step.what in ERRORS:
            return step, None, None
        own, other = self.next[step.end], self.next[OTHER_END[step.end]]
        planned = step, own + step.moves.get("seq", 0), other + step.moves.get("ack", 0)
        if self.script.protocol == TCP and not step.moves:
            flags = self.flags(step)
            self.next[step.end] += self.length(step) + bool(flags & 2) + bool(flags & 1)
        self.last[step.end] = planned
        return planned

    @staticmethod
    def flags(step):
        if step.what == "data":
            return FLAGS["psh"] | FLAGS["ack"]
        return sum(FLAGS[flag] for flag in step.what.split(","))

    @staticmethod
    def length(step):
        return step.options.get("bytes", BYTES if step.what == "data" else 0)

    def transport(self, planned, source, target):
        step, sequence, acknowledged = planned
        protocol, count = self.script.protocol, self.length(step)
        payload = bytes((self.number + at * 7) & 0xFF for at in range(count))
        if protocol == UDP:
            data = struct.pack("!HHHH", source.port, target.port, 8 + count, 0) + payload
        elif protocol == TCP:
            flags = self.flags(step)
            options = struct.pack("!BBH", 2, 4, 1460) if flags & 2 else b""
            acknowledged = acknowledged if flags & 16 else 0
            data = struct.pack("!HHIIBBHHH", source.port, target.port, sequence & 0xFFFFFFFF, acknowledged & 0xFFFFFFFF,
                               (20 + len(options)) // 4 << 4, flags, 64240, 0, 0) + options + payload
        else:
            identifier = (source if step.what == "echo" else target).port  # the opener's
            data = struct.pack("!BBHHH", ECHO if step.what == "echo" else REPLY, 0, 0, identifier, 1) + payload
        return with_checksum(source.address, target.address, protocol, data, step.options.get("checksum"))

    def another(self, peer, move, twin):
        """As far away, or farther: the next port may have been given to another conversation."""
        move = move if peer.port + move < 1 << 16 else -move
        moved = peer
        while moved == peer or moved in self.given[twin]:
            moved = moved._replace(port=moved.port + move)
        return moved

    def error(self, step, twin):
        """About the last packet that the other end has sent, as this end has seen it."""
        own, peer = self.ends(twin, step.end)
        planned = self.last[OTHER_END[step.end]]
        moved = self.another(peer, step.moves["port"], twin) if "port" in step.moves else peer
        planned = planned[0], planned[1] + step.moves.get("seq", 0), planned[2]
        quoted = self.transport(planned, moved, own)[: step.options.get("quote", 8)]
        full = len(self.transport(planned, moved, own))
        quote = ip_packet(moved.address, own.address, self.script.protocol, bytes(full), 7)[:20] + quoted
        kind, code = ERRORS[step.what]
        rest = {"too-big": MTU, "redirect": 0x0A000063}.get(step.what, 0)
        data = struct.pack("!BBHI", kind, code, 0, rest) + quote
        source = socket.inet_aton(ROUTERS[self.side(step.end)]) if "from" in step.options else own.address
        data = with_checksum(source, peer.address, ICMP, data)
        return [ip_packet(source, peer.address, ICMP, data, self.number)]

    def packets(self, planned, twin):
        step = planned[0]
        if step.what in ERRORS:
            return self.error(step, twin)
        source, target = self.ends(twin, step.end)
        data, protocol = self.transport(planned, source, target), self.script.protocol
        size = step.options.get("pieces")
        if not size:
            fragment = 0 if step.options.get("fragment") == "may" else DONT_FRAGMENT
            ttl, options = step.options.get("ttl", 64), bytes((NO_OPERATION,)) * step.options.get("options", 0)
            return [ip_packet(source.address, target.address, protocol, data, self.number, fragment, ttl, options)]
        fragments, identification = [], self.number * 16 + len(self.last)
        for at in range(0, len(data), size):
            place = at // 8 | (MORE if at + size < len(data) else 0)
            piece = data[at : at + size]
            fragments.append(ip_packet(source.address, target.address, protocol, piece, identification, place))
        if step.options.get("order") == "reversed":
            fragments.reverse()
        if "only" in step.options:
            fragments = [fragments[step.options["only"]]]
        return fragments

    def learn(self, twin, packets):
        """From what the opener sent, as it arrived: it may have been given another port than before."""
        for packet in packets:
            _, data, place, _ = parts(packet)
            if packet[9] == self.script.protocol and not place and packet[16:20] == self.way.reached.address:
                source, target = struct.unpack_from("!HH", data)
                if packet[9] == ICMP:
                    source, target = struct.unpack_from("!H", data, 4)[0], 0
                self.learned[twin] = Endpoint(packet[16:20], target), Endpoint(packet[12:16], source)
                self.given[twin].add(self.learned[twin][1])

    def speak(self, step, network):
        """What arrives at either side, as it is compared: {twin: {side: [packet]}}."""
        planned = self.plan(step)
        sent = {}
        for twin in TWINS:
            sent[twin] = self.packets(planned, twin)
            for packet in sent[twin]:
                network.send(self.side(step.end), twin, packet)
        arrived = network.arrivals()
        seen = {}
        for twin in TWINS:
            if step.end == ">":
                self.learn(twin, arrived[self.way.reached_side, twin])
            hidden = self.learned[twin][1] if self.way.any_port else None
            seen[twin] = {side: [compared(packet, hidden) for packet in arrived[side, twin]] for side in SIDES}
            if hidden and not step.options.keys() & {"checksum", "only", "order"}:
                datagrams = [one for side in SIDES for one in whole(arrived[side, twin])]
                if not all(is_checked(*one) for one in datagrams):
                    seen[twin]["wrong checksum"] = [twin.encode()]
        return seen


def outcome(seen):
    count = sum(len(packets) for packets in seen.values())
    return {0: "drops", 1: "passes"}.get(count, f"passes {count} packets")


class Comparison:
    def __init__(self, table, network):
        self.table, self.network = table, network
        self.expected = collections.defaultdict(list)
        self.found, self.wrong = set(), []
        self.steps = self.arrived = self.living = 0
        for difference in table.differences:
            self.expected[difference.script, difference.step].append(difference)

    def compare(self, conversation, step, seen):
        self.steps += 1
        self.arrived += sum(len(packets) for packets in seen["edgefw"].values())
        did = {twin: outcome(seen[twin]) for twin in TWINS}
        if step.name == "end<" and did["edgefw"] == "passes":
            self.living += 1
        name, way = conversation.script.name, conversation.way.name
        where = f"{name}@{way} {step.name} '{step.text}'"
        listed = [one for one in self.expected[name, step.name] if way in one.ways]
        if seen["linux"] == seen["edgefw"]:
            if listed:
                self.wrong.append(f"{where}: is listed as different, and is the same: {did['linux']}")
            return
        if did["linux"] == did["edgefw"]:
            did = dict.fromkeys(TWINS, "changed")
        if any((one.linux, one.edgefw) == (did["linux"], did["edgefw"]) for one in listed):
            self.found.update(listed)
            return
        arrived = [f"{twin}: {told(packet)}" for twin in TWINS for packets in seen[twin].values() for packet in packets]
        self.wrong.append(f"{where}: linux {did['linux']}, edgefw {did['edgefw']} ({'; '.join(arrived)})")

    def run(self):
        spoken = [(way, one) for way in self.table.ways for one in self.table.scripts if one.protocol in way.protocols]
        begun = [Conversation(way, script, number) for number, (way, script) in enumerate(spoken)]
        begun.sort(key=lambda one: any(step.what == "wait" for step in one.script.steps))  # last: they wait together
        self.conversations = len(begun)
        resting = []
        for conversation in begun:
            steps = iter(conversation.script.steps)
            if self.go_on(conversation, steps):
                resting.append((conversation, steps))
        if resting:
            time.sleep(WAIT)
        for conversation, steps in resting:
            while self.go_on(conversation, steps):
                sys.exit("a script waits once at most")
        for difference in self.table.differences:
            if difference not in self.found:
                self.wrong.append(f"{difference.script} {difference.step}: is listed, and was not seen")

    def go_on(self, conversation, steps):
        """Whether it has come to a `wait`."""
        for step in steps:
            if step.what == "wait":
                return True
            self.compare(conversation, step, conversation.speak(step, self.network))
        return False


WAIT = 3  # seconds: longer than both twins remember a datagram without an answer, shorter than an answered one


def main():
    table_name, outside, inside, mac = sys.argv[1:]
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})  # one queue: the fence comes last
    comparison = Comparison(Table(table_name), Network((outside, inside), mac))
    comparison.run()
    for line in comparison.wrong:
        print(line, file=sys.stderr)
    print(f"{comparison.conversations} conversations, {comparison.steps} packets sent, {comparison.arrived} arrived, "
          f"{comparison.living} conversations live at the end; {len(comparison.found)} differences on purpose")
    return 1 if comparison.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
