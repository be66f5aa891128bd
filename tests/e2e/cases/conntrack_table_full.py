"""conntrack-table-full: the limit is the host's and read-only in a namespace of its own; to fill
a table of a quarter of a million entries takes a few hundred megabytes. So the real table is saved
as it is, and its count, limit and drops are set to what the kernel shows when it is full.

   client 10.1.0.1 ──── 10.1.0.2 server, whose nftables rules look at connections
"""

from actors import connects_for_ever, serves
from lab import wait_until


def scene(lab):
    client, server = lab.pair()
    # A rule that asks for the state of a connection brings the table into use.
    server.rules("input", "ct state established accept")
    lab.spawn(server, serves, 9000).expect("ready")
    lab.spawn(client, connects_for_ever, "10.1.0.2", 9000, 0.05)
    wait_until(lambda: server.counter("Tcp.PassiveOpens") > 3, "connections")
    return server


def shows(lab):
    server = scene(lab)
    full = lab.altered(3, "value", "nf_conntrack.count", 262144, "value", "nf_conntrack.max",
                       262144, "rise", "nf_conntrack.drop", 9)
    full.the("conntrack-table-full", "critical", "confirmed", netns=server.inode)
    nearly = lab.altered(3, "value", "nf_conntrack.count", 90000, "value", "nf_conntrack.max",
                         100000)
    nearly.the("conntrack-table-full", "notice", "confirmed", netns=server.inode)
    nearly.calm()


def neighbour_in_use(lab):
    """The same table as it is: a few entries of many."""
    scene(lab)
    report = lab.doctor(3)
    report.none("conntrack-table-full")
    report.calm()
