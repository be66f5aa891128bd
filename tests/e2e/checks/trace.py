"""`trace`: each kind of event made for real in namespaces, with its program and addresses; the
whole story of a connection; filters, limits, lives, floods, and what is said without rights.
"""

import contextlib
import os
import socket
import subprocess
import time

from actors import listener
from lab import NOBODY, wait_until
from tracing import Trace


def close_abruptly(sock):
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    sock.close()


def serves_one(say, hear, port):
    sock = listener(port, 8)
    say("ready")
    connection, _ = sock.accept()
    connection.recv(10)
    say("got")
    while hear() != "close":
        pass
    connection.close()
    say("closed")
    hear()


def calls(say, hear, address, port):
    hear()
    sock = socket.create_connection((address, port))
    sock.sendall(b"hello")
    say("sent")
    hear()
    sock.close()
    say("closed")
    hear()


def whole_story(lab):
    """Both ends of a connection from CLOSED to the end, with the right program at each step."""
    client, server = lab.pair()
    serving = lab.spawn(server, serves_one, 9000, comm="serving")
    serving.expect("ready")
    calling = lab.spawn(client, calls, "10.1.0.2", 9000, comm="calling")
    with Trace(lab, "port", "9000") as trace:
        calling.tell("go")
        serving.expect("got")
        calling.tell("close")
        calling.expect("closed")
        serving.tell("close")
        serving.expect("closed")
    assert trace.code == 0, trace.err
    opens = trace.the("state", to="SYN-SENT")
    assert (opens["from"], opens["owner"]["comm"], opens["owner"]["pid"]) == (
        "CLOSED", "calling", calling.pid), opens
    assert opens["local"]["port"] != 0 and opens["remote"] == {"addr": "10.1.0.2", "port": 9000}
    assert opens["netns"] == client.inode and opens["netns_name"] == "client"
    steps = trace.steps(opens["cookie"])
    assert steps == [("CLOSED", "SYN-SENT"), ("SYN-SENT", "ESTABLISHED"),
                     ("ESTABLISHED", "FIN-WAIT-1"), ("FIN-WAIT-1", "FIN-WAIT-2"),
                     ("FIN-WAIT-2", "CLOSED"), ("FIN-WAIT-2", "TIME-WAIT")], steps
    assert trace.the("state", to="TIME-WAIT")["joined"] is True
    accepted = trace.the("state", **{"from": "LISTEN"})
    assert trace.steps(accepted["cookie"]) == [
        ("LISTEN", "SYN-RECEIVED"), ("SYN-RECEIVED", "ESTABLISHED"), ("ESTABLISHED", "CLOSE-WAIT"),
        ("CLOSE-WAIT", "LAST-ACK"), ("LAST-ACK", "CLOSED")]
    for event in trace.events:
        owner = serving if event["netns"] == server.inode else calling
        assert event["owner"]["pid"] == owner.pid, event
    connect = trace.the("connect")
    assert "error" not in connect and 0 < connect["duration_us"] < 10_000_000, connect


def time_wait_ends(lab):
    """The last step of a connection, a minute later, is joined."""
    client, server = lab.pair()
    sock = server.listen(9000)
    with Trace(lab, "--events", "state", "src", "port", "9000") as trace:
        one = client.connect("10.1.0.2", 9000)
        other, _ = sock.accept()
        other.close()
        one.close()
        wait_until(lambda: not server.sockets("state", "time-wait"), "the end", seconds=90)
        time.sleep(2)
    last = [e for e in trace.events if e.get("joined")][-1]
    assert (last["from"], last["to"]) == ("TIME-WAIT", "CLOSED"), trace.events


