"""`sockets --json` shows the same sockets as `ss -tanp`: addresses, states, queues, owners, whether
the kernel's iterator finds the owners or a walk over /proc.

   client 10.1.0.1 ──── 10.1.0.2 server         and fd00:1::1 ──── fd00:1::2
   both ends of some 3,000 connections in all states that stand still for a moment
"""

import collections
import json
import os
import socket
import time

from actors import never_accepts
from lab import set_comm, wait_until
from ss import rows_of_ss, rows_of_tcpdx


def connections(client, server, address, listener, count):
    """`count` accepted connections: (client's socket, server's socket)."""
    pairs = []
    for _ in range(count):
        mine = client.connect(address, listener.getsockname()[1])
        pairs.append((mine, listener.accept()[0]))
    return pairs


def shares(_say, hear):
    """Inherits every socket made before the fork: a second owner of each."""
    hear()


def scene(lab):
    client, server = lab.pair()
    v4 = server.listen(9000, 300)
    v6 = server.listen(9001, 300, "fd00:1::2", socket.AF_INET6)
    both = server.listen(9002, 300, "::", socket.AF_INET6)
    server.listen(9003, 7, "127.0.0.1")
    server.listen(65535, 1)
    server.listen(1, 1, "::1", socket.AF_INET6)
    kept = [v4, v6, both]
    for address, listener, count in (("10.1.0.2", v4, 500), ("fd00:1::2", v6, 400),
                                     ("10.1.0.2", both, 200)):
        kept += connections(client, server, address, listener, count)
    for n, (mine, theirs) in enumerate(connections(client, server, "fd00:1::2", v6, 300)):
        if n % 3 == 0:
            mine.close()  # CLOSE-WAIT there, FIN-WAIT-2 without an owner here
        elif n % 3 == 1:
            mine.shutdown(socket.SHUT_WR)  # FIN-WAIT-2 with an owner
        else:
            mine.send(b"x" * (100 + n))  # bytes that nobody reads
        kept.append((mine, theirs))
    for mine, theirs in connections(client, server, "10.1.0.2", v4, 150):
        mine.close()  # TIME-WAIT here
        theirs.close()
    lab.spawn(server, never_accepts, 9010, 64, comm="a b (c").expect("ready")
    kept += client.crowd("10.1.0.2", 9010, 20)  # accepted by nobody: no owner there
    full, _ = connections(client, server, "10.1.0.2", v4, 1)[0]
    full.setblocking(False)
    while True:  # Send-Q
        try:
            full.send(b"z" * 65536)
        except BlockingIOError:
            break
    # Half-open on both ends: the client does not hear the SYN-ACK.
    client.drop("tcp sport 9002 tcp flags & (syn|ack) == (syn|ack)")
    kept += [client.connect("10.1.0.2", 9002, wait=False) for _ in range(12)]
    kept.append(lab.spawn(server, shares, comm="second owner"))
    return client, server, kept + [full]


def equals_ss(lab):
    compare(lab, "auto", "iter/task_file")


def equals_ss_by_bpf(lab):
    compare(lab, "bpf", "iter/task_file")


def equals_ss_by_proc(lab):
    compare(lab, "proc", "/proc/PID/fd")


def compare(lab, source, named):
    set_comm("first owner")
    client, server, kept = scene(lab)
    wait_until(lambda: len(server.sockets("state", "syn-recv")) == 12, "SYN-RECEIVED")
    for _ in range(8):
        before = [rows_of_ss(n) for n in (client, server)]
        result = lab.tcpdx("sockets", "--json", "--source", source)
        after = [rows_of_ss(n) for n in (client, server)]
        if before == after:
            break
        time.sleep(1)  # a timer ran: look again when all stands still
    else:
        raise AssertionError("the scene never stood still")
    assert result.returncode == 0, result.stderr
    document = json.loads(result.stdout)
    assert any(named in used for used in document["sources"]), document["sources"]
    assert sum(map(len, before)) > 2500
    seen = {row[0] for rows in before for row in rows}
    assert seen >= {"LISTEN", "SYN-SENT", "SYN-RECEIVED", "ESTABLISHED", "FIN-WAIT-2",
                    "CLOSE-WAIT", "TIME-WAIT"}, seen
    for namespace, rows in ((client, before[0]), (server, before[1])):
        ours = rows_of_tcpdx(document, namespace.inode)
        assert ours == rows, (f"{namespace.name}: only tcpdx {list((ours - rows).items())[:5]}, "
                              f"only ss {list((rows - ours).items())[:5]}")
    check_states(lab, before)
    del kept


def check_states(lab, rows):
    """`states --json` counts the same, in all namespaces together."""
    document = json.loads(lab.tcpdx("states", "--json").stdout)
    count = collections.Counter()
    for row, times in (rows[0] + rows[1]).items():
        count[row[0]] += times
    assert {s: n for s, n in document["states"].items() if n} == dict(count), document
    assert len(document["states"]) == 11 and document["total"] == sum(count.values())


def equals_ss_from_proc_tables(lab):
    """Without sock_diag the tables of /proc/net say the same where they say anything. The
    program runs where a seccomp filter refuses NETLINK_SOCK_DIAG, as some containers do."""
    client, server = lab.pair()
    v4, v6 = server.listen(9000), server.listen(9001, 64, "::", socket.AF_INET6)
    kept = connections(client, server, "10.1.0.2", v4, 50)
    kept += connections(client, server, "fd00:1::2", v6, 50)
    for mine, _ in kept[:10]:
        mine.close()
    wait_until(lambda: len(server.sockets("state", "close-wait")) == 10, "CLOSE-WAIT")
    wrapper = ("/usr/bin/python3", os.path.join(os.path.dirname(__file__), "..", "no_sock_diag.py"))
    rows = [rows_of_ss(n) for n in (client, server)]
    result = lab.tcpdx("sockets", "--json", wrapper=wrapper)
    assert result.returncode == 0, result
    document = json.loads(result.stdout)
    assert any("/proc" in source for source in document["sources"]), document["sources"]
    assert document["missing"], "what the tables do not say is named"
    for namespace, wanted in zip((client, server), rows):
        ours = rows_of_tcpdx(document, namespace.inode)
        # The tables do not hold a listener's limit: 0 in the place of ss's Send-Q, or unknown.
        connected = collections.Counter({r: n for r, n in wanted.items() if r[0] != "LISTEN"})
        assert connected == collections.Counter(
            {r: n for r, n in ours.items() if r[0] != "LISTEN"}), (connected - ours, ours - wanted)
        assert sum(r[0] == "LISTEN" for r in ours) == sum(r[0] == "LISTEN" for r in wanted)
