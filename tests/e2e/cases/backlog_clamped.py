"""backlog-clamped: the kernel cut the queue that the program asked for, and it overflows.

   client 10.1.0.1 ──── 10.1.0.2 server
   bursts of 60 clients          :9000, listen(512) under net.core.somaxconn = 4, accepts
"""

import socket
import time

from actors import never_accepts, serves
from lab import wait_until


def pauses(say, _hear, port, backlog):
    """Takes all that waits, ten times a second: a loop that also works."""
    sock = socket.socket()
    sock.bind(("0.0.0.0", port))
    sock.listen(backlog)
    sock.setblocking(False)
    say("ready")
    while True:
        time.sleep(0.1)
        try:
            while True:
                sock.accept()[0].close()
        except BlockingIOError:
            pass


def bursts(_say, _hear, address, port, count):
    while True:
        open_ = []
        for _ in range(count):
            sock = socket.socket()
            sock.setblocking(False)
            sock.connect_ex((address, port))
            open_.append(sock)
        time.sleep(0.3)
        for sock in open_:
            sock.close()


def somaxconn(namespace, value):
    with namespace, open("/proc/sys/net/core/somaxconn", "w", encoding="ascii") as file:
        file.write(str(value))


def scene(lab, limit):
    client, server = lab.pair()
    somaxconn(server, limit)
    owner = lab.spawn(server, pauses, 9000, 512, comm="clamped")
    owner.expect("ready")
    load = lab.spawn(client, bursts, "10.1.0.2", 9000, 60, comm="client")
    return server, owner, load


def shows(lab):
    server, owner, load = scene(lab, 4)
    wait_until(lambda: server.counter("TcpExt.ListenOverflows") >= 100, "ListenOverflows")
    time.sleep(10)  # the burst of a start does not count
    report = lab.doctor(5)
    finding = report.the("backlog-clamped", ("notice", "warning", "critical"), pid=owner.pid,
                         comm="clamped", netns=server.inode, listener=9000)
    assert [f["fault"] for f in finding["explains"]][:1] == ["accept-queue-overflow"], finding
    assert any("somaxconn" in e["fact"] and e["value"] == 4 for e in finding["evidence"]), finding
    del load


def neighbour_clamp_without_overflow(lab):
    """The same setting, a load that fits."""
    client, server = lab.pair()
    somaxconn(server, 4)
    owner = lab.spawn(server, serves, 9000, 512)
    owner.expect("ready")
    clients = [client.connect("10.1.0.2", 9000) for _ in range(20)]
    assert server.sockets("state", "listening")[0].send_q == 4
    report = lab.doctor(5)
    report.none("backlog-clamped")
    report.calm()
    del clients


def neighbour_the_program_hangs(lab):
    """Any queue would be full: the limit is not the cause."""
    client, server = lab.pair()
    somaxconn(server, 4)
    owner = lab.spawn(server, never_accepts, 9000, 512)
    owner.expect("ready")
    clients = client.crowd("10.1.0.2", 9000, 12)
    wait_until(lambda: server.counter("TcpExt.ListenOverflows") >= 5, "ListenOverflows")
    report = lab.doctor(5)
    report.none("backlog-clamped")
    report.the("accept-queue-overflow", "critical", pid=owner.pid, listener=9000)
    del clients
