"""closing-stuck: both sides closed at once, and packets pass in one direction only.

   client 10.1.0.1 ──── 10.1.0.2 server
   connections                   :9000; both drop what comes in, both close(), the server listens
                                 again: its FIN is not heard, the client's is
"""

from lab import wait_until


def closed_at_once(lab, count):
    """Both ends of `count` connections in FIN-WAIT-1, and no packet passes."""
    client, server = lab.pair()
    sock = server.listen(9000)
    pairs = [(client.connect("10.1.0.2", 9000), sock.accept()[0]) for _ in range(count)]
    client.drop("tcp sport 9000")
    server.drop("tcp dport 9000")
    for one, other in pairs:
        one.close()
        other.close()
    return client, server


def repeated(namespace, state, repeats):
    return sum(row.retransmits >= repeats for row in namespace.sockets("state", state))


def shows(lab):
    client, server = closed_at_once(lab, 3)
    server.drop()
    wait_until(lambda: repeated(server, "closing", 3) == 3, "three repeats in CLOSING", 30)
    report = lab.doctor(5)
    finding = report.the("closing-stuck", "info", netns=server.inode)
    assert finding["headline"].startswith("3 connections to 10.1.0.1"), finding["headline"]
    report.none("last-ack-stuck")
    report.calm()
    # It heals on both sides as soon as ACKs pass.
    client.drop()
    wait_until(lambda: not server.sockets("state", "closing"), "CLOSING left", 30)
    lab.doctor(1).none("closing-stuck")


def neighbour_one_closed_first(lab):
    """Only the server closed: FIN-WAIT-1, however often its FIN is repeated."""
    client, server = lab.pair()
    sock = server.listen(9000)
    peers = [client.connect("10.1.0.2", 9000)]
    ends = [sock.accept()[0]]
    client.drop("tcp sport 9000")
    ends.pop().close()
    wait_until(lambda: repeated(server, "fin-wait-1", 3) == 1, "three repeats", 30)
    report = lab.doctor(3)
    report.none("closing-stuck")
    report.calm()
    del peers


def neighbour_passes(lab):
    """A simultaneous close that is held up for an instant, then goes on to TIME-WAIT."""
    client, server = closed_at_once(lab, 3)
    server.drop()
    wait_until(lambda: len(server.sockets("state", "closing")) == 3, "CLOSING")
    client.drop()
    report = lab.doctor(3)
    report.none("closing-stuck")
    report.calm()
