"""Healthy loads: busy, idle, bursting or half-closed, and nothing to report.

   client 10.1.0.1 ──── 10.1.0.2 server
   the load                      :9000 ...
Each look must end with exit code 0 and without a finding of warning or above.
"""

import socket
import time

from actors import serves
from lab import wait_until


def short_connections(lab, client, server, ports, closer, rate, seconds):
    """The two ends of tests/programs/short_connections.cpp; returns the client's end."""
    serving = lab.start(server, "short_connections", "serve", "10.1.0.2", 9000, ports, closer)
    assert serving.stdout.readline() == "ready\n"
    return lab.start(client, "short_connections", "connect", "10.1.0.2", 9000, ports, closer,
                     rate, seconds)


def healthy_short_connections(lab):
    """2,000 connections a second for 20 s; the clients close first."""
    client, server = lab.pair()
    load = short_connections(lab, client, server, 8, "client", 2000, 20)
    time.sleep(2)
    for seconds in (1, 5, 10):
        lab.doctor(seconds).calm()
    assert load.communicate()[0] == "ok 40000\n"


def healthy_time_wait(lab):
    """20,000 TIME-WAIT on the server, which closes first: 360 closes a second for 60 s."""
    client, server = lab.pair()
    load = short_connections(lab, client, server, 32, "server", 360, 80)
    wait_until(lambda: int(server.run("sh", "-c", "ss -Htan state time-wait | wc -l")) > 20000,
               "20,000 TIME-WAIT", 75, every=1)
    lab.doctor(5).calm()
    assert load.communicate()[0] == "ok 28800\n"


def healthy_idle_keep_alive(lab):
    """2,000 connections that were used once and are kept for later."""
    client, server = lab.pair()
    lab.spawn(server, serves, 9000, 512, comm="pool").expect("ready")
    idle = []
    for _ in range(2000):
        idle.append(client.connect("10.1.0.2", 9000))
        idle[-1].setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        idle[-1].send(b"x")
        assert idle[-1].recv(1) == b"x"
    time.sleep(5)
    lab.doctor(5).calm()
    lab.doctor(0.5).calm()


def bursts(say, hear, address, port, count):
    """`count` clients at once, before the server runs: they are refused, wait and come again."""
    say("ready")
    hear()
    pending = [socket.socket() for _ in range(count)]
    for sock in pending:
        sock.setblocking(False)
        sock.connect_ex((address, port))
    time.sleep(3)
    answered = 0
    for sock in pending:
        sock.setblocking(True)
        sock.settimeout(10)
        sock.send(b"x")
        answered += sock.recv(1) == b"x"
    say(f"answered {answered}")
    hear()


def healthy_burst_at_start(lab):
    """500 clients at once meet a server in its first moment, with a queue of 64."""
    client, server = lab.pair()
    clients = lab.spawn(client, bursts, "10.1.0.2", 9000, 500, comm="clients")
    clients.expect("ready")
    lab.spawn(server, serves, 9000, 64, comm="starting").expect("ready")
    clients.tell("go")
    lab.doctor(5).calm()
    assert int(clients.expect("answered")) == 500


def healthy_half_closed(lab):
    """The client has sent its end of file and goes on receiving, for more than a minute."""
    client, server = lab.pair()
    sock = server.listen(9000)
    peers = [client.connect("10.1.0.2", 9000) for _ in range(25)]
    ends = [sock.accept()[0] for _ in peers]
    for peer in peers:
        peer.shutdown(socket.SHUT_WR)
    lab.spawn(server, streams, ends, comm="streamer")
    lab.spawn(client, drains, peers, comm="drain")
    for end in ends + peers:
        end.close()  # the two processes above hold them
    wait_until(lambda: len(server.sockets("state", "close-wait")) == 25, "25 CLOSE-WAIT")
    lab.doctor(5).calm()
    time.sleep(62)  # beyond the age at which an idle CLOSE-WAIT counts as forgotten
    lab.doctor(5).calm()


def streams(_say, _hear, socks):
    while True:
        for sock in socks:
            sock.send(b"x" * 1000)
        time.sleep(0.2)


def drains(_say, _hear, socks):
    while True:
        for sock in socks:
            sock.recv(65536)
