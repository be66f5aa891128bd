"""The counts of `read --json` beside tshark's tcp.analysis: for each direction of each pair of ends
they are equal, but for the differences that docs/metrics.md names. Each such rule is applied to
tshark's packets one by one; what then differs is a failure.

Captures: every story of `sim`, seen from each place of the path, with and without loss, put behind
each other into one file under addresses of its own; and real connections between two namespaces.
"""

import collections
import json
import os
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time

from lab import wait_until

SKIPPED = 77  # for ctest
PLACES = ("client", "before-loss", "after-loss", "server")
RUNS = (("0", 1), ("0.1", 2), ("0.3", 3))  # loss, seed
COUNTS = ("retransmissions", "out_of_order", "duplicate_acks", "zero_windows",
          "zero_window_probes", "keep_alives", "window_full")
LABELS = ("retransmission", "out_of_order", "duplicate_ack", "zero_window", "zero_window_probe",
          "keep_alive", "window_full")
FIELDS = ("frame.number", "frame.time_epoch", "ip.src", "tcp.srcport", "ip.dst", "tcp.dstport",
          "tcp.stream", "tcp.seq_raw", "tcp.ack_raw", "tcp.len", "tcp.flags", "tcp.window_size",
          "ip.id", *(f"tcp.analysis.{label}" for label in LABELS))
FIN, SYN, RST, ACK = 0x01, 0x02, 0x04, 0x10
COPY_NS = 2 * 10**6
ROUNDING_NS = 2000
REORDER_NS = 3 * 10**6  # where no round trip of the handshake is known


def need_tshark():
    if not shutil.which("tshark"):
        print("skipped: tshark is not installed")
        sys.stdout.flush()
        os._exit(SKIPPED)


# --- Captures.

class Collection:
    """Captures of simulated connections, one behind the other, as a pcap file of raw IPv4."""

    def __init__(self):
        self.records = []
        self.names = {}  # first address word: what it was
        self.next_time = 0.0

    def add(self, name, path):
        """Adds 1 to the upper half of both addresses and takes it from the lower one, for each
        capture before: checksums are sums of these words (RFC 1071), so they stay right."""
        number = len(self.names) + 1
        with open(path, "rb") as file:
            data = file.read()
        assert data[:4] == b"\xd4\xc3\xb2\xa1", data[:4]
        at, start = 24, None
        while at < len(data):
            seconds, micros, size, original = struct.unpack_from("<IIII", data, at)
            packet = bytearray(data[at + 16:at + 16 + size])
            at += 16 + size
            moment = seconds + micros / 1e6
            start = moment if start is None else start
            assert packet[0] >> 4 == 4, "the stories are told over IPv4"
            for where in (12, 16):
                high, low = struct.unpack_from(">HH", packet, where)
                struct.pack_into(">HH", packet, where, high + number, (low - number) % 0xffff)
                self.names[high + number] = name
            self.records.append((self.next_time + moment - start, bytes(packet), original))
        if self.records:
            self.next_time = self.records[-1][0] + 1000.0

    def save(self, path):
        with open(path, "wb") as file:
            file.write(struct.pack("<IHHiIII", 0xa1b2c3d4, 2, 4, 0, 0, 65535, 101))
            for moment, packet, original in self.records:
                micros = round(moment * 1e6)
                file.write(struct.pack("<IIII", micros // 10**6, micros % 10**6, len(packet),
                                       original) + packet)

    def name_of(self, address):
        return self.names.get(struct.unpack(">H", socket.inet_aton(address)[:2])[0], "?")


# --- tshark's view, with the rules.

class Way:
    """What one end of a stream has sent so far, as docs/metrics.md defines it."""

    def __init__(self):
        self.sent = False
        self.next = 0  # SND.NXT, not wrapped
        self.acked = None  # the highest ACK that it sent, in the other's numbers
        self.window = None
        self.holes = []  # [from, to, since]
        self.last = None
        self.had_syn = False


def near(number, reference):
    """A number of 32 bits as the one nearest to an unwrapped reference."""
    return reference + ((number - reference + 2**31) % 2**32 - 2**31)


