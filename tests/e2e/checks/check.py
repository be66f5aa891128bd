"""`check`: every cause that a connection can fail by, made for real, with place and cause in the
verdict, and beside each the neighbour that must get another one; IPv4 and IPv6, as root and nobody.

   client ── net1 ── r1 ── net2 ── r2 ── net3 ── r3 ── net4 ── server
   neti is 10.99.i.0/24 and fd99:i::/64; its left end is .1, its right one .2; so hops 1, 2 and 3
   are 10.99.1.2, 10.99.2.2 and 10.99.3.2
"""

import errno
import json
import socket
import subprocess

from checking import check, no_rules
from lab import NOBODY, Namespace, run, wait_until

SERVER, SERVER6 = "10.99.4.2", "fd99:4::2"


class Chain:
    """The hosts and routers of the drawing."""

    def __init__(self):
        self.hosts = [Namespace(name) for name in ("client", "r1", "r2", "r3", "server")]
        self.client, *self.routers, self.server = self.hosts
        for i, (left, right) in enumerate(zip(self.hosts, self.hosts[1:]), 1):
            run("ip", "link", "add", "x", "netns", left.name, "type", "veth", "peer", "y", "netns",
                right.name)
            for end, name, host in ((left, "x", 1), (right, "y", 2)):
                new = f"net{i}"
                end.run("ip", "link", "set", name, "name", new)
                end.run("ip", "addr", "add", f"10.99.{i}.{host}/24", "dev", new)
                end.run("ip", "addr", "add", f"fd99:{i}::{host}/64", "dev", new, "nodad")
                end.run("ip", "link", "set", new, "up")
        for i, host in enumerate(self.hosts):
            # No limit on ICMP errors: a verdict is asked for many times here.
            host.run("sysctl", "-qw", "net.ipv4.ip_forward=1", "net.ipv6.conf.all.forwarding=1",
                     "net.ipv4.icmp_ratelimit=0", "net.ipv6.icmp.ratelimit=0",
                     "net.ipv4.ping_group_range=0 65534")
            self.route(host, i)
        # Addresses of a fresh link are not usable at once.
        for family, address in ((socket.AF_INET, SERVER), (socket.AF_INET6, SERVER6)):
            wait_until(lambda f=family, a=address: self.refuses(f, a), f"a way to {address}")

    def refuses(self, family, address):
        with self.client, socket.socket(family) as sock:
            sock.settimeout(0.5)
            return sock.connect_ex((address, 2)) == errno.ECONNREFUSED

    @staticmethod
    def route(host, i):
        """Networks to the right by the right neighbour, to the left by the left one."""
        for net in range(1, 5):
            if net > i + 1:
                via = f"10.99.{i + 1}.2", f"fd99:{i + 1}::2"
            elif net < i:
                via = f"10.99.{i}.1", f"fd99:{i}::1"
            else:
                continue
            host.run("ip", "route", "add", f"10.99.{net}.0/24", "via", via[0])
            host.run("ip", "route", "add", f"fd99:{net}::/64", "via", via[1])


def both(lab, chain, port, *args, **kwargs):
    for target in (f"{SERVER}:{port}", f"[{SERVER6}]:{port}"):
        check(lab, chain.client, target, *args, **kwargs)


def listens(server, port):
    sock = server.listen(port, address="::", family=socket.AF_INET6)
    return sock


def good_and_refused(lab):
    chain = Chain()
    with listens(chain.server, 80):
        both(lab, chain, 80, "ok", confidence="confirmed")
        check(lab, chain.client, f"{SERVER}:80", "ok", prefix=NOBODY)
    both(lab, chain, 80, "refused", "target", confidence="confirmed")
    check(lab, chain.client, f"{SERVER}:80", "refused", "target", prefix=NOBODY)


def refused_by_a_box(lab):
    """Router 2 sends the RST; its neighbour is the server's own."""
    chain = Chain()
    chain.routers[1].rules("forward", "tcp dport 81 reject with tcp reset")
    both(lab, chain, 81, "refused-by-box", "between-hops")
    check(lab, chain.client, f"{SERVER}:81", "refused-by-box", prefix=NOBODY)
    both(lab, chain, 82, "refused", "target")


def rejected_by_each_code(lab):
    chain = Chain()
    with listens(chain.server, 80):
        for code in ("admin-prohibited", "no-route", "host-unreachable", "port-unreachable"):
            chain.routers[1].rules("forward", f"tcp dport 80 reject with icmpx {code}")
            why = "dead-neighbour" if code == "host-unreachable" else "rejected-by-icmp"
            document = check(lab, chain.client, f"{SERVER}:80", why, "hop", 2, "confirmed")
            assert document["where"]["address"] == "10.99.2.2", document
        no_rules(chain.routers[1])
        chain.server.rules("input", "tcp dport 80 reject with icmpx admin-prohibited")
        both(lab, chain, 80, "rejected-by-icmp", "target")


def filtered_at_each_place(lab):
    """On the way out of r1 and into r2 looks the same: between hops 1 and 2."""
    chain = Chain()
    with listens(chain.server, 80):
        chain.routers[0].rules("forward", "tcp dport 80 drop")
        both(lab, chain, 80, "filtered", "between-hops", 1, "confirmed")
        check(lab, chain.client, f"{SERVER}:80", "filtered", "between-hops", 1, prefix=NOBODY)
        no_rules(chain.routers[0])
        chain.routers[1].rules("prerouting", "tcp dport 80 drop")
        both(lab, chain, 80, "filtered", "between-hops", 1)
        no_rules(chain.routers[1])
        chain.routers[2].rules("forward", "tcp dport 80 drop")
        document = check(lab, chain.client, f"{SERVER}:80", "filtered", "target")
        # r3 is the last router: from here its drop cannot be told from one at the host.
        assert document["confidence"] in ("likely", "suspected"), document
        no_rules(chain.routers[2])
        chain.server.rules("input", "tcp dport 80 drop")
        both(lab, chain, 80, "filtered", "target", confidence="likely")
        no_rules(chain.server)
        chain.client.rules("output", "tcp dport 80 drop")
        both(lab, chain, 80, "local-firewall", "local")
        no_rules(chain.client)
        chain.client.rules("output", "tcp dport 80 reject")
        check(lab, chain.client, f"{SERVER}:80", "local-firewall", "local", confidence="confirmed")


