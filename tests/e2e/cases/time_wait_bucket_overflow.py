"""time-wait-bucket-overflow: TIME-WAIT is cut short by tcp_max_tw_buckets.

   client 10.1.0.1 ──── 10.1.0.2 server
   comes and goes                :9000 closes first; room for 5 TIME-WAIT
"""

import socket
import time

from actors import accepts_slowly
from lab import wait_until


def comes_and_goes(_say, _hear, address, port):
    """100 times a second at most; the server closes first."""
    while True:
        sock = socket.create_connection((address, port))
        sock.recv(1)
        sock.close()
        time.sleep(0.01)


def busy_server(lab, buckets):
    client, server = lab.pair()
    server.sysctl(tcp_max_tw_buckets=buckets)
    lab.spawn(server, accepts_slowly, 9000, 64, 0.0).expect("ready")
    lab.spawn(client, comes_and_goes, "10.1.0.2", 9000)
    wait_until(lambda: server.counter("TcpExt.TW") >= 5, "TIME-WAIT")
    return server


def shows(lab):
    server = busy_server(lab, 5)
    wait_until(lambda: server.counter("TcpExt.TCPTimeWaitOverflow") > 0, "an overflow")
    report = lab.doctor(5)
    finding = report.the("time-wait-bucket-overflow", "notice", netns=server.inode)
    assert "tcp_max_tw_buckets allows 5" in finding["headline"], finding["headline"]
    report.calm()


def neighbour_room(lab):
    """The same closes, and room for all of them."""
    server = busy_server(lab, 4096)
    report = lab.doctor(5)
    report.none("time-wait-bucket-overflow")
    report.calm()
    assert server.counter("TcpExt.TCPTimeWaitOverflow") == 0


def neighbour_long_ago(lab):
    """It overflowed, but no longer: counters are totals since the machine started."""
    client, server = lab.pair()
    server.sysctl(tcp_max_tw_buckets=5)
    sock = server.listen(9000)
    for _ in range(40):
        peer = client.connect("10.1.0.2", 9000)
        sock.accept()[0].close()
        peer.close()
    wait_until(lambda: server.counter("TcpExt.TCPTimeWaitOverflow") > 20, "an overflow")
    report = lab.doctor(3)
    report.none("time-wait-bucket-overflow")
    report.calm()
