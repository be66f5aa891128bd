"""`capture`: real connections over loopback and a cable, printed and counted once, with right
states; files that tcpdump and tshark read back; filters, limits, rights and interfaces that vanish.
"""

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

from lab import NOBODY, Namespace, run, wait_until
from schemas import assert_valid, validator

SKIPPED = 77  # for ctest
PORT = 7777
OTHER_PORT = 7778


class Capture:
    """The program under test at work; `with` waits until it listens, and ends it as Ctrl-C does."""

    def __init__(self, lab, *args, namespace=None):
        self.command = (lab.program, "capture", *args)
        self.namespace = namespace or lab.here

    def __enter__(self):
        with self.namespace:
            # Standard output may be a binary file.
            self.process = subprocess.Popen(self.command, stdout=subprocess.PIPE,
                                            stderr=subprocess.PIPE, bufsize=0)
        first = self.process.stderr.readline().decode()
        assert "listening on" in first, (self.command, first, self.process.stderr.read().decode())
        return self

    def __exit__(self, kind, *_):
        if kind is None and self.process.poll() is None:
            time.sleep(0.5)  # packets wait in the kernel for at most 0.1 s
            self.process.send_signal(signal.SIGINT)
        elif self.process.poll() is None:
            self.process.kill()
        out, err = self.process.communicate(timeout=60)
        self.raw, self.err = out, err.decode()
        assert "Sanitizer" not in self.err, self.err
        self.code = self.process.returncode

    @property
    def out(self):
        return self.raw.decode()

    @property
    def lines(self):
        """Those of packets."""
        return [line for line in self.out.splitlines() if "Flags [" in line or " ICMP " in line]

    @property
    def packets(self):
        """The documents of --json, without the last one."""
        return [json.loads(line) for line in self.out.splitlines()[:-1]]

    @property
    def summary(self):
        return json.loads(self.out.splitlines()[-1])["summary"]


def talk(namespace, address="127.0.0.1", port=PORT, text=b"hello", listener=None):
    """A client that sends, and closes first; both ends have closed in the end."""
    own = listener or namespace.listen(port, address=address)
    with contextlib.ExitStack() as stack:
        if listener is None:
            stack.enter_context(own)
        client = stack.enter_context(namespace.connect(address, port))
        server, _ = own.accept()
        stack.enter_context(server)
        client.sendall(text)
        assert server.recv(len(text), socket.MSG_WAITALL) == text
        time.sleep(0.1)  # the ACK of the text comes alone
        client.shutdown(socket.SHUT_WR)
        assert server.recv(1) == b""
        time.sleep(0.1)  # so does the ACK of the FIN
        server.close()
        assert client.recv(1) == b""


def states(packet):
    return tuple(packet["states"][end]["state"] for end in ("originator", "responder"))


def check_schema(capture):
    for line in capture.out.splitlines():
        assert_valid("capture", json.loads(line))
    assert not validator("capture").is_valid({"schema": "tcpdx/1"})


def once(lab, interface):
    """RFC 9293 figures 6 and 12, each segment once."""
    with Capture(lab, "-i", interface, "--json", "port", str(PORT)) as json_capture, \
            Capture(lab, "-i", interface, "port", str(PORT)) as text_capture:
        talk(lab.here)
    assert json_capture.code == 0 and text_capture.code == 0, (json_capture.err, text_capture.err)
    packets = json_capture.packets
    assert [p["flags"] for p in packets] == ["S", "S.", ".", "P.", ".", "F.", ".", "F.", "."], (
        json_capture.out)
    assert {p["interface"] for p in packets} == {"lo"}, json_capture.out
    assert {p["connection"] for p in packets} == {1}, json_capture.out
    after = [states(p) for p in packets]
    assert after[0][0] == "SYN-SENT", after
    assert after[1][1] == "SYN-RECEIVED", after
    assert after[2:5] == [("ESTABLISHED", "ESTABLISHED")] * 3, after
    assert after[5][0] == "FIN-WAIT-1", after
    assert after[6] == ("FIN-WAIT-2", "CLOSE-WAIT"), after
    assert after[7][1] == "LAST-ACK", after
    assert after[8][0] == "TIME-WAIT", after
    remarks = {remark for p in packets for remark in p["remarks"]}
    assert remarks <= {"handshake-complete", "offloaded-checksum", "window-update"}, remarks
    assert json_capture.summary["connections"] == 1, json_capture.summary
    assert json_capture.summary["segments"] == 9, json_capture.summary
    assert json_capture.summary["repeats"] == 0, json_capture.summary
    check_schema(json_capture)
    lines = text_capture.lines
    assert len(lines) == 9, text_capture.out
    assert "Flags [S.], seq 0, ack 1, win" in lines[1], lines
    assert "ESTABLISHED / ESTABLISHED" in lines[2] and "handshake complete, " in lines[2], lines
    assert "seq 1:6, ack 1, " in lines[3] and lines[3].split(" length ")[1].startswith("5 "), lines
    assert "first FIN: client closes" in lines[5], lines
    assert "second FIN: server closes too" in lines[7], lines
    assert "9 packets of 1 connection" in text_capture.out, text_capture.out
    assert "the kernel dropped none" in text_capture.out, text_capture.out


