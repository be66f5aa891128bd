"""`listen`: the same listeners as `ss -ltnp`, what is odd about them, what is new since a baseline,
what the firewall does with them, ports that no table shows, and less to say without rights.

   client 10.1.0.1 ──── 10.1.0.2 server
"""

import collections
import json
import os
import re
import signal
import socket
import subprocess
import tempfile
import time

from actors import never_accepts, serves
from lab import set_comm, wait_until
from own_programs import folder_of_root, make, start, upgrade


def listen(lab, *args, codes=(0,), window="300ms", **kwargs):
    result = lab.tcpdx("listen", "--json", "--for", window, *args, **kwargs)
    assert result.returncode in codes, (result.returncode, result.stderr, result.stdout[:2000])
    return json.loads(result.stdout)


def on(document, namespace, port):
    found = [one for one in document["listeners"]
             if one["netns"] == namespace.inode and one["local"]["port"] == port]
    assert len(found) == 1, (port, found)
    return found[0]


def signs(listener):
    return {one["sign"] for one in listener["signs"]}


def rows_of_ss(namespace):
    rows = collections.Counter()
    for line in namespace.run("ss", "-H", "-ltnp").splitlines():
        _, recv_q, send_q, local, _, *rest = line.split(None, 5)
        address, port = local.rsplit(":", 1)
        owners = re.findall(r'\("([^"]*)",pid=(\d+),fd=(\d+)\)', rest[0] if rest else "")
        rows[(address.strip("[]").replace("*", "::"), int(port), int(recv_q), int(send_q),
              tuple(sorted((comm, int(pid), int(fd)) for comm, pid, fd in owners)))] += 1
    return rows


def rows_of_tcpdx(document, namespace):
    rows = collections.Counter()
    for one in document["listeners"]:
        if one["netns"] == namespace.inode:
            owners = tuple(sorted((o["comm"], o["pid"], o["fd"]) for o in one["owners"]))
            rows[(one["local"]["addr"], one["local"]["port"], one["backlog"]["queued"],
                  one["backlog"]["limit"], owners)] += 1
    return rows


def reuseport(say, hear, port):
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    sock.bind(("0.0.0.0", port))
    sock.listen(8)
    say("ready")
    hear()


def equals_ss(lab):
    set_comm("first owner")
    client, server = lab.pair()
    kept = [server.listen(9000, 300), server.listen(9001, 7, "fd00:1::2", socket.AF_INET6),
            server.listen(9002, 9, "::", socket.AF_INET6), server.listen(9003, 1, "127.0.0.1"),
            client.listen(9000, 3, "10.1.0.1"), client.listen(65535, 5000, "::1",
                                                              socket.AF_INET6)]
    for n in range(3):
        lab.spawn(server, reuseport, 9100, comm=f"worker-{n}").expect("ready")
    waiting = lab.spawn(server, never_accepts, 9010, 64, comm="never")
    waiting.expect("ready")
    clients = [client.connect("10.1.0.2", 9010) for _ in range(5)]
    document = listen(lab)
    for namespace in (client, server):
        ours, theirs = rows_of_tcpdx(document, namespace), rows_of_ss(namespace)
        assert len(theirs) >= 2 and ours == theirs, (ours - theirs, theirs - ours)
    reach = {port: on(document, server, port)["exposure"] for port in (9000, 9001, 9003)}
    assert reach == {9000: "any", 9001: "private", 9003: "loopback"}, reach
    assert on(document, server, 9010)["backlog"]["queued"] == 5
    assert on(document, client, 65535)["backlog"]["clamped"] is True  # 5000 were asked for
    assert on(document, server, 9000)["backlog"]["clamped"] is False
    group = [one for one in document["listeners"] if one["local"]["port"] == 9100]
    assert [one["reuseport"]["members"] for one in group] == [3, 3, 3], group
    one = on(document, server, 9010)
    assert one["exe"] == os.readlink(f"/proc/{waiting.pid}/exe") and one["program"] == "never"
    assert one["since"]["pid"] == waiting.pid and one["uid"] == 0
    # The filter selects, and the table has a line each.
    only = listen(lab, "port 9010 and pid", str(waiting.pid))
    assert [o["local"]["port"] for o in only["listeners"]] == [9010]
    table = lab.tcpdx("listen", "--for", "0s").stdout.splitlines()
    assert sum("0.0.0.0:9100 x3" in line or "0.0.0.0:9100" in line for line in table) in (1, 3)
    del kept, clients


