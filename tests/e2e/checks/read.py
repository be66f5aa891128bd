"""`read FILE... [FILTER]`: simulated captures, whose truth is known, through every format; limits,
sorting and filters; damage and wrong words with the right exit codes; Zeek's layout read back.
"""

import csv
import io
import json
import os
import subprocess
import tempfile

# What each scenario ends in when it is captured beside the client: states of both ends, how it
# closed and who was first. Only what the wire shows beyond doubt.
ENDS = {
    "handshake": (("ESTABLISHED", "ESTABLISHED"), "open", None),
    "half-close": (("TIME-WAIT", "CLOSED"), "fin", "originator"),
    "close": (("TIME-WAIT", "CLOSED"), "fin", "originator"),
    "simultaneous-close": (("TIME-WAIT", "TIME-WAIT"), "fin", "both"),
    "refused": (("CLOSED", "CLOSED"), "reset", "responder"),
    "reset-mid-stream": (("CLOSED", "CLOSED"), "reset", "originator"),
}
ZEEK = {"handshake": "S1", "close": "SF", "half-close": "SF", "refused": "REJ",
        "reset-mid-stream": "RSTO"}


def capture(lab, folder, scenario, place="client"):
    path = os.path.join(folder, f"{scenario}.pcap")
    result = lab.tcpdx("sim", scenario, "--pcap", path, "--at", place)
    assert result.returncode == 0, result
    return path


def lines_of(lab, *arguments, code=0):
    result = lab.tcpdx("read", *arguments, "--json")
    assert result.returncode == code, (arguments, result)
    return [json.loads(line) for line in result.stdout.splitlines()]


def zeek_rows(text):
    """By the names of the header, as zeek-cut reads them."""
    rows = []
    for line in text.splitlines():
        cells = line.split("\t")
        if cells[0] == "#fields":
            names = cells[1:]
        elif not line.startswith("#"):
            assert len(cells) == len(names), line
            rows.append(dict(zip(names, cells)))
    return rows


def known_ends(lab):
    with tempfile.TemporaryDirectory() as folder:
        for scenario, (states, how, first) in ENDS.items():
            path = capture(lab, folder, scenario)
            one, = lines_of(lab, path)
            sides = [one["sides"][side] for side in ("originator", "responder")]
            assert tuple(side["state"] for side in sides) == states, (scenario, one)
            assert (one["close"]["how"], one["close"]["first"]) == (how, first), (scenario, one)


def formats_agree(lab):
    with tempfile.TemporaryDirectory() as folder:
        for scenario in ENDS:
            path = capture(lab, folder, scenario)
            one, = lines_of(lab, path)
            text = lab.tcpdx("read", path, "--format", "csv").stdout
            row, = csv.DictReader(io.StringIO(text, newline=""))
            log, = zeek_rows(lab.tcpdx("read", path, "--format", "zeek").stdout)
            for side, short in (("originator", "orig"), ("responder", "resp")):
                assert row[f"{short}_state"] == one["sides"][side]["state"], scenario
                packets = one["sides"][side]["packets"]
                assert int(row[f"{short}_packets"]) == packets, scenario
                assert int(log[f"{short}_pkts"]) == packets, scenario
                assert log[f"id.{short}_h"] == one[side]["addr"], scenario
            assert log["conn_state"] == ZEEK.get(scenario, log["conn_state"]), (scenario, log)
            table = lab.tcpdx("read", path).stdout
            assert one["originator"]["addr"] in table and "connections   1" in table, table


def selects_and_sorts(lab):
    with tempfile.TemporaryDirectory() as folder:
        path = capture(lab, folder, "accept-queue-full")
        everything = lines_of(lab, path)
        assert len(everything) > 2, everything
        assert sorted(one["id"] for one in everything) == [*range(1, len(everything) + 1)]
        port = everything[1]["originator"]["port"]
        picked = lines_of(lab, path, f"src port {port}")
        assert [one["originator"]["port"] for one in picked] == [port]
        assert not lines_of(lab, path, "not", "tcp")
        by_time = [one["duration_us"] for one in lines_of(lab, path, "--sort", "duration")]
        assert by_time == sorted(by_time, reverse=True), by_time
        assert len(lines_of(lab, path, "--limit", "2")) == 2
        table = lab.tcpdx("read", path, "--limit", "1").stdout
        assert f"{len(everything) - 1} more connections are not shown" in table, table
        with open(path, "rb") as file:
            piped = subprocess.run([lab.program, "read", "-", "--json"], stdin=file, timeout=60,
                                   capture_output=True, text=True, check=True)
        assert [json.loads(line) for line in piped.stdout.splitlines()] == everything


def damage_and_wrong_words(lab):
    with tempfile.TemporaryDirectory() as folder:
        path = capture(lab, folder, "close")
        os.truncate(path, os.path.getsize(path) - 3)
        for arguments in ((), ("--json",), ("--format", "zeek"), ("--format", "csv")):
            result = lab.tcpdx("read", path, *arguments)
            assert result.returncode == 3 and path in result.stderr, result
            assert "10.0.0.1" in result.stdout, "what was before the damage is reported"
            assert ("damage" in result.stdout) == (arguments != ("--format", "csv")), result
        for arguments in ((), ("port", "80"), (path, "pid", "1"), (path, "--sort", "nix")):
            result = lab.tcpdx("read", *arguments)
            assert result.returncode == 64 and not result.stdout, (arguments, result)
        for name in ("/nonexistent/file.pcap", __file__, folder):
            result = lab.tcpdx("read", name)
            assert result.returncode == 3 and not result.stdout and name in result.stderr, result


def fits_a_terminal(lab):
    with tempfile.TemporaryDirectory() as folder:
        for scenario in ENDS:
            path = capture(lab, folder, scenario)
            for width in (80, 140):
                script = f"stty cols {width}; {lab.program} read {path} --color never"
                shown = subprocess.run(["script", "-qec", script, "/dev/null"], timeout=60,
                                       capture_output=True, text=True, check=True).stdout
                wide = [line for line in shown.splitlines() if len(line.rstrip("\r")) > width]
                assert "connections" in shown and not wide, (scenario, wide)