def loopback_once(lab):
    once(lab, "lo")


def any_once(lab):
    once(lab, "any")


def any_shows_a_bridged_segment_once(lab):
    """Two hosts behind a bridge here: each segment passes three devices of this namespace."""
    client, server = Namespace("client"), Namespace("server")
    try:
        run("ip", "link", "add", "bridge0", "type", "bridge")
    except AssertionError as error:
        print("skipped: this kernel has no bridges:", error)
        sys.stdout.flush()
        os._exit(SKIPPED)
    run("ip", "link", "set", "bridge0", "up")
    for number, end in enumerate((client, server), 1):
        run("ip", "link", "add", f"port{number}", "type", "veth", "peer", "name", "cable",
            "netns", end.name)
        run("ip", "-n", end.name, "addr", "add", f"10.77.0.{number}/24", "dev", "cable")
        run("ip", "-n", end.name, "link", "set", "cable", "up")
        run("ip", "link", "set", f"port{number}", "master", "bridge0", "up")
    with Capture(lab, "-i", "any", "--json") as capture:
        with server.listen(PORT) as listener, client.connect("10.77.0.2", PORT) as sock:
            accepted, _ = listener.accept()
            with accepted:
                sock.sendall(b"over the bridge")
                assert accepted.recv(100)
    packets = [p for p in capture.packets if "flags" in p]
    keys = [(p["from"], p["flags"], p["seq"], p["ack"], p["length"]) for p in packets]
    assert len(keys) == len(set(keys)) >= 5, capture.out
    assert capture.summary["repeats"] >= len(keys), capture.summary
    assert capture.summary["connections"] == 1, capture.summary


def read_by(*command):
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout


def others_read_the_file(lab):
    with tempfile.TemporaryDirectory() as folder:
        for interface in ("lo", "any"):
            path = os.path.join(folder, f"{interface}.pcapng")
            with Capture(lab, "-i", interface, "-w", path, "port", str(PORT)) as capture:
                talk(lab.here)
            assert capture.code == 0, capture.err
            assert len(capture.lines) == 9, capture.out
            assert read_by("tcpdump", "-nr", path).count("Flags [") == 9, path
            if shutil.which("tshark"):
                frames = read_by("tshark", "-r", path, "-Y", "tcp && !_ws.malformed")
                assert len(frames.splitlines()) == 9, frames
                nanoseconds = read_by("tshark", "-r", path, "-T", "fields", "-e",
                                      "frame.time_epoch").split()
                assert any(not t.endswith("000") for t in nanoseconds), nanoseconds


def file_to_standard_output(lab):
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "piped.pcapng")
        with Capture(lab, "-i", "lo", "-w", "-", "port", str(PORT)) as capture:
            talk(lab.here)
        with open(path, "wb") as file:
            file.write(capture.raw)
        assert read_by("tcpdump", "-nr", path).count("Flags [") == 9, path
        assert "9 packets of 1 connection" in capture.err, capture.err


def count_ends_it(lab):
    capture = Capture(lab, "-i", "lo", "--count", "4", "port", str(PORT))
    with capture:
        talk(lab.here)
        capture.process.wait(timeout=30)
    assert capture.code == 0 and len(capture.lines) == 4, (capture.err, capture.out)
    assert "4 packets of 1 connection" in capture.out, capture.out
    assert "still open" in capture.out, capture.out


def time_ends_it(lab):
    result = lab.tcpdx("capture", "-i", "lo", "--for", "0.5s", "--json")
    assert result.returncode == 0, result
    assert json.loads(result.stdout)["summary"]["frames"] == 0, result


