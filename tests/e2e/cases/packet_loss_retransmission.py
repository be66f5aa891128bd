"""packet-loss-retransmission: a path loses segments, and repeats fill the gaps.

   client 10.1.0.1 ──── 10.1.0.2 server
   sends 2 MB/s                  :9000, reads; nftables drops a share of what comes in
"""

from actors import drains_all, sends_at
from lab import wait_until
from packets import ACK, CLIENT, PSH, SERVER, Capture
from relay import SECOND, relay, through_a_queue


def transfer(capture, n, segments, lose_every):
    """The server sends in pairs; of every so many segments one is lost behind the capture."""
    flow = capture.flow(n).handshake().says(CLIENT, 300)
    for i in range(segments):
        seq, lost = flow.next[SERVER], i % lose_every == 1
        flow.send(SERVER, PSH | ACK, b"x" * 1000, wait=0.001)
        if lost:  # the timer ends the wait
            flow.pause(0.25)
            flow.send(SERVER, PSH | ACK, b"x" * 1000, seq=seq, wait=0.001)
        flow.hears(CLIENT).send(CLIENT, ACK, wait=0.02)
    flow.close()


def shows_capture(lab):
    capture = Capture()
    transfer(capture, 1, 2000, 20)
    report = lab.judge(capture)
    report.the("packet-loss-retransmission", "warning")
    report.alone("packet-loss-retransmission")


def neighbour_capture_little_loss(lab):
    capture = Capture()
    transfer(capture, 1, 2000, 400)
    report = lab.judge(capture)
    report.none("packet-loss-retransmission")
    report.calm()


def scene(lab, loss):
    """`loss` of ten thousand segments are lost on the way to the server."""
    client, server = lab.pair()
    # One segment, one packet: otherwise a drop takes dozens of segments that travel as one.
    client.run("ip", "link", "set", "e1a", "gso_max_segs", "1")
    reader = lab.spawn(server, drains_all, 9000, comm="reader")
    reader.expect("ready")
    sender = lab.spawn(client, sends_at, "10.1.0.2", 9000, 2_000_000, comm="sender")
    wait_until(lambda: client.counter("TcpExt.TCPOrigDataSent") > 1500, "a settled connection")
    if loss:
        server.drop(f"tcp dport 9000 numgen random mod 10000 < {loss}")
    return client, server, reader, sender


def shows(lab):
    client, *actors = scene(lab, 400)
    report = lab.doctor(5)
    finding = report.the("packet-loss-retransmission", "notice", "suspected", netns=client.inode)
    assert finding["subject"]["remote"]["addr"] == "10.1.0.2"
    report.none("reordering-spurious-retransmit")
    report.calm()  # a short look only suspects
    assert len(actors) == 3


def shows_for_half_a_minute(lab):
    client, *actors = scene(lab, 500)
    report = lab.doctor(30)
    report.the("packet-loss-retransmission", "warning", "likely", netns=client.inode)
    report.alone("packet-loss-retransmission")
    assert len(actors) == 3


def neighbour_little_loss(lab):
    _, *actors = scene(lab, 20)
    report = lab.doctor(5)
    report.none("packet-loss-retransmission")
    report.calm()
    assert len(actors) == 3


def neighbour_refused_syns(lab):
    """SYNs that nobody answers are repeated, and are no loss."""
    client, server, *actors = scene(lab, 0)
    server.drop("tcp dport 9001")
    waiting = [client.connect("10.1.0.2", 9001, wait=False) for _ in range(40)]
    wait_until(lambda: client.counter("TcpExt.TCPSynRetrans") > 40, "repeated SYNs")
    lab.doctor(5).none("packet-loss-retransmission")
    assert waiting and actors


def neighbour_slow_start(lab):
    """A transfer that fills a short queue as it begins, and loses a burst there once."""
    client, server = lab.pair()
    client.sysctl(tcp_congestion_control="reno")
    actors = [relay(lab, client, server, through_a_queue(600, 100, 0.02)),
              lab.spawn(server, drains_all, 9000, comm="reader")]
    actors[1].expect("ready")
    actors.append(lab.spawn(client, sends_at, SECOND, 9000, 100_000_000, comm="sender"))
    wait_until(lambda: client.counter("TcpExt.TCPOrigDataSent") > 20, "a transfer")
    report = lab.doctor(5)
    assert client.counter("Tcp.RetransSegs") > 10, "the queue must have overflowed"
    report.none("packet-loss-retransmission")
    report.calm()
    assert len(actors) == 3