def silent_hosts(lab):
    """Everything is dropped behind router 2; the neighbour: only the port is."""
    chain = Chain()
    chain.routers[1].rules("forward", "ip daddr 10.99.4.2 drop", "ip6 daddr fd99:4::2 drop")
    both(lab, chain, 80, "silent", "between-hops", 2)
    chain.routers[1].rules("forward", "tcp dport 80 drop")
    both(lab, chain, 80, "filtered", "between-hops", 2)


def neighbours_and_routes(lab):
    chain = Chain()
    near = check(lab, chain.client, "10.99.1.77:80", "dead-neighbour", "neighbour",
                 confidence="confirmed")
    assert near["where"]["address"] == "10.99.1.77", near
    check(lab, chain.client, "192.0.2.1:80", "no-route", "local", confidence="confirmed")
    for kind, net, why in (("unreachable", 5, "no-route"), ("blackhole", 6, "route-forbids"),
                           ("prohibit", 7, "route-forbids")):
        chain.client.run("ip", "route", "add", kind, f"10.{net}.0.0/16")
        check(lab, chain.client, f"10.{net}.0.1:80", why, "local", confidence="confirmed")
    chain.client.run("ip", "route", "add", "10.8.0.0/16", "via", "10.99.1.66")
    gateway = check(lab, chain.client, "10.8.0.1:80", "dead-neighbour", "neighbour")
    assert gateway["where"]["address"] == "10.99.1.66", gateway


def ports_and_queues(lab):
    chain = Chain()
    with listens(chain.server, 80):
        chain.client.sysctl(ip_local_port_range="40000 40001")
        held = [chain.client.connect(SERVER, 80) for _ in range(2)]
        check(lab, chain.client, f"{SERVER}:80", "no-local-port", "local", confidence="confirmed")
        for sock in held:
            sock.close()
    chain.client.sysctl(ip_local_port_range="32768 60999")
    sock = chain.server.listen(90, backlog=1)
    crowd = chain.server.crowd("10.99.4.2", 90, 4)
    # On that machine the queue is seen; from afar a filter at the host looks the same.
    check(lab, chain.server, f"{SERVER}:90", "accept-queue-full", "target", confidence="confirmed")
    document = check(lab, chain.client, f"{SERVER}:90", "filtered", "target", confidence="likely")
    assert "accept queue" in document["sentence"], document
    for one in (*crowd, sock):
        one.close()


def mtu_black_hole(lab):
    """Router 2's way out takes 1400 octets and its ICMP is dropped; the neighbour: ICMP passes."""
    chain = Chain()
    chain.routers[1].run("ip", "link", "set", "net3", "mtu", "1400")
    chain.routers[2].run("ip", "link", "set", "net3", "mtu", "1400")
    with listens(chain.server, 80):
        chain.routers[1].rules("output", "icmp type destination-unreachable drop",
              "icmpv6 type packet-too-big drop")
        both(lab, chain, 80, "mtu-black-hole", "between-hops", 2, "likely")
        no_rules(chain.routers[1])
        both(lab, chain, 80, "ok")


def programs_that_refuse(lab):
    chain = Chain()

    def resets(say, _hear):
        listener = socket.socket()
        listener.bind((SERVER, 91))
        listener.listen()
        say("ready")
        while True:
            sock, _ = listener.accept()
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            sock.close()

    lab.spawn(chain.server, resets).expect("ready")
    check(lab, chain.client, f"{SERVER}:91", "reset-after-accept", "target", confidence="confirmed")
    check(lab, chain.client, f"{SERVER}:92", "refused", "target")


def slow_but_working(lab):
    """The first SYN of every connection is lost; the neighbour: none is."""
    chain = Chain()
    with listens(chain.server, 80):
        # A SYN that comes again within a minute of its first has been seen before.
        chain.routers[1].run("nft", "-f", "-", input=(
            "table inet c {\n"
            "  set seen { type inet_service; flags dynamic, timeout; timeout 60s; }\n"
            "  chain c {\n    type filter hook forward priority 0;\n"
            "    tcp dport 80 tcp flags & (syn | ack) == syn tcp sport != @seen "
            "add @seen { tcp sport } drop\n  }\n}\n"))
        document = check(lab, chain.client, f"{SERVER}:80", "slow", confidence="likely")
        assert document["verdict"] == "warning" and "2 SYNs" in document["sentence"], document
        no_rules(chain.routers[1])
        both(lab, chain, 80, "ok")


def names(lab):
    chain = Chain()
    chain.client.run("true")
    with chain.client:
        result = subprocess.run((lab.program, "check", "--json", "no-such-host.invalid:80"),
                                capture_output=True, text=True, check=False, timeout=60)
    document = json.loads(result.stdout)
    assert document["where"]["kind"] == "name-service" and result.returncode == 2, document
    assert document["why"].startswith("name-"), document


def wrong_usage(lab):
    for args in ((), ("127.0.0.1:0",), ("-4", "-6", "a")):
        result = subprocess.run((lab.program, "check", *args), capture_output=True, text=True,
                                check=False)
        assert result.returncode == 64 and result.stderr, (args, result)
