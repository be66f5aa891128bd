"""mtu-black-hole: the handshake and small messages pass, the first big segment never does."""

from packets import ACK, CLIENT, PSH, SERVER, Capture, healthy


def hangs(capture, n, at, size=1460, alive=True):
    flow = capture.flow(n, at).handshake().says(CLIENT, 300)
    seq = flow.next[SERVER]
    flow.send(SERVER, PSH | ACK, b"x" * size)
    for repeat in range(6):
        flow.pause(0.3 * 2**repeat)
        if alive and repeat == 2:  # the client asks again: that passes
            flow.send(CLIENT, PSH | ACK, b"x" * 50)
            flow.hears(SERVER)
        flow.send(SERVER, PSH | ACK, b"x" * size, seq=seq)


def shows(lab):
    capture = Capture()
    healthy(capture, 60)
    for n in range(3):
        hangs(capture, n, n * 3)
    report = lab.judge(capture)
    report.the("mtu-black-hole", "critical", "confirmed")
    report.none("half-open-busy")
    report.alone("mtu-black-hole")


def neighbour_discovery(lab):
    """Path MTU discovery at work: an ICMP error (RFC 1191), and smaller segments follow."""
    capture = Capture()
    for n in range(3):
        flow = capture.flow(n, n * 3).handshake().says(CLIENT, 300)
        seq = flow.next[SERVER]
        big = flow.send(SERVER, PSH | ACK, b"x" * 1460)
        capture.icmp(flow.now, "10.0.3.254", 3, 4, big, mtu=1400)
        flow.pause(0.01)
        flow.send(SERVER, PSH | ACK, b"x" * 1360, seq=seq)
        flow.send(SERVER, PSH | ACK, b"x" * 100, seq=seq + 1360)
        flow.hears(CLIENT).send(CLIENT, ACK)
        flow.close()
    report = lab.judge(capture)
    report.none("mtu-black-hole")
    report.calm()


def neighbour_host_gone(lab):
    """Nothing is heard of the client any more: small segments would vanish as well."""
    capture = Capture()
    for n in range(3):
        hangs(capture, n, n * 3, alive=False)
    lab.judge(capture).none("mtu-black-hole")
