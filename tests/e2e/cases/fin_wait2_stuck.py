"""fin-wait2-stuck: the program shut down its side, keeps the descriptor, and the peer never closes.

   client 10.1.0.1 ──── 10.1.0.2 server
   never closes; its sockets     :9000, shutdown(SHUT_WR) on each connection, no close()
   vanish without a word, so that no CLOSE-WAIT there explains it
"""

import socket
import time

from actors import holds
from lab import vanish, wait_until


def in_fin_wait_2(namespace):
    return namespace.sockets("state", "fin-wait-2")


def half_closes(say, hear, port, count, growing):
    """Accepts `count` and shuts each down; then one more for each that comes, when growing."""
    listener = socket.socket()
    listener.bind(("0.0.0.0", port))
    listener.listen(512)
    say("ready")
    kept = []
    while len(kept) < count or growing:
        kept.append(listener.accept()[0])
        kept[-1].shutdown(socket.SHUT_WR)
    hear()


def leave(client, server, count):
    """`count` clients connect, take the FIN, and disappear once their ACK has arrived."""
    socks = [client.connect("10.1.0.2", 9000) for _ in range(count)]
    wait_until(lambda: len(in_fin_wait_2(server)) == count, f"{count} FIN-WAIT-2")
    for sock in socks:
        vanish(sock)


def come_and_leave(_say, _hear, client):
    """Two clients a second; each waits out the delayed ACK (0.2 s at most) before it goes."""
    while True:
        sock = client.connect("10.1.0.2", 9000)
        assert sock.recv(1) == b""
        time.sleep(0.5)
        vanish(sock)


def shows(lab):
    """30 are older than a minute and two a second are added."""
    client, server = lab.pair()
    server.sysctl(tcp_fin_timeout=10)
    owner = lab.spawn(server, half_closes, 9000, 30, True, comm="half-closer")
    owner.expect("ready")
    leave(client, server, 30)
    lab.spawn(client, come_and_leave, client)
    time.sleep(61)  # twice tcp_fin_timeout would be 20 s; the bound is never below 60 s
    report = lab.doctor(5)
    report.the("fin-wait2-stuck", ("info", "notice"), pid=owner.pid, comm="half-closer",
               netns=server.inode)
    report.calm()


def neighbour_orphans(lab):
    """close() instead of shutdown(): the kernel ends them after tcp_fin_timeout."""
    client, server = lab.pair()
    owner = lab.spawn(server, holds, 9000, 30)
    owner.expect("ready")
    peers = [client.connect("10.1.0.2", 9000) for _ in range(30)]
    owner.expect("all")
    owner.tell("close")
    wait_until(lambda: len(in_fin_wait_2(server)) == 30, "30 FIN-WAIT-2")
    lab.doctor(5).none("fin-wait2-stuck")
    del peers


def neighbour_still_receiving(lab):
    """Half-closed on purpose: the peers go on sending."""
    client, server = lab.pair()
    owner = lab.spawn(server, half_closes_and_reads, 9000, 30)
    owner.expect("ready")
    peers = [client.connect("10.1.0.2", 9000) for _ in range(30)]
    lab.spawn(client, trickles, peers)
    wait_until(lambda: len(in_fin_wait_2(server)) == 30, "30 FIN-WAIT-2")
    time.sleep(61)
    report = lab.doctor(5)
    report.none("fin-wait2-stuck")
    report.calm()


def half_closes_and_reads(say, _hear, port, count):
    listener = socket.socket()
    listener.bind(("0.0.0.0", port))
    listener.listen(512)
    say("ready")
    kept = [listener.accept()[0] for _ in range(count)]
    for sock in kept:
        sock.shutdown(socket.SHUT_WR)
    while True:
        for sock in kept:
            sock.recv(65536)


def trickles(_say, _hear, socks):
    while True:
        for sock in socks:
            sock.send(b"x")
        time.sleep(0.25)


def neighbour_young(lab):
    """Ten seconds in FIN-WAIT-2 are no sign of anything."""
    client, server = lab.pair()
    owner = lab.spawn(server, half_closes, 9000, 30, False)
    owner.expect("ready")
    leave(client, server, 30)
    lab.doctor(5).none("fin-wait2-stuck")
