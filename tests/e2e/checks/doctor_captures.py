"""`doctor --read` of several captures: judged as one stream; what cannot be judged together; the
options for captures.
"""

import json
import os
import tempfile

from packets import Capture, healthy


def saved(folder, name, first, at):
    capture = Capture()
    healthy(capture, 40, first=first)
    capture.frames = [(at + when, number, packet) for when, number, packet in capture.frames]
    path = os.path.join(folder, name)
    capture.save(path)
    return path


def several_are_one_stream(lab):
    with tempfile.TemporaryDirectory() as folder:
        early, late = saved(folder, "early.pcap", 1000, 0), saved(folder, "late.pcap", 2000, 60)
        result = lab.tcpdx("doctor", "--read", late, early, "--json")
        assert result.returncode == 0, result
        report = json.loads(result.stdout)
        assert report["verdict"] == "ok" and report["host"] == "late.pcap and 1 more", report
        assert 79 < report["duration_s"] < 81, report
        one = json.loads(lab.tcpdx("doctor", "--read", early, "--json").stdout)
        assert one["host"] == "early.pcap" and 19 < one["duration_s"] < 21, one


def memory_is_a_bound(lab):
    with tempfile.TemporaryDirectory() as folder:
        path = saved(folder, "calm.pcap", 1000, 0)
        assert lab.tcpdx("doctor", "--read", path, "--memory", "16M").returncode == 0
        for wrong in (("--read", path, "--memory", "much"), ("--memory", "16M")):
            result = lab.tcpdx("doctor", *wrong)
            assert result.returncode == 64 and not result.stdout, result


def looks_are_no_stream(lab):
    with tempfile.TemporaryDirectory() as folder:
        look = os.path.join(folder, "look")
        assert lab.tcpdx("doctor", "--for", "0", "--save", look).returncode == 0
        capture = saved(folder, "calm.pcap", 1000, 0)
        for arguments in ((look, capture), (look, look), (look, "--memory", "16M")):
            result = lab.tcpdx("doctor", "--read", *arguments)
            assert result.returncode == 64 and not result.stdout, (arguments, result)
