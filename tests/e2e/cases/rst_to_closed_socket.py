"""rst-to-closed-socket: a program writes long after its peer has closed."""

from packets import ACK, CLIENT, FIN, PSH, RST, SERVER, Capture, healthy


def late(capture, n, at, pause):
    flow = capture.flow(n, at).handshake().talk()
    flow.send(SERVER, FIN | ACK, wait=0.002)
    if pause > 1:
        flow.hears(CLIENT).send(CLIENT, ACK)
    flow.pause(pause).send(CLIENT, PSH | ACK, b"x" * 300, wait=0.002)
    flow.send(SERVER, RST, seq=flow.next[SERVER], window=0)


def shows(lab):
    capture = Capture()
    healthy(capture, 60)
    for n in range(10):
        late(capture, n, n * 4, pause=2.0)
    report = lab.judge(capture)
    report.the("rst-to-closed-socket", "info", listener=("10.0.2.1", 80))
    report.calm()


def neighbour_under_way(lab):
    """The text was on its way when the FIN came: nobody is to blame."""
    capture = Capture()
    healthy(capture, 60)
    for n in range(10):
        late(capture, n, n * 3, pause=0.002)
    report = lab.judge(capture)
    report.none("rst-to-closed-socket")
    report.calm()