def older_than_the_trace(lab):
    """A connection that was there before has its program from the first event on."""
    client, server = lab.pair()
    serving = lab.spawn(server, serves_one, 9000, comm="serving")
    serving.expect("ready")
    calling = lab.spawn(client, calls, "10.1.0.2", 9000, comm="calling")
    calling.tell("go")
    serving.expect("got")
    with Trace(lab) as trace:
        calling.tell("close")
        calling.expect("closed")
        serving.tell("close")
        serving.expect("closed")
    states = trace.of("state")
    assert len(states) >= 6, trace.events
    for event in states:
        owner = serving if event["netns"] == server.inode else calling
        assert event["owner"]["pid"] == owner.pid, event


def connects_that_fail(lab):
    """Refused, unanswered and given up, without a free port: each with its errno and its time."""
    client, server = lab.pair()
    server.drop("tcp dport 9001")
    client.sysctl(ip_local_port_range="50000\t50001")
    server_sock = server.listen(9002)
    with Trace(lab, "--events", "connect,reset-sent,reset-received,drop,retransmit") as trace:
        with contextlib.suppress(ConnectionRefusedError):
            client.connect("10.1.0.2", 9000)
        quiet = client.connect("10.1.0.2", 9001, wait=False)
        wait_until(lambda: client.counter("TcpExt.TCPSynRetrans"), "a SYN that goes again")
        quiet.close()
        kept = [client.connect("10.1.0.2", 9002) for _ in range(2)]
        with contextlib.suppress(OSError):
            client.connect("10.1.0.2", 9002)
    refused = trace.the("connect", error="ECONNREFUSED")
    assert refused["remote"]["port"] == 9000 and refused["duration_us"] < 5_000_000, refused
    assert refused["owner"]["pid"] == os.getpid(), refused
    sent = trace.the("reset-sent")
    assert sent["reason"] == "NO_SOCKET" and sent["remote"] == refused["local"], sent
    assert sent["netns"] == server.inode and sent["cookie"] is None, sent
    assert trace.the("reset-received")["from"] == "SYN-SENT"
    abandoned = trace.the("connect", error="ECANCELED")
    assert abandoned["duration_us"] >= 900_000, abandoned
    assert trace.the("connect", error="EADDRNOTAVAIL")["remote"]["port"] == 9002
    assert trace.of("retransmit", retransmit="syn"), trace.events
    dropped = [e for e in trace.of("drop", reason="NETFILTER_DROP") if e["local"]["port"] == 9001]
    assert dropped and dropped[0]["netns"] == server.inode, trace.events
    assert len(kept) == 2 and server_sock


def resets(lab):
    """Closed with unread data, with SO_LINGER 0: the kernel's reason, and whose it was."""
    client, server = lab.pair()
    sock = server.listen(9000)
    with Trace(lab, "--events", "reset-sent,reset-received") as trace:
        one = client.connect("10.1.0.2", 9000)
        other, _ = sock.accept()
        one.sendall(b"not read")
        wait_until(lambda: server.sockets("( sport = :9000 )")[-1].recv_q, "data")
        other.close()
        wait_until(lambda: not client.sockets("state", "established"), "the reset")
        one.close()
        close_abruptly(client.connect("10.1.0.2", 9000))
    reasons = {e["netns"]: e.get("reason") for e in trace.of("reset-sent")}
    assert reasons[server.inode] == "TCP_ABORT_ON_CLOSE", trace.events
    assert client.inode in reasons, trace.events
    assert all(e["owner"]["pid"] == os.getpid() for e in trace.of("reset-sent")), trace.events
    assert {e["netns"] for e in trace.of("reset-received")} == {client.inode, server.inode}


