"""A name server that behaves well or badly, and the resolv.conf that makes the program's host ask
it. The sandbox has mounts of its own, so that nobody else reads that file.

   program under test, 10.8.N.1 ──── 10.8.N.2 server, port 53
"""

import heapq
import os
import select
import socket
import struct
import time

from lab import Namespace, run

WORKS = (0, 0.0)  # RCODE (RFC 1035 4.1.1; None: no answer), seconds until the answer
SLOW = (0, 2.0)
FAILS = (2, 0.0)
SILENT = (None, 0.0)


def answer_to(question, code):
    """The header with the answer bit, recursion available and the code; the question as it came."""
    number, flags = struct.unpack("!HH", question[:4])
    end = 12
    while question[end]:
        end += question[end] + 1
    flags = 0x8080 | (flags & 0x0100) | code
    return struct.pack("!HHHHHH", number, flags, 1, 0, 0, 0) + question[12:end + 5]


def name_server(say, _hear, address, code, delay):
    """Answers by UDP and TCP; says "asked" for the first question."""
    udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    udp.bind((address, 53))
    tcp = socket.socket()
    tcp.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    tcp.bind((address, 53))
    tcp.listen(16)
    say("ready")
    due, number, clients = [], 0, []
    while True:
        wait = max(0.0, due[0][0] - time.monotonic()) if due else None
        for ready in select.select([udp, tcp, *clients], [], [], wait)[0]:
            number += 1
            if ready is tcp:
                clients.append(tcp.accept()[0])
                continue
            question, peer = ready.recvfrom(2048)
            if ready is not udp and not question:
                clients.remove(ready)
                continue
            if number == 1:
                say("asked")
            if code is None:
                continue
            prefix = b"" if ready is udp else question[:2]
            reply = answer_to(question[len(prefix):], code)
            if prefix:
                reply = struct.pack("!H", len(reply)) + reply
            heapq.heappush(due, (time.monotonic() + delay, number, ready, peer, reply))
        while due and due[0][0] <= time.monotonic():
            _, _, sock, peer, reply = heapq.heappop(due)
            if sock is udp:
                sock.sendto(reply, peer)
            elif sock in clients:
                sock.send(reply)


def beside(lab, name, number=0):
    """A namespace joined to the one in which the program runs: 10.8.N.1 here, 10.8.N.2 there."""
    other = Namespace(name)
    here, there = f"h{number}", f"t{number}"
    run("ip", "link", "add", here, "type", "veth", "peer", "name", there, "netns", name)
    run("ip", "addr", "add", f"10.8.{number}.1/24", "dev", here)
    run("ip", "link", "set", here, "up")
    other.run("ip", "addr", "add", f"10.8.{number}.2/24", "dev", there)
    other.run("ip", "link", "set", there, "up")
    return other


def serve_names(lab, *behaviours):
    """A name server of each behaviour, 10.8.0.2 and so on, each in a namespace of its own."""
    actors = []
    for number, behaviour in enumerate(behaviours):
        where = beside(lab, f"names{number}", number)
        actors.append(lab.spawn(where, name_server, f"10.8.{number}.2", *behaviour,
                                comm=f"names{number}"))
        actors[-1].expect("ready")
    return actors


def resolv_conf(*servers, options=""):
    """What the program's host asks from now on."""
    with open("/run/resolv.conf", "w", encoding="ascii") as file:
        file.writelines(f"nameserver {server}\n" for server in servers)
        file.write(options and f"options {options}\n")
    os.chmod("/run/resolv.conf", 0o644)
    run("mount", "--bind", "/run/resolv.conf", os.path.realpath("/etc/resolv.conf"))
