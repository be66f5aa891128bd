"""bufferbloat-rtt-inflation: a queue on the path that is far too long.

   client 10.9.0.1 ── relay, a slow link with a queue ── 10.9.0.2 server :9000
"""

import re
import selectors
import socket

from actors import drains_all
from lab import wait_until
from name_server import WORKS, resolv_conf, serve_names
from relay import SECOND, relay, through_a_queue


def sends_on_all(say, _hear, address, port, count):
    """Connects all while the path is free, and sends on all without end."""
    select = selectors.DefaultSelector()
    for _ in range(count):
        sock = socket.create_connection((address, port))
        sock.setblocking(False)
        select.register(sock, selectors.EVENT_WRITE)
    say("connected")
    while True:
        for key, _ in select.select():
            key.fileobj.send(b"x" * 16384)


def round_trips(client):
    """Milliseconds, of each connection: now, and the least."""
    text = client.run("ss", "-Htin", "state", "established")
    return list(zip(map(float, re.findall(r" rtt:([\d.]+)/", text)),
                    map(float, re.findall(r"minrtt:([\d.]+)", text))))


def scene(lab, delay_of, flows):
    client, server = lab.pair()
    client.sysctl(tcp_congestion_control="reno")  # fills queues, as BBR does not
    resolv_conf("10.8.0.2")
    actors = [*serve_names(lab, WORKS), relay(lab, client, server, delay_of),
              lab.spawn(server, drains_all, 9000, comm="reader")]
    actors[-1].expect("ready")
    actors.append(lab.spawn(client, sends_on_all, SECOND, 9000, flows, comm="backup"))
    actors[-1].expect("connected")
    return client, actors


def inflated(client, flows, ms):
    """The kernel's own numbers: round trips that far above the least."""
    trips = round_trips(client)
    return len(trips) == flows and all(now - least > ms for now, least in trips)


def shows(lab):
    client, actors = scene(lab, through_a_queue(300, 150, 0.01), 3)
    wait_until(lambda: inflated(client, 3, 200), "round trips of 200 ms and more")
    report = lab.doctor(3)
    finding = report.the("bufferbloat-rtt-inflation", "notice", "likely", netns=client.inode,
                         comm="backup", remote=(SECOND, 9000))
    assert finding["evidence"]
    report.calm()
    wait_until(lambda: inflated(client, 3, 200), "round trips of 200 ms and more")
    report = lab.doctor(3, "--probe")
    report.the("bufferbloat-rtt-inflation", "notice", "confirmed", netns=client.inode)
    report.calm()
    assert actors


def neighbour_long_path(lab):
    """250 ms each way, all the time."""
    client, actors = scene(lab, lambda _direction: 0.25, 3)
    wait_until(lambda: len(round_trips(client)) == 3 and
               all(now > 400 for now, _ in round_trips(client)), "a long round trip")
    report = lab.doctor(3, "--probe")
    report.none("bufferbloat-rtt-inflation")
    report.calm()
    assert actors


def neighbour_short_queue(lab):
    """The queue holds 50 ms: full, and not too long."""
    client, actors = scene(lab, through_a_queue(300, 15, 0.02), 3)
    wait_until(lambda: inflated(client, 3, 10), "a queue that is in use")
    report = lab.doctor(3)
    report.none("bufferbloat-rtt-inflation")
    report.calm()
    assert actors
