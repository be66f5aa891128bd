"""`rates` counts what happens, in the namespace in which it happens.

   client 10.1.0.1 ──── 10.1.0.2 server         each load is made between the first reading and the
                                                last, so the sum over the intervals is known
"""

import contextlib
import datetime
import json
import os
import re
import signal
import socket
import subprocess
import time

from lab import wait_until

CONNECTIONS = 60
REFUSED = 25
PORT, CLOSED_PORT, FULL_PORT = 7000, 7001, 7002


class Stream:
    """A `tcpdx rates --json` that runs beside a load."""

    def __init__(self, lab, *arguments):
        self.process = subprocess.Popen([lab.program, "rates", "--json", *arguments],
                                        stdout=subprocess.PIPE, text=True)
        self.lines = []
        self.next()  # from now on what happens is counted

    def next(self):
        self.lines.append(json.loads(self.process.stdout.readline()))

    def end(self):
        """Reads on until all that has happened is told, and then ends it as Ctrl-C does."""
        now = datetime.datetime.now(datetime.timezone.utc).isoformat()[:26]
        # A namespace may be read just before `now` in the interval in which another is read after
        # it; the second interval holds everything.
        while len([line for line in self.lines
                   if line["t"][:26] > now and line["netns"] == self.lines[0]["netns"]]) < 2:
            self.next()
        self.process.send_signal(signal.SIGINT)
        self.lines += map(json.loads, self.process.stdout)
        assert self.process.wait(timeout=10) == 0, self.process.returncode

    def sum(self, namespace, counter):
        """How often in all: rates times the real length of each interval."""
        mine = [line for line in self.lines if line["netns"] == namespace.inode]
        assert mine, f"no line of namespace {namespace.name}"
        values = [line["per_second"][counter] for line in mine]
        assert None not in values, (counter, values)
        total = sum(value * line["interval_s"] for value, line in zip(values, mine))
        assert abs(total - round(total)) < 0.01, (counter, total)
        return round(total)


def serve(client, server, count):
    """`count` connections, one after the other, each with a request and an answer."""
    with contextlib.closing(server.listen(PORT)) as listener:
        for _ in range(count):
            mine = client.connect("10.1.0.2", PORT)
            theirs, _ = listener.accept()
            mine.sendall(b"question")
            theirs.recv(100)
            theirs.sendall(b"answer")
            mine.recv(100)
            mine.close()
            theirs.close()


def refuse(client, count):
    for _ in range(count):
        with contextlib.suppress(ConnectionRefusedError):
            client.connect("10.1.0.2", CLOSED_PORT)


def scene(lab):
    client, server = lab.pair()
    for _ in range(2):  # neighbours are resolved before anything is counted
        serve(client, server, 1)
    return client, server


def opens_are_counted_where_they_happen(lab):
    client, server = scene(lab)
    stream = Stream(lab, "--interval", "300ms")
    serve(client, server, CONNECTIONS)
    stream.end()
    assert stream.sum(client, "Tcp.ActiveOpens") == CONNECTIONS
    assert stream.sum(server, "Tcp.PassiveOpens") == CONNECTIONS
    assert stream.sum(client, "Tcp.PassiveOpens") == 0
    assert stream.sum(server, "Tcp.ActiveOpens") == 0
    assert stream.sum(client, "TcpExt.TW") == CONNECTIONS
    # A question and a FIN of each; the answer and a FIN.
    assert stream.sum(client, "TcpExt.TCPOrigDataSent") == 2 * CONNECTIONS
    last = [line for line in stream.lines if line["netns"] == client.inode][-1]
    assert last["now"]["time_wait"] >= CONNECTIONS, last
    assert last["netns_name"] == "client", last


