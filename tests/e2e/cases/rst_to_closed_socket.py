"""rst-to-closed-socket: a program writes long after its peer has closed."""

import time

from actors import listener
from lab import wait_until
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


def writes_late(say, hear, port, count, writes):
    """Holds its connections, whose peers have closed; writes on each when told."""
    sock = listener(port, 512)
    say("ready")
    ends = [sock.accept()[0] for _ in range(count)]
    say("all")
    hear()
    time.sleep(1)  # the doctor has had its first look
    for end in ends if writes else ():
        end.send(b"late")
    say("done")
    hear()


def live(lab, writes):
    client, server = lab.pair()
    owner = lab.spawn(server, writes_late, 9000, 30, writes, comm="feed")
    owner.expect("ready")
    peers = [client.connect("10.1.0.2", 9000) for _ in range(30)]
    owner.expect("all")
    for peer in peers:
        peer.close()
    wait_until(lambda: len(server.sockets("state", "close-wait")) == 30, "30 CLOSE-WAIT")
    owner.tell("go")
    return owner, lab.doctor(4)


def shows_live(lab):
    owner, report = live(lab, True)
    if not report.saw_events():
        report.none("rst-to-closed-socket")
        return
    report.the("rst-to-closed-socket", "info", "suspected", pid=owner.pid, comm="feed")


def neighbour_live_silent(lab):
    """It holds them too, and says nothing on them: that is a leak, not this."""
    _, report = live(lab, False)
    report.none("rst-to-closed-socket")
