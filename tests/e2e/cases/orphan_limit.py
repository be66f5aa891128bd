"""orphan-limit: tcp_max_orphans and the count of orphans are the machine's, not a namespace's: no
test may fill or lower them. Observations made by hand show the fault (orphan_limit_test.cpp).

   client 10.1.0.1 ──── 10.1.0.2 server
   200 connections               :9000; nftables drops what comes in, then close() on all
"""

from actors import holds
from lab import wait_until


def neighbour_orphans(lab):
    """200 orphans are a small part of the limit: they are told as what they are."""
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
    report = lab.doctor(3)
    report.none("orphan-limit")
    report.the("fin-wait1-stuck", "info", netns=server.inode)
    report.calm()
    del peers
