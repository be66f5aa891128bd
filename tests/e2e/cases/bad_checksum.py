"""bad-checksum: segments are damaged on the way, dropped, and sent again."""

from packets import ACK, CLIENT, PSH, SERVER, Capture


def transfer(capture, n, segments, damage_every, again=True):
    flow = capture.flow(n).handshake().says(CLIENT, 300)
    for i in range(segments):
        seq, damaged = flow.next[SERVER], i % damage_every == damage_every - 1
        flow.send(SERVER, PSH | ACK, b"x" * 1000, damaged=damaged, wait=0.001)
        if damaged and again:
            flow.pause(0.25)
            flow.send(SERVER, PSH | ACK, b"x" * 1000, seq=seq, wait=0.001)
        flow.hears(CLIENT).send(CLIENT, ACK, wait=0.02)
    flow.close()


def shows(lab):
    capture = Capture()
    transfer(capture, 1, 800, 50)
    report = lab.judge(capture)
    report.the("bad-checksum", "warning")


def neighbour_every_sum_wrong(lab):
    """A capture on the sending host, before the network card has filled in the sums."""
    capture = Capture()
    transfer(capture, 1, 200, 1, again=False)
    report = lab.judge(capture)
    report.none("bad-checksum")
    report.calm()
