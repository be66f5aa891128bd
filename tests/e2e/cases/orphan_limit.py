"""orphan-limit: tcp_max_orphans and the count of orphans are the machine's, not a namespace's: no
test may fill or lower them. So what was seen of real orphans is altered before it is judged.

   client 10.1.0.1 ──── 10.1.0.2 server
   200 connections               :9000; nftables drops what comes in, then close() on all
"""

from actors import holds
from lab import wait_until


def scene(lab):
    """200 connections that the server has closed and whose client has vanished."""
    client, server = lab.pair()
    owner = lab.spawn(server, holds, 9000, 200)
    owner.expect("ready")
    peers = [client.connect("10.1.0.2", 9000) for _ in range(200)]
    owner.expect("all")
    server.drop("tcp dport 9000")
    owner.tell("close")
    owner.expect("done")
    wait_until(lambda: sum(row.retransmits >= 3 for row in server.sockets("state", "fin-wait-1"))
               == 200, "three repeats of each FIN", 30)
    return server, owner, peers


def with_orphans(lab, count, limit, *more):
    """A namespace of its own has neither the count nor the limit; here each gets both."""
    return lab.altered(2, "value", "sockstat.TCP.orphan", count,
                       "sysctl", "net.ipv4.tcp_max_orphans", limit, *more)


def shows(lab):
    """Most of the machine's orphans are elsewhere."""
    server, *others = scene(lab)
    here = {"netns": server.inode}
    near = with_orphans(lab, 600, 720)
    finding = near.the("orphan-limit", "warning", "suspected", **here)
    waits = {e["fact"]: e["value"] for e in finding["evidence"]}
    assert waits["FIN-WAIT-1"] == 200, waits
    with_orphans(lab, 600, 1100).the("orphan-limit", "notice", "suspected", **here)
    resets = with_orphans(lab, 600, 720, "rise", "TcpExt.TCPAbortOnMemory", 12)
    resets.the("orphan-limit", "critical", "confirmed", **here)
    del others


def shows_under_the_peer_that_vanished(lab):
    """These 200 are all of them: their peer is the cause."""
    actors = scene(lab)
    finding = with_orphans(lab, 200, 240).the("fin-wait1-stuck", "warning")
    assert {f["fault"] for f in finding["explains"]} == {"orphan-limit"}, finding
    del actors


def neighbour_orphans(lab):
    """200 orphans are a small part of the limit: they are told as what they are."""
    server, *others = scene(lab)
    report = lab.doctor(3)
    report.none("orphan-limit")
    report.the("fin-wait1-stuck", "info", netns=server.inode)
    report.calm()
    del others
