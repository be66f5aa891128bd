"""`sim SCENARIO --pcap`: tcpdump and tshark read each scenario's capture, from every place of the
path, without complaint; lines of the ladder fit into 80 columns.
"""

import json
import os
import shutil
import subprocess
import tempfile

PLACES = ("client", "before-loss", "after-loss", "server")
COMPLAINTS = ("incorrect", "bad ", "truncated", "[|", "malformed")


def scenarios(lab):
    result = lab.tcpdx("sim", "--list", "--json")
    assert result.returncode == 0, result
    return [one["name"] for one in json.loads(result.stdout)["scenarios"]]


def read_by(*command):
    result = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    return result.stdout


def others_read_the_captures(lab):
    assert shutil.which("tcpdump"), "script/bootstrap installs tcpdump"
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "capture.pcap")
        for name in scenarios(lab):
            for place in PLACES:
                result = lab.tcpdx("sim", name, "--pcap", path, "--at", place, "--json")
                assert result.returncode == 0, (name, place, result)
                text = read_by("tcpdump", "-nvvr", path)
                assert not any(word in text.lower() for word in COMPLAINTS), (name, place, text)
                if place == "before-loss":  # all that was sent, forged segments included
                    sent = len(json.loads(result.stdout)["segments"])
                    assert text.count("Flags [") == sent, (name, sent, text)
                if place == "after-loss" and shutil.which("tshark"):  # it takes a second to start
                    bad = read_by("tshark", "-o", "tcp.check_checksum:TRUE", "-r", path, "-Y",
                                  "tcp.checksum.status == 0 || _ws.malformed")
                    assert not bad, (name, place, bad)


def ladders_fit(lab):
    for name in scenarios(lab):
        for loss in ("0", "0.2"):
            result = lab.tcpdx("sim", name, "--loss", loss)
            assert result.returncode == 0, (name, result)
            wide = [line for line in result.stdout.splitlines() if len(line) > 80]
            assert not wide, (name, wide)


def wrong_words(lab):
    for arguments in (("nix",), (), ("close", "--loss", "2"), ("close", "--delay", "soon")):
        result = lab.tcpdx("sim", *arguments)
        assert result.returncode == 64 and not result.stdout and result.stderr, (arguments, result)
    result = lab.tcpdx("sim", "close", "--pcap", "/nonexistent/file")
    assert result.returncode == 3 and result.stderr, result
