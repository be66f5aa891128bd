"""fd-exhaustion-blocks-accept: the server has no descriptor left to accept with.

   client 10.1.0.1 ──── 10.1.0.2 server
   30 clients                    :9000, listen(4), RLIMIT_NOFILE 16, accept() fails with EMFILE
"""

import os

from actors import accepts_until_full, never_accepts, serves
from lab import wait_until


def descriptors(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


def full(namespace):
    return any(row.recv_q > row.send_q for row in namespace.sockets("state", "listening"))


def shows(lab):
    client, server = lab.pair()
    owner = lab.spawn(server, accepts_until_full, 9000, 4, 16, comm="greedy")
    owner.expect("ready")
    clients = client.crowd("10.1.0.2", 9000, 30)
    wait_until(lambda: descriptors(owner.pid) == 16, "16 of 16 descriptors")
    wait_until(lambda: full(server), "a full queue")
    report = lab.doctor(5)
    finding = report.the("fd-exhaustion-blocks-accept", "critical", pid=owner.pid, comm="greedy",
                         netns=server.inode)
    # The full queue is a consequence and hangs under its cause.
    assert "accept-queue-overflow" in [f["fault"] for f in report.every(finding["explains"])]
    report.alone("fd-exhaustion-blocks-accept")
    del clients


def neighbour_nearly_full_but_accepting(lab):
    """39 of 40 descriptors are used, and a new client is still served."""
    client, server = lab.pair()
    owner = lab.spawn(server, serves, 9000, 64, 40)
    owner.expect("ready")
    idle = []
    while descriptors(owner.pid) < 39:
        idle.append(client.connect("10.1.0.2", 9000))
        idle[-1].send(b"x")
        assert idle[-1].recv(1) == b"x"
    report = lab.doctor(5)
    report.none("fd-exhaustion-blocks-accept")
    report.calm()


def neighbour_full_queue_with_free_descriptors(lab):
    client, server = lab.pair()
    owner = lab.spawn(server, never_accepts, 9000, 2)
    owner.expect("ready")
    clients = client.crowd("10.1.0.2", 9000, 8)
    wait_until(lambda: full(server), "a full queue")
    lab.doctor(5).none("fd-exhaustion-blocks-accept")
    del clients
