"""port-scan-inbound: one source knocks at many doors.

   scanner 10.1.0.1 ──── 10.1.0.2 server
   raw SYNs                       serves :9000 only
"""

import socket
import time

from actors import serves
from lab import vanish
from packets import ACK, CLIENT, RST, SERVER, SYN, Capture, healthy, segment


def knocks(say, hear, ports):
    """A SYN to each port, a second after the doctor began to look. No socket here shows it, as if
    the scanner were another machine."""
    raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
    say("ready")
    time.sleep(1)
    for n, port in enumerate(ports):
        syn = segment(("10.1.0.1", 40000 + n), ("10.1.0.2", port), 7919 * n, 0, SYN)
        raw.sendto(syn, ("10.1.0.2", 0))
        time.sleep(0.02)
    hear()


def shows(lab):
    scanner, server = lab.pair("scanner")
    lab.spawn(server, serves, 9000).expect("ready")
    lab.spawn(scanner, knocks, range(1, 41)).expect("ready")
    report = lab.doctor(4)
    if report.saw_events():
        finding = report.the("port-scan-inbound", "notice", "confirmed", netns=server.inode)
        assert finding["subject"]["remote"]["addr"] == "10.1.0.1", finding
    report.none("outbound-scan-or-worm")
    report.calm()


def neighbour_wrong_port_live(lab):
    """A client with a wrong port knocks at the same one again and again."""
    scanner, server = lab.pair("scanner")
    lab.spawn(server, serves, 9000).expect("ready")
    lab.spawn(scanner, knocks, [9001] * 100).expect("ready")
    report = lab.doctor(4)
    report.none("port-scan-inbound")


def neighbour_late_answers(lab):
    """A server whose answers come after the client forgot its connections: they meet forty closed
    ports, those of calls from there."""
    client, server = lab.pair()
    sock = server.listen(9000)
    kept = [client.connect("10.1.0.2", 9000) for _ in range(40)]
    ends = [sock.accept()[0] for _ in kept]
    lab.spawn(server, sends_late, ends).expect("ready")
    for one in kept:
        vanish(one)
    report = lab.doctor(4)
    report.none("port-scan-inbound")


def sends_late(say, hear, socks):
    say("ready")
    time.sleep(1.5)
    for sock in socks:
        sock.send(b"x")
    hear()


def knock(capture, n, port, at, source="10.9.0.66"):
    flow = capture.flow(n, at, client=(source, 20000 + n), server=("10.0.2.1", port))
    flow.send(CLIENT, SYN)
    if port == 80:  # open: a scanner drops it as soon as it answers
        flow.hears(SERVER).send(SERVER, SYN | ACK)
        flow.hears(CLIENT).send(CLIENT, RST, window=0)
    else:
        flow.hears(SERVER).send(SERVER, RST | ACK, seq=0, window=0)


def shows_capture(lab):
    capture = Capture()
    healthy(capture, 60)
    for n in range(40):
        knock(capture, n, 60 + n, n * 0.1)
    report = lab.judge(capture)
    report.the("port-scan-inbound", "notice", "confirmed")
    report.none("connection-refused")
    report.calm()


def neighbour_capture_wrong_port(lab):
    """A client with a wrong port knocks at the same one again and again."""
    capture = Capture()
    healthy(capture, 60)
    for n in range(40):
        knock(capture, n, 81, n * 0.5)
    lab.judge(capture).none("port-scan-inbound")
