"""`read --threads N`: with any number of threads the same records, with the same ids, in the same
order, octet for octet: of simulated connections of all kinds at once, and of a crowd of others with
floods of SYNs, fragments, ICMP errors, VLANs and wrong checksums among them.
"""

import os
import random
import struct
import tempfile

from packets import ACK, CLIENT, PSH, RST, SERVER, SYN, Capture, segment

SCENARIOS = ("close", "half-open-crash", "simultaneous-open", "port-reuse", "reset-mid-stream",
             "time-wait-assassination", "syn-flood", "zero-window", "reordering", "syn-lost")
FORMATS = ("json", "csv", "table")
CONNECTIONS = 3000


def fragments(packet, first):
    """The datagram in two, cut behind `first` octets of its payload."""
    head, payload = packet[:20], packet[20:]
    parts = []
    for part, offset, more in ((payload[:first], 0, 0x2000), (payload[first:], first // 8, 0)):
        fields = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(part), 7, more | offset, 64, 6, 0)
        parts.append(fields + head[12:20] + part)  # a header's own sum is not looked at
    return parts


def crowd(path):
    """Interleaved connections that open, talk, repeat themselves, fail, and end in many ways."""
    chance = random.Random(4)
    capture = Capture()
    for n in range(CONNECTIONS):
        client = (f"10.{n % 7}.1.{n % 200 + 1}", 30000 + n % 900)  # some are used again
        flow = capture.flow(n, chance.uniform(0, 300), client, ("10.9.0.1", (80, 443)[n % 2]))
        kind = n % 11
        if kind == 0:  # nobody answers
            capture.icmp(flow.now + 0.03, "10.8.0.1", 3, 1, flow.send(CLIENT, SYN))
        elif kind == 1:
            flow.send(CLIENT, SYN, wait=1)
            flow.send(CLIENT, SYN, seq=flow.start[CLIENT])
        elif kind == 2:
            flow.send(CLIENT, SYN)
            flow.hears(SERVER).send(SERVER, RST | ACK)
        elif kind == 3:  # in the middle
            flow.talk().close()
        elif kind == 4:
            whole = flow.handshake().send(CLIENT, PSH | ACK, b"y" * 800)
            capture.frames.pop()
            for part in fragments(whole, 400):
                capture.add(flow.now, part)
            flow.hears(SERVER).send(SERVER, ACK)
        elif kind == 5:
            flow.handshake().send(CLIENT, PSH | ACK, b"z" * 90, damaged=True)
            flow.send(CLIENT, PSH | ACK, b"z" * 90, seq=flow.next[CLIENT] - 90)
            flow.close(SERVER)
        elif kind == 6:
            flow.handshake().talk().send(CLIENT, RST, seq=flow.next[CLIENT])
        else:
            flow.handshake()
            for _ in range(kind - 6):
                flow.talk()
            flow.close(n % 2)
    for n in range(4 * CONNECTIONS):
        capture.add(n / 40, segment((f"172.{n % 16 + 16}.{n % 251}.{n % 249}", 1024 + n % 60000),
                                    ("10.9.0.1", 80), n, 0, SYN))
    capture.save(path)


def same_with_any_number(lab, *arguments):
    for format_ in FORMATS:
        outcomes = [lab.tcpdx("read", *arguments, "--format", format_, "--threads", str(threads))
                    for threads in (1, 2, 3)]
        alone = outcomes[0]
        assert alone.returncode == 0 and alone.stdout, alone
        for outcome in outcomes[1:]:
            assert outcome.stdout == alone.stdout, (arguments, format_)
            assert outcome.stderr == alone.stderr, (arguments, format_)


def all_kinds(lab):
    with tempfile.TemporaryDirectory() as folder:
        paths = []
        for scenario in SCENARIOS:
            for place in ("client", "after-loss"):
                path = os.path.join(folder, f"{scenario}-{place}.pcap")
                made = lab.tcpdx("sim", scenario, "--loss", "0.05", "--pcap", path, "--at", place)
                assert made.returncode == 0, made
                paths.append(path)
        same_with_any_number(lab, *paths)
        path = os.path.join(folder, "crowd.pcap")
        crowd(path)
        same_with_any_number(lab, path)
        same_with_any_number(lab, path, *paths)


def refuses_what_is_no_number(lab):
    for threads in ("0", "65", "many"):
        result = lab.tcpdx("read", os.devnull, "--threads", threads)
        assert result.returncode == 64 and not result.stdout, result
