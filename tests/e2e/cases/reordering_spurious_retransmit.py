"""reordering-spurious-retransmit: what is sent again had arrived; it was only late."""

from packets import ACK, CLIENT, PSH, SERVER, Capture


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


def shows(lab):
    capture = Capture()
    transfer(capture, 1, 2000, 20)
    report = lab.judge(capture)
    report.the("reordering-spurious-retransmit", "notice")
    report.none("packet-loss-retransmission")
    report.calm()


def neighbour_few(lab):
    capture = Capture()
    transfer(capture, 1, 2000, 200)
    report = lab.judge(capture)
    report.none("reordering-spurious-retransmit")
    report.calm()
