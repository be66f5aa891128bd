"""reset-peer-lost-state: text on open connections draws resets, because the host has forgotten
them."""

from packets import ACK, CLIENT, PSH, RST, SERVER, Capture, healthy


def forgotten(capture, n, at):
    flow = capture.flow(n, at).handshake().talk().pause(20)
    flow.send(CLIENT, PSH | ACK, b"x" * 300)
    flow.send(SERVER, RST, seq=flow.heard[CLIENT], window=0)


def shows(lab):
    capture = Capture()
    healthy(capture, 40)
    for n in range(4):
        forgotten(capture, n, n * 2)
    report = lab.judge(capture)
    report.the("reset-peer-lost-state", "notice", listener=("10.0.2.1", 80))
    report.none("rst-on-close-unread")
    report.calm()


def neighbour_single(lab):
    capture = Capture()
    healthy(capture, 40)
    forgotten(capture, 1, 2)
    report = lab.judge(capture)
    report.none("reset-peer-lost-state")
    report.calm()
