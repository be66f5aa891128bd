"""close-wait-leak: the clients closed, the program never does.

   client 10.1.0.1 ──── 10.1.0.2 server
   connect, close                :9000, accepts, keeps every descriptor
"""

import socket
import time

from actors import holds, never_accepts
from lab import vanish, wait_until
from packets import ACK, CLIENT, FIN, SERVER, Capture, healthy


def in_close_wait(namespace):
    return len(namespace.sockets("state", "close-wait"))


def leaks(lab, server, client, count, limit=None, read=False):
    """A program of the scene that holds `count` connections which their clients have closed."""
    owner = lab.spawn(server, holds, 9000, count, 512, limit, read, comm="leaky")
    owner.expect("ready")
    peers = [client.connect("10.1.0.2", 9000) for _ in range(count)]
    if not read:
        owner.expect("all")
    for sock in peers:
        sock.close()
    wait_until(lambda: in_close_wait(server) == count, f"{count} CLOSE-WAIT")
    return owner


def shows(lab):
    """30 of 128 descriptors, for more than a minute."""
    client, server = lab.pair()
    owner = leaks(lab, server, client, 30, limit=128)
    time.sleep(61)  # the kernel sets no bound on CLOSE-WAIT; the catalogue's is 60 s
    report = lab.doctor(5)
    report.the("close-wait-leak", ("warning", "critical"), pid=owner.pid, comm="leaky",
               netns=server.inode)
    report.alone("close-wait-leak")
    report.none("accept-stalled")
    text = lab.tcpdx("doctor", "--for", "1s", "--color", "never").stdout
    assert "close-wait-leak" in text and f"pid {owner.pid}" in text, text


def shows_end_of_file_read(lab):
    """recv() returned 0 and the program still holds on: Recv-Q is 0."""
    client, server = lab.pair()
    owner = leaks(lab, server, client, 30, limit=128, read=True)
    wait_until(lambda: all(row.recv_q == 0 for row in server.sockets("state", "close-wait")),
               "Recv-Q 0")
    time.sleep(61)
    lab.doctor(5).the("close-wait-leak", ("warning", "critical"), pid=owner.pid)


def leads_on(_say, _hear, address, port, pause):
    while True:
        socket.create_connection((address, port)).close()
        time.sleep(pause)


def shows_young_and_growing(lab):
    """None is a minute old, 20 a second come and none leaves: that can only be suspected."""
    client, server = lab.pair()
    owner = lab.spawn(server, holds, 9000, 10000, comm="leaky")
    owner.expect("ready")
    lab.spawn(client, leads_on, "10.1.0.2", 9000, 0.05)
    wait_until(lambda: in_close_wait(server) >= 25, "25 CLOSE-WAIT")
    finding = lab.doctor(5).the("close-wait-leak", ("notice", "warning", "critical"), "suspected",
                                pid=owner.pid)
    assert finding["confidence"] == "suspected", finding


def neighbour_few_stale(lab):
    """Five forgotten connections of 1,024 descriptors, as pools have them, and no growth."""
    client, server = lab.pair()
    leaks(lab, server, client, 5, limit=1024)
    time.sleep(61)
    report = lab.doctor(5)
    report.none("close-wait-leak")
    report.calm()


def neighbour_half_closed_sender(lab):
    """The clients have sent all they have and still receive (rsync, nc -N)."""
    client, server = lab.pair()
    owner = lab.spawn(server, streams, 9000, 30)
    owner.expect("ready")
    peers = [client.connect("10.1.0.2", 9000) for _ in range(30)]
    drain = lab.spawn(client, drains, peers)
    for sock in peers:
        sock.shutdown(socket.SHUT_WR)
    wait_until(lambda: in_close_wait(server) == 30, "30 CLOSE-WAIT")
    time.sleep(61)
    report = lab.doctor(5)
    report.none("close-wait-leak")
    report.calm()
    del drain


def streams(say, _hear, port, count):
    """Sends a little on each connection, four times a second."""
    listener = socket.socket()
    listener.bind(("0.0.0.0", port))
    listener.listen(count)
    say("ready")
    kept = [listener.accept()[0] for _ in range(count)]
    while True:
        for sock in kept:
            sock.send(b"x" * 100)
        time.sleep(0.25)


def drains(_say, _hear, socks):
    while True:
        for sock in socks:
            sock.recv(65536)


def neighbour_not_accepted(lab):
    """CLOSE-WAIT without a descriptor: the program never had it (accept-stalled)."""
    client, server = lab.pair()
    lab.spawn(server, never_accepts, 9000, 64).expect("ready")
    for sock in [client.connect("10.1.0.2", 9000) for _ in range(40)]:
        sock.close()
    wait_until(lambda: in_close_wait(server) == 40, "40 CLOSE-WAIT")
    lab.doctor(5).none("close-wait-leak")


def neighbour_passing_through(lab):
    """Many connections are in CLOSE-WAIT for 50 ms each."""
    client, server = lab.pair()
    lab.spawn(server, closes_late, 9000, 0.05).expect("ready")
    lab.spawn(client, leads_on, "10.1.0.2", 9000, 0.002)
    wait_until(lambda: in_close_wait(server) >= 10, "10 CLOSE-WAIT")
    report = lab.doctor(5)
    report.none("close-wait-leak")
    report.calm()


def closes_late(say, _hear, port, delay):
    listener = socket.socket()
    listener.bind(("0.0.0.0", port))
    listener.listen(512)
    listener.settimeout(0.01)
    say("ready")
    waiting = []
    while True:
        try:
            waiting.append((time.monotonic() + delay, listener.accept()[0]))
        except TimeoutError:
            pass
        while waiting and waiting[0][0] < time.monotonic():
            waiting.pop(0)[1].close()


def neighbour_lost_peers(lab):
    """ESTABLISHED connections whose peers are gone have no FIN to forget."""
    client, server = lab.pair()
    owner = lab.spawn(server, holds, 9000, 30)
    owner.expect("ready")
    peers = [client.connect("10.1.0.2", 9000) for _ in range(30)]
    owner.expect("all")
    for sock in peers:
        vanish(sock)
    lab.doctor(2).none("close-wait-leak")


def half_closes(capture, n, at, writes=False):
    """The client closes; the server acknowledges, and at most goes on sending."""
    flow = capture.flow(n, at).handshake().talk()
    flow.send(CLIENT, FIN | ACK)
    flow.hears(SERVER).send(SERVER, ACK)
    while writes and flow.now < 90:
        flow.pause(10).says(SERVER, 100)


def shows_capture(lab):
    capture = Capture()
    for n in range(8):
        half_closes(capture, n, n * 4)
    healthy(capture, 10, every=12)
    report = lab.judge(capture)
    report.the("close-wait-leak", ("notice", "warning"), listener=("10.0.2.1", 80))
    report.alone("close-wait-leak")


def neighbour_capture_half_closed(lab):
    """A half-close by design: the server still sends."""
    capture = Capture()
    for n in range(8):
        half_closes(capture, n, n * 4, writes=True)
    healthy(capture, 10, every=12)
    lab.judge(capture).none("close-wait-leak")
