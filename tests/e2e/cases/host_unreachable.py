"""host-unreachable: no neighbour answers, or no route leads there.

   client 10.1.0.1 ──── 10.1.0.2 server
   retries to 10.1.0.99, an address of the cable that nobody has
"""

from actors import connects_for_ever
from lab import wait_until
from packets import CLIENT, SERVER, SYN, Capture


def neighbour_state(namespace, address):
    return namespace.run("ip", "neigh", "show", address)


def shows(lab):
    client, _ = lab.pair()
    callers = [lab.spawn(client, connects_for_ever, "10.1.0.99", 9000, comm="caller")
               for _ in range(2)]
    wait_until(lambda: any(word in neighbour_state(client, "10.1.0.99")
                           for word in ("INCOMPLETE", "FAILED")), "a neighbour without answer")
    report = lab.doctor(5)
    finding = report.the("host-unreachable", "warning", netns=client.inode,
                         destination=("10.1.0.99", 9000))
    assert finding["subject"].get("pid") in [c.pid for c in callers] + [None], finding
    report.alone("host-unreachable")
    report.none("connect-blackhole")


def shows_dead_gateway(lab):
    """The neighbour that is missing is the gateway."""
    client, _ = lab.pair()
    client.run("ip", "route", "add", "10.9.0.0/24", "via", "10.1.0.98")
    callers = [lab.spawn(client, connects_for_ever, "10.9.0.5", 9000) for _ in range(3)]
    wait_until(lambda: any(word in neighbour_state(client, "10.1.0.98")
                           for word in ("INCOMPLETE", "FAILED")), "a gateway without answer")
    report = lab.doctor(5)
    report.the("host-unreachable", "warning", netns=client.inode, destination=("10.9.0.5", 9000))
    report.none("connect-blackhole")
    del callers


def neighbour_silent_port(lab):
    """The neighbour is there and drops the packets: connect-blackhole."""
    client, server = lab.pair()
    server.drop("tcp dport 9000")
    callers = [client.connect("10.1.0.2", 9000, wait=False) for _ in range(4)]
    wait_until(lambda: len(client.sockets("state", "syn-sent")) == 4, "attempts")
    lab.doctor(5).none("host-unreachable")
    del callers


def neighbour_refused(lab):
    """The host says no with RST."""
    client, _ = lab.pair()
    caller = lab.spawn(client, connects_for_ever, "10.1.0.2", 9000, 0.02)
    wait_until(lambda: client.counter("Tcp.AttemptFails") > 20, "refused attempts")
    lab.doctor(5).none("host-unreachable")
    del caller


def neighbour_past_probe(lab):
    """A monitor's single attempt that ended before the look leaves only a FAILED entry."""
    client, _ = lab.pair()
    try:
        client.connect("10.1.0.99", 9000)
    except OSError:
        pass
    report = lab.doctor(2)
    report.none("host-unreachable")
    report.calm()


def shows_capture(lab):
    """A router answers the SYN with 'host unreachable' (RFC 792)."""
    capture = Capture()
    for n in range(3):
        flow = capture.flow(n, n * 5)
        packet = flow.send(CLIENT, SYN)
        capture.icmp(flow.now, "10.0.1.254", 3, 1, packet)
    report = lab.judge(capture)
    report.the("host-unreachable", "warning", "confirmed", destination=("10.0.2.1", 80))
    report.alone("host-unreachable")


def neighbour_capture_late_error(lab):
    """The error is about connections that work: a route that moved."""
    capture = Capture()
    for n in range(3):
        flow = capture.flow(n, n * 5).handshake().talk()
        packet = flow.send(CLIENT, 24, b"x" * 100)
        capture.icmp(flow.now, "10.0.1.254", 3, 1, packet)
        flow.hears(SERVER).send(SERVER, 16)
        flow.close()
    report = lab.judge(capture)
    report.none("host-unreachable")
    report.calm()
