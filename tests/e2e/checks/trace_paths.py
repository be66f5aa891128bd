"""`trace` over paths that lose, delay and reorder single packets, and over IPv6: the kinds of
retransmissions that a local link never needs, and a close from both sides at once.
"""

import contextlib
import os
import socket
import time

from actors import drains_all, sends_at
from lab import wait_until
from relay import SECOND, late_in_bursts, relay
from tracing import Trace


def loses_one(number, base):
    """The packet of that number from the first namespace is lost."""
    count = 0

    def delay_of(direction):
        nonlocal count
        count += direction == 0
        return None if direction == 0 and count == number else base
    return delay_of


def sending(lab, delay_of):
    """A reader behind the relay and a program that sends to it at a steady rate."""
    client, server = lab.pair()
    relay(lab, client, server, delay_of)
    reader = lab.spawn(server, drains_all, 9000, comm="reader")
    reader.expect("ready")
    return client, lambda: lab.spawn(client, sends_at, SECOND, 9000, 600_000, comm="sender")


def fast_retransmission(lab):
    """One segment of many is lost: what follows it tells, long before a timer would."""
    client, start = sending(lab, loses_one(200, 0.005))
    with Trace(lab, "--events", "retransmit", "port", "9000") as trace:
        sender = start()
        wait_until(lambda: client.counter("TcpExt.TCPFastRetrans"), "a fast retransmission")
    again = trace.of("retransmit", retransmit="fast")
    assert again, trace.events
    assert again[0]["netns"] == client.inode and again[0]["owner"]["pid"] == sender.pid, again
    if not client.counter("TcpExt.TCPDSACKRecv"):  # the peer had nothing twice
        assert not trace.of("retransmit", retransmit="spurious"), trace.events


def spurious_retransmission(lab):
    """What was only late is sent again, and the peer says that it had it (DSACK)."""
    client, start = sending(lab, late_in_bursts(1.0, 0.06, 0.005, 0.4))
    with Trace(lab, "--events", "retransmit", "port", "9000") as trace:
        sender = start()
        wait_until(lambda: client.counter("TcpExt.TCPDSACKRecv") > 3, "segments that came twice")
    needless = trace.of("retransmit", retransmit="spurious")
    assert needless, trace.events
    assert needless[0]["netns"] == client.inode, needless
    assert needless[0]["owner"]["pid"] == sender.pid, needless


def closed_from_both_sides(lab):
    """Both FINs are under way at once: FIN-WAIT-1, CLOSING, TIME-WAIT at either end."""
    client, server = lab.pair()
    relay(lab, client, server, lambda _direction: 0.3)
    sock = server.listen(9000)
    one = client.connect(SECOND, 9000)
    other, _ = sock.accept()
    with Trace(lab, "--events", "state", "port", "9000") as trace:
        one.close()
        other.close()
        wait_until(lambda: client.sockets("state", "time-wait")
                   and server.sockets("state", "time-wait"), "the end of both")
    for end in (client, server):
        steps = [(e["from"], e["to"]) for e in trace.of("state", netns=end.inode)]
        assert steps[:2] == [("ESTABLISHED", "FIN-WAIT-1"), ("FIN-WAIT-1", "CLOSING")], steps
        assert ("CLOSING", "TIME-WAIT") in steps, steps
    assert {e["owner"]["pid"] for e in trace.of("state", to="FIN-WAIT-1")} == {os.getpid()}


def over_ipv6(lab):
    """A connection, a refusal and a filter by net, with IPv6 addresses."""
    client, server = lab.pair()
    sock = server.listen(9000, address="::", family=socket.AF_INET6)
    with Trace(lab, "--events", "state,connect,reset-sent", "dst", "fd00:1::2") as trace:
        with client:
            with socket.create_connection(("fd00:1::2", 9000)):
                other, _ = sock.accept()
                other.close()
            with contextlib.suppress(ConnectionRefusedError):
                socket.create_connection(("fd00:1::2", 9001))
            with contextlib.suppress(ConnectionRefusedError):  # beside the filter
                socket.create_connection(("fd00:1::1", 9001))
        time.sleep(0.1)
    done = trace.of("connect", error=None)
    assert len(done) == 1 and done[0]["remote"] == {"addr": "fd00:1::2", "port": 9000}, trace.events
    refused = trace.the("connect", error="ECONNREFUSED")
    assert refused["remote"] == {"addr": "fd00:1::2", "port": 9001}, refused
    assert refused["owner"]["pid"] == os.getpid() and refused["netns"] == client.inode, refused
    first = trace.of("state", to="SYN-SENT")[0]
    assert first["local"]["addr"] == "fd00:1::1", first
    assert all("fd00:1::2" in (e["local"]["addr"], e["remote"]["addr"]) for e in trace.events)