def tells_how_long_a_queue_is_full(lab):
    client, server = lab.pair()
    owner = lab.spawn(server, never_accepts, 9000, 2)
    owner.expect("ready")
    idle = lab.spawn(server, serves, 9001)
    idle.expect("ready")
    clients = client.crowd("10.1.0.2", 9000, 8)
    wait_until(lambda: any(r.recv_q > r.send_q for r in server.sockets("state", "listening")),
               "a full queue")
    document = listen(lab, window="2s")
    full, other = on(document, server, 9000)["backlog"], on(document, server, 9001)["backlog"]
    assert full["full_share"] == 1 and full["drops"] > 0 and full["samples"] >= 3, full
    assert other["full_share"] == 0 and other["drops"] == 0, other
    del clients


def names_odd_signs(lab):
    folder = folder_of_root()
    with tempfile.TemporaryDirectory(dir="/tmp") as writable:
        deleted, upgraded = make(folder, "deleted"), make(folder, "upgraded")
        plain, fake = make(folder, "plain"), make(folder, "fake")
        programs = [start(make(writable, "tool"), "0.0.0.0", 9000),
                    start(deleted, "0.0.0.0", 9001), start(upgraded, "0.0.0.0", 9002),
                    start(plain, "0.0.0.0", 9003),
                    start(fake, "0.0.0.0", 9004, "kworker/0:1"),
                    start(fake, "0.0.0.0", 9005, "mount"), start(deleted, "127.0.0.1", 9006)]
        os.unlink(deleted)
        upgrade(upgraded)
        document = listen(lab)
    wanted = {9000: {"exe-writable"}, 9001: {"exe-deleted"}, 9002: set(), 9003: set(),
              9004: {"name-unlike-exe"}, 9005: {"name-unlike-exe"}, 9006: {"exe-deleted"}}
    found = {port: signs(on(document, lab.here, port)) for port in wanted}
    assert found == wanted, found
    critical = {port for port in wanted
                if any(s["critical"] for s in on(document, lab.here, port)["signs"])}
    assert critical == {9000, 9001}, critical
    assert on(document, lab.here, 9001)["exe"] == deleted
    text = lab.tcpdx("listen", "--for", "0s").stdout
    assert "0.0.0.0:9001: its program file /mnt/deleted was deleted" in text, text
    for one in programs:
        one.kill()


def compares_with_a_baseline(lab):
    """A restart is no change; a new port, one that is gone and another program are."""
    folder = folder_of_root()
    good = make(folder, "good")
    other = make(folder, "other")
    client, server = lab.pair()
    running = {port: start(good, "0.0.0.0", port) for port in (9000, 9001)}
    lab.spawn(server, serves, 9000).expect("ready")
    path = "/run/baseline.json"
    listen(lab, "--learn", path)
    assert {e["namespace"] for e in json.load(open(path, encoding="ascii"))["listeners"]} == {
        "host", "server"}
    assert listen(lab, "--baseline", path)["changes"] == []
    for port, process in list(running.items()):
        process.kill()
        process.wait()
        running[port] = start(good, "0.0.0.0", port)
    assert listen(lab, "--baseline", path)["changes"] == []

    def changes():
        document = listen(lab, "--baseline", path, codes=(1,))
        return [(c["change"], c["namespace"], c["local"]["port"]) for c in document["changes"]]

    running[9100] = start(good, "0.0.0.0", 9100)
    assert changes() == [("new", "host", 9100)], changes()
    running[9001].kill()
    running[9001].wait()
    assert changes() == [("gone", "host", 9001), ("new", "host", 9100)], changes()
    running[9001] = start(other, "0.0.0.0", 9001)
    assert changes() == [("changed", "host", 9001), ("new", "host", 9100)], changes()
    extra = client.listen(9200)
    assert ("new", "client", 9200) in changes()
    text = lab.tcpdx("listen", "--for", "0s", "--baseline", path)
    assert text.returncode == 1 and "changed   0.0.0.0:9001" in text.stdout, text
    os.unlink(other)  # and now its program is gone: critical
    listen(lab, "--baseline", path, codes=(2,))
    listen(lab, "--learn", path)  # what was learned is accepted
    listen(lab, "--baseline", path, codes=(0,))
    for process in running.values():
        process.kill()
    del extra


def refuses_a_damaged_baseline(lab):
    path = "/run/damaged.json"
    for text in ("", "{}", "[]", '{"tcpdx_baseline": 99}', '{"tcpdx_baseline": 1, "host": 3}'):
        with open(path, "w", encoding="ascii") as file:
            file.write(text)
        result = lab.tcpdx("listen", "--baseline", path)
        assert result.returncode == 3 and path in result.stderr and not result.stdout, result
    for missing in ("/run/nowhere.json", "/run", "/dev/zero"):
        assert lab.tcpdx("listen", "--baseline", missing).returncode == 3
        assert lab.tcpdx("doctor", "--for", "0s", "--baseline", missing).returncode == 3
    assert lab.tcpdx("listen", "--learn", path, "port", "80").returncode == 64
    assert lab.tcpdx("listen", "--for", "0s", "--learn", "/run/no/folder").returncode == 3


