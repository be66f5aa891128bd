"""`dns` against name servers of the test's own, each with a fault that must be found, and without.

   this host ── lo: servers 127.0.0.2, 127.0.0.3 port 53; /etc/resolv.conf, /etc/hosts and
                    /etc/nsswitch.conf are the sandbox's own
"""

import json
import os
import socket
import struct
import subprocess
import tempfile
import threading

from schemas import assert_valid

NAME = "db.example"
A, AAAA, OPT = 1, 28, 41


def encoded(name):
    return b"".join(bytes([len(part)]) + part.encode() for part in name.split(".")) + b"\0"


def question_of(query):
    """(octets of the question, name, type)."""
    at, labels = 12, []
    while query[at]:
        labels.append(query[at + 1:at + 1 + query[at]].decode())
        at += query[at] + 1
    kind = struct.unpack("!H", query[at + 1:at + 3])[0]
    return query[12:at + 5], ".".join(labels).lower(), kind


class Server:
    """Answers for NAME; `code`, `extended` and `cut` are what it does wrong."""

    def __init__(self, address, ipv4="10.9.9.9", ipv6=None, code=0, extended=None, cut=False,
                 transports=("udp", "tcp"), known=(NAME,)):
        self.data = {A: ipv4 and socket.inet_aton(ipv4),
                     AAAA: ipv6 and socket.inet_pton(socket.AF_INET6, ipv6)}
        self.code, self.extended, self.cut, self.known = code, extended, cut, known
        self.socks = []
        if "udp" in transports:
            self.start(address, socket.SOCK_DGRAM, self.serve_udp)
        if "tcp" in transports:
            self.start(address, socket.SOCK_STREAM, self.serve_tcp)

    def start(self, address, kind, serve):
        sock = socket.socket(socket.AF_INET, kind)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind((address, 53))
        self.socks.append(sock)
        threading.Thread(target=serve, args=(sock,), daemon=True).start()

    def answer(self, query, udp):
        question, name, kind = question_of(query)
        data = self.data.get(kind) if name in self.known and not self.code else None
        code = self.code or (0 if name in self.known else 3)
        cut = udp and self.cut
        edns = b"" if self.extended is None else (
            b"\0" + struct.pack("!HHIHHHH", OPT, 1232, 0, 6, 15, 2, self.extended))
        records = b"" if not data or cut else (
            b"\xc0\x0c" + struct.pack("!HHIH", kind, 1, 60, len(data)) + data)
        flags = 0x8180 | (0x0200 if cut else 0) | code
        counts = struct.pack("!HHHHH", flags, 1, bool(records), 0, bool(edns))
        return query[:2] + counts + question + records + edns

    def serve_udp(self, sock):
        while True:
            query, peer = sock.recvfrom(2000)
            sock.sendto(self.answer(query, True), peer)

    def serve_tcp(self, sock):
        sock.listen(16)
        while True:
            peer, _ = sock.accept()
            with peer:
                length = peer.recv(2, socket.MSG_WAITALL)
                if len(length) == 2:
                    query = peer.recv(struct.unpack("!H", length)[0], socket.MSG_WAITALL)
                    reply = self.answer(query, False)
                    peer.sendall(struct.pack("!H", len(reply)) + reply)


def settle(servers=("127.0.0.2", "127.0.0.3"), hosts="127.0.0.1 localhost\n", options="timeout:1"):
    """This sandbox's own files of the resolver."""
    files = {"/etc/resolv.conf": "".join(f"nameserver {one}\n" for one in servers) +
                                 f"options {options}\n",
             "/etc/hosts": hosts, "/etc/nsswitch.conf": "hosts: files dns\n"}
    for path, text in files.items():
        with tempfile.NamedTemporaryFile("w", delete=False, encoding="ascii") as file:
            file.write(text)
        os.chmod(file.name, 0o644)
        subprocess.run(("mount", "--bind", file.name, os.path.realpath(path)), check=True)


def look(lab, *args, code=0):
    result = subprocess.run((lab.program, "dns", "--json", "--timeout", "700ms", *args),
                            capture_output=True, text=True, check=False, timeout=60)
    assert result.returncode == code, (args, result.returncode, result.stdout, result.stderr)
    document = json.loads(result.stdout)
    assert_valid("dns", document)
    return document, {one["id"] for one in document["findings"]}