class Stream:
    def __init__(self):
        self.ways = {}
        self.syn_at = self.syn_ack_at = self.round_trip = None
        self.server_rtt = None
        self.syns = collections.Counter()
        self.borderline = False  # late by exactly the limit, which tcpdx has in microseconds

    def ambiguous(self):
        """A SYN or SYN-ACK came again: whose answer the next one was is not known, so the round
        trip that parts late from sent again is anybody's guess."""
        return self.borderline or any(count > 1 for count in self.syns.values())

    def way(self, source):
        return self.ways.setdefault(source, Way())

    def reorder_limit(self):
        return REORDER_NS if self.round_trip is None else self.round_trip

    def time_handshake(self, frame):
        self.syns[frame.source] += bool(frame.flags & SYN)
        if self.round_trip is not None:
            return
        if frame.flags & SYN and frame.flags & ACK:
            self.syn_ack_at = frame.time
            if self.syn_at is not None:
                self.server_rtt = frame.time - self.syn_at
        elif frame.flags & SYN:
            self.syn_at = frame.time
        elif self.syn_ack_at is not None and self.server_rtt is not None and (
                frame.source != self.syn_ack_from()):
            client_rtt = frame.time - self.syn_ack_at
            self.round_trip = sum(rtt // 1000 * 1000 for rtt in (self.server_rtt, client_rtt))

    def syn_ack_from(self):
        return next((source for source, way in self.ways.items()
                     if way.had_syn == "answer"), None)


class Frame:
    def __init__(self, words):
        values = dict(zip(FIELDS, words))
        self.number = int(values["frame.number"])
        seconds, fraction = values["frame.time_epoch"].split(".")
        self.time = int(seconds) * 10**9 + int(fraction.ljust(9, "0"))
        self.source = (values["ip.src"], int(values["tcp.srcport"]))
        self.target = (values["ip.dst"], int(values["tcp.dstport"]))
        self.stream = int(values["tcp.stream"])
        self.seq, self.ack = int(values["tcp.seq_raw"]), int(values["tcp.ack_raw"] or 0)
        self.text, self.flags = int(values["tcp.len"]), int(values["tcp.flags"], 16)
        self.window, self.ip_id = int(values["tcp.window_size"]), values["ip.id"]
        self.labels = {label for label in LABELS if values[f"tcp.analysis.{label}"]}
        self.length = self.text + bool(self.flags & SYN) + bool(self.flags & FIN)


def is_copy(frame, own, peer):
    """copy: one segment, captured twice. Without an IP id not if the other end spoke in between:
    two SYN-ACKs, one by the timer and one for a SYN that came again."""
    before = own.last
    spoken = before is not None and peer.last is not None and peer.last.time > before.time
    return (not (spoken and int(frame.ip_id, 16) == 0) and
            before is not None and frame.time - before.time < COPY_NS and
            (frame.seq, frame.flags, frame.text, frame.ip_id) ==
            (before.seq, before.flags, before.text, before.ip_id) and
            (not frame.flags & ACK or frame.ack == before.ack) and
            (int(frame.ip_id, 16) != 0 or frame.length > 0))


def fill(own, first, end):
    """Takes [first, end) out of the holes; returns since when the last of them was missing."""
    left, since = [], None
    for hole in own.holes:
        low, high = max(hole[0], first), min(hole[1], end)
        if low >= high:
            left.append(hole)
            continue
        since = hole[2]
        left += [[a, b, since] for a, b in ((hole[0], low), (high, hole[1])) if a < b]
    own.holes = left
    return since


def repeat_or_late(frame, own, stream, seq, end):
    """reorder, late: out of order is what fills a hole soon; all else is a retransmission."""
    since = fill(own, seq, min(end, own.next))
    if since is None:
        return "retransmissions"
    beyond = frame.time - since - stream.reorder_limit()
    stream.borderline |= abs(beyond) <= ROUNDING_NS
    return "out_of_order" if beyond < 0 else "retransmissions"


def behind_a_gap(frame, own, peer, seq):
    """ahead: a duplicate ACK is one, too, where something before it was not captured."""
    return (not frame.length and frame.flags & ACK and seq > own.next and own.acked is not None and
            peer.sent and near(frame.ack, own.acked) == own.acked and peer.next > own.acked and
            frame.window == own.window and frame.window > 0)


def judge(frame, stream, counts, reasons):
    """What tcpdx must count of a frame, given tshark's labels and the rules."""
    stream.time_handshake(frame)
    own, peer = stream.way(frame.source), stream.way(frame.target)
    if frame.flags & RST:  # reset
        return
    if is_copy(frame, own, peer):
        reasons["copy"] += bool(frame.labels)
        return
    if not own.sent:
        own.sent, own.next = True, frame.seq
    seq = near(frame.seq, own.next)
    end = seq + frame.length
    labels = set(frame.labels)
    closed = peer.window == 0

    if "keep_alive" in labels:
        labels.discard("keep_alive")
        reasons["probe"] += closed
        counts["zero_window_probes" if closed else "keep_alives"] += 1
        labels -= {"retransmission", "out_of_order"}
    if labels & {"retransmission", "out_of_order"}:
        kind = repeat_or_late(frame, own, stream, seq, end)
        said = "out_of_order" if "out_of_order" in labels else "retransmissions"
        if kind != said:
            reasons["reorder" if said == "out_of_order" else "late"] += 1
        counts[kind] += 1
    if "duplicate_ack" in labels:
        ack = near(frame.ack, peer.next)
        if peer.sent and peer.next > ack:
            counts["duplicate_acks"] += 1
        else:
            reasons["idle-ack"] += 1
    elif behind_a_gap(frame, own, peer, seq):
        counts["duplicate_acks"] += 1
        reasons["ahead"] += 1
    counts["zero_windows"] += "zero_window" in labels
    counts["zero_window_probes"] += "zero_window_probe" in labels
    if "window_full" in labels:
        reasons["closed"] += closed
        counts["window_full"] += not closed

    if seq > own.next:
        own.holes.append([own.next, seq, frame.time])
        own.holes = own.holes[-6:]
    if "keep_alive" not in frame.labels:
        own.next = max(own.next, end)
    if frame.flags & ACK:
        ack = near(frame.ack, peer.next if peer.sent else frame.ack)
        if peer.sent and ack > peer.next:  # unseen
            peer.next = ack
        own.acked = ack if own.acked is None else max(own.acked, ack)
        if peer.sent:
            fill(peer, min((hole[0] for hole in peer.holes), default=ack), ack)
    own.window = frame.window
    if frame.flags & SYN:
        own.had_syn = "answer" if frame.flags & ACK else "call"
    own.last = frame


def tshark_counts(path):
    command = ["tshark", "-r", path, "-Y", "tcp && !icmp", "-T", "fields"]
    for field in FIELDS:
        command += ["-e", field]
    text = subprocess.run(command, capture_output=True, text=True, check=True, timeout=200).stdout
    streams = collections.defaultdict(Stream)
    counts = collections.defaultdict(collections.Counter)
    reasons = collections.Counter()
    unclear = set()
    for line in text.splitlines():
        frame = Frame(line.split("\t"))
        judge(frame, streams[frame.stream], counts[frame.source, frame.target], reasons)
        if streams[frame.stream].ambiguous():
            unclear |= {(frame.source, frame.target), (frame.target, frame.source)}
    return counts, reasons, unclear


# --- Ours.

def our_counts(lab, path):
    result = lab.tcpdx("read", path, "--json")
    assert result.returncode == 0, result.stderr
    counts = collections.defaultdict(collections.Counter)
    for line in result.stdout.splitlines():
        one = json.loads(line)
        caller, taker = ((one[side]["addr"], one[side]["port"])
                         for side in ("originator", "responder"))
        for side, way in (("originator", (caller, taker)), ("responder", (taker, caller))):
            for name in COUNTS:
                counts[way][name] += one["sides"][side][name]
    return counts


def compare(lab, path, name_of):
    theirs, reasons, unclear = tshark_counts(path)
    ours = our_counts(lab, path)
    assert set(theirs) <= set(ours), set(theirs) - set(ours)
    wrong = []
    for way, counts in theirs.items():
        for both in (counts, ours[way]) if way in unclear else ():
            both["retransmissions"] += both.pop("out_of_order", 0)
        for name in COUNTS:
            if counts[name] != ours[way][name]:
                wrong.append(f"{name_of(way)} {way[0]} -> {way[1]}: {name} {ours[way][name]}, "
                             f"tshark by the rules {counts[name]}")
    total = collections.Counter()
    for counts in theirs.values():
        total.update(counts)
    print(f"{len(theirs)} directions, {dict(total)}, rules used: {dict(reasons)}")
    assert not wrong, "\n".join([f"{len(wrong)} differ:", *wrong])
    return total


def keep(path, name):
    """For a look at what differed: TCPDX_KEEP_CAPTURES=FOLDER."""
    folder = os.environ.get("TCPDX_KEEP_CAPTURES")
    if folder:
        shutil.copy(path, os.path.join(folder, name))


# --- The tests.

def simulated_connections_count_alike(lab):
    need_tshark()
    stories = json.loads(lab.tcpdx("sim", "--list", "--json").stdout)["scenarios"]
    with tempfile.TemporaryDirectory() as folder:
        one, every = os.path.join(folder, "one.pcap"), os.path.join(folder, "every.pcap")
        collection = Collection()
        for story in (story["name"] for story in stories):
            for place in PLACES:
                for loss, seed in RUNS:
                    result = lab.tcpdx("sim", story, "--pcap", one, "--at", place, "--loss", loss,
                                       "--seed", str(seed))
                    assert result.returncode == 0, result
                    collection.add(f"{story} {place} {loss} {seed}", one)
        collection.save(every)
        keep(every, "simulated.pcap")
        total = compare(lab, every, lambda way: collection.name_of(way[0][0]))
    assert all(total[name] for name in ("retransmissions", "duplicate_acks", "zero_windows",
                                        "zero_window_probes", "keep_alives")), total


def talk(client, server, port):
    """Text both ways, a reader that sleeps, keep-alives; the client closes first."""
    with server:
        listener = socket.create_server(("10.1.0.2", port))
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8192)
    with client:
        caller = socket.create_connection(("10.1.0.2", port), timeout=30)
    taker, _ = listener.accept()
    listener.close()
    taker.settimeout(30)
    caller.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    caller.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 1)
    caller.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 1)
    much = b"x" * 300000

    def send():
        caller.sendall(much)

    writer = threading.Thread(target=send)
    writer.start()
    time.sleep(1)
    left = len(much)
    while left:
        left -= len(taker.recv(65536))
    writer.join()
    taker.sendall(b"y" * 20000)
    left = 20000
    while left:
        left -= len(caller.recv(65536))
    time.sleep(2.5)
    caller.close()
    assert taker.recv(1) == b""
    taker.close()


