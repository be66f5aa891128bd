"""reuseport-stuck-worker: several workers share a port, one of them does not accept.

   client 10.1.0.1 ──── 10.1.0.2 server
   40 and more clients           :9000 three times (SO_REUSEPORT), one worker stopped
"""

import signal
import socket
import time

from lab import wait_until


def worker(say, _hear, port, backlog, pause):
    """Accepts, works for `pause` seconds, closes."""
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    sock.bind(("0.0.0.0", port))
    sock.listen(backlog)
    say("ready")
    while True:
        connection, _ = sock.accept()
        time.sleep(pause)
        connection.close()


def workers(lab, server, count, backlog, pause=0.0):
    started = [lab.spawn(server, worker, 9000, backlog, pause, comm=f"worker-{n}")
               for n in range(count)]
    for one in started:
        one.expect("ready")
    return started


def queues(server):
    return [row.recv_q for row in server.sockets("state", "listening")]


def shows(lab):
    client, server = lab.pair()
    started = workers(lab, server, 3, 64)
    started[1].signal(signal.SIGSTOP)
    clients = client.crowd("10.1.0.2", 9000, 40)
    wait_until(lambda: sorted(queues(server))[:2] == [0, 0] and max(queues(server)) > 2,
               "one queue that stays")
    report = lab.doctor(5)
    finding = report.the("reuseport-stuck-worker", ("warning", "critical"), "confirmed",
                         pid=started[1].pid, comm="worker-1", netns=server.inode, listener=9000)
    assert [f["fault"] for f in finding["explains"]] == ["accept-stalled"], report.summary()
    report.alone("reuseport-stuck-worker")
    del clients


def shows_when_its_queue_is_full(lab):
    """The overflow of that one queue is a consequence, and so are the clients in SYN-SENT."""
    client, server = lab.pair()
    started = workers(lab, server, 2, 2)
    started[0].signal(signal.SIGSTOP)
    clients = client.crowd("10.1.0.2", 9000, 40)
    wait_until(lambda: max(queues(server)) == 3, "a full queue")
    wait_until(lambda: server.counter("TcpExt.ListenOverflows") >= 5, "ListenOverflows")
    report = lab.doctor(5)
    report.the("reuseport-stuck-worker", ("warning", "critical"), "confirmed",
               pid=started[0].pid, listener=9000)
    report.alone("reuseport-stuck-worker")
    del clients


def keeps_busy(_say, _hear, address, port):
    open_ = []
    while True:
        open_.append(socket.create_connection((address, port)))
        if len(open_) > 12:
            open_.pop(0).recv(1)


def neighbour_uneven_but_draining(lab):
    """One worker is slower than its sibling; nobody waits long."""
    client, server = lab.pair()
    slow = lab.spawn(server, worker, 9000, 64, 0.1, comm="slow")
    fast = lab.spawn(server, worker, 9000, 64, 0.0, comm="fast")
    for one in (slow, fast):
        one.expect("ready")
    load = lab.spawn(client, keeps_busy, "10.1.0.2", 9000, comm="client")
    wait_until(lambda: max(queues(server)) >= 2, "a queue")
    lab.doctor(5).none("reuseport-stuck-worker")
    del load


def neighbour_all_are_stopped(lab):
    """No worker takes the connections: that is accept-stalled."""
    client, server = lab.pair()
    started = workers(lab, server, 2, 64)
    for one in started:
        one.signal(signal.SIGSTOP)
    clients = client.crowd("10.1.0.2", 9000, 20)
    wait_until(lambda: min(queues(server)) > 1, "queues that stay")
    report = lab.doctor(5)
    report.none("reuseport-stuck-worker")
    assert any(f["fault"] == "accept-stalled" for f in report.findings), report.summary()
    del clients
