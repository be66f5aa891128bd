"""packet-loss-retransmission: a path loses segments, and repeats fill the gaps."""

from packets import ACK, CLIENT, PSH, SERVER, Capture


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


def shows(lab):
    capture = Capture()
    transfer(capture, 1, 2000, 20)
    report = lab.judge(capture)
    report.the("packet-loss-retransmission", "warning")
    report.alone("packet-loss-retransmission")


def neighbour_little_loss(lab):
    capture = Capture()
    transfer(capture, 1, 2000, 400)
    report = lab.judge(capture)
    report.none("packet-loss-retransmission")
    report.calm()
