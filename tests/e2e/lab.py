"""What a case builds its scene from: network namespaces, links, dropped packets, programs that
misbehave on purpose, and the program under test with checks on what it reports.

Everything lives in the sandbox that run.py made, and goes with it.
"""

import contextlib
import ctypes
import json
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
import traceback

HERE = os.path.dirname(os.path.abspath(__file__))
LIBC = ctypes.CDLL("libc.so.6", use_errno=True)
CLONE_NEWNET = 0x40000000  # linux/sched.h
PR_SET_NAME = 15  # linux/prctl.h
TCP_REPAIR = 19  # linux/tcp.h
SEVERITIES = ("info", "notice", "warning", "critical")
CONFIDENCES = ("suspected", "likely", "confirmed")
EXIT_CODES = {"ok": 0, "warning": 1, "critical": 2}
# Runs a command as a user without any right.
NOBODY = ("setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups", "--inh-caps=-all",
          "--bounding-set=-all")


def wait_until(condition, what, seconds=15.0, every=0.05):
    """Polls until condition() is true and returns its value; fails with `what` otherwise."""
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"waited {seconds} s in vain for: {what}")
        time.sleep(every)


def set_comm(name):
    """Names this process as /proc/PID/comm shows it; the kernel keeps 15 bytes."""
    LIBC.prctl(PR_SET_NAME, ctypes.c_char_p(os.fsencode(name)), 0, 0, 0)


def vanish(sock):
    """Removes a connection without a word to its peer (TCP_REPAIR: close sends nothing)."""
    sock.setsockopt(socket.IPPROTO_TCP, TCP_REPAIR, 1)
    sock.close()


class Row:
    """A line of `ss -H -tanoe`."""

    def __init__(self, line):
        words = line.split()
        self.state, self.recv_q, self.send_q = words[0], int(words[1]), int(words[2])
        self.local, self.remote = words[3], words[4]
        fields = dict(w.split(":", 1) for w in words[5:] if ":" in w)
        self.inode = int(fields.get("ino", "0"))
        # timer:(on,1.2sec,3): kind, time left, unanswered repeats
        timer = fields.get("timer", "(none,0,0)").strip("()").split(",")
        self.timer, self.retransmits = timer[0], int(timer[-1])

    @property
    def local_port(self):
        return int(self.local.rsplit(":", 1)[1])


