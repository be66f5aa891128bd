"""simultaneous-open: both sides called at once, and got one connection (information).

   left 10.1.0.1:9000 ──── 10.1.0.2:9000 right
   both call; the first SYNs are lost, so that the repeats cross
"""

import socket
import time

from lab import wait_until


def calls(say, hear, own, peer, pause):
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.bind(own)
    sock.setblocking(False)
    say("ready")
    time.sleep(pause)
    sock.connect_ex(peer)
    say("called")
    hear()


def shows(lab):
    left, right = lab.pair("left", "right")
    ends = [("10.1.0.1", 9000), ("10.1.0.2", 9000)]
    for namespace in (left, right):
        namespace.drop("tcp dport 9000")
    lab.spawn(left, calls, ends[0], ends[1], 1, comm="bgpd").expect("ready")
    lab.spawn(right, calls, ends[1], ends[0], 1, comm="bgpd").expect("ready")
    opener = lab.spawn(lab.here, opens_the_path, left, right)
    report = lab.doctor(6)
    opener.expect("open")
    wait_until(lambda: left.sockets("state", "established"), "one connection")
    if report.saw_events():
        report.the("simultaneous-open", "info", "confirmed")
    report.calm()


def opens_the_path(say, hear, *namespaces):
    """After the first SYNs were lost."""
    time.sleep(1.5)
    for namespace in namespaces:
        namespace.drop()
    say("open")
    hear()


def neighbour_connected_to_itself(lab):
    """One socket that calls its own port: both ends are the same."""
    left, _ = lab.pair("left", "right")
    lab.spawn(left, calls, ("127.0.0.1", 9000), ("127.0.0.1", 9000), 1).expect("ready")
    report = lab.doctor(3)
    assert len(left.sockets("state", "established")) == 1
    report.none("simultaneous-open")


def neighbour_two_connections(lab):
    """Each calls the other, and each is served: two connections."""
    left, right = lab.pair("left", "right")
    listening = [left.listen(9000), right.listen(9000)]
    socks = [left.connect("10.1.0.2", 9000), right.connect("10.1.0.1", 9000)]
    report = lab.doctor(2)
    report.none("simultaneous-open")
    report.calm()
    del listening, socks
