"""A router between two hosts, and what may be wrong on its far side.

   client 10.1.0.1 ── e1a  e1b ── 10.1.0.2 router 10.2.0.1 ── e2a  e2b ── 10.2.0.2 server
"""

from lab import Namespace


def routed(lab):
    client, router, server = (Namespace(name) for name in ("client", "router", "server"))
    lab.link(client, router)
    lab.link(router, server)
    router.sysctl(ip_forward=1)
    client.run("ip", "route", "add", "default", "via", "10.1.0.2")
    server.run("ip", "route", "add", "default", "via", "10.2.0.1")
    return client, router, server


def narrow(router, mtu=1400):
    """The router's link to the server takes no more than that."""
    router.run("ip", "link", "set", "e2a", "mtu", str(mtu))


def keep_quiet(router):
    """It no longer says so."""
    router.drop("icmp type destination-unreachable icmp code frag-needed", hook="output")