class Namespace:
    """A network namespace; `with namespace:` puts this thread's sockets and children into it.
    Without a name it is that of `path`."""

    def __init__(self, name=None, path="/proc/1/ns/net"):
        self.name = name
        self.path = f"/run/netns/{name}" if name else path
        if name:
            run("ip", "netns", "add", name)
            self.run("ip", "link", "set", "lo", "up")
        self.fd = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC)
        self.back = []

    @property
    def inode(self):
        return os.fstat(self.fd).st_ino

    def __enter__(self):
        self.back.append(os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC))
        if LIBC.setns(self.fd, CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), "setns")
        return self

    def __exit__(self, *_):
        home = self.back.pop()
        LIBC.setns(home, CLONE_NEWNET)
        os.close(home)

    def run(self, *command, **kwargs):
        return run("nsenter", f"--net={self.path}", *command, **kwargs)

    def mac(self, device):
        return re.search(r"ether (\S+)", self.run("ip", "link", "show", device)).group(1)

    def sysctl(self, **values):
        """sysctl(tcp_fin_timeout=5): settings below net.ipv4 of this namespace."""
        with self:
            for name, value in values.items():
                with open(f"/proc/sys/net/ipv4/{name}", "w", encoding="ascii") as file:
                    file.write(str(value))

    def settle(self):
        """Waits until its addresses are known to be unique: before that it may not ask for its
        IPv6 neighbours."""
        wait_until(lambda: not self.run("ip", "addr", "show", "tentative"), "addresses")

    def rules(self, hook, *statements):
        """Replaces this namespace's rules, such as "tcp dport 99 reject"; without one every packet
        passes again."""
        chain = "".join(f"    {statement}\n" for statement in statements)
        self.run("nft", "-f", "-", input=(
            "table inet lab\ndelete table inet lab\ntable inet lab {\n  chain lab {\n"
            f"    type filter hook {hook} priority 0;\n{chain}  }}\n}}\n"))

    def drop(self, *matches, hook="input"):
        """Drops what matches, and nothing else."""
        self.rules(hook, *(f"{match} drop" for match in matches))

    def counter(self, name):
        """A counter by the kernel's names, for example "TcpExt.ListenOverflows"."""
        group, field = name.split(".")
        with self:
            for file in ("snmp", "netstat"):
                with open(f"/proc/thread-self/net/{file}", encoding="ascii") as lines:
                    names = {}
                    for line in lines:
                        head, *words = line.split()
                        if head == group + ":" and words[0].lstrip("-").isdigit():
                            return int(dict(zip(names, words))[field])
                        names = words
        raise KeyError(name)

    def sockets(self, *expression):
        """The rows of ss in this namespace, for example sockets("state", "syn-sent")."""
        output = self.run("ss", "-H", "-tanoe", *(expression or ("state", "all")))
        state = expression[1] if len(expression) == 2 else None
        named = state not in (None, "all", "connected")
        # ss leaves the state out when the filter names exactly one.
        return [Row(f"{state} {line}" if named else line) for line in output.splitlines()]

    def listen(self, port, backlog=64, address="0.0.0.0", family=socket.AF_INET):
        with self:
            sock = socket.socket(family)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind((address, port))
        sock.listen(backlog)
        return sock

    def connect(self, address, port, wait=True):
        """A client socket; wait=False returns at once with the handshake under way."""
        with self:
            sock = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET)
        sock.settimeout(10)
        if wait:
            sock.connect((address, port))
        else:
            sock.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                sock.connect((address, port))
        return sock

    def crowd(self, address, port, count):
        """`count` clients, one after the other: a burst would draw SYN cookies, whose clients
        believe that they are connected when the server has already dropped them."""
        socks = []
        for _ in range(count):
            socks.append(self.connect(address, port, wait=False))
            time.sleep(0.02)
        return socks


class Actor:
    """A process of the scene: the one that a finding must name, or one that makes traffic."""

    def __init__(self, namespace, comm, work, args):
        to_child, self.write = os.pipe()
        read, from_child = os.pipe()
        sys.stdout.flush()
        self.comm, self.pid = comm, os.fork()
        if self.pid == 0:
            os.close(self.write)
            os.close(read)
            self._play(namespace, work, args, to_child, from_child)
        os.close(to_child)
        os.close(from_child)
        self.read = os.fdopen(read, "r", encoding="utf-8")

    def _play(self, namespace, work, args, to_child, from_child):
        code = 1
        try:
            for number in (signal.SIGINT, signal.SIGTERM):
                signal.signal(number, signal.SIG_DFL)
            LIBC.setns(namespace.fd, CLONE_NEWNET)
            set_comm(self.comm)
            hear = os.fdopen(to_child, "r", encoding="utf-8")
            work(lambda text: os.write(from_child, (text + "\n").encode()),
                 lambda: hear.readline().strip(), *args)
            code = 0
        except BaseException:  # whatever it is, the child must not go on as a second parent
            traceback.print_exc()
        finally:
            os._exit(code)

    def expect(self, word):
        """Waits for the actor to say `word`; returns what stands behind it."""
        for line in self.read:
            first, _, rest = line.strip().partition(" ")
            if first == word:
                return rest
        raise AssertionError(f"{self.comm} ended before it said {word!r}")

    def tell(self, text):
        os.write(self.write, (text + "\n").encode())

    def signal(self, number):
        os.kill(self.pid, number)


