"""slow-handshake-syn-retransmit: connects succeed, but only after a second SYN.

   client 10.1.0.1 ──── 10.1.0.2 server
   opens and keeps               :9000, nftables drops each fourth SYN
"""

import socket
import time

from actors import serves
from lab import wait_until
from packets import CLIENT, SYN, Capture, healthy


def opens(say, hear, address, port, count, every):
    """Opens `count` connections, one each `every` seconds, and keeps them."""
    kept = []
    say("opening")
    for _ in range(count):
        kept.append(socket.socket())
        kept[-1].setblocking(False)
        kept[-1].connect_ex((address, port))
        time.sleep(every)
    say("opened")
    hear()


def shows(lab):
    client, server = lab.pair()
    lab.spawn(server, serves, 9000).expect("ready")
    server.drop("tcp flags & (syn|ack) == syn numgen inc mod 4 == 0")
    caller = lab.spawn(client, opens, "10.1.0.2", 9000, 200, 0.05, comm="billing")
    caller.expect("opening")
    report = lab.doctor(8)
    report.the("slow-handshake-syn-retransmit", ("notice", "warning"), "suspected",
               pid=caller.pid, netns=client.inode, destination=("10.1.0.2", 9000))
    report.alone("slow-handshake-syn-retransmit")
    report.none("connect-blackhole")
    report.none("synack-lost")


def neighbour_single_repeat_live(lab):
    """One SYN of many is lost."""
    client, server = lab.pair()
    lab.spawn(server, serves, 9000).expect("ready")
    server.drop("tcp flags & (syn|ack) == syn numgen inc mod 100 == 50")
    lab.spawn(client, opens, "10.1.0.2", 9000, 80, 0.05).expect("opening")
    report = lab.doctor(6)
    report.none("slow-handshake-syn-retransmit")
    report.calm()


def neighbour_connections_from_before(lab):
    """They were slow to open once; nothing is wrong now."""
    client, server = lab.pair()
    lab.spawn(server, serves, 9000).expect("ready")
    server.drop("tcp flags & (syn|ack) == syn")
    kept = [client.connect("10.1.0.2", 9000, wait=False) for _ in range(30)]
    time.sleep(0.3)
    server.drop()
    wait_until(lambda: len(client.sockets("state", "established")) == 30, "all open")
    report = lab.doctor(3)
    report.none("slow-handshake-syn-retransmit")
    report.calm()
    del kept


def slow(capture, n, at):
    flow = capture.flow(n, at)
    flow.send(CLIENT, SYN, wait=1.0)
    flow.next = list(flow.start)
    flow.handshake().talk().close()


def shows_capture(lab):
    capture = Capture()
    healthy(capture, 60)
    for n in range(12):
        slow(capture, n, n * 3)
    report = lab.judge(capture)
    report.the("slow-handshake-syn-retransmit", "warning", destination=("10.0.2.1", 80))
    report.alone("slow-handshake-syn-retransmit")


def neighbour_capture_single_repeat(lab):
    capture = Capture()
    healthy(capture, 150)
    slow(capture, 1, 3)
    report = lab.judge(capture)
    report.none("slow-handshake-syn-retransmit")
    report.calm()
