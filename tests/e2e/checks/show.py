"""`show FILE N`: a ladder and a time-sequence graph for each scenario that `sim` writes as a
capture.
"""

import json
import os
import re
import subprocess
import tempfile
import xml.etree.ElementTree

FLAGS = {"F": 0x01, "S": 0x02, "R": 0x04, "P": 0x08, ".": 0x10}
STAMPED = re.compile(r"^ *\d+\.\d{6} +(\d+) ")


def captures(lab, folder):
    """Each scenario's capture as it was sent, with the name of the scenario."""
    path = os.path.join(folder, "capture.pcap")
    for one in json.loads(lab.tcpdx("sim", "--list", "--json").stdout)["scenarios"]:
        result = lab.tcpdx("sim", one["name"], "--pcap", path)
        assert result.returncode == 0, result
        yield one["name"], path


def connections(lab, path):
    return [json.loads(line) for line in lab.tcpdx("read", path, "--json").stdout.splitlines()]


def ladders_fit_and_show_every_frame(lab):
    """With --all each frame of the capture stands on a ladder: a SYN that comes to an old
    connection may stand on the old one's and on the new one's."""
    with tempfile.TemporaryDirectory() as folder:
        for name, path in captures(lab, folder):
            frames = []
            for one in connections(lab, path):
                result = lab.tcpdx("show", path, str(one["id"]), "--all")
                assert result.returncode == 0, (name, result)
                lines = result.stdout.splitlines()
                assert not [line for line in lines if len(line) > 80], (name, result.stdout)
                assert lines[-1] and any(line.startswith("in the end: ") for line in lines), name
                frames += [int(found[1]) for found in map(STAMPED.match, lines) if found]
            text = subprocess.run(["tcpdump", "-nr", path], capture_output=True, text=True,
                                  check=True).stdout
            assert set(frames) == set(range(1, text.count("\n") + 1)), (name, frames)


def packets_are_as_tcpdump_tells(lab):
    """Flags and length of each segment, from tcpdump; the first line is `read`'s."""
    with tempfile.TemporaryDirectory() as folder:
        for name, path in captures(lab, folder):
            text = subprocess.run(["tcpdump", "-nr", path], capture_output=True, text=True,
                                  check=True).stdout.splitlines()
            for one in connections(lab, path):
                lines = lab.tcpdx("show", path, str(one["id"]), "--json").stdout.splitlines()
                first = json.loads(lines[0])
                for key in ("id", "originator", "responder", "close", "timeline", "history"):
                    assert first[key] == one[key], (name, key, first, one)
                packets = [json.loads(line) for line in lines[1:]]
                for packet in packets:
                    if "icmp" in packet:
                        continue
                    told = text[packet["frame"] - 1]
                    assert f"Flags [{packet['flags']}]" in told, (name, packet, told)
                    length = re.search(r"length (\d+)", told)
                    assert int(length[1]) == packet["length"], (name, packet, told)


def the_picture_is_xml_with_every_segment(lab):
    with tempfile.TemporaryDirectory() as folder:
        for name, path in captures(lab, folder):
            picture = os.path.join(folder, "picture.svg")
            for side in ("originator", "responder"):
                result = lab.tcpdx("show", path, "1", "--time-sequence", picture, "--side", side)
                assert result.returncode == 0, (name, result)
                lines = lab.tcpdx("show", path, "1", "--json").stdout.splitlines()
                root = xml.etree.ElementTree.parse(picture).getroot()
                bars = {}
                for path_of in root.iter("{http://www.w3.org/2000/svg}path"):
                    found = re.findall(r"M[-\d.]+ [-\d.]+v", path_of.get("d"))
                    bars[path_of.get("class")] = bars.get(path_of.get("class"), 0) + len(found)
                sent = [packet for packet in map(json.loads, lines[1:])
                        if packet.get("from") == side and "flags" in packet
                        and "R" not in packet["flags"]
                        and (packet["length"] or set("SF") & set(packet["flags"]))]
                again = [packet for packet in sent if "retransmission" in packet["remarks"]]
                # The legend has a bar for each kind that occurs.
                legend = 1 if again else 0
                assert bars.get("again", 0) >= len(again) + legend, (name, side, bars, len(again))
                drawn = sum(bars.get(kind, 0) for kind in ("data", "again", "late"))
                assert drawn >= len(sent), (name, side, bars, len(sent))


def what_is_not_there(lab):
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "capture.pcap")
        lab.tcpdx("sim", "close", "--pcap", path)
        result = lab.tcpdx("show", path, "7")
        assert result.returncode == 3 and "which has one" in result.stderr, result
        assert lab.tcpdx("show", "/nonexistent/file", "1").returncode == 3
        result = lab.tcpdx("show", path, "1", "--time-sequence", "/nonexistent/picture.svg")
        assert result.returncode == 3 and "/nonexistent/picture.svg" in result.stderr, result
        for arguments in ((path,), (path, "first"), (path, "1", "--side", "originator"),
                          (path, "1", "--time-sequence", "x", "--side", "both")):
            result = lab.tcpdx("show", *arguments)
            assert result.returncode == 64 and not result.stdout, (arguments, result)