def healthy_servers_have_no_finding(lab):
    settle()
    for address in ("127.0.0.2", "127.0.0.3"):
        Server(address)
    document, findings = look(lab, NAME)
    assert not findings, document["findings"]
    assert document["system"]["addresses"] == ["10.9.9.9"], document["system"]
    data = [one["answers"][0]["data"] for one in document["servers"] if one["answers"]]
    assert data == ["10.9.9.9"] * 4, document["servers"]
    text = subprocess.run((lab.program, "dns", NAME), capture_output=True, text=True, check=True)
    assert "10.9.9.9 (60 s)" in text.stdout, text.stdout


def silent_first_server_is_found(lab):
    settle()
    quiet = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    quiet.bind(("127.0.0.2", 53))  # takes questions, says nothing
    held = socket.socket()
    held.bind(("127.0.0.2", 53))
    Server("127.0.0.3")
    document, findings = look(lab, NAME)
    assert "first-server-silent" in findings, document["findings"]
    assert document["system"]["duration_us"] > 900000, document["system"]
    quiet.close()
    # Its neighbour: a closed port is answered by ICMP, and the next server is asked at once.
    document, findings = look(lab, NAME)
    assert "first-server-silent" not in findings, document["findings"]
    held.close()


def servers_that_fail_are_told_apart(lab):
    settle(("127.0.0.2",))
    server = Server("127.0.0.2", code=2)
    assert "server-fails" in look(lab, NAME, code=3)[1]
    server.extended = 6
    findings = look(lab, NAME, code=3)[1]
    assert "dnssec-bogus" in findings and "server-fails" not in findings, findings
    server.extended, server.code = None, 5
    assert "server-refuses" in look(lab, NAME, code=3)[1]
    server.code = 0
    assert not look(lab, NAME)[1]
    assert not look(lab, "no-such.example", code=3)[1]


def transports_are_told_apart(lab):
    settle(("127.0.0.2",))
    server = Server("127.0.0.2", transports=("udp",))
    assert look(lab, NAME)[1] == {"tcp-blocked"}
    server.cut = True
    assert "tcp-blocked-and-needed" in look(lab, NAME, code=3)[1]
    Server("127.0.0.4", transports=("tcp",))
    assert "udp-lost" in look(lab, NAME, "@127.0.0.4")[1]


def answers_that_differ_are_named(lab):
    settle()
    Server("127.0.0.2")
    other = Server("127.0.0.3", ipv4="10.9.9.8")
    assert look(lab, NAME)[1] == {"servers-differ"}
    other.data[A] = socket.inet_aton("10.9.9.9")
    assert not look(lab, NAME)[1]


def hosts_file_and_search_list(lab):
    settle(("127.0.0.2",), hosts=f"10.0.0.99 {NAME}\n10.0.0.98 only.example\n",
           options="timeout:1 ndots:3\nsearch a.example b.example")
    Server("127.0.0.2")
    document, findings = look(lab, NAME)
    assert findings == {"hosts-file-overrides", "long-search"}, findings
    assert document["system"]["addresses"] == ["10.0.0.99"], document["system"]
    assert document["search"] == [f"{NAME}.a.example", f"{NAME}.b.example", NAME]
    assert "hosts-file-only" in look(lab, "only.example")[1]


def ipv6_without_a_route_is_named(lab):
    settle(("127.0.0.2",))
    Server("127.0.0.2", ipv6="2001:db8::9")
    assert "aaaa-without-route" in look(lab, NAME)[1]
    lab.here.run("ip", "-6", "route", "add", "2001:db8::/32", "dev", "lo")
    assert not look(lab, NAME)[1]


def wrong_usage(lab):
    settle(("127.0.0.2",))
    for args in ((), ("a", "b"), ("-t", "NONSENSE", "a"), ("@127.0.0.2",)):
        result = subprocess.run((lab.program, "dns", *args), capture_output=True, text=True,
                                check=False)
        assert result.returncode == 64 and result.stderr, (args, result)
    assert look(lab, "a..b", code=3)[0]["servers"][0]["error"].startswith("that is no name")
