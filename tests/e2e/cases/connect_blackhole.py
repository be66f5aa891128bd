"""connect-blackhole: connection attempts to one destination stay unanswered.

   client 10.1.0.1 ──── 10.1.0.2 server
   5 attempts                    nftables drops what goes to :9000, without a word
"""

from actors import connects_for_ever, never_accepts, serves
from lab import wait_until
from packets import CLIENT, SYN, Capture, healthy


def repeats(namespace, least, count):
    rows = namespace.sockets("state", "syn-sent")
    return sum(row.retransmits >= least for row in rows) >= count


def tries(say, hear, address, port, count):
    """Holds `count` attempts open at once."""
    import socket
    socks = []
    for _ in range(count):
        socks.append(socket.socket())
        socks[-1].setblocking(False)
        socks[-1].connect_ex((address, port))
    say("tried")
    hear()


def shows(lab):
    client, server = lab.pair()
    server.drop("tcp dport 9000")
    caller = lab.spawn(client, tries, "10.1.0.2", 9000, 5, comm="caller")
    wait_until(lambda: repeats(client, 2, 5), "two repeated SYNs of each attempt")
    report = lab.doctor(5)
    report.the("connect-blackhole", ("warning", "critical"), pid=caller.pid, comm="caller",
               netns=client.inode, destination=("10.1.0.2", 9000))
    report.alone("connect-blackhole")
    report.none("host-unreachable")


def shows_each_destination_once(lab):
    """Twenty attempts, two destinations: two findings, and nothing about the one that answers."""
    client, server = lab.pair()
    server.drop("tcp dport 9000", "tcp dport 9001")
    owner = lab.spawn(server, serves, 9002)
    owner.expect("ready")
    for port in (9000, 9001, 9002):
        lab.spawn(client, tries, "10.1.0.2", port, 10).expect("tried")
    wait_until(lambda: repeats(client, 2, 20), "two repeated SYNs of each attempt")
    report = lab.doctor(5)
    for port in (9000, 9001):
        report.the("connect-blackhole", ("warning", "critical"), destination=("10.1.0.2", port))
    assert sum(f["fault"] == "connect-blackhole" for f in report.findings) == 2, report.summary()


def neighbour_single_attempt(lab):
    """One attempt that hangs: a probe, or the loser of happy eyeballs."""
    client, server = lab.pair()
    server.drop("tcp dport 9000")
    caller = lab.spawn(client, tries, "10.1.0.2", 9000, 1)
    wait_until(lambda: repeats(client, 2, 1), "two repeated SYNs")
    report = lab.doctor(5)
    report.none("connect-blackhole")
    report.calm()
    del caller


def neighbour_single_repeat(lab):
    """The first SYNs are lost, the first repeat gets through."""
    client, server = lab.pair()
    owner = lab.spawn(server, serves, 9000)
    owner.expect("ready")
    server.drop("tcp dport 9000")
    caller = lab.spawn(client, tries, "10.1.0.2", 9000, 5)
    caller.expect("tried")
    server.drop()
    report = lab.doctor(5)
    report.none("connect-blackhole")
    report.calm()


def neighbour_refused(lab):
    """An answer that says no is an answer."""
    client, server = lab.pair()
    caller = lab.spawn(client, connects_for_ever, "10.1.0.2", 9000, 0.02)
    wait_until(lambda: client.counter("Tcp.AttemptFails") > 20, "refused attempts")
    lab.doctor(5).none("connect-blackhole")
    del caller, server


def neighbour_unused_address(lab):
    """Nobody has the address: host-unreachable."""
    client, _ = lab.pair()
    callers = [lab.spawn(client, connects_for_ever, "10.1.0.99", 9000) for _ in range(4)]
    wait_until(lambda: len(client.sockets("state", "syn-sent")) == 4, "attempts")
    lab.doctor(5).none("connect-blackhole")
    del callers


def neighbour_full_queue(lab):
    """The server is there and its accept queue is full: that is the cause to name."""
    client, server = lab.pair()
    owner = lab.spawn(server, never_accepts, 9000, 2)
    owner.expect("ready")
    clients = client.crowd("10.1.0.2", 9000, 8)
    wait_until(lambda: repeats(client, 2, 5), "two repeated SYNs of the refused")
    report = lab.doctor(5)
    assert "connect-blackhole" not in [f["fault"] for f in report.findings], report.summary()
    del clients


def calls(capture, n, at):
    """A SYN and its repeats; nothing comes back."""
    flow = capture.flow(n, at)
    for wait in (1, 1, 1, 1, 1, 2):
        flow.send(CLIENT, SYN, seq=flow.start[CLIENT], wait=wait)


def shows_capture(lab):
    capture = Capture()
    for n in range(4):
        calls(capture, n, n * 3)
    report = lab.judge(capture)
    report.the("connect-blackhole", "warning", "confirmed", destination=("10.0.2.1", 80))
    report.alone("connect-blackhole")


def neighbour_capture_lost_race(lab):
    """One attempt in vain, as when another address family was faster."""
    capture = Capture()
    calls(capture, 1, 0)
    healthy(capture, 40)
    lab.judge(capture).none("connect-blackhole")
