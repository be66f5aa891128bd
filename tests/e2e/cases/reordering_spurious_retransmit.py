"""reordering-spurious-retransmit: what is sent again had arrived; it was only late.

   client 10.9.0.1 ── relay ── 10.9.0.2 server
   sends 600 kB/s                       :9000, reads
The relay holds back some packets, so that others overtake them.
"""

from actors import drains_all, sends_at
from lab import wait_until
from packets import ACK, CLIENT, PSH, SERVER, Capture
from relay import SECOND, late_at_random, late_in_bursts, relay


def transfer(capture, n, segments, late_every):
    """An acknowledgment is late now and then: the timer fires, and the repeat meets it."""
    flow = capture.flow(n).handshake().says(CLIENT, 300)
    for i in range(segments):
        seq = flow.next[SERVER]
        flow.send(SERVER, PSH | ACK, b"x" * 1000, wait=0.01)
        flow.hears(CLIENT).send(CLIENT, ACK, wait=0.01)
        if i % late_every == 1:
            flow.send(SERVER, PSH | ACK, b"x" * 1000, seq=seq, wait=0.02)
            flow.send(CLIENT, ACK, wait=0.01)
    flow.close()


def shows_capture(lab):
    capture = Capture()
    transfer(capture, 1, 2000, 20)
    report = lab.judge(capture)
    report.the("reordering-spurious-retransmit", "notice")
    report.none("packet-loss-retransmission")
    report.calm()


def neighbour_capture_few(lab):
    capture = Capture()
    transfer(capture, 1, 2000, 200)
    report = lab.judge(capture)
    report.none("reordering-spurious-retransmit")
    report.calm()


def scene(lab, delay_of):
    client, server = lab.pair()
    actors = [relay(lab, client, server, delay_of),
              lab.spawn(server, drains_all, 9000, comm="reader")]
    actors[1].expect("ready")
    actors.append(lab.spawn(client, sends_at, SECOND, 9000, 600_000, comm="sender"))
    wait_until(lambda: client.counter("TcpExt.TCPOrigDataSent") > 1000, "a settled connection")
    return client, actors


def shows(lab):
    """One packet in twenty is 8 ms late: twenty or thirty others overtake it."""
    client, actors = scene(lab, late_at_random(0.05, 0.005, 0.008))
    report = lab.doctor(5)
    finding = report.the("reordering-spurious-retransmit", "notice", "suspected",
                         netns=client.inode)
    assert finding["subject"]["remote"]["addr"] == SECOND
    report.none("packet-loss-retransmission")
    report.calm()
    assert len(actors) == 3


def shows_needless_repeats(lab):
    """Every second a burst is held back for so long that it is sent again meanwhile."""
    client, actors = scene(lab, late_in_bursts(1.0, 0.06, 0.005, 0.4))
    report = lab.doctor(6)
    finding = report.the("reordering-spurious-retransmit", "notice", "suspected",
                         netns=client.inode)
    assert "needless" in finding["headline"], finding
    report.none("packet-loss-retransmission")
    assert len(actors) == 3


def neighbour_long_path(lab):
    """The same path, where all packets take equally long."""
    _, actors = scene(lab, late_at_random(0, 0.005, 0))
    report = lab.doctor(5)
    report.none("reordering-spurious-retransmit")
    report.none("packet-loss-retransmission")
    report.calm()
    assert len(actors) == 3
