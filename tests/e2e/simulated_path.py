"""A way of many routers in one process (tests/programs/path_simulator.cpp), with what each of them
does to what passes.

   this host 10.77.0.1, fd77::1 ──tun0── hop 1 ── hop 2 ── ... ── target 10.77.99.9, fd77:99::9
   hop i is 10.77.i.1 and fd77:i::1
"""

import contextlib
import os
import subprocess

V4, V6 = "10.77.99.9", "fd77:99::9"


class Way:
    """The process of a way."""

    def __init__(self, process):
        self.process = process

    def end(self):
        """Ends it: how many datagrams reached the target, and how many of them were SYNs."""
        self.process.stdin.close()
        _, reached, _, syns = self.process.stdout.readline().split()
        return int(reached), int(syns)


@contextlib.contextmanager
def way(lab, hops, target="open=443", features=None, step_us=2000):
    """A way of that many routers; features[i] are words of the i-th (path_simulator.cpp)."""
    features = features or {}
    lines = [f"hop {i * step_us} 10.77.{i}.1 fd77:{i}::1 {features.get(i, '')}"
             for i in range(1, hops + 1)]
    lines.append(f"target {(hops + 1) * step_us} {V4} {V6} {target}")
    command = (os.path.join(lab.programs, "path_simulator"), "tun0", "10.77.0.1/16", "fd77::1/16")
    with lab.here:
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                   text=True)
    process.stdin.write("\n".join((*lines, "run\n")))
    process.stdin.flush()
    assert process.stdout.readline() == "ready\n"
    try:
        yield Way(process)
    finally:
        process.stdin.close()
        process.wait(timeout=10)
