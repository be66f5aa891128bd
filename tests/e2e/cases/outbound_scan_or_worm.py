"""outbound-scan-or-worm: one local program knocks at many doors, most of them in vain.

   client 10.1.0.1 ──── 10.1.0.2 server
   scanner                       :9000 serves, the lower half of :1 ... :60 is refused, the
                                 upper half dropped
"""

import socket
import time

from lab import wait_until


KEPT = []


def scans(say, hear, doors):
    """One attempt at each door, a second after the doctor began to look; holds them open."""
    say("ready")
    time.sleep(1)
    socks = []
    for door in doors:
        socks.append(socket.socket())
        socks[-1].setblocking(False)
        socks[-1].connect_ex(door)
        time.sleep(0.02)
    hear()


def shows(lab):
    """60 ports of one address: 30 are refused at once, 30 hang."""
    client, server = lab.pair()
    server.drop("tcp dport 31-60")
    doors = [("10.1.0.2", port) for port in range(1, 61)]
    scanner = lab.spawn(client, scans, doors, comm="scanner")
    scanner.expect("ready")
    report = lab.doctor(6)
    report.the("outbound-scan-or-worm", ("warning", "critical"), "suspected", pid=scanner.pid,
               netns=client.inode)
    report.alone("outbound-scan-or-worm")


def neighbour_crawler(lab):
    """As many targets, and most of them answer."""
    client, server = lab.pair()
    with server:
        for port in range(1, 61):
            sock = socket.socket()
            sock.bind(("0.0.0.0", port))
            if port % 3:
                sock.listen(8)
            KEPT.append(sock)
    doors = [("10.1.0.2", port) for port in range(1, 61)]
    lab.spawn(client, scans, doors, comm="crawler").expect("ready")
    report = lab.doctor(5)
    report.none("outbound-scan-or-worm")


def neighbour_one_dead_destination(lab):
    """Sixty attempts at one place that does not answer: connect-blackhole."""
    client, server = lab.pair()
    server.drop("tcp dport 9000")
    lab.spawn(client, scans, [("10.1.0.2", 9000)] * 60).expect("ready")
    wait_until(lambda: len(client.sockets("state", "syn-sent")) >= 60, "attempts")
    report = lab.doctor(4)
    report.none("outbound-scan-or-worm")
