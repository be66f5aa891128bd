"""rst-on-close-unread: a server closes without having read what it was sent, which resets."""

import contextlib
import socket
import time

from actors import listener
from packets import ACK, CLIENT, RST, SERVER, Capture, healthy


def unread(capture, n, at):
    flow = capture.flow(n, at).handshake().says(CLIENT, 1000).says(SERVER, 200)
    flow.says(CLIENT, 1400)  # the rest of an upload that nobody reads
    flow.send(SERVER, RST | ACK, window=0)


def shows(lab):
    capture = Capture()
    healthy(capture, 60)
    for n in range(6):
        unread(capture, n, n * 2)
    report = lab.judge(capture)
    report.the("rst-on-close-unread", "notice", "suspected", listener=("10.0.2.1", 80))
    report.calm()


def neighbour_cancelled_downloads(lab):
    """Users cancel: the calling side resets while text of the server is under way."""
    capture = Capture()
    healthy(capture, 60)
    for n in range(20):
        flow = capture.flow(n, n * 1.0).handshake().talk(300, 1400)
        flow.send(CLIENT, RST | ACK, window=0)
    report = lab.judge(capture)
    report.none("rst-on-close-unread")
    report.calm()


def answers_unread(say, _hear, port, reads):
    """Takes a request of 2,000 octets, reads that many of it, answers and closes."""
    sock = listener(port, 64)
    say("ready")
    while True:
        peer, _ = sock.accept()
        wanted = reads
        while wanted > 0 and (got := len(peer.recv(wanted))):
            wanted -= got
        time.sleep(0.005)  # the rest has arrived
        peer.send(b"413\n")
        peer.close()


def asks(say, _hear, address, port, pause):
    say("ready")
    while True:
        with socket.create_connection((address, port)) as sock:
            sock.send(b"x" * 2000)
            with contextlib.suppress(ConnectionResetError):
                while sock.recv(100):
                    pass
        time.sleep(pause)


def live(lab, reads, events=True):
    client, server = lab.pair()
    owner = lab.spawn(server, answers_unread, 9000, reads, comm="upload")
    owner.expect("ready")
    lab.spawn(client, asks, "10.1.0.2", 9000, 0.05).expect("ready")
    return owner, lab.doctor(5, events=events)


def shows_live(lab):
    """The server reads the head of each request and closes."""
    owner, report = live(lab, 100)
    if not report.saw_events():
        report.the("rst-on-close-unread", "notice", "suspected")
        return
    report.the("rst-on-close-unread", "notice", "likely", pid=owner.pid, comm="upload",
               listener=("0.0.0.0", 9000))
    report.none("rst-abortive-linger")
    report.calm()


def neighbour_live_reads_all(lab):
    _, report = live(lab, 2000)
    report.none("rst-on-close-unread")
    report.calm()


def shows_by_counters(lab):
    """Without events nothing names the program: a suspicion."""
    _, report = live(lab, 100, events=False)
    report.the("rst-on-close-unread", "notice", "suspected")
    report.calm()


def neighbour_by_counters_reads_all(lab):
    _, report = live(lab, 2000, events=False)
    report.none("rst-on-close-unread")
    report.calm()