def lost_segments(lab):
    """Tail loss probe and timeout; SYN-ACKs that go again, and the request behind them."""
    client, server = lab.pair()
    sock = server.listen(9000)
    one = client.connect("10.1.0.2", 9000)
    other, _ = sock.accept()
    other.sendall(b"warm")
    one.recv(10)
    server.drop("tcp dport 9000")
    with Trace(lab, "--events", "retransmit") as trace:
        one.sendall(b"x" * 2000)
        wait_until(lambda: client.counter("TcpExt.TCPTimeouts"), "a timeout")
    kinds = {e["retransmit"] for e in trace.of("retransmit")}
    assert "timeout" in kinds and "tail-loss-probe" in kinds, kinds
    server.drop()
    one.close()
    client.drop("tcp sport 9001")
    second = server.listen(9001)
    with Trace(lab, "--events", "retransmit,state", "port", "9001", settle=2.5) as trace:
        half = client.connect("10.1.0.2", 9001, wait=False)
        wait_until(lambda: server.counter("TcpExt.TCPSynRetrans"), "a SYN-ACK that goes again")
    assert trace.of("retransmit", retransmit="syn-ack", netns=server.inode), trace.events
    begun = trace.of("state", to="SYN-RECEIVED", joined=True)
    assert len(begun) == 1 and begun[0]["netns"] == server.inode, trace.events
    assert half and second


def queues_and_windows(lab):
    """A full accept queue, a window that closes at both ends: joined from counters and looks."""
    client, server = lab.pair()
    full = server.listen(9000, backlog=1)
    with Trace(lab, "--events", "accept-drop,zero-window", settle=4) as trace:
        waiting = client.crowd("10.1.0.2", 9000, 5)
        sock = server.listen(9001)
        one = client.connect("10.1.0.2", 9001)
        other, _ = sock.accept()
        one.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            while True:
                one.send(b"x" * 65536)
        wait_until(lambda: client.counter("TcpExt.TCPWinProbe"), "a probe of the window")
    drop = trace.of("accept-drop")
    assert drop and drop[0]["local"]["port"] == 9000 and drop[0]["joined"], trace.events
    assert drop[0]["owner"]["pid"] == os.getpid(), drop
    remote = trace.the("zero-window", reason="remote")
    assert remote["netns"] == client.inode and remote["remote"]["port"] == 9001, remote
    assert full and waiting and other


def failed_binds(lab):
    """An address in use, one that is not here; only when asked for."""
    with lab.here:
        taken = socket.create_server(("127.0.0.1", 9000))
    with Trace(lab, "--events", "bind-failed") as trace:
        for family, address in ((socket.AF_INET, ("127.0.0.1", 9000)),
                                (socket.AF_INET6, ("2001:db8::1", 9001))):
            with contextlib.suppress(OSError), socket.socket(family) as sock:
                sock.bind(address)
    used = trace.the("bind-failed", error="EADDRINUSE")
    assert used["local"] == {"addr": "127.0.0.1", "port": 9000}, used
    assert used["owner"]["pid"] == os.getpid(), used
    elsewhere = trace.the("bind-failed", error="EADDRNOTAVAIL")
    assert elsewhere["local"] == {"addr": "2001:db8::1", "port": 9001}, elsewhere
    assert taken


def lives(lab):
    """One line for each connection that ends, with and without BPF: who, how much, how long."""
    client, server = lab.pair()
    sock = server.listen(9000)

    def one_connection():
        one = client.connect("10.1.0.2", 9000)
        other, _ = sock.accept()
        one.sendall(b"x" * 1000)
        wait_until(lambda: other.recv(1000, socket.MSG_PEEK), "data")
        other.recv(1000)
        other.sendall(b"y" * 3000)
        one.recv(3000, socket.MSG_WAITALL)
        one.close()
        wait_until(lambda: server.sockets("state", "close-wait"), "the end of file")
        other.close()

    with Trace(lab, "--life") as trace:
        one_connection()
    ours = trace.the("life", netns=client.inode)
    assert (ours["opened"], ours["closed_by"], ours["last_state"]) == (
        "active", "local", "FIN-WAIT-2"), ours
    assert (ours["bytes_sent"], ours["bytes_received"]) == (1000, 3000), ours
    theirs = trace.the("life", netns=server.inode)
    assert (theirs["opened"], theirs["closed_by"], theirs["last_state"]) == (
        "passive", "remote", "LAST-ACK"), theirs
    assert (theirs["bytes_sent"], theirs["bytes_received"]) == (3000, 1000), theirs
    assert ours["duration_us"] > 0 and ours["rtt_us"] > 0 and ours["retransmits"] == 0, ours
    assert ours["owner"]["pid"] == os.getpid(), ours

    nobody = subprocess.run([*NOBODY, lab.program, "trace"], capture_output=True, text=True,
                            check=False, timeout=60)
    assert nobody.returncode == 3 and "CAP_BPF" in nobody.stderr, nobody
    assert "--life" in nobody.stderr and nobody.stdout == "", nobody
    with lab.here:
        here = socket.create_server(("127.0.0.1", 9005))
    with Trace(lab, "--life", wrapper=NOBODY) as trace:
        with lab.here:
            one = socket.create_connection(("127.0.0.1", 9005))
        other, _ = here.accept()
        one.sendall(b"x" * 10)
        other.recv(10)
        one.close()
        other.close()
    life = trace.the("life", remote={"addr": "127.0.0.1", "port": 9005})
    assert life["duration_us"] is None and life["bytes_sent"] == 10, life
    assert "CAP_BPF" in trace.said, trace.said


