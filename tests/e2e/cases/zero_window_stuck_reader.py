"""zero-window-stuck-reader: the receiver does not read, the sender may not send.

   client 10.1.0.1 ──── 10.1.0.2 server
   fills the buffers             :9000, accepts and never calls recv()
"""

import socket
import time

from actors import fills, holds, serves
from lab import wait_until
from packets import ACK, CLIENT, SERVER, Capture


def persists(namespace):
    return any(row.timer == "persist" for row in namespace.sockets("state", "established"))


def shows(lab):
    client, server = lab.pair()
    reader = lab.spawn(server, holds, 9000, 1, comm="lazy")
    reader.expect("ready")
    sender = lab.spawn(client, fills, "10.1.0.2", 9000, comm="filler")
    sender.expect("full")
    wait_until(lambda: persists(client), "the persist timer")
    time.sleep(5)  # the fault is a window that stays shut for more than 5 s
    report = lab.doctor(5)
    # The reader is on this machine: its process is the guilty one.
    report.the("zero-window-stuck-reader", "warning", pid=reader.pid, comm="lazy")
    report.alone("zero-window-stuck-reader")
    report.none("half-open-busy")


def shows_only_the_sender(lab):
    """The reader's process is out of sight: the sender's is named, and nobody else's."""
    client, server = lab.pair()
    reader = lab.spawn(server, holds, 9000, 1, comm="lazy")
    reader.expect("ready")
    sender = lab.spawn(client, fills, "10.1.0.2", 9000, comm="filler")
    sender.expect("full")
    wait_until(lambda: persists(client), "the persist timer")
    time.sleep(5)
    hide = ("unshare", "--mount", "sh", "-c",
            # Without the reader's /proc entry and its /run/netns entry the far namespace is
            # unknown to the program, as if it were another machine.
            f"mount -t tmpfs none /proc/{reader.pid} && umount /run/netns/server && "
            f"rm -f /run/netns/server && exec \"$0\" \"$@\"")
    result = lab.tcpdx("doctor", "--for", "5s", "--json", wrapper=hide)
    from lab import Report
    report = Report(result.stdout, result.returncode)
    report.the("zero-window-stuck-reader", "warning", pid=sender.pid, comm="filler",
               netns=client.inode, remote=("10.1.0.2", 9000))


def reads_in_pauses(say, _hear, port, pause):
    """Empties its buffer, then does something else for `pause` seconds."""
    listener = socket.socket()
    listener.bind(("0.0.0.0", port))
    listener.listen(5)
    say("ready")
    sock, _ = listener.accept()
    while True:
        sock.setblocking(False)
        try:
            while sock.recv(1 << 20):
                pass
        except BlockingIOError:
            pass
        time.sleep(pause)


def sends_for_ever(_say, _hear, address, port):
    sock = socket.create_connection((address, port))
    while True:
        sock.send(b"z" * 65536)


def neighbour_slow_reader(lab):
    """Back pressure: the window shuts and opens again every second."""
    client, server = lab.pair()
    lab.spawn(server, reads_in_pauses, 9000, 1.0).expect("ready")
    lab.spawn(client, sends_for_ever, "10.1.0.2", 9000)
    wait_until(lambda: client.counter("TcpExt.TCPFromZeroWindowAdv") >= 0 and persists(client),
               "a shut window")
    report = lab.doctor(5)
    report.none("zero-window-stuck-reader")
    report.calm()


def neighbour_vanished_peer(lab):
    """Send-Q is full because nothing is acknowledged: half-open-busy."""
    client, server = lab.pair()
    lab.spawn(server, serves, 9000).expect("ready")
    sock = client.connect("10.1.0.2", 9000)
    client.drop("tcp sport 9000")
    sock.send(b"x" * 10000)
    time.sleep(6)
    lab.doctor(5).none("zero-window-stuck-reader")


def stalls(capture, n, probes, opens):
    """The server's window is full; probes as Linux sends them, an octet before SND.NXT."""
    flow = capture.flow(n).handshake().says(CLIENT, 1000, acked=False)
    flow.hears(SERVER).send(SERVER, ACK, window=0)
    for n in range(probes):
        flow.pause(0.2 * 2**n)
        flow.send(CLIENT, ACK, seq=flow.next[CLIENT] - 1)
        flow.send(SERVER, ACK, window=0)
    if opens:
        flow.send(SERVER, ACK)
        for _ in range(40):
            flow.pause(1).says(CLIENT, 1000)
        flow.close()


def shows_capture(lab):
    capture = Capture()
    stalls(capture, 1, 7, opens=False)
    report = lab.judge(capture)
    report.the("zero-window-stuck-reader", "warning", "confirmed", listener=("10.0.2.1", 80))
    report.alone("zero-window-stuck-reader")


def neighbour_capture_opens_again(lab):
    capture = Capture()
    stalls(capture, 1, 5, opens=True)
    report = lab.judge(capture)
    report.none("zero-window-stuck-reader")
    report.calm()
