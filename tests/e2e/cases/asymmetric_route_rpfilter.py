"""asymmetric-route-rpfilter: the answers come in by another interface, and are thrown away.

   client 10.1.0.1 ── e1a ──── e1b ── 10.1.0.2 server, 10.3.0.9:9000
          10.2.0.1 ── e2a ──── e2b ── 10.2.0.2
   The client calls by the first cable, the server answers by the second.
"""

import socket
import struct
import time

from actors import serves
from lab import Namespace, wait_until
from name_server import WORKS, resolv_conf, serve_names

ADDRESS = "10.3.0.9"


def scene(lab, strictness, other_way=True):
    client, server = Namespace("client"), Namespace("server")
    lab.link(client, server)
    lab.link(client, server)
    server.run("ip", "addr", "add", f"{ADDRESS}/32", "dev", "lo")
    client.run("ip", "route", "add", "10.3.0.0/24", "via", "10.1.0.2")
    if other_way:
        server.run("ip", "route", "add", "10.1.0.1/32", "via", "10.2.0.1")
        # The filter eats the server's ARP requests as well.
        mac = client.mac("e2a")
        server.run("ip", "neigh", "replace", "10.2.0.1", "lladdr", mac, "dev", "e2b")
    client.sysctl(**{"conf/all/rp_filter": strictness, "conf/e1a/rp_filter": strictness,
                     "conf/e2a/rp_filter": strictness})
    lab.spawn(server, serves, 9000, comm="server").expect("ready")
    names = serve_names(lab, WORKS)
    resolv_conf("10.8.0.2")
    return client, server, names


def filtered(client):
    return client.counter("TcpExt.IPReversePathFilter")


def shows(lab):
    client, _, names = scene(lab, 1)
    sock = client.connect(ADDRESS, 9000, wait=False)
    wait_until(lambda: filtered(client) >= 2, "answers that are filtered")
    report = lab.doctor(3, "--probe")
    report.the("asymmetric-route-rpfilter", "warning", "confirmed", netns=client.inode,
               destination=(ADDRESS, 9000))
    report.alone("asymmetric-route-rpfilter")
    assert sock and names


def shows_a_suspicion(lab):
    """Without asking, the counter and a SYN that is repeated are no more than that."""
    client, _, names = scene(lab, 1)
    socks = [client.connect(ADDRESS, 9000, wait=False) for _ in range(2)]
    wait_until(lambda: filtered(client) >= 4, "answers that are filtered")
    report = lab.doctor(3)
    report.the("asymmetric-route-rpfilter", "notice", "suspected", netns=client.inode,
               destination=(ADDRESS, 9000))
    assert socks and names


def neighbour_loose(lab):
    """The same two ways, and a filter that lets them be."""
    client, _, names = scene(lab, 2)
    sock = client.connect(ADDRESS, 9000)
    report = lab.doctor(1, "--probe")
    report.none("asymmetric-route-rpfilter")
    report.calm()
    assert sock and names


def forged(source):
    """An IPv4 header and nothing (RFC 791 3.1): the filter looks at the source alone. The kernel
    fills in length and checksum (raw(7))."""
    return struct.pack("!BBHHHBBH4s4s", 0x45, 0, 0, 0, 0, 64, 253, 0, socket.inet_aton(source),
                       socket.inet_aton("10.2.0.1"))


def forges(say, _hear):
    """Packets by the second cable that claim to come from behind the first."""
    sock = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
    for _ in range(3):
        sock.sendto(forged("10.3.0.77"), ("10.2.0.1", 0))
    say("ready")
    while True:
        sock.sendto(forged("10.3.0.77"), ("10.2.0.1", 0))
        time.sleep(0.1)


def neighbour_forged_sources(lab):
    """A port that a firewall drops, and somebody who forges sources: the filter does its work."""
    client, server, names = scene(lab, 1, other_way=False)
    server.drop("tcp dport 9000")
    forger = lab.spawn(server, forges, comm="forger")
    forger.expect("ready")
    sock = client.connect(ADDRESS, 9000, wait=False)
    wait_until(lambda: client.counter("TcpExt.TCPSynRetrans") >= 2, "a SYN that is repeated")
    before = filtered(client)
    report = lab.doctor(3, "--probe")
    assert filtered(client) > before + 5, "sources must have been filtered"
    report.none("asymmetric-route-rpfilter")
    assert sock and names
