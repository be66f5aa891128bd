"""mtu-black-hole: the handshake and small messages pass, the first big segment never does.

   client ──── router, whose link to the server is narrow ──── server :9000
Live, the router's ICMP errors are dropped, and the scene is that of routed.py.
"""

import re
import selectors
import time

from actors import listener
from lab import wait_until
from name_server import WORKS, resolv_conf, serve_names
from packets import ACK, CLIENT, PSH, SERVER, Capture, healthy
from routed import keep_quiet, narrow, routed


def hangs(capture, n, at, size=1460, alive=True):
    flow = capture.flow(n, at).handshake().says(CLIENT, 300)
    seq = flow.next[SERVER]
    flow.send(SERVER, PSH | ACK, b"x" * size)
    for repeat in range(6):
        flow.pause(0.3 * 2**repeat)
        if alive and repeat == 2:  # the client asks again: that passes
            flow.send(CLIENT, PSH | ACK, b"x" * 50)
            flow.hears(SERVER)
        flow.send(SERVER, PSH | ACK, b"x" * size, seq=seq)


def shows_capture(lab):
    capture = Capture()
    healthy(capture, 60)
    for n in range(3):
        hangs(capture, n, n * 3)
    report = lab.judge(capture)
    report.the("mtu-black-hole", "critical", "confirmed")
    report.none("half-open-busy")
    report.alone("mtu-black-hole")


def neighbour_capture_discovery(lab):
    """Path MTU discovery at work: an ICMP error (RFC 1191), and smaller segments follow."""
    capture = Capture()
    for n in range(3):
        flow = capture.flow(n, n * 3).handshake().says(CLIENT, 300)
        seq = flow.next[SERVER]
        big = flow.send(SERVER, PSH | ACK, b"x" * 1460)
        capture.icmp(flow.now, "10.0.3.254", 3, 4, big, mtu=1400)
        flow.pause(0.01)
        flow.send(SERVER, PSH | ACK, b"x" * 1360, seq=seq)
        flow.send(SERVER, PSH | ACK, b"x" * 100, seq=seq + 1360)
        flow.hears(CLIENT).send(CLIENT, ACK)
        flow.close()
    report = lab.judge(capture)
    report.none("mtu-black-hole")
    report.calm()


def neighbour_capture_host_gone(lab):
    """Nothing is heard of the client any more: small segments would vanish as well."""
    capture = Capture()
    for n in range(3):
        hangs(capture, n, n * 3, alive=False)
    lab.judge(capture).none("mtu-black-hole")


def talks(say, _hear, port, pause=0.2):
    """Reads what comes, and says an octet on each connection now and then; pause 0: never."""
    sock = listener(port, 64)
    select, connections = selectors.DefaultSelector(), []
    select.register(sock, selectors.EVENT_READ)
    say("ready")
    while True:
        for key, _ in select.select(pause or None):
            if key.fileobj is sock:
                connections.append(sock.accept()[0])
                select.register(connections[-1], selectors.EVENT_READ)
            elif not key.fileobj.recv(1 << 20):
                select.unregister(key.fileobj)
                connections.remove(key.fileobj)
        if pause:
            for connection in connections:
                connection.send(b"x")
            time.sleep(pause)


def stuck(client):
    """How many connections have doubled their timer three times."""
    text = client.run("ss", "-Htin", "state", "established")
    return sum(int(n) >= 3 for n in re.findall(r"backoff:(\d+)", text))


def scene(lab, flows, quiet=True, pause=0.2):
    client, router, server = routed(lab)
    lab.spawn(server, talks, 9000, pause, comm="talker").expect("ready")
    narrow(router)
    if quiet:
        keep_quiet(router)
    socks = [client.connect("10.2.0.2", 9000) for _ in range(flows)]
    for sock in socks:
        sock.send(b"small")
    time.sleep(0.3)  # small messages have long been acknowledged
    for sock in socks:
        sock.send(b"b" * 20_000)
    return client, server, socks


def shows(lab):
    """Without asking: two connections hang although their peer is heard."""
    client, _, socks = scene(lab, 2)
    wait_until(lambda: stuck(client) == 2, "two connections with backoff 3")
    report = lab.doctor(1)
    report.the("mtu-black-hole", "critical", "likely", netns=client.inode,
               remote=("10.2.0.2", 9000))
    report.alone("mtu-black-hole")
    assert socks


def shows_when_asked(lab):
    """One connection, and a peer that is silent: packets of several sizes tell."""
    client, _, socks = scene(lab, 1, pause=0)
    wait_until(lambda: stuck(client) == 1, "backoff 3")
    lab.doctor(1).none("mtu-black-hole")
    report = lab.doctor(1, "--probe")
    finding = report.the("mtu-black-hole", "critical", "confirmed", netns=client.inode,
                         remote=("10.2.0.2", 9000))
    largest = [e["value"] for e in finding["evidence"]
               if e["fact"] == "largest packet that comes back"]
    assert largest == [1400], finding  # the narrow link's MTU is one of the sizes that are tried
    assert socks


def neighbour_discovery(lab):
    """The router says how much its link takes: segments shrink, and all arrives."""
    client, _, socks = scene(lab, 2, quiet=False)
    wait_until(lambda: all(row.send_q == 0 for row in client.sockets("state", "established")),
               "all is acknowledged")
    names = serve_names(lab, WORKS)
    resolv_conf("10.8.0.2")
    report = lab.doctor(1, "--probe")
    report.none("mtu-black-hole")
    report.calm()
    assert socks and names


def neighbour_host_gone(lab):
    """Small segments vanish as well."""
    client, _, server = routed(lab)
    lab.spawn(server, talks, 9000, 0, comm="talker").expect("ready")
    socks = [client.connect("10.2.0.2", 9000) for _ in range(2)]
    server.drop("meta nfproto ipv4")
    for sock in socks:
        sock.send(b"b" * 20_000)
    wait_until(lambda: stuck(client) == 2, "two connections with backoff 3")
    lab.doctor(1, "--probe").none("mtu-black-hole")
