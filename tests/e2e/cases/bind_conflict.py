"""bind-conflict: a program cannot take its port.

   server 10.1.0.2: one program holds :9000 in one way or another, the other one wants it
"""

import errno
import socket
import time

from actors import listener, serves
from lab import wait_until


def wants(say, hear, port, address="0.0.0.0", pause=1.0, reuse=True):
    """Tries to serve the port once, while the doctor looks; says the errno and stays."""
    say("ready")
    time.sleep(pause)
    sock = socket.socket()
    if reuse:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        sock.bind((address, port))
        sock.listen(8)
        say("errno 0")
    except OSError as error:
        sock.close()
        say(f"errno {error.errno}")
    hear()


def look(lab, wanting, seconds=4):
    wanting.expect("ready")
    return lab.doctor(seconds)


def shows(lab):
    """Another program listens there."""
    _, server = lab.pair()
    holder = lab.spawn(server, serves, 9000, comm="holder")
    holder.expect("ready")
    wanting = lab.spawn(server, wants, 9000, comm="shop")
    report = look(lab, wanting)
    assert int(wanting.expect("errno")) == errno.EADDRINUSE
    if report.saw_events():
        finding = report.the("bind-conflict", ("warning", "critical"), "confirmed",
                             pid=wanting.pid, comm="shop", netns=server.inode, listener=9000)
        assert f"holder (pid {holder.pid})" in finding["cause"], finding["cause"]
        report.alone("bind-conflict")


def shows_time_wait(lab):
    """The instance before closed first and neither set SO_REUSEADDR."""
    client, server = lab.pair()
    with server:
        sock = socket.socket()
    sock.bind(("0.0.0.0", 9000))
    sock.listen(8)
    peer = client.connect("10.1.0.2", 9000)
    end = sock.accept()[0]
    end.close()
    peer.close()
    sock.close()
    wait_until(lambda: server.sockets("state", "time-wait"), "TIME-WAIT")
    wanting = lab.spawn(server, wants, 9000, comm="shop")
    report = look(lab, wanting)
    assert int(wanting.expect("errno")) == errno.EADDRINUSE
    if report.saw_events():
        finding = report.the("bind-conflict", "critical", pid=wanting.pid, listener=9000)
        assert "SO_REUSEADDR" in finding["remedy"][0], finding


def shows_a_source_port(lab):
    """A client got the port as its own."""
    client, server = lab.pair()
    lab.spawn(client, serves, 9001).expect("ready")
    caller = lab.spawn(server, calls_from, ("10.1.0.2", 9000), ("10.1.0.1", 9001), comm="billing")
    caller.expect("connected")
    wanting = lab.spawn(server, wants, 9000, comm="shop")
    report = look(lab, wanting)
    assert int(wanting.expect("errno")) == errno.EADDRINUSE
    if report.saw_events():
        finding = report.the("bind-conflict", "critical", pid=wanting.pid, listener=9000)
        assert f"billing (pid {caller.pid})" in finding["cause"], finding["cause"]
        assert "10.1.0.1:9001" in finding["cause"], finding["cause"]


def calls_from(say, hear, own, peer):
    sock = socket.socket()
    sock.bind(own)
    sock.connect(peer)
    say("connected")
    hear()


def shows_a_foreign_address(lab):
    _, server = lab.pair()
    wanting = lab.spawn(server, wants, 9000, "192.0.2.1", comm="shop")
    report = look(lab, wanting)
    assert int(wanting.expect("errno")) == errno.EADDRNOTAVAIL
    if report.saw_events():
        report.the("bind-conflict", "critical", pid=wanting.pid, listener=("192.0.2.1", 9000))


def neighbour_time_wait_behind_a_listener(lab):
    """What every busy server has: TIME-WAIT, and a restart that takes the port."""
    client, server = lab.pair()
    sock = server.listen(9000)
    for _ in range(20):
        peer = client.connect("10.1.0.2", 9000)
        sock.accept()[0].close()
        peer.close()
    sock.close()
    wanting = lab.spawn(server, wants, 9000, comm="shop")
    report = look(lab, wanting)
    assert int(wanting.expect("errno")) == 0
    report.none("bind-conflict")
    report.calm()


def neighbour_stopped_on_purpose(lab):
    """TIME-WAIT on a port that nobody serves or wants any more."""
    client, server = lab.pair()
    sock = server.listen(9000)
    peer = client.connect("10.1.0.2", 9000)
    sock.accept()[0].close()
    peer.close()
    sock.close()
    wait_until(lambda: server.sockets("state", "time-wait"), "TIME-WAIT")
    report = lab.doctor(3)
    report.none("bind-conflict")
    report.calm()


def tries_until_free(say, hear, port):
    say("ready")
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    while True:
        try:
            sock.bind(("0.0.0.0", port))
            break
        except OSError:
            time.sleep(0.2)
    sock.listen(8)
    say("serving")
    hear()


def neighbour_waits_for_the_port(lab):
    """It fails while the old instance goes, and has the port in the end."""
    _, server = lab.pair()
    old = lab.spawn(server, goes_soon, 9000, comm="old")
    old.expect("serving")
    wanting = lab.spawn(server, tries_until_free, 9000, comm="shop")
    wanting.expect("ready")
    report = lab.doctor(4)
    wanting.expect("serving")
    report.none("bind-conflict")
    report.calm()


def goes_soon(say, hear, port):
    sock = listener(port, 8)
    say("serving")
    time.sleep(1.5)
    sock.close()
    hear()
