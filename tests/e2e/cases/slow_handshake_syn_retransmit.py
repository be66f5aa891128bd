"""slow-handshake-syn-retransmit: connects succeed, but only after a second SYN."""

from packets import CLIENT, SYN, Capture, healthy


def slow(capture, n, at):
    flow = capture.flow(n, at)
    flow.send(CLIENT, SYN, wait=1.0)
    flow.next = list(flow.start)
    flow.handshake().talk().close()


def shows(lab):
    capture = Capture()
    healthy(capture, 60)
    for n in range(12):
        slow(capture, n, n * 3)
    report = lab.judge(capture)
    report.the("slow-handshake-syn-retransmit", "warning", destination=("10.0.2.1", 80))
    report.alone("slow-handshake-syn-retransmit")


def neighbour_single_repeat(lab):
    capture = Capture()
    healthy(capture, 150)
    slow(capture, 1, 3)
    report = lab.judge(capture)
    report.none("slow-handshake-syn-retransmit")
    report.calm()
