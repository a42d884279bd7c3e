#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""What nat_test.sh says through NAT. Both ends are opened here, each in the namespace of its host: so it is known who
was seen, and that an answer came back to who asked.

    nat_clients.py NAMESPACES talk tcp|udp|icmp|gre FROM TO AT SEEN [--bytes N] [--count N]
        FROM sends to TO (ADDRESS[:PORT]); it arrives at AT, from SEEN (ADDRESS[:PORT]), and comes back unharmed.
        Prints protocol, opener, target, who was reached, and who that end saw.
    nat_clients.py NAMESPACES arrives FROM TO[,TO...] AT PROTOCOL:PORT...
        prints which of these, sent to these addresses, arrive at AT
    nat_clients.py NAMESPACES hold AT SEEN FIRST-LAST PORT COUNT FROM...
        each FROM opens COUNT TCP connections from PORT on, all at once; AT sees them from that address and each from
        another port of the range. Prints as `talk`, then `ready`. At SIGUSR1 each carries bytes both ways; prints how
        many did; at SIGTERM they close.
    nat_clients.py NAMESPACES keep NAME,FROM,TO,AT...
        holds TCP connections; at SIGUSR1 each carries bytes both ways: prints the names of those that do
    nat_clients.py NAMESPACES pairs AT SEEN FIRST-LAST PORT COUNT FROM...
        each FROM has COUNT pairs of UDP ports (RTP and RTCP) from PORT on and sends to PORT and PORT + 1 of AT: seen
        even from even, odd from odd
    nat_clients.py NAMESPACES pings AT SEEN IDENTIFIER COUNT FROM...
        all at once, with the same identifier and sequence numbers
    nat_clients.py NAMESPACES trace TO PORT HOP... --from FROM...
        UDP from the same port of each FROM, with a TTL for each HOP: its ADDRESS answers, the last with "port
        unreachable", to who sent

