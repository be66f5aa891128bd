"""half-open-idle: the peer is gone, an idle connection still says ESTABLISHED.

   client 10.1.0.1 ──── 10.1.0.2 server
   idle clients                  :9000, with keep-alives or without
From one moment on nftables drops all that comes in at the server.
"""

from actors import idle_connections
from lab import wait_until


def unanswered(namespace):
    rows = namespace.sockets("state", "established")
    return min((row.retransmits for row in rows if row.timer == "keepalive"), default=0)


def shows(lab):
    _, server, keeper, socks = idle_connections(lab, 25, True)
    server.drop("tcp dport 9000")
    wait_until(lambda: unanswered(server) >= 2, "two unanswered keep-alives")
    report = lab.doctor(2)
    # 25 of about 30 descriptors.
    finding = report.the("half-open-idle", "warning", pid=keeper.pid, comm="push",
                         netns=server.inode, listener=("0.0.0.0", 9000))
    assert finding["subject"]["remote"]["addr"] == "10.1.0.1"
    report.alone("half-open-idle")
    assert len(socks) == 25


def shows_hours_of_silence(lab):
    """Without keep-alives: real connections, as they would look three hours later."""
    _, server, keeper, socks = idle_connections(lab, 60, False)
    lab.altered(1, "later", 3 * 3600).none("half-open-idle")  # the peers are on this machine
    report = lab.altered(1, "later", 3 * 3600, "only", "server")
    report.the("half-open-idle", "notice", "suspected", pid=keeper.pid, netns=server.inode,
               listener=("0.0.0.0", 9000))
    report.calm()
    assert len(socks) == 60


def neighbour_answered(lab):
    """Keep-alives every second, and each is answered."""
    _, server, _, socks = idle_connections(lab, 25, True)
    report = lab.doctor(4)
    assert server.counter("TcpExt.TCPKeepAlive") >= 25
    report.none("half-open-idle")
    report.calm()
    assert len(socks) == 25


def neighbour_idle(lab):
    """Idle without keep-alives: nothing on this machine can tell whether the peers live."""
    _, server, _, socks = idle_connections(lab, 60, False)
    server.drop("tcp dport 9000")
    report = lab.doctor(2)
    report.none("half-open-idle")
    report.none("keepalive-absent")
    report.calm()
    assert len(socks) == 60