def refusals_and_resets(lab):
    client, server = scene(lab)
    stream = Stream(lab, "--interval", "300ms")
    refuse(client, REFUSED)
    stream.end()
    assert stream.sum(client, "Tcp.AttemptFails") == REFUSED
    assert stream.sum(server, "Tcp.OutRsts") == REFUSED
    assert stream.sum(client, "Tcp.OutRsts") == 0
    # What never was established cannot be reset.
    assert stream.sum(client, "Tcp.EstabResets") == 0


def a_full_listener(lab):
    client, server = scene(lab)
    listener = server.listen(FULL_PORT, backlog=2)
    stream = Stream(lab, "--interval", "300ms", "--netns", "server")
    before = {name: server.counter(f"TcpExt.{name}") for name in ("ListenOverflows", "ListenDrops")}
    crowd = client.crowd("10.1.0.2", FULL_PORT, 8)
    wait_until(lambda: server.counter("TcpExt.ListenOverflows") >= before["ListenOverflows"] + 5,
               "overflows")
    for sock in crowd:  # nobody repeats a SYN any more
        sock.close()
    rise = {name: server.counter(f"TcpExt.{name}") - before[name] for name in before}
    stream.end()
    assert {line["netns"] for line in stream.lines} == {server.inode}
    for name, value in rise.items():
        assert stream.sum(server, f"TcpExt.{name}") == value, (name, value)
    # Three are taken, as the queue of a backlog of 2 holds three.
    assert stream.sum(server, "Tcp.PassiveOpens") == 3
    listener.close()
    result = lab.tcpdx("explain", "listenoverflows")
    assert result.returncode == 0 and "accept-queue-overflow" in result.stdout, result


def lost_data_is_a_ratio_and_lost_syns_are_not(lab):
    client, server = scene(lab)
    listener = server.listen(PORT)
    mine = client.connect("10.1.0.2", PORT)
    theirs, _ = listener.accept()
    stream = Stream(lab, "--interval", "300ms", "--netns", "client")
    server.drop("tcp flags & (syn | ack) == syn")
    waiting = client.connect("10.1.0.2", PORT, wait=False)
    wait_until(lambda: client.counter("TcpExt.TCPSynRetrans") >= 2, "repeated SYNs")
    mine.sendall(b"arrives")
    theirs.recv(100)
    stream.end()
    ratios = [line["ratios"]["retransmission"] for line in stream.lines]
    assert stream.sum(client, "TcpExt.TCPSynRetrans") >= 2
    assert all(ratio in (None, 0) for ratio in ratios) and 0 in ratios, ratios
    waiting.close()

    stream = Stream(lab, "--interval", "300ms", "--netns", "client")
    server.drop("tcp dport 7000")
    mine.sendall(b"lost")
    wait_until(lambda: int(mine.getsockopt(socket.IPPROTO_TCP, 11, 104)[100]) > 1, "two repeats")
    stream.end()
    repeats = (stream.sum(client, "Tcp.RetransSegs") - stream.sum(client, "TcpExt.TCPSynRetrans"))
    assert repeats >= 2
    assert max(line["ratios"]["retransmission"] or 0 for line in stream.lines) >= 1


def whole_machine_values_stand_in_the_initial_namespace_alone(lab):
    """The sandbox is another namespace than the initial one, which it cannot see: so they are not
    known anywhere, although /proc shows the sums of the machine."""
    lab.pair()
    result = lab.tcpdx("rates", "--json", "--count", "1", "--interval", "100ms")
    lines = [json.loads(line) for line in result.stdout.splitlines()]
    assert len(lines) == 3, lines
    for line in lines:
        initial = line["now"]["orphans"] is not None
        assert (line["now"]["memory_pages"] is not None) == initial, line
        assert (line["per_second"]["softnet.dropped"] is not None) == initial, line
        assert line["now"]["time_wait"] == 0, line
    assert sum(line["now"]["orphans"] is not None for line in lines) <= 1


