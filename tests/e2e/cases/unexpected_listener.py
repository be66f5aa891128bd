"""unexpected-listener: a port is open that should not be.

   here: programs of their own, copied to where programs belong or do not
"""

import os
import tempfile

from actors import serves
from own_programs import folder_of_root, make, start, upgrade


def learn(lab, path="/run/baseline.json"):
    result = lab.tcpdx("listen", "--for", "0s", "--learn", path)
    assert result.returncode == 0, result
    return ("--baseline", path)


def shows(lab):
    """A new port, reachable at every address; what was there before is not named."""
    lab.spawn(lab.here, serves, 9000, comm="known").expect("ready")
    baseline = learn(lab)
    owner = lab.spawn(lab.here, serves, 31337, comm="stranger")
    owner.expect("ready")
    report = lab.doctor(10, *baseline)
    report.the("unexpected-listener", "warning", "confirmed", pid=owner.pid, comm="stranger",
               listener=31337)
    report.alone("unexpected-listener")
    # The look keeps what it was held against.
    lab.tcpdx("doctor", "--for", "1s", *baseline, "--save", "/run/look")
    again = lab.tcpdx("doctor", "--read", "/run/look", "--json")
    assert '"unexpected-listener"' in again.stdout, again


def shows_a_deleted_program_without_baseline(lab):
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        path = make(folder, "tool")
        process = start(path, "0.0.0.0", 31337)
        os.unlink(path)
        lab.doctor(2).the("unexpected-listener", "critical", pid=process.pid, listener=31337)
        process.kill()


def shows_a_program_in_a_writable_folder(lab):
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        process = start(make(folder, "tool"), "0.0.0.0", 31337)
        lab.doctor(2).the("unexpected-listener", "critical", pid=process.pid, listener=31337)
        process.kill()


def neighbour_restarted(lab):
    """The same program on the same port, with another pid."""
    path = make(folder_of_root(), "service")
    first = start(path, "0.0.0.0", 9000)
    baseline = learn(lab)
    first.kill()
    first.wait()
    second = start(path, "0.0.0.0", 9000)
    report = lab.doctor(2, *baseline)
    report.none("unexpected-listener")
    report.calm()
    second.kill()


def neighbour_upgraded(lab):
    """Its file was replaced, as a package manager does it; no baseline."""
    path = make(folder_of_root(), "service")
    process = start(path, "0.0.0.0", 9000)
    upgrade(path)
    report = lab.doctor(2)
    report.none("unexpected-listener")
    report.calm()
    process.kill()


def neighbour_a_tool_on_loopback(lab):
    """It runs from /tmp, but nobody else can reach it."""
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        process = start(make(folder, "tool"), "127.0.0.1", 9229)
        report = lab.doctor(2)
        report.none("unexpected-listener")
        report.calm()
        process.kill()
