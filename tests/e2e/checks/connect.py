"""`connect`: each way in which a connection fails, made for real, and its neighbour with the same
errno.

   client 10.1.0.1 ──── 10.1.0.2 router 10.2.0.1 ──── 10.2.0.2 server
"""

import json
import socket
import subprocess

from lab import NOBODY, Namespace, run
from schemas import assert_valid


def scene(_lab):
    client, router, server = Namespace("client"), Namespace("router"), Namespace("server")
    for a, b, net in ((client, router, 1), (router, server, 2)):
        run("ip", "link", "add", "x", "netns", a.name, "type", "veth", "peer", "y", "netns", b.name)
        for end, name, host in ((a, "x", 1), (b, "y", 2)):
            new = f"net{net}"
            end.run("ip", "link", "set", name, "name", new)
            end.run("ip", "addr", "add", f"10.{net}.0.{host}/24", "dev", new)
            end.run("ip", "addr", "add", f"fd0{net}::{host}/64", "dev", new, "nodad")
            end.run("ip", "link", "set", new, "up")
    router.run("sysctl", "-qw", "net.ipv4.ip_forward=1", "net.ipv6.conf.all.forwarding=1")
    client.run("ip", "route", "add", "default", "via", "10.1.0.2")
    client.run("ip", "route", "add", "default", "via", "fd01::2")
    server.run("ip", "route", "add", "default", "via", "10.2.0.1")
    server.run("ip", "route", "add", "default", "via", "fd02::1")
    return client, router, server


def connect(lab, client, target, *args, code=3, prefix=()):
    with client:
        command = (*prefix, lab.program, "connect", "--json", "--timeout", "4s", target, *args)
        result = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert result.returncode == code, (target, result.returncode, result.stdout, result.stderr)
    document = json.loads(result.stdout)
    assert_valid("connect", document)
    attempt = document["attempts"][0]
    attempt["facts"] = {one["fact"]: one["value"] for one in attempt["evidence"]}
    return attempt


def connects_and_agrees(lab):
    client, _, server = scene(lab)
    listener = server.listen(80)
    attempt = connect(lab, client, "10.2.0.2:80", code=0)
    assert attempt["result"] == "ok" and attempt["facts"]["snd_mss"] == 1448, attempt
    assert attempt["facts"]["ending"] == "closed-by-us", attempt
    assert connect(lab, client, "10.2.0.2:80", code=0, prefix=NOBODY)["result"] == "ok"
    listener.close()


def refusals_and_rejections_differ(lab):
    """A closed port; a router that prohibits; a router that sends the RST; the server's rules."""
    client, router, server = scene(lab)
    for target in ("10.2.0.2:81", "[fd02::2]:81"):
        assert connect(lab, client, target)["result"] == "refused", target
    router.rules("forward", "tcp dport 82 reject with icmpx admin-prohibited",
          "tcp dport 83 reject with tcp reset")
    attempt = connect(lab, client, "10.2.0.2:82")
    assert attempt["result"] == "rejected-by-icmp", attempt
    facts = attempt["facts"]
    assert facts["offender"] == "10.1.0.2" and facts["icmp"] == "3/13", attempt
    six = connect(lab, client, "[fd02::2]:82")
    assert six["result"] == "rejected-by-icmp" and six["facts"]["icmp"] == "1/1", six
    # A RST from a box looks like the host's own: no more is claimed.
    box = connect(lab, client, "10.2.0.2:83")
    assert box["result"] == "refused" and "a box on the way" in box["sentence"], box
    server.rules("input", "tcp dport 84 reject")
    own = connect(lab, client, "10.2.0.2:84")
    assert own["result"] == "rejected-by-icmp" and "own rules" in own["sentence"], own


def silence_and_dead_neighbours_differ(lab):
    client, router, _ = scene(lab)
    router.rules("forward", "tcp dport 85 drop")
    attempt = connect(lab, client, "10.2.0.2:85")
    assert attempt["result"] == "silent" and attempt["facts"]["syn_repeats"] >= 2, attempt
    near = connect(lab, client, "10.1.0.77:80")
    assert near["result"] == "dead-neighbour", near
    far = connect(lab, client, "10.2.0.77:80")
    assert far["result"] == "far-neighbour-dead" and far["facts"]["offender"] == "10.1.0.2", far


def own_routes_are_told_apart(lab):
    client, _, _ = scene(lab)
    for kind, net, want in (("unreachable", 5, "no-route"), ("blackhole", 6, "route-forbids"),
                            ("prohibit", 7, "route-forbids")):
        client.run("ip", "route", "add", kind, f"10.{net}.0.0/16")
        assert connect(lab, client, f"10.{net}.0.1:80")["result"] == want, kind
    client.run("ip", "route", "del", "default")
    assert connect(lab, client, "192.0.2.1:80")["result"] == "no-route"


def own_firewall_and_ports(lab):
    client, _, server = scene(lab)
    listener = server.listen(80)
    client.rules("output", "tcp dport 86 reject")
    assert connect(lab, client, "10.2.0.2:86")["result"] == "local-firewall"
    client.sysctl(ip_local_port_range="40000 40001")
    held = [client.connect("10.2.0.2", 80) for _ in range(2)]
    assert connect(lab, client, "10.2.0.2:80")["result"] == "no-local-port"
    for sock in (*held, listener):
        sock.close()


def ends_are_told_apart(lab):
    """A program that resets, one that closes, one that answers."""
    client, _, server = scene(lab)

    def resets(say, _hear):
        listener = socket.socket()
        listener.bind(("10.2.0.2", 90))
        listener.listen()
        say("ready")
        while True:
            sock, _ = listener.accept()
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            sock.close()

    def closes(say, _hear):
        listener = socket.socket()
        listener.bind(("10.2.0.2", 91))
        listener.listen()
        say("ready")
        while True:
            listener.accept()[0].close()

    def answers(say, _hear):
        listener = socket.socket()
        listener.bind(("10.2.0.2", 92))
        listener.listen()
        say("ready")
        while True:
            sock, _ = listener.accept()
            if sock.recv(100) == b"ping\n":
                sock.sendall(b"pong\n")
            sock.close()

    for work in (resets, closes, answers):
        lab.spawn(server, work).expect("ready")
    assert connect(lab, client, "10.2.0.2:90")["result"] == "reset-after-accept"
    assert connect(lab, client, "10.2.0.2:91")["result"] == "closed-after-accept"
    good = connect(lab, client, "10.2.0.2:92", "--send", r"ping\n", "--expect", "pong", code=0)
    assert good["facts"]["answer"] == "pong\n" and good["facts"]["as_expected"] is True, good
    bad = connect(lab, client, "10.2.0.2:92", "--send", r"ping\n", "--expect", "hello")
    assert bad["facts"]["as_expected"] is False, bad


def wrong_usage(lab):
    for args in ((), ("host",), ("127.0.0.1:0",), ("127.0.0.1:1", "-c", "0")):
        result = subprocess.run((lab.program, "connect", *args), capture_output=True, text=True,
                                check=False)
        assert result.returncode == 64 and result.stderr, (args, result)
