"""port-scan-inbound: one source knocks at many doors."""

from packets import ACK, CLIENT, RST, SERVER, SYN, Capture, healthy


def knock(capture, n, port, at, source="10.9.0.66"):
    flow = capture.flow(n, at, client=(source, 20000 + n), server=("10.0.2.1", port))
    flow.send(CLIENT, SYN)
    if port == 80:  # open: a scanner drops it as soon as it answers
        flow.hears(SERVER).send(SERVER, SYN | ACK)
        flow.hears(CLIENT).send(CLIENT, RST, window=0)
    else:
        flow.hears(SERVER).send(SERVER, RST | ACK, seq=0, window=0)


def shows(lab):
    capture = Capture()
    healthy(capture, 60)
    for n in range(40):
        knock(capture, n, 60 + n, n * 0.1)
    report = lab.judge(capture)
    report.the("port-scan-inbound", "notice", "confirmed")
    report.none("connection-refused")
    report.calm()


def neighbour_wrong_port(lab):
    """A client with a wrong port knocks at the same one again and again."""
    capture = Capture()
    healthy(capture, 60)
    for n in range(40):
        knock(capture, n, 81, n * 0.5)
    lab.judge(capture).none("port-scan-inbound")