def lines_come_at_once(lab):
    with Capture(lab, "-i", "lo", "--json", "port", str(PORT)) as capture, \
            lab.here.listen(PORT), lab.here.connect("127.0.0.1", PORT):
        os.set_blocking(capture.process.stdout.fileno(), False)
        early = []

        def three():
            early.extend((capture.process.stdout.read() or b"").decode().splitlines())
            return len(early) >= 3

        wait_until(three, "the handshake's three lines while the capture goes on", seconds=5)
        os.set_blocking(capture.process.stdout.fileno(), True)


def filter_keeps_others_out(lab):
    with Capture(lab, "-i", "lo", "--json", "port", str(PORT)) as by_port, \
            Capture(lab, "-i", "lo", "--json", "src", "port", str(PORT)) as by_source, \
            Capture(lab, "-i", "lo", "--json", "ip6") as by_family, \
            Capture(lab, "-i", "lo", "--json", "state", "close-wait") as by_state, \
            Capture(lab, "-i", "lo", "--json", "not", "port", str(PORT)) as others:
        talk(lab.here)
        talk(lab.here, port=OTHER_PORT)
    assert len(by_port.packets) == 9, by_port.out
    assert all(PORT == p["responder"]["port"] for p in by_port.packets), by_port.out
    assert len(by_source.packets) == 4, by_source.out  # SYN-ACK, ACK of text, ACK of FIN, FIN
    assert not by_family.packets, by_family.out
    assert by_state.packets, by_state.out
    assert all("CLOSE-WAIT" in states(p) for p in by_state.packets), by_state.out
    assert all(OTHER_PORT == p["responder"]["port"] for p in others.packets), others.out
    assert len(others.packets) == 9, others.out


def icmp_errors_belong_to_their_connection(lab):
    """A router's answer is shown although the filter names ports, which it does not have."""
    client, server = lab.pair()
    server.rules("input", f"tcp dport {PORT} reject with icmpx type host-unreachable")
    with Capture(lab, "-i", "any", "--json", "port", str(PORT), namespace=client) as capture:
        client.connect("10.1.0.2", PORT, wait=False)
        time.sleep(0.3)
    errors = [p for p in capture.packets if "icmp" in p]
    assert errors and errors[0]["icmp"]["reporter"] == "10.1.0.2", capture.out
    assert (errors[0]["icmp"]["type"], errors[0]["icmp"]["code"]) == (3, 1), capture.out
    assert "host unreachable" in errors[0]["did"], capture.out
    check_schema(capture)


def quiet_says_only_the_end(lab):
    with Capture(lab, "-i", "lo", "-q", "port", str(PORT)) as capture:
        talk(lab.here)
    assert not capture.lines and "9 packets of 1 connection" in capture.out, capture.out


def without_rights(lab):
    result = lab.tcpdx("capture", "-i", "lo", "--for", "1s", wrapper=NOBODY)
    assert result.returncode == 3 and "CAP_NET_RAW" in result.stderr, result
    assert not result.stdout, result


def wrong_words(lab):
    result = lab.tcpdx("capture", "-i", "nowhere0")
    assert result.returncode == 3, result
    assert "nowhere0" in result.stderr and "lo" in result.stderr, result
    for words in (("pid", "1"), ("state", "close-wait", "and", "comm", "nginx"), ("prot", "80"),
                  ("--json", "-w", "-"), ("--for", "soon"), ("--count", "many")):
        result = lab.tcpdx("capture", "-i", "lo", *words)
        assert result.returncode == 64 and result.stderr and not result.stdout, (words, result)
    result = lab.tcpdx("capture", "-i", "lo", "-w", "/nonexistent/file", "--for", "1s")
    assert result.returncode == 3 and "/nonexistent/file" in result.stderr, result


def an_interface_goes(lab):
    client, _ = lab.pair()
    run("ip", "-n", client.name, "link", "set", "e1a", "down")
    with client:
        result = lab.tcpdx("capture", "-i", "e1a", "--for", "1s")
    assert result.returncode == 3 and "down" in result.stderr, result
    run("ip", "-n", client.name, "link", "set", "e1a", "up")
    capture = Capture(lab, "-i", "e1a", "--for", "30s", namespace=client)
    with capture:
        run("ip", "-n", client.name, "link", "set", "e1a", "down")
        assert "went down" in capture.process.stderr.readline().decode()
        run("ip", "-n", client.name, "link", "del", "e1a")
        capture.process.wait(timeout=20)
    assert capture.code == 3 and "has ended" in capture.err, capture.err
