"""challenge-ack-or-ack-loop: segments whose sequence numbers fit no connection.

   client 10.1.0.1 ──── 10.1.0.2 server
   one connection                :9000; raw segments with the client's addresses and numbers that
                                 are 100 beyond what the server expects
"""

import socket
import struct
import time

from actors import serves
from lab import TCP_REPAIR, wait_until
from packets import ACK, RST, SYN, segment

TCP_REPAIR_QUEUE, TCP_QUEUE_SEQ = 20, 21  # linux/tcp.h
RECV_QUEUE, SEND_QUEUE = 1, 2
BEYOND = 100_000_000  # outside of any window


def numbers(sock):
    """Next sequence number and acknowledgment number of a connection."""
    sock.setsockopt(socket.IPPROTO_TCP, TCP_REPAIR, 1)
    found = []
    for queue in (SEND_QUEUE, RECV_QUEUE):
        sock.setsockopt(socket.IPPROTO_TCP, TCP_REPAIR_QUEUE, queue)
        raw = sock.getsockopt(socket.IPPROTO_TCP, TCP_QUEUE_SEQ, 4)
        found.append(struct.unpack("I", raw)[0])
    sock.setsockopt(socket.IPPROTO_TCP, TCP_REPAIR, 0)
    return found


def sends(say, _hear, source, target, seq, ack, flags, pause):
    """The same segment again and again."""
    raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
    packet = segment(source, target, seq, ack, flags)
    say("ready")
    while True:
        raw.sendto(packet, (target[0], 0))
        time.sleep(pause)


def scene(lab):
    client, server = lab.pair()
    owner = lab.spawn(server, serves, 9000, comm="target")
    owner.expect("ready")
    sock = client.connect("10.1.0.2", 9000)
    sock.send(b"x")
    assert sock.recv(1) == b"x"
    return client, server, sock


def disturbed(lab, flags, offset, pause):
    client, server, sock = scene(lab)
    seq, ack = numbers(sock)
    lab.spawn(client, sends, sock.getsockname(), sock.getpeername(), seq + offset, ack, flags,
              pause).expect("ready")
    return server, sock


def shows_resets(lab):
    """Forged resets inside the window: each is challenged, the connection lives."""
    server, sock = disturbed(lab, RST, 100, 0.1)
    wait_until(lambda: server.counter("TcpExt.TCPChallengeACK") > 0, "a challenge ACK")
    report = lab.doctor(5)
    report.the("challenge-ack-or-ack-loop", "notice", "suspected", netns=server.inode)
    report.calm()
    sock.send(b"y")
    assert sock.recv(1) == b"y"


def shows_acks(lab):
    """Bare ACKs far beyond the window, as a box makes them that rewrites numbers."""
    server, _sock = disturbed(lab, ACK, BEYOND, 0.1)
    wait_until(lambda: server.counter("TcpExt.TCPACKSkippedSeq") > 0, "an ACK held back")
    report = lab.doctor(5)
    report.the("challenge-ack-or-ack-loop", "notice", "suspected", netns=server.inode)
    report.calm()


def neighbour_single(lab):
    """One reset that does not fit."""
    server, _sock = disturbed(lab, RST, 100, 3600)
    wait_until(lambda: server.counter("TcpExt.TCPChallengeACK") +
               server.counter("TcpExt.TCPACKSkippedChallenge") == 1, "a challenge")
    lab.doctor(3).none("challenge-ack-or-ack-loop")


def neighbour_keepalives(lab):
    """Keep-alives as fast as they come, both ways."""
    _client, _server, sock = scene(lab)
    for option, value in ((socket.TCP_KEEPIDLE, 1), (socket.TCP_KEEPINTVL, 1)):
        sock.setsockopt(socket.IPPROTO_TCP, option, value)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    report = lab.doctor(5)
    report.none("challenge-ack-or-ack-loop")
    report.calm()


def neighbour_stale_tuple(lab):
    """SYNs for a live connection: challenged as well, and another fault."""
    server, _sock = disturbed(lab, SYN, 100, 0.1)
    wait_until(lambda: server.counter("TcpExt.TCPSYNChallenge") > 3, "challenged SYNs")
    lab.doctor(5).none("challenge-ack-or-ack-loop")
