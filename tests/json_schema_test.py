#!/usr/bin/python3
"""Holds the program's real JSON output against docs/schema, with sockets of its own on loopback.

usage: json_schema_test.py PROGRAM     (needs the package python3-jsonschema)
"""

import contextlib
import json
import os
import pathlib
import socket
import subprocess
import sys
import tempfile
import unittest

import jsonschema

SCHEMAS = pathlib.Path(__file__).resolve().parent.parent / "docs" / "schema"
LISTS = ("states", "topics", "faults")
COUNTERS = ("ListenOverflows", "sockstat.TCP.mem", "nf_conntrack.count", "TCPHPHits", "rst/s")
GROUPS = ("process", "port", "peer", "netns", "cgroup")


def validator(name):
    schema = json.loads((SCHEMAS / f"{name}.json").read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


def run(*arguments):
    return subprocess.run([PROGRAM, *arguments], capture_output=True, text=True, check=False,
                          timeout=120)


@contextlib.contextmanager
def some_sockets():
    """A full accept queue, a connection in use, one that the peer has closed; IPv4 and IPv6."""
    with contextlib.ExitStack() as stack:
        for family, address in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")):
            listener = stack.enter_context(socket.socket(family))
            listener.bind((address, 0))
            listener.listen(1)
            target = listener.getsockname()[:2]
            ends = []
            for _ in range(2):
                client = stack.enter_context(socket.create_connection(target))
                ends.append((client, stack.enter_context(listener.accept()[0])))
            ends[0][0].sendall(b"not read")
            ends[1][0].close()
            for _ in range(4):  # the queue of a backlog of 1 holds two
                client = stack.enter_context(socket.socket(family))
                client.setblocking(False)
                client.connect_ex(target)
        yield


class JsonSchemaTest(unittest.TestCase):
    def check(self, schema, *arguments, codes=(0,)):
        result = run(*arguments)
        self.assertIn(result.returncode, codes, result.stderr)
        document = json.loads(result.stdout)
        errors = [f"{list(e.absolute_path)}: {e.message[:200]}"
                  for e in validator(schema).iter_errors(document)]
        self.assertEqual(errors[:5], [], arguments)
        return document

    def test_sockets(self):
        with some_sockets():
            document = self.check("sockets", "sockets", "--json")
            states = {one["state"] for one in document["sockets"]}
            self.assertLessEqual({"LISTEN", "ESTABLISHED", "CLOSE-WAIT", "SYN-SENT"}, states)
            self.assertTrue(any(one.get("listener_owners") for one in document["sockets"]))
            self.check("sockets", "sockets", "--json", "--no-owners")

    def test_listen(self):
        with some_sockets(), tempfile.TemporaryDirectory() as folder:
            baseline = os.path.join(folder, "baseline.json")
            document = self.check("listen", "listen", "--json", "--for", "500ms", "--learn",
                                  baseline)
            self.assertTrue(any(one["backlog"]["full_share"] for one in document["listeners"]))
            self.assertIsNone(document["changes"])
            with socket.create_server(("127.0.0.1", 0)):
                document = self.check("listen", "listen", "--json", "--for", "0s", "--baseline",
                                      baseline, codes=(1, 2))
                self.assertIn("new", [one["change"] for one in document["changes"]])
            document = json.loads(pathlib.Path(baseline).read_text(encoding="ascii"))
            for one in document["listeners"]:
                one["exe"] = "/another/program"
            pathlib.Path(baseline).write_text(json.dumps(document), encoding="ascii")
            document = self.check("listen", "listen", "--json", "--for", "0s", "--baseline",
                                  baseline, codes=(1, 2))
            self.assertIn("changed", [one["change"] for one in document["changes"]])

    def test_trace(self):
        # Of this namespace alone: what runs beside the test may have a hundred thousand events.
        here = str(os.stat("/proc/self/ns/net").st_ino)
        command = [PROGRAM, "trace", "--json", "--for", "2", "netns", here]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              text=True) as process:
            for line in process.stderr:
                if "tracing" in line:
                    break
            with some_sockets():
                pass
            out, _ = process.communicate(timeout=120)
            if process.returncode == 3:
                self.skipTest("BPF is refused here")
        events = [json.loads(line) for line in out.splitlines()]
        self.assertLessEqual({"state", "connect"}, {event["event"] for event in events})
        for event in events:
            errors = [e.message for e in validator("trace").iter_errors(event)]
            self.assertEqual(errors, [], event)

    def test_states(self):
        with some_sockets():
            self.assertNotIn("by", self.check("states", "states", "--json"))
            for group in GROUPS:
                self.assertIn("by", self.check("states", "states", "--json", "--by", group))

    def test_explain(self):
        document = self.check("explain", "explain", "--json")
        for kind in LISTS:
            for one in document[kind]:
                self.check("explain", "explain", "--json", one["name"])
        for name in COUNTERS:
            self.assertEqual(self.check("explain", "explain", "--json", name)["kind"], "counter")

    def test_diagram(self):
        self.assertEqual(self.check("diagram", "diagram", "--json")["path"], [])
        for path in ("client", "server", "listen"):
            self.assertTrue(self.check("diagram", "diagram", "--json", "--path", path)["path"])

    def test_doctor(self):
        with some_sockets():
            document = self.check("doctor", "doctor", "--json", "--for", "4s", codes=(0, 1, 2))
            self.assertIn("accept-queue-overflow", [one["fault"] for one in document["findings"]])

    def test_sim(self):
        names = [one["name"] for one in self.check("sim", "sim", "--list", "--json")["scenarios"]]
        for name in names:
            document = self.check("sim", "sim", name, "--json")
            self.assertEqual(document["end"], document["connections"][0]["end"], name)
        self.check("sim", "sim", "close", "--json", "--loss", "0.3", "--seed", "7")

    def check_lines(self, schema, *arguments, code=0):
        """The objects of a stream, each held against the schema."""
        result = run(*arguments)
        self.assertEqual(result.returncode, code, result.stderr)
        lines = [json.loads(line) for line in result.stdout.splitlines()]
        checks = validator(schema)
        for line in lines:
            errors = [f"{list(e.absolute_path)}: {e.message[:200]}"
                      for e in checks.iter_errors(line)]
            self.assertEqual(errors[:5], [], arguments)
        return lines

    def test_read(self):
        names = [one["name"] for one in self.check("sim", "sim", "--list", "--json")["scenarios"]]
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "capture.pcap")
            for name in names:
                for place in ("client", "before-loss", "server"):
                    run("sim", name, "--pcap", path, "--at", place)
                    self.assertTrue(self.check_lines("read", "read", path, "--json"), name)
            with open(path, "r+b") as file:
                file.truncate(os.path.getsize(path) - 3)
            lines = self.check_lines("read", "read", path, "--json", code=3)
            self.assertEqual(lines[-1]["damage"][0]["file"], path)

    def test_show(self):
        names = [one["name"] for one in self.check("sim", "sim", "--list", "--json")["scenarios"]]
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "capture.pcap")
            for name in names:
                run("sim", name, "--pcap", path)
                first, *packets = run("show", path, "1", "--json").stdout.splitlines()
                self.assertTrue(validator("read").is_valid(json.loads(first)), first)
                self.assertTrue(packets, name)
                for line in packets:
                    self.assertEqual([e.message[:200] for e in
                                      validator("show").iter_errors(json.loads(line))], [], line)

    def test_rates(self):
        for more in ((), ("--sar",)):
            lines = self.check_lines("rates", "rates", "--json", "--interval", "200ms", "--count",
                                     "2", *more)
            self.assertGreaterEqual(len(lines), 2)
            self.assertEqual([one for one in lines if "missing" in one], lines[:1])
            self.assertEqual("sar" in lines[0], "--sar" in more)

    def test_ping(self):
        lines = self.check_lines("ping", "ping", "--json", "-c", "2", "-i", "20ms", "127.0.0.1",
                                 "::1")
        self.assertEqual(lines[0]["schema"], "tcpdx/1")
        self.assertEqual([line["summary"]["received"] for line in lines[-2:]], [2, 2])

    def test_connect(self):
        for target in ("127.0.0.1:1", "[::1]:1"):
            document = self.check("connect", "connect", "--json", target, codes=(3,))
            self.assertEqual(document["summary"]["failures"], {"refused": 1}, target)

    def test_check(self):
        document = self.check("check", "check", "--json", "127.0.0.1:1", codes=(2,))
        self.assertEqual((document["why"], document["where"]["kind"]), ("refused", "target"))

    def test_path(self):
        for target in ("127.0.0.1", "::1", "127.0.0.1:1"):
            document = self.check("path", "path", "--json", "-n", target)
            self.assertEqual(len(document["hops"]), 1, target)

    def test_a_wrong_document_is_found(self):
        for name in ("doctor", "sockets", "listen", "states", "explain", "diagram", "sim", "read",
                     "show", "rates", "ping", "path", "connect", "dns", "check"):
            self.assertFalse(validator(name).is_valid({"schema": "tcpdx/1"}), name)


if __name__ == "__main__":
    PROGRAM = sys.argv.pop(1)
    unittest.main(verbosity=2)
