"""connection-refused: nothing listens where clients call. A capture: each SYN draws a reset."""

from packets import ACK, CLIENT, RST, SERVER, SYN, Capture, healthy


def refused(capture, n, at):
    flow = capture.flow(n, at)
    flow.send(CLIENT, SYN)
    flow.hears(SERVER).send(SERVER, RST | ACK, seq=0, window=0)


def shows(lab):
    capture = Capture()
    for n in range(5):
        refused(capture, n, n * 10)
    report = lab.judge(capture)
    report.the("connection-refused", "warning", "confirmed", destination=("10.0.2.1", 80))
    report.alone("connection-refused")


def neighbour_restart(lab):
    """A service refuses for two seconds while it restarts."""
    capture = Capture()
    healthy(capture, 60)
    for n in range(40):
        refused(capture, n, 10 + n * 0.05)
    report = lab.judge(capture)
    report.none("connection-refused")
    report.calm()
