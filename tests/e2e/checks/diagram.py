"""`diagram` and `explain` from outside: every move of the golden table, documents that other
programs can read, a drawing that fits a terminal.
"""

import json
import os
import re
import xml.etree.ElementTree

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
SVG = "{http://www.w3.org/2000/svg}"


def output(lab, *arguments):
    result = lab.tcpdx(*arguments)
    assert result.returncode == 0 and not result.stderr, result
    return result.stdout


def golden_moves():
    moves = set()
    with open(os.path.join(ROOT, "tests", "golden", "transitions.txt"), encoding="utf-8") as file:
        for line in file:
            found = re.match(r"(\S+) +(.+?) +-> (\S+)  \[", line)
            if found:
                moves.add((found[1], found[2], found[3]))
    return moves


def equals_the_golden_table(lab):
    """As JSON and as a graph with failures, the diagram has the moves of the golden file."""
    wanted = golden_moves()
    assert len(wanted) > 50, wanted
    document = json.loads(output(lab, "diagram", "--json"))
    assert {(m["from"], m["on"], m["to"]) for m in document["moves"]} == wanted
    pairs = set()
    for line in output(lab, "diagram", "--format", "dot", "--all").splitlines():
        found = re.match(r"  (\w+) -> (\w+) ", line)
        if found:
            pairs.add(tuple(end.replace("_AGAIN", "").replace("_", "-") for end in found.groups()))
    assert pairs == {(source, target) for source, _, target in wanted}


def can_be_read_by_others(lab):
    """The SVG is XML that needs nothing from elsewhere; it shows the eleven states."""
    for options in ((), ("--all",), ("--path", "client"), ("--path", "TIME_WAIT", "--all")):
        text = output(lab, "diagram", "--format", "svg", *options)
        root = xml.etree.ElementTree.fromstring(text)
        assert root.tag == SVG + "svg", root.tag
        names = {g.find(SVG + "text").text for g in root.iter(SVG + "g")
                 if g.get("class").startswith("state")}
        assert len(names) == 11, names
        assert "href" not in text and "<script" not in text and "url(" not in text
        marked = [g for g in root.iter(SVG + "g") if g.get("class") == "edge on"]
        assert bool(marked) == ("--path" in options), options


def fits_a_terminal(lab):
    """Without a terminal too, the drawing is 80 columns wide, and its path is told in steps."""
    for path in ("client", "server", "CLOSE_WAIT", "SYN-RECV"):
        text = output(lab, "diagram", "--path", path)
        drawing = text.split("\n\n")[0].splitlines()
        assert 30 < len(drawing) < 45 and max(map(len, drawing)) <= 80, text
        assert "\x1b" not in text and "━" in text, text


def explains_all_it_lists(lab):
    """Each state, topic and fault of the list is explained by its name."""
    listed = json.loads(output(lab, "explain", "--json"))
    for kind in ("states", "topics", "faults"):
        assert listed[kind], listed
        for one in listed[kind]:
            assert output(lab, "explain", one["name"]).startswith(one["name"])