def sar_averages(text):
    """Column -> value of the "Average:" lines of sar, or of ours."""
    averages, heading = {}, []
    for line in text.splitlines():
        words = line.split()
        if words and words[0] == "Average:" and re.fullmatch(r"[\d.]+", words[1]):
            averages.update(zip(heading[-(len(words) - 1):], map(float, words[1:])))
        elif words:
            heading = words
    return averages


def agrees_with_sar(lab):
    """Both over the same seconds; all of the load lies well inside of both."""
    client, server = scene(lab)
    seconds, environment = 6, {**os.environ, "LC_ALL": "C", "S_COLORS": "never"}
    commands = {"sar": ("sar", "-n", "SOCK,SOCK6,TCP,ETCP", "1", str(seconds)),
                "tcpdx": (lab.program, "rates", "--sar", "--netns", "client", "--count",
                          str(seconds))}
    with client:
        runs = {name: subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
                for name, command in commands.items()}
    time.sleep(1.5)
    before = {name: client.counter(f"Tcp.{name}") for name in ("InSegs", "OutSegs")}
    for _ in range(4):
        serve(client, server, CONNECTIONS // 4)
        refuse(client, REFUSED // 5)
        time.sleep(0.4)
    rise = {name: client.counter(f"Tcp.{name}") - before[name] for name in before}
    said = {name: sar_averages(run.communicate(timeout=60)[0]) for name, run in runs.items()}
    assert said["sar"].keys() == said["tcpdx"].keys(), said
    wanted = {"active/s": CONNECTIONS // 4 * 4 + REFUSED // 5 * 4, "passive/s": 0,
              "atmptf/s": REFUSED // 5 * 4, "estres/s": 0, "retrans/s": 0, "isegerr/s": 0,
              "orsts/s": 0, "iseg/s": rise["InSegs"], "oseg/s": rise["OutSegs"]}
    for name, counted in wanted.items():
        for program, averages in said.items():
            # Intervals drift by a few ms each, sar's by its scheduling: 5 %, and two digits.
            assert abs(averages[name] * seconds - counted) <= 0.05 * counted + 0.05, (
                program, name, averages[name] * seconds, counted)
    for name in ("totsck", "tcpsck", "udpsck", "rawsck", "ip-frag", "tcp6sck", "udp6sck"):
        assert abs(said["sar"][name] - said["tcpdx"][name]) <= 2, (name, said)
    # Ten seconds of TIME-WAIT grow while both look: one sample apart.
    assert abs(said["sar"]["tcp-tw"] - said["tcpdx"]["tcp-tw"]) <= CONNECTIONS / 2, said


def ctrl_c_ends_with_averages(lab):
    client, server = scene(lab)
    process = subprocess.Popen([lab.program, "rates", "--interval", "200ms"],
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    lines = [process.stdout.readline() for _ in range(3)]
    assert lines[0].startswith("UTC") and "act/s" in lines[0], lines
    serve(client, server, 5)
    time.sleep(0.5)
    process.send_signal(signal.SIGINT)
    text = "".join(lines) + process.stdout.read()
    assert process.wait(timeout=10) == 0, (process.returncode, process.stderr.read())
    assert "\x1b" not in text, text
    assert re.search(r"^Average: +client +\d", text, re.M), text
    assert re.search(r"^\d\d:\d\d:\d\d\.\d{3} server +", text, re.M), text


def a_namespace_that_comes_and_one_that_goes(lab):
    client, server = scene(lab)
    stream = Stream(lab, "--interval", "500ms")
    del server
    os.close(client.fd)
    lab.here.run("ip", "netns", "del", "client")
    third = type(client)("third")
    end = time.monotonic() + 25  # namespaces are looked for every 10 s
    while third.inode not in {line["netns"] for line in stream.lines[-3:]}:
        assert time.monotonic() < end, "the new namespace was never seen"
        stream.next()
    stream.end()
    names = {line["netns_name"] for line in stream.lines[-3:]}
    assert names == {None, "server", "third"}, names
