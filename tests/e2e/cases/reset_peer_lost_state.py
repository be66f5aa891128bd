"""reset-peer-lost-state: text on open connections draws resets, because the host has forgotten
them.

   client 10.1.0.1 ──── 10.1.0.2 server
   a pool of idle connections    :9000 and :9001; loses its connections without a word
"""

import socket
import threading
import time

from lab import Report, vanish, wait_until
from packets import ACK, CLIENT, PSH, RST, SERVER, Capture, healthy


def forgotten(capture, n, at):
    flow = capture.flow(n, at).handshake().talk().pause(20)
    flow.send(CLIENT, PSH | ACK, b"x" * 300)
    flow.send(SERVER, RST, seq=flow.heard[CLIENT], window=0)


def shows_capture(lab):
    capture = Capture()
    healthy(capture, 40)
    for n in range(4):
        forgotten(capture, n, n * 2)
    report = lab.judge(capture)
    report.the("reset-peer-lost-state", "notice", listener=("10.0.2.1", 80))
    report.none("rst-on-close-unread")
    report.calm()


def neighbour_capture_single(lab):
    capture = Capture()
    healthy(capture, 40)
    forgotten(capture, 1, 2)
    report = lab.judge(capture)
    report.none("reset-peer-lost-state")
    report.calm()


def pool(say, hear, address, ports):
    """Uses a connection to each of the ports once, and again after the next word."""
    socks = [socket.create_connection((address, port)) for port in ports]
    for sock in socks:
        sock.send(b"x")
        sock.recv(1)
    say("idle")
    hear()
    for sock in socks:
        try:
            sock.send(b"y")
            sock.recv(1)
        except ConnectionResetError:
            pass
        sock.close()
    say("used")
    hear()


def scene(lab, ports):
    """The ends at the server are in this process, so that they can vanish."""
    client, server = lab.pair()
    listening = {port: server.listen(port) for port in set(ports)}
    actor = lab.spawn(client, pool, "10.1.0.2", ports, comm="pool")
    ends = []
    for port in ports:
        ends.append(listening[port].accept()[0])
        ends[-1].sendall(ends[-1].recv(1))
    actor.expect("idle")
    time.sleep(5.2)  # connections that have been quiet for less than 5 s are in use
    return client, actor, ends


def looks_while(lab, client, actor, seconds, wrapper=()):
    """The pool is used again within the look."""
    def use():
        time.sleep(1)
        actor.tell("go")
    using = threading.Thread(target=use)
    using.start()
    # The first look must see them: they are used only a second later.
    assert len(client.sockets("state", "established")) > 0
    result = lab.tcpdx("doctor", "--for", f"{seconds}s", "--json", wrapper=wrapper)
    using.join()
    actor.expect("used")
    return Report(result.stdout, result.returncode)


def shows(lab):
    client, actor, ends = scene(lab, [9000, 9000, 9001, 9001])
    for end in ends:
        vanish(end)
    report = looks_while(lab, client, actor, 3)
    confidence = "likely" if "bpf events" in report.data["sources"] else "suspected"
    finding = report.the("reset-peer-lost-state", "notice", confidence, pid=actor.pid,
                         comm="pool", netns=client.inode)
    assert finding["subject"]["remote"]["addr"] == "10.1.0.2"
    report.calm()


def shows_without_rights(lab):
    """Without any capability there are no events: counters must do, and may say less."""
    client, actor, ends = scene(lab, [9000, 9000, 9001, 9001])
    for end in ends:
        vanish(end)
    report = looks_while(lab, client, actor, 3, (
        "nsenter", f"--net={client.path}", "setpriv", "--inh-caps=-all", "--bounding-set=-all"))
    finding = report.the("reset-peer-lost-state", "notice", "suspected")
    assert finding["confidence"] == "suspected", finding


def neighbour_restarted(lab):
    """The peer closes first, as a program that is stopped does: its FIN comes before."""
    client, actor, ends = scene(lab, [9000, 9000, 9001, 9001])
    for end in ends:
        end.close()
    wait_until(lambda: len(client.sockets("state", "close-wait")) == 4, "4 CLOSE-WAIT")
    actor.tell("go")
    actor.expect("used")
    report = lab.doctor(2)
    report.none("reset-peer-lost-state")
    report.calm()


def neighbour_still_there(lab):
    """The same pool, used again, with a peer that still knows its connections; two are reset."""
    client, actor, ends = scene(lab, [9000, 9000, 9001, 9001])
    for end in ends[:2]:
        vanish(end)
    for end in ends[2:]:
        threading.Thread(target=lambda end=end: end.sendall(end.recv(1)), daemon=True).start()
    report = looks_while(lab, client, actor, 3)
    report.none("reset-peer-lost-state")
    report.calm()
