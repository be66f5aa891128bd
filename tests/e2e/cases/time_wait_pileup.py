"""time-wait-pileup: TIME-WAIT alone uses half of the port range towards one destination.

   client 10.1.0.1 ──── 10.1.0.2 server
   100 source ports              :9000
"""

from actors import serves
from lab import wait_until


def scene(lab, count, reuse):
    client, server = lab.pair()
    client.sysctl(ip_local_port_range="40000 40099", tcp_tw_reuse=reuse)
    owner = lab.spawn(server, serves, 9000)
    owner.expect("ready")
    while len(client.sockets("state", "time-wait")) < count:
        client.connect("10.1.0.2", 9000).close()
    return client


def shows(lab):
    client = scene(lab, 60, reuse=0)
    report = lab.doctor(5)
    report.the("time-wait-pileup", "info", confidence="suspected", netns=client.inode,
               destination=("10.1.0.2", 9000))
    report.none("ephemeral-port-exhaustion")
    report.calm()


def neighbour_reusable(lab):
    """With tcp_tw_reuse 1 and timestamps each of these ports can be used again after 1 s."""
    scene(lab, 60, reuse=1)
    lab.doctor(5).none("time-wait-pileup")


def neighbour_small_share(lab):
    scene(lab, 30, reuse=0)
    lab.doctor(5).none("time-wait-pileup")


def neighbour_server_side(lab):
    """TIME-WAIT where the port is fixed harms nobody."""
    client, server = lab.pair()
    server.sysctl(ip_local_port_range="40000 40099", tcp_tw_reuse=0)
    sock = server.listen(9000)
    for _ in range(300):
        peer = client.connect("10.1.0.2", 9000)
        sock.accept()[0].close()
        peer.close()
    wait_until(lambda: len(server.sockets("state", "time-wait")) == 300, "300 TIME-WAIT")
    lab.doctor(5).none("time-wait-pileup")