class Topology:
    """Hosts, routers and links made by tests/programs/lab from a description: a dict in the words
    of src/lab/topology_json.hpp. topology["client"] is a Namespace; links are numbered from 0, and
    their ends are 0 and 1."""

    def __init__(self, lab, description):
        with tempfile.NamedTemporaryFile("w", suffix=".json", encoding="utf-8") as file:
            json.dump(description, file)
            file.flush()
            # It ends with its input, which this process holds.
            self.process = subprocess.Popen([os.path.join(lab.programs, "lab"), file.name],
                                            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                            text=True)
            first = self.process.stdout.readline()
        assert first, f"lab ended with {self.process.wait()}"
        made = json.loads(first)
        self.hosts = {name: Namespace(path=f"/proc/{made['pid']}/fd/{fd}")
                      for name, fd in made["hosts"].items()}

    def __getitem__(self, name):
        return self.hosts[name]

    def ask(self, command):
        self.process.stdin.write(command + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        assert answer, f"lab ended at {command!r}"
        return answer.strip()

    def impair(self, link, end, **sends):
        """What that end sends fares like this from now on: impair(1, 0, loss=0.5, seed=3)."""
        assert self.ask(f"impair {link} {end} {json.dumps(sends)}") == "ok"

    def counts(self, link, end):
        return json.loads(self.ask(f"counts {link} {end}"))

    def accepted(self, host, port):
        return int(self.ask(f"accepted {host} {port}"))


class Report:
    """A document of `tcpdx doctor --json`, and what a case asks of it."""

    def __init__(self, text, code):
        self.data = json.loads(text)
        self.findings = self.data["findings"]
        assert code == EXIT_CODES[self.data["verdict"]], (code, self.data["verdict"])

    def summary(self):
        keys = ("fault", "severity", "confidence", "subject", "headline")
        return json.dumps([{key: f.get(key) for key in keys} for f in self.findings], indent=1)

    def saw_events(self):
        """Whether the kernel's events were followed; where it refuses, cases ask for less."""
        return "bpf events" in self.data["sources"]

    def every(self, findings=None):
        """All findings, those folded under a cause included."""
        for finding in self.findings if findings is None else findings:
            yield finding
            yield from self.every(finding.get("explains", []))

    def the(self, fault, severity, confidence="likely", **subject):
        """The one finding `fault`, of this severity (or one of several), with at least this
        confidence, whose subject has these members. Returns it."""
        named = [f for f in self.findings if f["fault"] == fault]
        assert named, f"no {fault} in {self.summary()}"
        matching = [f for f in named if all(same(f["subject"].get(k), v)
                                            for k, v in subject.items())]
        assert len(matching) == 1, f"{fault} for {subject}: {len(matching)} in {self.summary()}"
        finding = matching[0]
        allowed = (severity,) if isinstance(severity, str) else severity
        assert finding["severity"] in allowed, f"severity is not {allowed}: {self.summary()}"
        assert CONFIDENCES.index(finding["confidence"]) >= CONFIDENCES.index(confidence), (
            f"confidence is below {confidence}: {self.summary()}")
        assert finding["evidence"] and finding["remedy"] and finding["confirm"], finding
        return finding

    def none(self, fault):
        found = [f for f in self.every() if f["fault"] == fault]
        assert not found, f"{fault} must not be found: {self.summary()}"

    def alone(self, fault):
        """Everything else that would alarm is folded under `fault`."""
        others = [f["fault"] for f in self.findings if f["fault"] != fault
                  and SEVERITIES.index(f["severity"]) >= SEVERITIES.index("warning")]
        assert not others, f"{others} beside {fault}: {self.summary()}"

    def calm(self):
        """Nothing of warning or above, which is exit code 0."""
        self.alone(None)
        assert self.data["verdict"] == "ok", self.summary()


def same(have, want):
    """Whether a subject's member is the wanted one; an endpoint may be wanted by port alone."""
    if isinstance(have, dict) and isinstance(want, int):
        return have.get("port") == want
    if isinstance(have, dict) and isinstance(want, tuple):
        return (have.get("addr"), have.get("port")) == want
    return have == want


class Lab:
    """The scene of one case."""

    def __init__(self, program, programs):
        self.program, self.programs = program, programs
        self.here = Namespace()  # where the program under test runs
        self.here.run("ip", "link", "set", "lo", "up")
        self.links = 0
        self.actors = []

    def pair(self, first="client", second="server"):
        """Two namespaces joined by a cable: 10.N.0.1 and 10.N.0.2, fd00:N::1 and fd00:N::2."""
        one, two = Namespace(first), Namespace(second)
        self.link(one, two)
        return one, two

    def link(self, one, two):
        self.links += 1
        n = self.links
        ends = [(one, f"e{n}a", 1), (two, f"e{n}b", 2)]
        run("ip", "link", "add", ends[0][1], "netns", one.name, "type", "veth",
            "peer", "name", ends[1][1], "netns", two.name)
        for namespace, device, host in ends:
            ip = ("ip", "-n", namespace.name)
            run(*ip, "addr", "add", f"10.{n}.0.{host}/24", "dev", device)
            run(*ip, "addr", "add", f"fd00:{n}::{host}/64", "dev", device, "nodad")
            run(*ip, "link", "set", device, "up")

    def spawn(self, namespace, work, *args, comm="actor"):
        """Runs work(say, hear, *args) as a process of its own in the namespace."""
        # Kept here, because an actor that nobody holds hears the end of its pipe and goes.
        self.actors.append(Actor(namespace, comm, work, args))
        return self.actors[-1]

    def start(self, namespace, name, *args):
        """Starts one of tests/programs; returns the Popen."""
        with namespace:
            return subprocess.Popen([os.path.join(self.programs, name), *map(str, args)],
                                    stdout=subprocess.PIPE, text=True)

    def tcpdx(self, *args, wrapper=(), **kwargs):
        """Runs the program under test; returns the CompletedProcess, whatever its exit code."""
        kwargs.setdefault("timeout", 120)
        result = subprocess.run([*wrapper, self.program, *args], capture_output=True,
                                encoding="utf-8", errors="surrogateescape", check=False, **kwargs)
        assert result.returncode >= 0, f"ended by signal: {result}"
        assert "Sanitizer" not in result.stderr, result.stderr
        return result

    def doctor(self, seconds=5, *args, events=True):
        """What the doctor says; events=False: on a machine that refuses bpf(2)."""
        refusal = () if events else (sys.executable, os.path.join(HERE, "no_bpf.py"))
        result = self.tcpdx("doctor", "--for", f"{seconds}s", "--json", *args, wrapper=refusal)
        assert result.returncode in (0, 1, 2), result
        return Report(result.stdout, result.returncode)

    def altered(self, seconds, *changes):
        """What the doctor would say had the machine been as tests/programs/alter_snapshot makes
        it: states that a test cannot wait for, or must not bring about."""
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "seen.tcpdx")
            self.tcpdx("doctor", "--for", f"{seconds}s", "--save", path)
            run(os.path.join(self.programs, "alter_snapshot"), path, *map(str, changes))
            result = self.tcpdx("doctor", "--read", path, "--json")
        assert result.returncode in (0, 1, 2), result
        return Report(result.stdout, result.returncode)

    def judge(self, capture, *args):
        """What the doctor says of a Capture of packets.py."""
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "made.pcap")
            capture.save(path)
            result = self.tcpdx("doctor", "--read", path, "--json", *args)
        assert result.returncode in (0, 1, 2), result
        return Report(result.stdout, result.returncode)


def run(*command, **kwargs):
    """Runs a command that must succeed; returns its output."""
    done = subprocess.run(command, text=True, capture_output=True, check=False, **kwargs)
    assert done.returncode == 0, f"{command}: {done.stderr}"
    return done.stdout
