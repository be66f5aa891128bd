"""stale-tuple-collision: a SYN meets an old connection, which answers by a bare ACK (RFC 5961)."""

from packets import ACK, CLIENT, RST, SERVER, SYN, Capture, healthy


def collides(capture, n, at):
    flow = capture.flow(n, at)
    flow.send(CLIENT, SYN)
    old = 0x12345678
    flow.send(SERVER, ACK, seq=0x77777777, ack=old)
    flow.send(CLIENT, RST, seq=old, window=0, wait=1.0)
    flow.next = list(flow.start)
    flow.handshake().talk().close()


def shows(lab):
    capture = Capture()
    healthy(capture, 100)
    for n in range(12):
        collides(capture, n, n * 3)
    report = lab.judge(capture)
    report.the("stale-tuple-collision", "notice", listener=("10.0.2.1", 80))


def neighbour_restarted_client(lab):
    capture = Capture()
    healthy(capture, 100)
    collides(capture, 1, 3)
    report = lab.judge(capture)
    report.none("stale-tuple-collision")
    report.calm()
