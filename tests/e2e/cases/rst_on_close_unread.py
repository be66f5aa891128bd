"""rst-on-close-unread: a server closes without having read what it was sent, which resets."""

from packets import ACK, CLIENT, RST, SERVER, Capture, healthy


def unread(capture, n, at):
    flow = capture.flow(n, at).handshake().says(CLIENT, 1000).says(SERVER, 200)
    flow.says(CLIENT, 1400)  # the rest of an upload that nobody reads
    flow.send(SERVER, RST | ACK, window=0)


def shows(lab):
    capture = Capture()
    healthy(capture, 60)
    for n in range(6):
        unread(capture, n, n * 2)
    report = lab.judge(capture)
    report.the("rst-on-close-unread", "notice", "suspected", listener=("10.0.2.1", 80))
    report.calm()


def neighbour_cancelled_downloads(lab):
    """Users cancel: the calling side resets while text of the server is under way."""
    capture = Capture()
    healthy(capture, 60)
    for n in range(20):
        flow = capture.flow(n, n * 1.0).handshake().talk(300, 1400)
        flow.send(CLIENT, RST | ACK, window=0)
    report = lab.judge(capture)
    report.none("rst-on-close-unread")
    report.calm()
