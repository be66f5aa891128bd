"""The program under test as `trace --json` at work, for the checks that need it."""

import json
import os
import signal
import subprocess
import sys
import time

from schemas import assert_valid

SKIPPED = 77  # for ctest


class Trace:
    """The program under test at work; `with` waits until it traces and ends it as Ctrl-C does."""

    def __init__(self, lab, *args, wrapper=(), settle=1.5, json_lines=True):
        self.command = (*wrapper, lab.program, "trace", *args, *(("--json",) if json_lines else ()))
        self.settle = settle

    def __enter__(self):
        self.process = subprocess.Popen(self.command, stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, text=True)
        self.said = ""  # before the first event
        for line in self.process.stderr:
            self.said += line
            if "tracing" in line:
                return self
        text = self.said
        self.process.wait()
        if "BPF programs" in text:
            print("skipped: BPF is refused here:", text)
            sys.stdout.flush()
            os._exit(SKIPPED)
        raise AssertionError(text)

    def __exit__(self, kind, *_):
        if kind is None and self.process.poll() is None:
            time.sleep(self.settle)
            self.process.send_signal(signal.SIGINT)
        elif self.process.poll() is None:
            self.process.kill()
        self.out, self.err = self.process.communicate(timeout=60)
        assert "Sanitizer" not in self.err, self.err
        self.code = self.process.returncode
        if kind is None and "--json" in self.command:
            self.check()

    def check(self):
        self.events = [json.loads(line) for line in self.out.splitlines()]
        for event in self.events:
            assert_valid("trace", event)
        if self.events:
            assert self.events[0]["schema"] == "tcpdx/1"

    def of(self, kind, **fields):
        return [e for e in self.events if e["event"] == kind
                and all(e.get(key) == value for key, value in fields.items())]

    def the(self, kind, **fields):
        found = self.of(kind, **fields)
        assert len(found) == 1, (kind, fields, found, self.events)
        return found[0]

    def steps(self, cookie):
        """The changes of state of a socket, those of its entry included."""
        return [(e["from"], e["to"]) for e in self.events
                if e["event"] == "state" and e["cookie"] == cookie]
