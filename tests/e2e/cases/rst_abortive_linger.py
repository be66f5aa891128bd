"""rst-abortive-linger: a program resets on purpose instead of closing (SO_LINGER 0)."""

import contextlib
import socket
import struct
import subprocess
import time

from actors import listener
from packets import ACK, CLIENT, RST, SERVER, Capture, healthy


def shows(lab):
    capture = Capture()
    healthy(capture, 30, every=1.2)
    for n in range(30):
        flow = capture.flow(n, n * 1.2).handshake().talk()
        flow.send(SERVER, RST | ACK, window=0)
    report = lab.judge(capture)
    report.the("rst-abortive-linger", "info", listener=("10.0.2.1", 80))
    report.calm()


def neighbour_health_checks(lab):
    """A balancer connects and resets, without a word."""
    capture = Capture()
    healthy(capture, 30, every=1.2)
    for n in range(60):
        flow = capture.flow(n, n * 0.5, client=("10.0.9.9", 20000 + n)).handshake()
        flow.send(CLIENT, RST | ACK, window=0)
    report = lab.judge(capture)
    report.none("rst-abortive-linger")
    report.calm()


def answers(say, _hear, port):
    """Says back what it is told; a reset is nothing special to it."""
    sock = listener(port, 64)
    say("ready")
    while True:
        peer, _ = sock.accept()
        with peer, contextlib.suppress(ConnectionResetError):
            while data := peer.recv(4096):
                peer.sendall(data)


def aborts(say, _hear, address, port, text):
    """Opens, says so much, and resets: SO_LINGER 0."""
    say("ready")
    while True:
        with socket.create_connection((address, port)) as sock:
            if text:
                sock.send(b"x" * text)
                with contextlib.suppress(ConnectionResetError):
                    sock.recv(100)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        time.sleep(0.05)


def live(lab, text):
    client, server = lab.pair()
    lab.spawn(server, answers, 9000).expect("ready")
    caller = lab.spawn(client, aborts, "10.1.0.2", 9000, text, comm="batch")
    caller.expect("ready")
    return caller, lab.doctor(5)


def shows_live(lab):
    caller, report = live(lab, 100)
    if not report.saw_events():
        report.none("rst-abortive-linger")
        return
    report.the("rst-abortive-linger", "info", "suspected", pid=caller.pid, comm="batch")
    report.none("rst-on-close-unread")
    report.calm()


def neighbour_live_health_checks(lab):
    """They open and reset; nothing was said that could be lost."""
    _, report = live(lab, 0)
    report.none("rst-abortive-linger")
    report.calm()


def talks(say, hear, address, port, count):
    """Opens connections and says something on each."""
    socks = [socket.create_connection((address, port)) for _ in range(count)]
    for sock in socks:
        sock.send(b"x" * 100)
        sock.recv(100)
    say("talked")
    hear()


def neighbour_killed_from_outside(lab):
    """ss -K ends connections that carried text: no program closes with SO_LINGER 0."""
    client, server = lab.pair()
    lab.spawn(server, answers_many, 9000).expect("ready")
    caller = lab.spawn(client, talks, "10.1.0.2", 9000, 40, comm="batch")
    caller.expect("talked")
    killer = lab.spawn(client, kills_later, 9000)
    report = lab.doctor(5)
    killer.expect("killed")
    report.none("rst-abortive-linger")


def answers_many(say, _hear, port):
    """Says one answer to each, and keeps them."""
    sock = listener(port, 64)
    say("ready")
    kept = []
    while True:
        kept.append(sock.accept()[0])
        kept[-1].sendall(kept[-1].recv(4096))


def kills_later(say, hear, port):
    time.sleep(2)
    done = subprocess.run(("ss", "-K", "dport", "=", str(port)), capture_output=True, check=False)
    say("killed" if done.returncode == 0 else done.stderr.decode())
    hear()
