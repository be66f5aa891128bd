"""rst-by-middlebox: the reset has the peer's address, but not its TTL."""

from packets import ACK, CLIENT, RST, SERVER, SYN, Capture, healthy


def cut(capture, n, at, ttl):
    flow = capture.flow(n, at)
    flow.send(CLIENT, SYN)
    flow.hears(SERVER).send(SERVER, SYN | ACK, ttl=57)
    flow.hears(CLIENT).send(CLIENT, ACK)
    for _ in range(3):
        flow.says(CLIENT, 300, acked=False)
        flow.hears(SERVER).send(SERVER, ACK, ttl=57)
        flow.send(SERVER, ACK | 8, b"x" * 500, ttl=57)
        flow.hears(CLIENT).send(CLIENT, ACK)
    flow.pause(5).send(SERVER, RST | ACK, window=0, ttl=ttl)


def shows(lab):
    capture = Capture()
    healthy(capture, 60)
    for n in range(3):
        cut(capture, n, n * 2, ttl=63)
    report = lab.judge(capture)
    report.the("rst-by-middlebox", "warning", listener=("10.0.2.1", 80))
    report.alone("rst-by-middlebox")


def neighbour_endpoint(lab):
    """The server itself resets: its TTL fits."""
    capture = Capture()
    healthy(capture, 60)
    for n in range(3):
        cut(capture, n, n * 2, ttl=57)
    report = lab.judge(capture)
    report.none("rst-by-middlebox")
    report.calm()
