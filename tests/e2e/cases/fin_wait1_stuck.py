"""fin-wait1-stuck: our FIN is not acknowledged, because the clients are gone.

   client 10.1.0.1 ──── 10.1.0.2 server
   30 connections                :9000; nftables drops what comes in, then close() on all
"""

import socket
import time

from actors import accepts_slowly, holds, serves
from lab import wait_until


def unanswered(namespace, repeats):
    return sum(row.retransmits >= repeats for row in namespace.sockets("state", "fin-wait-1"))


def closes_unheard(lab, count):
    client, server = lab.pair()
    owner = lab.spawn(server, holds, 9000, count)
    owner.expect("ready")
    peers = [client.connect("10.1.0.2", 9000) for _ in range(count)]
    owner.expect("all")
    server.drop("tcp dport 9000")
    owner.tell("close")
    owner.expect("done")
    wait_until(lambda: unanswered(server, 3) == count, "three repeats of each FIN", 30)
    return client, server, peers


def shows(lab):
    _, server, peers = closes_unheard(lab, 30)
    report = lab.doctor(5)
    report.the("fin-wait1-stuck", "info", netns=server.inode)
    report.none("last-ack-stuck")
    report.calm()
    del peers


def neighbour_few_of_many(lab):
    """A few per cent of the clients are always lost, mobile ones above all: 8 of more than 200."""
    client, server, peers = closes_unheard(lab, 8)
    lab.spawn(server, accepts_slowly, 9001, 64, 0.0).expect("ready")
    lab.spawn(client, comes_and_goes, "10.1.0.2", 9001)
    lab.doctor(5).none("fin-wait1-stuck")
    assert server.counter("TcpExt.TW") + len(server.sockets("state", "time-wait")) > 200
    del peers


def comes_and_goes(_say, _hear, address, port):
    """The server closes first, 100 times a second at most."""
    while True:
        sock = socket.create_connection((address, port))
        sock.recv(1)
        sock.close()
        time.sleep(0.01)


def neighbour_passing_through(lab):
    """FIN-WAIT-1 lasts one round trip when the client answers."""
    client, server = lab.pair()
    lab.spawn(server, serves, 9000, 512).expect("ready")
    for _ in range(60):
        client.connect("10.1.0.2", 9000).close()
    report = lab.doctor(5)
    report.none("fin-wait1-stuck")
    report.calm()
