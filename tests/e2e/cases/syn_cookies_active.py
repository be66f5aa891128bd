"""syn-cookies-active: honest clients come faster than the half-open queue is long.

   client 10.1.0.1 ──── 10.1.0.2 server
   50 at once, ten times a       :9000, backlog 8, accepts at once
   second, for ever
"""

import socket
import time

from actors import serves
from lab import wait_until

BACKLOG = 8


def crowds(say, _hear, address, port, pause):
    """Bursts of 50 clients; `say` after the first."""
    while True:
        burst = [socket.socket() for _ in range(50)]
        for sock in burst:
            sock.setblocking(False)
            sock.connect_ex((address, port))
        say("crowding")
        time.sleep(pause)
        for sock in burst:
            sock.close()


def shows(lab):
    client, server = lab.pair()
    owner = lab.spawn(server, serves, 9000, BACKLOG, comm="target")
    owner.expect("ready")
    # What makes a round trip long enough to fill the queue: the last ACKs of a moment are late.
    server.drop("tcp flags & (syn|ack) == ack numgen inc mod 3 == 0")
    lab.spawn(client, crowds, "10.1.0.2", 9000, 0.1, comm="crowd").expect("crowding")
    wait_until(lambda: server.counter("TcpExt.SyncookiesRecv") > 20, "cookies that came back")
    report = lab.doctor(5)
    report.the("syn-cookies-active", "notice", "suspected", netns=server.inode)
    report.none("syn-flood")


def neighbour_one_burst(lab):
    """A crowd at one moment draws cookies; then all is quiet."""
    client, server = lab.pair()
    lab.spawn(server, serves, 9000, BACKLOG).expect("ready")
    lab.spawn(client, crowds, "10.1.0.2", 9000, 60).expect("crowding")
    report = lab.doctor(4)
    report.none("syn-cookies-active")


def neighbour_long_queue(lab):
    """The same crowd and a queue that holds it."""
    client, server = lab.pair()
    lab.spawn(server, serves, 9000, 512).expect("ready")
    lab.spawn(client, crowds, "10.1.0.2", 9000, 0.1).expect("crowding")
    report = lab.doctor(4)
    report.none("syn-cookies-active")
    assert server.counter("TcpExt.SyncookiesSent") == 0