RULES = """
table inet filter {
  set allowed { type inet_service; flags interval; elements = { 9001, 9100-9110 } }
  chain input { type filter hook input priority 0; policy drop;
    ct state vmap { established : accept, related : accept, invalid : drop }
    iif lo accept
    tcp dport { 9000, 9050-9060 } accept
    tcp dport @allowed accept
    ip saddr 10.1.0.1 tcp dport 9002 accept
    tcp dport 9003 reject with tcp reset
  }
}
"""


def tells_what_the_firewall_does(lab):
    """Held against what a client sees."""
    client, server = lab.pair()
    for port in (9000, 9001, 9002, 9003, 9004):
        lab.spawn(server, serves, port).expect("ready")
    kept = server.listen(9005, 8, "127.0.0.1")
    before = listen(lab)
    assert {one["firewall"]["verdict"] for one in before["listeners"]
            if one["netns"] == server.inode} == {"open"}
    server.run("nft", "-f", "-", input=RULES)
    document = listen(lab)
    firewall = {port: on(document, server, port)["firewall"] for port in range(9000, 9006)}
    verdicts = {port: one["verdict"] for port, one in firewall.items()}
    assert verdicts == {9000: "open", 9001: "open", 9002: "depends", 9003: "rejected",
                        9004: "dropped", 9005: "open"}, firewall
    assert firewall[9004]["text"] == "dropped by inet filter input", firewall
    assert "ip saddr" in firewall[9002]["text"], firewall

    def reached(port):
        with client:
            sock = socket.socket()
        sock.settimeout(0.5)
        try:
            sock.connect(("10.1.0.2", port))
            return "open"
        except ConnectionRefusedError:
            return "rejected"
        except OSError:
            return "dropped"

    for port in (9000, 9001, 9003, 9004):
        assert reached(port) == verdicts[port], (port, reached(port), verdicts[port])
    del kept


def finds_nothing_hidden_among_sockets_of_every_kind(lab):
    """Ports that are held by what does not listen: bound, calling, in TIME-WAIT, and busy ones."""
    client, server = lab.pair()
    owner = lab.spawn(server, serves, 9000)
    owner.expect("ready")
    kept = [client.connect("10.1.0.2", 9000) for _ in range(30)]
    client.connect("10.1.0.2", 9000).close()
    for family, address in ((socket.AF_INET, "0.0.0.0"), (socket.AF_INET6, "fd00:1::2"),
                            (socket.AF_INET, "127.0.0.1")):
        with server:
            sock = socket.socket(family)
        sock.bind((address, 7000 + len(kept)))  # neither listens nor connects
        kept.append(sock)
    storm = lab.spawn(client, calls_for_ever, "10.1.0.2", 9000, comm="client")
    before = [row.local for row in server.sockets("state", "listening")]
    document = listen(lab, "--hidden")
    assert document["hidden"] == [], document
    assert before == [row.local for row in server.sockets("state", "listening")]
    assert "no hidden port was found" in lab.tcpdx("listen", "--for", "0s", "--hidden").stdout
    del storm


def calls_for_ever(_say, _hear, address, port):
    while True:
        socket.create_connection((address, port)).close()
        time.sleep(0.005)


def says_less_without_rights(lab):
    client, server = lab.pair()
    owner = lab.spawn(lab.here, serves, 9000, comm="rooted")
    owner.expect("ready")
    lab.spawn(server, serves, 9001).expect("ready")
    path = "/run/baseline.json"
    listen(lab, "--learn", path)
    os.chmod(path, 0o644)
    nobody = ("setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups")
    document = listen(lab, wrapper=nobody)
    one = on(document, lab.here, 9000)
    assert one["owners"] == [] and one["exe"] is None and one["since"] is None, one
    assert one["uid"] == 0 and one["backlog"]["limit"] == 64 and one["signs"] == [], one
    assert one["firewall"] == {"verdict": "unknown", "text": "unknown: needs CAP_NET_ADMIN"}, one
    assert all(o["netns"] == lab.here.inode for o in document["listeners"])
    assert any("CAP_SYS_PTRACE" in (m["needs"] or "") for m in document["missing"]), document
    # What it cannot see it does not call gone, and does not call the same either.
    document = listen(lab, "--baseline", path, wrapper=nobody, codes=(3,))
    assert document["changes"] == [] and document["not_compared"], document
    del client


def ends_at_once_on_an_interrupt(lab):
    process = subprocess.Popen([lab.program, "listen", "--for", "60s"], stdout=subprocess.PIPE,
                               text=True)
    time.sleep(1)
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate(timeout=20)
    assert "Address" in output and process.returncode == 0, (output, process.returncode)
