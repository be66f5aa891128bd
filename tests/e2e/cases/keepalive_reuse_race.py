"""keepalive-reuse-race: the server's FIN and the client's next request cross on the way."""

from packets import ACK, CLIENT, FIN, PSH, RST, SERVER, Capture, healthy


def races(capture, n, at, pause=5.0):
    flow = capture.flow(n, at).handshake().talk().pause(pause)
    flow.send(SERVER, FIN | ACK, wait=0.002)
    flow.send(CLIENT, PSH | ACK, b"x" * 300, wait=0.005)
    flow.send(SERVER, RST, seq=flow.heard[CLIENT] + 1, window=0)


def shows(lab):
    capture = Capture()
    healthy(capture, 60)
    for n in range(6):
        races(capture, n, n * 10)
    report = lab.judge(capture)
    report.the("keepalive-reuse-race", "notice", listener=("10.0.2.1", 80))
    report.calm()


def neighbour_clean_close(lab):
    """The client answers the server's FIN with its own."""
    capture = Capture()
    for n in range(20):
        capture.flow(n, n * 2).handshake().talk().pause(5).close(SERVER)
    report = lab.judge(capture)
    report.none("keepalive-reuse-race")
    report.calm()
