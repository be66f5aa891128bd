"""rst-abortive-linger: a program resets on purpose instead of closing (SO_LINGER 0)."""

from packets import ACK, CLIENT, RST, SERVER, Capture, healthy


def shows(lab):
    capture = Capture()
    healthy(capture, 30, every=1.2)
    for n in range(30):
        flow = capture.flow(n, n * 1.2).handshake().talk()
        flow.send(SERVER, RST | ACK, window=0)
    report = lab.judge(capture)
    report.the("rst-abortive-linger", "info", listener=("10.0.2.1", 80))
    report.calm()


def neighbour_health_checks(lab):
    """A balancer connects and resets, without a word."""
    capture = Capture()
    healthy(capture, 30, every=1.2)
    for n in range(60):
        flow = capture.flow(n, n * 0.5, client=("10.0.9.9", 20000 + n)).handshake()
        flow.send(CLIENT, RST | ACK, window=0)
    report = lab.judge(capture)
    report.none("rst-abortive-linger")
    report.calm()
