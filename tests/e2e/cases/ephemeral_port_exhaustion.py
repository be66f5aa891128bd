"""ephemeral-port-exhaustion: no source port is left for one destination.

   client 10.1.0.1 ──── 10.1.0.2 server
   20 source ports, tcp_tw_reuse 0   :9000 ...
"""

import errno
import socket

from actors import serves
from lab import wait_until


def narrow(namespace, first, last):
    namespace.sysctl(ip_local_port_range=f"{first} {last}", tcp_tw_reuse=0)


def dials(say, hear, address, port, count, keep):
    """Opens `count` connections, closes each at once unless `keep`; says what the last one met."""
    kept, error = [], 0
    for _ in range(count):
        sock = socket.socket()
        error = sock.connect_ex((address, port))
        if keep:
            kept.append(sock)
        else:
            sock.close()
    say(f"dialled {errno.errorcode.get(error, 'ok')}")
    hear()


def scene(lab, count, keep, ports=20):
    client, server = lab.pair()
    narrow(client, 40000, 40000 + ports - 1)
    owner = lab.spawn(server, serves, 9000)
    owner.expect("ready")
    caller = lab.spawn(client, dials, "10.1.0.2", 9000, count, keep, comm="dialler")
    return client, caller, caller.expect("dialled")


def shows(lab):
    """All 20 in TIME-WAIT."""
    client, caller, error = scene(lab, 30, keep=False)
    assert error == "EADDRNOTAVAIL", error
    wait_until(lambda: len(client.sockets("state", "time-wait")) == 20, "20 TIME-WAIT")
    report = lab.doctor(5)
    report.the("ephemeral-port-exhaustion", "critical", netns=client.inode,
               destination=("10.1.0.2", 9000))
    # TIME-WAIT is the material of this fault, never a second finding beside it.
    assert "time-wait-pileup" not in [f["fault"] for f in report.findings], report.summary()
    report.alone("ephemeral-port-exhaustion")
    del caller


def shows_with_live_connections(lab):
    """All 20 ESTABLISHED: the program that holds them is named."""
    client, caller, error = scene(lab, 25, keep=True)
    assert error == "EADDRNOTAVAIL", error
    lab.doctor(5).the("ephemeral-port-exhaustion", "critical", netns=client.inode,
                      pid=caller.pid, comm="dialler", destination=("10.1.0.2", 9000))


def neighbour_spread_over_destinations(lab):
    """More connections than ports, but only 8 of 20 to each destination."""
    client, server = lab.pair()
    narrow(client, 40000, 40019)
    for port in range(9000, 9005):
        lab.spawn(server, serves, port).expect("ready")
        lab.spawn(client, dials, "10.1.0.2", port, 8, False).expect("dialled")
    wait_until(lambda: len(client.sockets("state", "time-wait")) > 36, "about 40 TIME-WAIT")
    report = lab.doctor(5)
    report.none("ephemeral-port-exhaustion")
    report.calm()


def neighbour_server_side(lab):
    """200 TIME-WAIT on the side with the fixed port use no ephemeral port there."""
    client, server = lab.pair()
    narrow(server, 40000, 40019)
    sock = server.listen(9000)
    for _ in range(200):
        peer = client.connect("10.1.0.2", 9000)
        sock.accept()[0].close()
        peer.close()
    wait_until(lambda: len(server.sockets("state", "time-wait")) == 200, "200 TIME-WAIT")
    report = lab.doctor(5)
    report.none("ephemeral-port-exhaustion")
    report.calm()