NAMESPACES is the path of the network namespaces without the host's name. FROM and AT are HOST/ADDRESS[:PORT].
"""

import argparse
import collections
import ctypes
import hashlib
import os
import select
import signal
import socket
import struct
import sys
import threading
import time

PATIENCE = 30  # seconds: the networks here are memory, and the machine may have other work
REST = 0.7  # seconds in which what passes arrives, and no SYN is sent again
PIECE = 1 << 16
GRE = 47
IP_RECVERR = 11
ECHO, REPLY = 8, 0
TIME_EXCEEDED, UNREACHABLE = (11, 0), (3, 3)

End = collections.namedtuple("End", "host address port")


def end(text):
    host, _, where = text.rpartition("/")
    address, _, port = where.partition(":")
    return End(host, address, int(port or 0))


def text(address):
    return f"{address[0]}:{address[1]}"


def fail(message):
    raise OSError(message)


class Hosts:
    def __init__(self, path):
        self.path, self.own = path, os.open("/proc/self/ns/net", os.O_RDONLY)

    def enter(self, namespace):
        if ctypes.CDLL(None, use_errno=True).setns(namespace, 0):
            raise OSError(ctypes.get_errno(), "setns")

    def socket(self, where, kind, protocol=0):
        """Bound to that end."""
        namespace = os.open(self.path + where.host, os.O_RDONLY)
        self.enter(namespace)
        made = socket.socket(socket.AF_INET, kind, protocol)
        self.enter(self.own)
        os.close(namespace)
        made.settimeout(PATIENCE)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind((where.address, where.port))
        return made

    def listening(self, where):
        made = self.socket(where, socket.SOCK_STREAM)
        made.listen(1024)
        return made

    def pinging(self, where):
        """An ICMP socket of which the port is the identifier."""
        return self.socket(where, socket.SOCK_DGRAM, socket.IPPROTO_ICMP)


def is_seen(peer, seen):
    return peer[0] == seen.address and seen.port in (0, peer[1])


def take(connection, count):
    taken = bytearray()
    while len(taken) < count:
        data = connection.recv(PIECE)
        if not data:
            fail(f"closed after {len(taken)} of {count} bytes")
        taken += data
    return bytes(taken)


class Connection:
    """TCP, and both its ends."""

    def __init__(self, client, server, peer):
        self.client, self.server, self.peer = client, server, peer
        for one in client, server:
            one.settimeout(PATIENCE)

    def carries(self, count):
        """Random bytes, other ones each way. Their SHA-256 where they arrive."""
        digests = []
        for sender, receiver in (self.client, self.server), (self.server, self.client):
            data = os.urandom(count)
            sending = threading.Thread(target=sender.sendall, args=(data,))
            sending.start()
            arrived = hashlib.sha256(take(receiver, count)).hexdigest()
            sending.join()
            if arrived != hashlib.sha256(data).hexdigest():
                fail("other bytes have arrived")
            digests.append(arrived)
        return digests

    def close(self):
        """In order, by the opener: the ports of the end that is reached are free at once."""
        self.client.shutdown(socket.SHUT_WR)
        if self.server.recv(1):
            fail("more has arrived than was sent")
        self.server.close()
        if self.client.recv(1):
            fail("more has come back than was sent")
        self.client.close()


def connect(hosts, source, target, listening):
    client = hosts.socket(source, socket.SOCK_STREAM)
    client.connect((target.address, target.port))
    server, peer = listening.accept()
    return Connection(client, server, peer)


def tell(protocol, opener, target, reached, seen):
    print("47" if protocol == "gre" else protocol, *(text(one) for one in (opener, target, reached, seen)))


def talk_tcp(hosts, options):
    with hosts.listening(options.at) as listening:
        connection = connect(hosts, options.source, options.to, listening)
        opener = connection.client.getsockname()
        connection.carries(options.bytes)
        connection.close()
    return opener, connection.peer


def talk_udp(hosts, options):
    asked, answers = (hosts.socket(one, socket.SOCK_DGRAM) for one in (options.source, options.at))
    for _ in range(options.count):
        data = os.urandom(options.bytes)
        asked.sendto(data, (options.to.address, options.to.port))
        arrived, peer = answers.recvfrom(PIECE)
        answers.sendto(arrived, peer)
        answer, sender = asked.recvfrom(PIECE)
        if answer != data or sender != options.to[1:]:
            fail(f"the answer comes from {text(sender)}, {len(answer)} bytes of {len(data)}")
    return asked.getsockname(), peer


def echo(kind, number, data):
    """The kernel puts identifier and checksum in."""
    return struct.pack("!BBHHH", kind, 0, 0, 0, number) + data


def raw(packet):
    """Source and data of what a raw socket receives."""
    return socket.inet_ntoa(packet[12:16]), packet[(packet[0] & 15) * 4 :]


def seen_echo(listening, data):
    """Who asked with this data: address and identifier."""
    while True:
        source, message = raw(listening.recv(PIECE))
        if message[0] == ECHO and message[8:] == data:
            return source, struct.unpack_from("!H", message, 4)[0]


def talk_icmp(hosts, options):
    asked = hosts.pinging(options.source)
    listening = hosts.socket(options.at, socket.SOCK_RAW, socket.IPPROTO_ICMP)
    for number in range(options.count):
        data = os.urandom(options.bytes)
        asked.sendto(echo(ECHO, number, data), (options.to.address, 0))
        peer = seen_echo(listening, data)
        answer, sender = asked.recvfrom(PIECE)
        if answer[0] != REPLY or answer[8:] != data or sender[0] != options.to.address:
            fail(f"{sender[0]} answers something else")
    return asked.getsockname(), peer


def talk_gre(hosts, options):
    asked, answers = (hosts.socket(one._replace(port=0), socket.SOCK_RAW, GRE) for one in (options.source, options.at))
    for _ in range(options.count):
        data = os.urandom(options.bytes)
        asked.sendto(data, (options.to.address, 0))
        source, arrived = raw(answers.recv(PIECE))
        answers.sendto(arrived, (source, 0))
        sender, answer = raw(asked.recv(PIECE))
        if answer != data or sender != options.to.address:
            fail(f"{sender} answers something else")
    return (options.source.address, 0), (source, 0)


TALKS = {"tcp": talk_tcp, "udp": talk_udp, "icmp": talk_icmp, "gre": talk_gre}


def talk(hosts, options):
    opener, peer = TALKS[options.protocol](hosts, options)
    if not is_seen(peer, options.seen):
        fail(f"{options.at.address} sees {text(peer)}")
    has_ports = options.protocol in ("tcp", "udp")
    tell(options.protocol, opener, *((one.address, one.port * has_ports) for one in (options.to, options.at)), peer)


def knock(hosts, source, target, protocol, port):
    """Sends, and waits for nothing."""
    if protocol == "tcp":
        made = hosts.socket(source, socket.SOCK_STREAM)
        made.setblocking(False)
        made.connect_ex((target, port))
    elif protocol == "udp":
        made = hosts.socket(source, socket.SOCK_DGRAM)
        made.sendto(b"knock", (target, port))
    elif protocol == "icmp":
        made = hosts.pinging(source._replace(port=0))
        made.sendto(echo(ECHO, port, b"knock"), (target, 0))
    else:
        made = hosts.socket(source._replace(port=0), socket.SOCK_RAW, GRE)
        made.sendto(b"knock", (target, 0))
    return made


def listens(hosts, where, protocol, port):
    if protocol == "tcp":
        return hosts.listening(where._replace(port=port))
    if protocol == "udp":
        return hosts.socket(where._replace(port=port), socket.SOCK_DGRAM)
    number = socket.IPPROTO_ICMP if protocol == "icmp" else GRE
    return hosts.socket(where._replace(port=0), socket.SOCK_RAW, number)


def arrives(hosts, options):
    ways = [(name, name.partition(":")[0], int(name.partition(":")[2])) for name in options.ways]
    listening = {listens(hosts, options.at, protocol, port): name for name, protocol, port in ways}
    opened = [knock(hosts, options.source, to, protocol, port) for to in options.to for _, protocol, port in ways]
    time.sleep(REST)
    ready = select.select(listening, [], [], 0)[0]
    print(*(name for one, name in listening.items() if one in ready))
    for one in opened:
        one.close()


def in_range(port, ports):
    return ports[0] <= port <= ports[1]


def check_ports(peers, seen, ports):
    for peer in peers:
        if peer[0] != seen.address or not in_range(peer[1], ports):
            fail(f"{text(peer)} is seen")
    if len(set(peers)) != len(peers):
        fail("two have the same public port")


def waits_for_signals():
    numbers = signal.SIGUSR1, signal.SIGTERM
    signal.pthread_sigmask(signal.SIG_BLOCK, numbers)

    def is_asked():
        return signal.sigwait(numbers) == signal.SIGUSR1

    return is_asked


def open_at_once(hosts, options):
    """The connections, each with the port that its opener has: the first bytes say which is whose."""
    clients = []
    with hosts.listening(options.at) as listening:
        for number in range(options.port, options.port + options.count):
            for source in options.sources:
                client = hosts.socket(source._replace(port=number), socket.SOCK_STREAM)
                client.setblocking(False)
                client.connect_ex((options.at.address, options.at.port))
                clients.append(client)
        opened = {}
        for _ in clients:
            server, peer = listening.accept()
            opened[peer] = server
    for number, client in enumerate(clients):
        if not select.select([], [client], [], PATIENCE)[1]:
            fail("one does not open")
        client.setblocking(True)
        client.sendall(struct.pack("!I", number))
    whose = {}
    for peer, server in opened.items():
        server.settimeout(PATIENCE)
        whose[struct.unpack("!I", take(server, 4))[0]] = Connection(clients[0], server, peer)
    for number, connection in whose.items():
        connection.client = clients[number]
        connection.client.settimeout(PATIENCE)
    return [whose[number] for number in range(len(clients))]


def hold(hosts, options):
    is_asked = waits_for_signals()
    held = open_at_once(hosts, options)
    check_ports([one.peer for one in held], options.seen, options.ports)
    for one in held:
        tell("tcp", one.client.getsockname(), options.at[1:], options.at[1:], one.peer)
    print("ready", flush=True)
    while is_asked():
        print(sum(bool(one.carries(1001)) for one in held), "alive", flush=True)
    for one in held:
        one.close()


def keep(hosts, options):
    is_asked = waits_for_signals()
    kept = {}
    for name, source, to, at in (one.split(",") for one in options.ways):
        with hosts.listening(end(at)) as listening:
            kept[name] = connect(hosts, end(source), end(to), listening)
    print("ready", flush=True)
    while is_asked():
        alive = []
        for name, connection in list(kept.items()):
            for one in connection.client, connection.server:
                one.settimeout(4 * REST)
            try:
                connection.carries(1001)
                alive.append(name)
            except OSError:
                del kept[name]  # what it still sends in vain nobody waits for
        print("alive:", *alive, flush=True)


def pairs(hosts, options):
    answers = [hosts.socket(options.at._replace(port=options.port + odd), socket.SOCK_DGRAM) for odd in (0, 1)]
    asked = []
    for number in range(options.port, options.port + 2 * options.count):
        asked += [hosts.socket(source._replace(port=number), socket.SOCK_DGRAM) for source in options.sources]
    for number, one in enumerate(asked):
        odd = one.getsockname()[1] % 2
        one.sendto(struct.pack("!I", number), (options.at.address, options.port + odd))
    for odd, one in enumerate(answers):
        peers = []
        for _ in range(len(asked) // 2):
            data, peer = one.recvfrom(PIECE)
            one.sendto(data, peer)
            peers.append(peer)
        check_ports(peers, options.seen, options.ports)
        if {peer[1] % 2 for peer in peers} != {odd}:
            fail(f"port {options.port + odd} sees even and odd ports")
    for number, one in enumerate(asked):
        if struct.unpack("!I", one.recv(PIECE))[0] != number:
            fail("the answer to another one has come")
    print(len(asked), "ports")


def pings(hosts, options):
    listening = hosts.socket(options.at, socket.SOCK_RAW, socket.IPPROTO_ICMP)
    asked = [hosts.pinging(source._replace(port=options.identifier)) for source in options.sources]
    for sequence in range(options.count):
        for number, one in enumerate(asked):
            one.sendto(echo(ECHO, sequence, bytes([number] * 56)), (options.at.address, 0))
    peers = collections.defaultdict(set)
    while sum(map(len, peers.values())) < len(asked) * options.count:
        source, message = raw(listening.recv(PIECE))
        if message[0] == ECHO:
            identifier, sequence = struct.unpack_from("!HH", message, 4)
            peers[source, identifier, message[8]].add(sequence)
    if {address for address, _, _ in peers} != {options.seen.address}:
        fail(f"pings are seen from {sorted(peers)}")
    if len({identifier for _, identifier, _ in peers}) != len(asked):
        fail("two have the same public identifier")
    for number, one in enumerate(asked):
        for sequence in range(options.count):
            answer = one.recv(PIECE)
            if answer != struct.pack("!B", REPLY) + answer[1:6] + struct.pack("!H", sequence) + bytes([number] * 56):
                fail(f"{text(one.getsockname())} has the answer to another one")


def trace(hosts, options):
    """RFC 1812 section 4.3: who is told, and by whom."""
    wanted = [(hop, TIME_EXCEEDED) for hop in options.hops[:-1]] + [(options.hops[-1], UNREACHABLE)]
    asked = [hosts.socket(source._replace(port=options.port), socket.SOCK_DGRAM) for source in options.sources]
    for one in asked:
        one.setsockopt(socket.IPPROTO_IP, IP_RECVERR, 1)
    for ttl, (hop, error) in enumerate(wanted, 1):
        for number, one in enumerate(asked):
            one.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, ttl if hop != options.hops[-1] else 64)
            one.sendto(bytes([number, ttl] * 20), (options.to.address, options.to.port))
        for number, one in enumerate(asked):
            poll = select.poll()
            poll.register(one, 0)  # POLLERR is always told
            if not poll.poll(PATIENCE * 1000):
                fail(f"{hop} does not answer {text(one.getsockname())}")
            quoted, control, _, target = one.recvmsg(PIECE, 512, socket.MSG_ERRQUEUE)
            _, origin, kind, code = struct.unpack_from("=IBBB", control[0][2])
            offender = socket.inet_ntoa(control[0][2][20:24])
            if (offender, (kind, code), target) != (hop, error, options.to[1:]) or quoted[:2] != bytes([number, ttl]):
                fail(f"{text(one.getsockname())} is told {kind}/{code} (origin {origin}) by {offender}, not by {hop}")


def ports_of(option):
    first, _, last = option.partition("-")
    return int(first), int(last)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("namespaces")
    commands = parser.add_subparsers(required=True)

    def command(run, **arguments):
        added = commands.add_parser(run.__name__)
        added.set_defaults(run=run)
        for name, kind in arguments.items():
            added.add_argument(name, type=kind)
        return added

    talking = command(talk, protocol=str, source=end, to=end, at=end, seen=end)
    talking.add_argument("--bytes", type=int, default=100)
    talking.add_argument("--count", type=int, default=1)
    command(arrives, source=end, to=lambda addresses: addresses.split(","), at=end).add_argument("ways", nargs="+")
    for run in hold, pairs:
        many = command(run, at=end, seen=end, ports=ports_of, port=int, count=int)
        many.add_argument("sources", type=end, nargs="+")
    command(keep).add_argument("ways", nargs="+")
    command(pings, at=end, seen=end, identifier=int, count=int).add_argument("sources", type=end, nargs="+")
    tracing = command(trace, to=end, port=int)
    tracing.add_argument("hops", nargs="+")
    tracing.add_argument("--from", dest="sources", type=end, nargs="+", required=True)
    options = parser.parse_args()
    try:
        options.run(Hosts(options.namespaces), options)
    except OSError as error:
        print(f"{' '.join(sys.argv[2:])}: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
