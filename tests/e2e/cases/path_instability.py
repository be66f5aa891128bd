"""path-instability: the way to a destination changes again and again.

                                           ┌── left 10.1.0.2 ── 10.3.0.0/24 ──┐
   client 10.9.0.1 ── relay ── fork 10.9.0.2                                   server 10.5.0.9:9000
                                           └── right 10.2.0.2 ─ 10.4.0.0/24 ──┘
   The relay delays packets unevenly, so that the round trips of the client vary as they do where
   ways change; the fork's route to the server is by the left or by the right router.
"""

import random
import re
import socket
import time

from actors import serves
from lab import Namespace, wait_until
from name_server import WORKS, resolv_conf, serve_names
from relay import relay

ADDRESS = "10.5.0.9"
LEFT, RIGHT = "10.1.0.2", "10.2.0.2"


def asks_and_waits(_say, _hear, address, port):
    """An octet there and back, again and again."""
    sock = socket.create_connection((address, port))
    while True:
        sock.sendall(b"x")
        sock.recv(1)


def by_way_of(fork, *routers):
    hops = [word for router in routers for word in ("nexthop", "via", router)]
    fork.run("ip", "route", "replace", "10.5.0.0/24", *hops)


def flaps(say, _hear, fork, pause):
    say("ready")
    while True:
        for router in (RIGHT, LEFT):
            time.sleep(pause)
            by_way_of(fork, router)


def changes_once(say, hear, client, fork):
    """Between two walks: the client sends UDP only to find its way."""
    before = client.counter("Udp.OutDatagrams")
    say("ready")
    while client.counter("Udp.OutDatagrams") < before + 3:
        time.sleep(0.05)
    time.sleep(0.8)
    by_way_of(fork, RIGHT)
    hear()


def uneven(_direction, dice=random.Random(1)):
    return 0.1 if dice.random() < 0.2 else 0.005


def varies(client):
    """The kernel's own estimate: a variation of more than half, of 20 ms and more."""
    found = re.search(r" rtt:([\d.]+)/([\d.]+)",
                      client.run("ss", "-Htin", "state", "established"))
    rtt, variation = map(float, found.groups()) if found else (0, 0)
    return rtt > 20 and variation > rtt / 2


def scene(lab):
    client, fork, left, right, server = (
        Namespace(name) for name in ("client", "fork", "left", "right", "server"))
    actors = [relay(lab, client, fork, uneven)]
    for one, two in ((fork, left), (fork, right), (left, server), (right, server)):
        lab.link(one, two)
    for router in (fork, left, right):
        router.sysctl(ip_forward=1, icmp_ratelimit=0)
    server.sysctl(icmp_ratelimit=0)
    server.run("ip", "addr", "add", f"{ADDRESS}/32", "dev", "lo")
    server.run("ip", "route", "add", "default", "via", "10.3.0.1")
    left.run("ip", "route", "add", "10.5.0.0/24", "via", "10.3.0.2")
    right.run("ip", "route", "add", "10.5.0.0/24", "via", "10.4.0.2")
    left.run("ip", "route", "add", "10.9.0.0/24", "via", "10.1.0.1")
    right.run("ip", "route", "add", "10.9.0.0/24", "via", "10.2.0.1")
    client.run("ip", "route", "add", "default", "via", "10.9.0.2")
    by_way_of(fork, LEFT)
    actors += serve_names(lab, WORKS)
    resolv_conf("10.8.0.2")
    actors.append(lab.spawn(server, serves, 9000, comm="server"))
    actors[-1].expect("ready")
    actors.append(lab.spawn(client, asks_and_waits, ADDRESS, 9000, comm="asker"))
    return client, fork, actors


def walked(report):
    """The second hop of each walk to the server."""
    host = next(h for h in report.data["probes"]["hosts"] if h["address"] == ADDRESS)
    ways = [way["hops"] for way in host["ways"]]
    assert len(ways) == 6 and all(len(hops) == 3 for hops in ways), ways
    return [hops[1] for hops in ways]


def doctor_that_asks(lab, client):
    """The estimate moves from one octet to the next: so does whether there is a reason to ask."""
    for _ in range(10):
        wait_until(lambda: varies(client), "round trips that vary")
        report = lab.doctor(0, "--probe")
        if report.data["probes"]["hosts"]:
            return report
    raise AssertionError("the server was never asked about")


def shows(lab):
    client, fork, actors = scene(lab)
    actors.append(lab.spawn(client, flaps, fork, 0.5, comm="flaps"))
    report = doctor_that_asks(lab, client)
    hops = walked(report)
    assert {LEFT, RIGHT} <= set(hops), hops
    report.the("path-instability", "info", "likely", netns=client.inode)
    report.calm()


def neighbour_changes_once(lab):
    client, fork, actors = scene(lab)
    actors.append(lab.spawn(client, changes_once, client, fork, comm="changes"))
    actors[-1].expect("ready")
    report = doctor_that_asks(lab, client)
    hops = walked(report)
    assert set(hops) == {LEFT, RIGHT}, hops
    report.none("path-instability")


def neighbour_shared_by_flow(lab):
    """Both ways are in use, and a flow stays on one."""
    client, fork, actors = scene(lab)
    fork.sysctl(fib_multipath_hash_policy=1)
    by_way_of(fork, LEFT, RIGHT)
    report = doctor_that_asks(lab, client)
    assert len(set(walked(report))) == 1, report.data["probes"]
    report.none("path-instability")
    assert actors
