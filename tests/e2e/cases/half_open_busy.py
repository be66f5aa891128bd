"""half-open-busy: a program sends into the void, nothing is acknowledged.

   client 10.1.0.1 ──── 10.1.0.2 server
   the sender; from one moment on nftables drops all that comes in here
"""

import re
import socket
import time

from actors import serves
from lab import wait_until
from packets import ACK, CLIENT, PSH, SERVER, Capture


def sends(say, hear, address, port, count=1):
    """Exchanges a byte on each connection, and after the next word sends 1,000 bytes on each."""
    socks = [socket.create_connection((address, port)) for _ in range(count)]
    for sock in socks:
        sock.send(b"x")
        sock.recv(1)
    say("connected")
    hear()
    for sock in socks:
        sock.send(b"y" * 1000)
    say("sent")
    hear()


def backoff(namespace):
    found = re.findall(r"backoff:(\d+)", namespace.run("ss", "-Htin", "state", "established"))
    return max(map(int, found), default=0)


def scene(lab):
    client, server = lab.pair()
    lab.spawn(server, serves, 9000).expect("ready")
    sender = lab.spawn(client, sends, "10.1.0.2", 9000, comm="sender")
    sender.expect("connected")
    return client, server, sender


def shows(lab):
    client, _, sender = scene(lab)
    client.drop("tcp sport 9000")
    sender.tell("go")
    sender.expect("sent")
    began = time.monotonic()
    # This fault is about time: 10 s without an acknowledgment, and five doublings of the timer.
    wait_until(lambda: backoff(client) >= 5 and time.monotonic() - began > 10.5,
               "backoff 5 and 10 s of silence", 30)
    report = lab.doctor(5)
    report.the("half-open-busy", "warning", pid=sender.pid, comm="sender", netns=client.inode,
               remote=("10.1.0.2", 9000))
    report.alone("half-open-busy")
    report.none("zero-window-stuck-reader")


def neighbour_short_outage(lab):
    """Three seconds without a path, as when a laptop changes its access point."""
    client, _, sender = scene(lab)
    client.drop("tcp sport 9000")
    sender.tell("go")
    wait_until(lambda: backoff(client) >= 3, "backoff 3")
    client.drop()
    report = lab.doctor(5)
    report.none("half-open-busy")
    report.calm()


def neighbour_zero_window(lab):
    """The timer backs off too, but it is the persist timer and the peer answers every probe."""
    client, server = lab.pair()
    sock = server.listen(9000)
    sender = client.connect("10.1.0.2", 9000)
    peer, _ = sock.accept()
    sender.setblocking(False)
    wait_until(lambda: fill(sender), "a full buffer")
    wait_until(lambda: backoff(client) >= 5, "backoff 5", 40)
    lab.doctor(5).none("half-open-busy")
    peer.close()


def fill(sock):
    try:
        while True:
            sock.send(b"z" * 65536)
    except BlockingIOError:
        return True


def vanishes(capture, n, repeats):
    """The server repeats 100 octets; the client is gone, or answers in the end."""
    flow = capture.flow(n).handshake().talk()
    seq = flow.next[SERVER]
    flow.send(SERVER, PSH | ACK, b"x" * 100)
    for again in range(repeats):
        flow.pause(0.3 * 2**again)
        flow.send(SERVER, PSH | ACK, b"x" * 100, seq=seq)
    return flow


def shows_capture(lab):
    capture = Capture()
    vanishes(capture, 1, 7)
    report = lab.judge(capture)
    report.the("half-open-busy", "warning")
    report.alone("half-open-busy")


def neighbour_capture_answers_at_last(lab):
    capture = Capture()
    flow = vanishes(capture, 1, 6)
    flow.hears(CLIENT).send(CLIENT, ACK)
    flow.close()
    report = lab.judge(capture)
    report.none("half-open-busy")
    report.calm()
