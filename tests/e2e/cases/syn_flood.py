"""syn-flood: half-open connections from sources that never answer fill the queue.

   flood 10.1.0.1 ──── 10.1.0.2 server ──── 10.2.0.2 silent
   raw SYNs, one source         :9000       the server's default route leads here; it neither
   in each of 400 networks                  forwards nor answers, so the half-open ones stay
"""

import socket
import struct
import time

from actors import serves
from lab import Namespace, wait_until
from packets import ACK, CLIENT, SERVER, SYN, Capture, healthy

BACKLOG = 128


def checksum(data):
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    total = (total >> 16) + (total & 0xFFFF)
    return ~(total + (total >> 16)) & 0xFFFF


def syn(source, target, sport, dport):
    """A SYN as most systems send it: MSS 1460, window 64240 (RFC 9293, 3.1 and 3.7.1)."""
    head = struct.pack("!HHLLBBHHH", sport, dport, sport * 7919, 0, 6 << 4, 2, 64240, 0, 0)
    options = b"\x02\x04\x05\xb4"
    pseudo = source + target + struct.pack("!BBH", 0, socket.IPPROTO_TCP, 24)
    tcp = head[:16] + struct.pack("!H", checksum(pseudo + head + options)) + head[18:] + options
    return struct.pack("!BBHHHBBH4s4s", 0x45, 0, 44, 0, 0, 64, 6, 0, source, target) + tcp


def floods(say, _hear, target, port):
    """200 SYNs a second, each from another /24 of 10.77.0.0/16 and 10.78.0.0/16."""
    raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
    n = 0
    while True:
        for _ in range(20):
            source = bytes([10, 77 + n // 256 % 2, n % 256, 7])
            raw.sendto(syn(source, socket.inet_aton(target), 1024 + n % 60000, port), (target, 0))
            n += 1
        if n == 400:
            say("flooding")
        time.sleep(0.1)


def scene(lab, cookies, **sysctls):
    flood, server = lab.pair("flood")
    silent = Namespace("silent")
    lab.link(server, silent)
    server.sysctl(tcp_syncookies=cookies, **sysctls,
                  **{"conf/all/rp_filter": 0, "conf/default/rp_filter": 0})
    server.run("ip", "route", "add", "default", "via", "10.2.0.2")
    silent.drop("ip protocol tcp")
    return flood, server


def shows(lab):
    """Without cookies honest clients are refused."""
    flood, server = scene(lab, cookies=0)
    owner = lab.spawn(server, serves, 9000, BACKLOG, comm="target")
    owner.expect("ready")
    flooder = lab.spawn(flood, floods, "10.1.0.2", 9000, comm="flooder")
    flooder.expect("flooding")
    wait_until(lambda: server.counter("TcpExt.TCPReqQFullDrop") > 100, "refused SYNs")
    report = lab.doctor(5)
    report.the("syn-flood", "critical", netns=server.inode, listener=9000)
    report.alone("syn-flood")
    report.none("accept-queue-overflow")


def shows_absorbed_by_cookies(lab):
    """With cookies honest clients get in, so nobody is harmed yet."""
    flood, server = scene(lab, cookies=1)
    owner = lab.spawn(server, serves, 9000, BACKLOG, comm="target")
    owner.expect("ready")
    flooder = lab.spawn(flood, floods, "10.1.0.2", 9000, comm="flooder")
    flooder.expect("flooding")
    wait_until(lambda: server.counter("TcpExt.SyncookiesSent") > 100, "cookies")
    report = lab.doctor(5)
    report.the("syn-flood", "notice", netns=server.inode, listener=9000)
    report.calm()


def shows_small_syn_backlog(lab):
    """tcp_max_syn_backlog keeps its last quarter for known peers: 97 half-open ones are all it
    takes of 128, and TCPReqQFullDrop does not move (net/ipv4/tcp_input.c, tcp_conn_request)."""
    flood, server = scene(lab, cookies=0, tcp_max_syn_backlog=BACKLOG)
    lab.spawn(server, serves, 9000, 512, comm="target").expect("ready")
    lab.spawn(flood, floods, "10.1.0.2", 9000, comm="flooder").expect("flooding")
    wait_until(lambda: server.counter("TcpExt.ListenDrops") > 100, "refused SYNs")
    report = lab.doctor(5)
    report.the("syn-flood", "critical", netns=server.inode, listener=9000)


def neighbour_clients_that_cannot_hear(lab):
    """A few real clients whose SYN-ACK is lost (synack-lost): few sources, each repeats its SYN."""
    client, server = lab.pair()
    owner = lab.spawn(server, serves, 9000, 16)
    owner.expect("ready")
    client.drop("tcp flags & (syn|ack) == (syn|ack)")
    clients = [client.connect("10.1.0.2", 9000, wait=False) for _ in range(30)]
    wait_until(lambda: len(server.sockets("state", "syn-recv")) >= 8, "half-open connections")
    lab.doctor(5).none("syn-flood")
    del clients


def neighbour_flash_crowd(lab):
    """Many honest clients at once fill the queue, draw cookies, and nearly all complete."""
    client, server = lab.pair()
    owner = lab.spawn(server, serves, 9000, 8)
    owner.expect("ready")
    crowd = lab.spawn(client, crowds, "10.1.0.2", 9000, comm="crowd")
    crowd.expect("crowding")
    lab.doctor(5).none("syn-flood")


def crowds(say, _hear, address, port):
    say("crowding")
    while True:
        open_ = []
        for _ in range(50):
            sock = socket.socket()
            sock.setblocking(False)
            sock.connect_ex((address, port))
            open_.append(sock)
        time.sleep(0.1)
        for sock in open_:
            sock.close()


def shows_capture(lab):
    """400 forged SYNs in 20 s; the server repeats its answers."""
    capture = Capture()
    for n in range(400):
        flow = capture.flow(client=(f"10.{77 + n // 250}.{n % 250}.7", 1024 + n), at=n * 0.05)
        flow.send(CLIENT, SYN)
        flow.hears(SERVER)
        for wait in (1, 2, 4):
            flow.send(SERVER, SYN | ACK, seq=flow.start[SERVER], wait=wait)
    healthy(capture, 40, every=1)
    report = lab.judge(capture)
    report.the("syn-flood", "notice", "confirmed", listener=("10.0.2.1", 80))
    report.calm()


def neighbour_capture_flash_crowd(lab):
    """Many clients of many networks at once, and nearly all complete."""
    capture = Capture()
    for n in range(400):
        client = (f"10.{77 + n // 250}.{n % 250}.7", 1024 + n)
        capture.flow(client=client, at=n * 0.05).handshake().talk().close()
    report = lab.judge(capture)
    report.none("syn-flood")
    report.calm()
