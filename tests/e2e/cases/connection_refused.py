"""connection-refused: nothing listens where clients call.

   client 10.1.0.1 ──── 10.1.0.2 server
   retries to :9000              no listener there

In a capture each SYN draws a reset.
"""

import socket
import time

from actors import connects_for_ever, serves
from lab import wait_until
from packets import ACK, CLIENT, RST, SERVER, SYN, Capture, healthy


def shows(lab):
    """With the kernel's events: who called where, and how often."""
    client, _ = lab.pair()
    caller = lab.spawn(client, connects_for_ever, "10.1.0.2", 9000, 0.1, comm="billing")
    wait_until(lambda: client.counter("Tcp.AttemptFails") > 3, "refused attempts")
    report = lab.doctor(5)
    if not report.saw_events():
        return shows_by_counters(lab, client)
    report.the("connection-refused", "warning", "confirmed", pid=caller.pid, comm="billing",
               netns=client.inode, destination=("10.1.0.2", 9000))
    report.alone("connection-refused")
    report.none("connect-blackhole")
    report.none("outbound-scan-or-worm")
    return None


def shows_on_a_busy_client(lab):
    """Far more calls succeed elsewhere than a look can see; they do not make this one doubtful."""
    client, server = lab.pair()
    lab.spawn(server, serves, 9001).expect("ready")
    busy = lab.spawn(client, connects_for_ever, "10.1.0.2", 9001, 0.0005, comm="busy")
    caller = lab.spawn(client, connects_for_ever, "10.1.0.2", 9000, 0.05, comm="billing")
    wait_until(lambda: client.counter("Tcp.ActiveOpens") > 200, "connections")
    report = lab.doctor(5)
    if report.saw_events():
        report.the("connection-refused", "warning", "confirmed", pid=caller.pid, comm="billing",
                   netns=client.inode, destination=("10.1.0.2", 9000))
        report.alone("connection-refused")
    del busy


def neighbour_few_of_many(lab):
    """One call in five is refused by a box on the way; the others to the same port succeed."""
    client, server = lab.pair()
    lab.spawn(server, serves, 9000).expect("ready")
    server.rules("input", "tcp dport 9000 tcp flags syn numgen inc mod 5 0 reject with tcp reset")
    caller = lab.spawn(client, connects_for_ever, "10.1.0.2", 9000, 0.01)
    wait_until(lambda: client.counter("Tcp.AttemptFails") > 3, "refused attempts")
    lab.doctor(5).none("connection-refused")
    del caller


def shows_by_counters(lab, client=None):
    """Without events nothing on the machine names the caller: a suspicion."""
    if client is None:
        client, _ = lab.pair()
        lab.spawn(client, connects_for_ever, "10.1.0.2", 9000, 0.02, comm="billing")
        wait_until(lambda: client.counter("Tcp.AttemptFails") > 3, "refused attempts")
    report = lab.doctor(5, events=False)
    report.the("connection-refused", "notice", "suspected", netns=client.inode)
    report.calm()


def shows_a_service_bound_elsewhere(lab):
    """The service listens on 127.0.0.1 only; the report says so."""
    client, server = lab.pair()
    owner = lab.spawn(server, serves, 9000, 8, None, "127.0.0.1", comm="shop")
    owner.expect("ready")
    lab.spawn(client, connects_for_ever, "10.1.0.2", 9000, 0.1, comm="billing")
    wait_until(lambda: client.counter("Tcp.AttemptFails") > 3, "refused attempts")
    report = lab.doctor(5)
    if report.saw_events():
        finding = report.the("connection-refused", "warning", destination=("10.1.0.2", 9000))
        assert f"shop (pid {owner.pid})" in finding["cause"], finding["cause"]
        assert "127.0.0.1:9000 only" in finding["cause"], finding["cause"]


def neighbour_restart_on_this_machine(lab):
    """Refused for two seconds, until the service is there."""
    client, server = lab.pair()
    caller = lab.spawn(client, connects_for_ever, "10.1.0.2", 9000, 0.05)
    lab.spawn(server, serves_later, 9000, 2).expect("waiting")
    report = lab.doctor(5)
    report.none("connection-refused")
    report.calm()
    del caller


def serves_later(say, hear, port, pause):
    say("waiting")
    time.sleep(pause)
    serves(say, hear, port)


def neighbour_localhost(lab):
    """localhost is ::1 and 127.0.0.1; the service has only the second, as many have."""
    client, _ = lab.pair()
    lab.spawn(client, serves, 9000).expect("ready")
    caller = lab.spawn(client, calls_both_families, 9000)
    caller.expect("called")
    report = lab.doctor(5)
    report.none("connection-refused")
    report.calm()


def calls_both_families(say, _hear, port):
    while True:
        for family, address in ((socket.AF_INET6, "::1"), (socket.AF_INET, "127.0.0.1")):
            with socket.socket(family) as sock:
                if sock.connect_ex((address, port)) == 0:
                    sock.send(b"x")
                    sock.recv(1)
        say("called")
        time.sleep(0.05)


def neighbour_optional_port(lab):
    """A client that tries an optional port once, beside calls that succeed."""
    client, server = lab.pair()
    lab.spawn(server, serves, 9000).expect("ready")
    caller = lab.spawn(client, connects_for_ever, "10.1.0.2", 9000, 0.05)
    with client:
        assert socket.socket().connect_ex(("10.1.0.2", 9001)) != 0
    report = lab.doctor(5)
    report.none("connection-refused")
    report.calm()
    del caller


def refused(capture, n, at):
    flow = capture.flow(n, at)
    flow.send(CLIENT, SYN)
    flow.hears(SERVER).send(SERVER, RST | ACK, seq=0, window=0)


def shows_capture(lab):
    capture = Capture()
    for n in range(5):
        refused(capture, n, n * 10)
    report = lab.judge(capture)
    report.the("connection-refused", "warning", "confirmed", destination=("10.0.2.1", 80))
    report.alone("connection-refused")


def neighbour_capture_restart(lab):
    """A service refuses for two seconds while it restarts."""
    capture = Capture()
    healthy(capture, 60)
    for n in range(40):
        refused(capture, n, 10 + n * 0.05)
    report = lab.judge(capture)
    report.none("connection-refused")
    report.calm()
