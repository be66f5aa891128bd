"""keepalive-absent: a server keeps idle connections without any way to notice a vanished client.

   client 10.1.0.1 ──── 10.1.0.2 server
   60 clients                    :9000, with keep-alives or without
Ten minutes of idleness are too long for a test: real connections are saved and aged.
"""

from actors import idle_connections

IDLE = ("later", 700, "only", "server")


def shows(lab):
    _, server, keeper, socks = idle_connections(lab, 60, False)
    report = lab.altered(1, *IDLE)
    report.the("keepalive-absent", "info", pid=keeper.pid, comm="push", netns=server.inode,
               listener=("0.0.0.0", 9000))
    report.calm()
    assert len(socks) == 60


def neighbour_keep_alives(lab):
    _, _, _, socks = idle_connections(lab, 60, True)
    report = lab.altered(1, *IDLE)
    report.none("keepalive-absent")
    report.calm()
    assert len(socks) == 60


def neighbour_still_in_use(lab):
    """The same connections, not aged; and aged, but with their peers on this machine."""
    _, _, _, socks = idle_connections(lab, 60, False)
    lab.altered(1, "only", "server").none("keepalive-absent")
    lab.altered(1, "later", 700).none("keepalive-absent")
    assert len(socks) == 60
