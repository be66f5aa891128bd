"""Captures made by hand: connections segment by segment, as a pcap file.

The place of the capture lies in the middle of the path: each segment is written when it passes.
"""

import socket
import struct

FIN, SYN, RST, PSH, ACK = 1, 2, 4, 8, 16
CLIENT, SERVER = 0, 1
LINKTYPE_RAW = 101  # a frame is an IP datagram (www.tcpdump.org/linktypes.html)
START = 1_700_000_000
MSS = struct.pack("!BBH", 2, 4, 1460)


def checksum(data):
    """RFC 1071."""
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total >> 16) + (total & 0xFFFF)
    return ~total & 0xFFFF


def datagram(source, target, protocol, payload, ttl=64):
    head = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(payload), 0, 0x4000, ttl, protocol, 0,
                       socket.inet_aton(source), socket.inet_aton(target))
    return head[:10] + struct.pack("!H", checksum(head)) + head[12:] + payload


def segment(source, target, seq, ack, flags, data=b"", window=64240, ttl=64, damaged=False):
    """`source` and `target` are pairs of address and port."""
    options = MSS if flags & SYN else b""
    head = struct.pack("!HHIIBBHHH", source[1], target[1], seq % 2**32, ack % 2**32,
                       (20 + len(options)) // 4 << 4, flags, window, 0, 0)
    pseudo = (socket.inet_aton(source[0]) + socket.inet_aton(target[0]) +
              struct.pack("!BBH", 0, socket.IPPROTO_TCP, len(head + options + data)))
    total = checksum(pseudo + head + options + data) ^ (0x5555 if damaged else 0)
    tcp = head[:16] + struct.pack("!H", total) + head[18:] + options + data
    return datagram(source[0], target[0], socket.IPPROTO_TCP, tcp, ttl)


class Capture:
    """Collects datagrams with their times; save() writes them in order."""

    def __init__(self):
        self.frames = []

    def add(self, at, packet):
        self.frames.append((at, len(self.frames), packet))

    def icmp(self, at, reporter, kind, code, quoted, mtu=0):
        """An ICMP error about the datagram `quoted`, to its source."""
        body = struct.pack("!BBHHH", kind, code, 0, 0, mtu) + quoted[:28]
        body = body[:2] + struct.pack("!H", checksum(body)) + body[4:]
        self.add(at, datagram(reporter, socket.inet_ntoa(quoted[12:16]), socket.IPPROTO_ICMP, body))

    def save(self, path):
        with open(path, "wb") as file:
            file.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262144, LINKTYPE_RAW))
            for at, _, packet in sorted(self.frames):
                microseconds = round(at * 1e6)
                file.write(struct.pack("<IIII", START + microseconds // 10**6,
                                       microseconds % 10**6, len(packet), len(packet)) + packet)

    def flow(self, n=0, at=0.0, client=None, server=("10.0.2.1", 80)):
        return Flow(self, client or (f"10.0.1.{n % 200 + 1}", 30000 + n), server, at)


class Flow:
    """One connection; its clock moves with each segment by half a round trip of 20 ms."""

    def __init__(self, capture, client, server, at):
        self.capture, self.ends, self.now = capture, (client, server), at
        self.start = [1000 * client[1], 7000 * client[1]]
        self.next = list(self.start)  # SND.NXT of both
        self.heard = [0, 0]           # what each acknowledges

    def send(self, side, flags, data=b"", seq=None, ack=None, wait=0.01, **more):
        """A segment now; then the clock moves on. `seq` sends something again."""
        peer = 1 - side
        fresh = seq is None
        seq = self.next[side] if fresh else seq
        if ack is None:
            ack = self.heard[side] if flags & ACK else 0
        packet = segment(self.ends[side], self.ends[peer], seq, ack, flags, data, **more)
        self.capture.add(self.now, packet)
        if fresh and not flags & RST:
            self.next[side] += len(data) + bool(flags & SYN) + bool(flags & FIN)
        self.now += wait
        return packet

    def hears(self, side):
        """`side` has received all that the other sent."""
        self.heard[side] = self.next[1 - side]
        return self

    def handshake(self):
        self.send(CLIENT, SYN)
        self.hears(SERVER).send(SERVER, SYN | ACK)
        self.hears(CLIENT).send(CLIENT, ACK)
        return self

    def says(self, side, size, acked=True, **more):
        """Text of one segment, and its acknowledgment."""
        self.send(side, PSH | ACK, b"x" * size, **more)
        if acked:
            self.hears(1 - side).send(1 - side, ACK)
        return self

    def talk(self, request=300, reply=1000):
        return self.says(CLIENT, request).says(SERVER, reply)

    def close(self, first=CLIENT):
        self.send(first, FIN | ACK)
        self.hears(1 - first).send(1 - first, FIN | ACK)
        self.hears(first).send(first, ACK)
        return self

    def pause(self, seconds):
        self.now += seconds
        return self


def healthy(capture, count, first=1000, every=0.5, server=("10.0.2.1", 80)):
    """Short connections as any busy service has them."""
    for n in range(count):
        capture.flow(first + n, n * every, server=server).handshake().talk().close()
