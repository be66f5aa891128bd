"""receive-buffer-prune: the kernel squeezes, or throws away, what has arrived.

   client 10.1.0.1 ──── 10.1.0.2 server
   writes single octets          :9000, SO_RCVBUF 1024
nftables drops each octet "H" at the server, so that what follows waits out of order, and the pure
ACKs at the client, so that it does not slow down.
"""

import socket
import time

from actors import fills, holds
from lab import wait_until

RESET = b"\1\0\0\0\0\0\0\0"  # struct linger: on, 0 s


def small_buffers(say, _hear, port, size):
    """Accepts with a tiny receive buffer and keeps all until they are reset."""
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, size)
    sock.bind(("0.0.0.0", port))
    sock.listen(512)
    say("ready")
    kept = []
    while True:
        kept = [*kept[-200:], sock.accept()[0]]


def writes_octets(_say, _hear, address, port, octets):
    """20 connections at a time, each with these octets in segments of their own."""
    while True:
        socks = [socket.create_connection((address, port)) for _ in range(20)]
        for sock in socks:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for octet in octets:
                sock.send(octet.encode())
        time.sleep(0.15)  # less than a retransmission timeout
        for sock in socks:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
            sock.close()


def scene(lab, octets):
    client, server = lab.pair()
    server.drop("tcp dport 9000 @th,256,8 0x48")  # behind a header of 32 octets: "H"
    client.drop("tcp sport 9000 tcp flags & (syn|ack|rst) == ack")
    reader = lab.spawn(server, small_buffers, 9000, 1024, comm="tiny-buffers")
    reader.expect("ready")
    lab.spawn(client, writes_octets, "10.1.0.2", 9000, octets, comm="writer")
    return server, reader


def shows(lab):
    """A gap before each octet: the kernel cannot copy them together."""
    server, reader = scene(lab, "HxHxHxHxHx")
    wait_until(lambda: server.counter("TcpExt.RcvPruned") > 50, "segments thrown away")
    report = lab.doctor(3)
    report.the("receive-buffer-prune", "notice", "suspected", pid=reader.pid,
               comm="tiny-buffers", netns=server.inode)
    report.calm()


def shows_squeezing(lab):
    """One gap before nine octets, which the kernel can copy together."""
    server, _ = scene(lab, "Hxxxxxxxxx")
    wait_until(lambda: server.counter("TcpExt.TCPRcvCollapsed") > 50, "segments copied together")
    report = lab.doctor(3)
    report.the("receive-buffer-prune", "info", "suspected", netns=server.inode)
    assert server.counter("TcpExt.RcvPruned") == 0


def neighbour_zero_window(lab):
    """A reader that does not read: its window closes in order, nothing is thrown away."""
    client, server = lab.pair()
    reader = lab.spawn(server, holds, 9000, 1, comm="lazy")
    reader.expect("ready")
    filler = lab.spawn(client, fills, "10.1.0.2", 9000, comm="filler")
    filler.expect("full")
    report = lab.doctor(3)
    report.none("receive-buffer-prune")
    report.calm()