def filters_and_limits(lab):
    """FILTER before and behind the kernel, --count, --for, --summary, wrong words, a table."""
    client, server = lab.pair()
    socks = [server.listen(9000), server.listen(9001)]

    def both():
        for sock, port in zip(socks, (9000, 9001)):
            one = client.connect("10.1.0.2", port)
            other, _ = sock.accept()
            one.close()
            other.close()

    for words, expected in ((("port", "9000"), {9000}), (("not", "port", "9000"), {9001}),
                            (("host", "10.1.0.2", "and", "port", "9001"), {9001}),
                            (("pid", str(os.getpid()), "and", "port", "9000"), {9000}),
                            (("netns", "client"), {9000, 9001}), (("comm", "nobody"), set())):
        with Trace(lab, *words, settle=0.5) as trace:
            both()
        seen = {port for e in trace.of("state") for port in (e["local"]["port"],
                                                             e["remote"]["port"])}
        assert seen & {9000, 9001} == expected, (words, seen)
    with Trace(lab, "--count", "3", settle=0) as trace:
        both()
        trace.process.wait(timeout=20)
    assert trace.code == 0 and len(trace.events) == 3, trace.events
    assert lab.tcpdx("trace", "--for", "0.3").returncode == 0
    for words in (("port",), ("cgroup", "/x"), ("--events", "nonsense"), ("--for", "soon")):
        assert lab.tcpdx("trace", *words).returncode == 64, words
    with Trace(lab, "--summary", settle=0.5) as trace:
        both()
    row = next(r for r in trace.the("summary")["rows"] if r["port"] == 9000 and r["way"] == "out")
    assert row["opened"] == 1 and row["failed"] == 0 and row["owner"]["pid"] == os.getpid(), row
    with Trace(lab, settle=0.5, json_lines=False) as trace:
        both()
    assert "ESTABLISHED → FIN-WAIT-1" in trace.out and "connected in" in trace.out, trace.out


def flood(lab):
    """Thousands of connections: nothing is lost, the memory is bounded, Ctrl-C ends at once."""
    with lab.here:
        sock = socket.create_server(("127.0.0.1", 9000), backlog=4096)
    count = 5000
    with Trace(lab, "--events", "state", "port", "9000") as trace:
        for _ in range(count):
            with lab.here:
                one = socket.create_connection(("127.0.0.1", 9000))
            other, _ = sock.accept()
            close_abruptly(one)
            other.close()
        with open(f"/proc/{trace.process.pid}/status", encoding="ascii") as status:
            peak = next(int(line.split()[1]) for line in status if line.startswith("VmHWM"))
    assert trace.code == 0 and not trace.of("lost"), trace.err
    opened = trace.of("state", to="SYN-SENT")
    assert len(opened) == count, len(opened)
    assert all(e["owner"]["pid"] == os.getpid() for e in trace.of("state"))
    if "asan" not in lab.program and "dev" not in lab.program:
        assert peak < 200_000, f"{peak} KiB"
