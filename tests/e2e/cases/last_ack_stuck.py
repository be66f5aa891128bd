"""last-ack-stuck: the clients closed first and vanished before they acknowledged our FIN.

   client 10.1.0.1 ──── 10.1.0.2 server
   30 connections, shutdown      :9000; nftables drops what comes in, then close() on all
"""

import socket

from actors import holds, serves
from lab import wait_until


def unanswered(namespace, repeats):
    return sum(row.retransmits >= repeats for row in namespace.sockets("state", "last-ack"))


def closes_unheard(lab, count):
    client, server = lab.pair()
    owner = lab.spawn(server, holds, 9000, count)
    owner.expect("ready")
    peers = [client.connect("10.1.0.2", 9000) for _ in range(count)]
    owner.expect("all")
    for sock in peers:
        sock.shutdown(socket.SHUT_WR)
    wait_until(lambda: len(server.sockets("state", "close-wait")) == count, "CLOSE-WAIT")
    server.drop("tcp dport 9000")
    owner.tell("close")
    owner.expect("done")
    wait_until(lambda: unanswered(server, 3) == count, "three repeats of each FIN", 30)
    return server, peers


def shows(lab):
    server, peers = closes_unheard(lab, 30)
    report = lab.doctor(5)
    report.the("last-ack-stuck", "info", netns=server.inode)
    report.none("fin-wait1-stuck")
    report.calm()
    del peers


def neighbour_few(lab):
    """The last clients of a load test."""
    _, peers = closes_unheard(lab, 8)
    lab.doctor(5).none("last-ack-stuck")
    del peers


def neighbour_passing_through(lab):
    """LAST-ACK lasts one round trip when the client answers."""
    client, server = lab.pair()
    lab.spawn(server, serves, 9000, 512).expect("ready")
    for _ in range(60):
        client.connect("10.1.0.2", 9000).close()
    report = lab.doctor(5)
    report.none("last-ack-stuck")
    report.calm()