def real_connections_count_alike(lab):
    need_tshark()
    client, server = lab.pair()
    with tempfile.TemporaryDirectory() as folder:
        files = [os.path.join(folder, name) for name in ("client.pcap", "server.pcap")]
        dumps = []
        for namespace, device, path in ((client, "e1a", files[0]), (server, "e1b", files[1])):
            with namespace:
                dumps.append(subprocess.Popen(
                    ["tcpdump", "-i", device, "-U", "-B", "16384", "-Z", "root", "-w", path, "tcp"],
                    stderr=subprocess.PIPE, text=True))
            assert "listening on" in dumps[-1].stderr.readline()
        for loss, times in ((0, 2), (5, 5)):
            if loss:
                for namespace in (client, server):
                    namespace.drop(f"meta l4proto tcp numgen random mod 100 < {loss}")
            for number in range(times):
                talk(client, server, 7000 + loss * 100 + number)
        wait_until(lambda: not client.sockets("state", "fin-wait-1"), "the last FIN to arrive")
        time.sleep(0.5)
        for dump in dumps:
            dump.terminate()
            dump.wait(timeout=30)
        for path in files:
            keep(path, os.path.basename(path))
            total = compare(lab, path, lambda way: os.path.basename(path))
            assert total["retransmissions"] and total["zero_windows"], total
