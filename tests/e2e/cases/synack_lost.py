"""synack-lost: clients call, the server answers, and the answer does not arrive.

   client 10.1.0.1 ──── 10.1.0.2 server
   nftables drops SYN-ACKs       :9000
"""

import socket
import time

from actors import serves
from lab import wait_until
from packets import SYN, segment

SYN_ACK = "tcp flags & (syn|ack) == (syn|ack)"


def repeats(server, least, count):
    rows = server.sockets("state", "syn-recv")
    return sum(row.retransmits >= least for row in rows) >= count


def shows(lab):
    client, server = lab.pair()
    owner = lab.spawn(server, serves, 9000, comm="target")
    owner.expect("ready")
    client.drop(SYN_ACK)
    clients = [client.connect("10.1.0.2", 9000, wait=False) for _ in range(5)]
    wait_until(lambda: repeats(server, 2, 5), "repeated SYN-ACKs")
    report = lab.doctor(5)
    report.the("synack-lost", "warning", "confirmed", pid=owner.pid, netns=server.inode,
               listener=9000)
    report.alone("synack-lost")
    report.none("syn-flood")
    del clients


def calls(say, _hear, target, port, count, every):
    """Raw SYNs of clients that this machine does not know of: no socket shows them. Each comes
    again every `every` seconds, or never."""
    raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
    while True:
        for n in range(count):
            syn = segment(("10.1.0.1", 20000 + n), (target, port), 7919 * n, 0, SYN)
            raw.sendto(syn, (target, 0))
        say("called")
        time.sleep(every)


def shows_clients_of_elsewhere(lab):
    """As a server sees it whose clients are far away."""
    client, server = lab.pair()
    owner = lab.spawn(server, serves, 9000, comm="target")
    owner.expect("ready")
    client.drop(SYN_ACK)
    lab.spawn(client, calls, "10.1.0.2", 9000, 5, 0.8).expect("called")
    report = lab.doctor(5)
    report.the("synack-lost", "warning", "likely", pid=owner.pid, listener=9000)
    report.alone("synack-lost")


def neighbour_clients_that_vanish(lab):
    """The server repeats its SYN-ACK to clients who never call again."""
    client, server = lab.pair()
    lab.spawn(server, serves, 9000).expect("ready")
    client.drop(SYN_ACK)
    lab.spawn(client, calls, "10.1.0.2", 9000, 25, 60).expect("called")
    wait_until(lambda: repeats(server, 1, 25), "repeated SYN-ACKs")
    report = lab.doctor(5)
    report.none("synack-lost")
    report.calm()


def neighbour_lost_last_ack(lab):
    """The client is ESTABLISHED and silent; the server waits for its ACK."""
    client, server = lab.pair()
    lab.spawn(server, serves, 9000).expect("ready")
    server.drop("tcp flags & (syn|ack) == ack")
    clients = [client.connect("10.1.0.2", 9000) for _ in range(5)]
    wait_until(lambda: repeats(server, 2, 5), "repeated SYN-ACKs")
    report = lab.doctor(5)
    report.none("synack-lost")
    del clients
