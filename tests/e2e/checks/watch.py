"""--watch: in place on a terminal and within its height, one table after the other elsewhere, and
Ctrl-C is an end like any other.

   program under test, and 127.0.0.1:9000 with connections that change while it watches
"""

import json
import re
import signal
import subprocess
import time

from lab import wait_until
from terminal import ROWS, Terminal


def scene(lab, count):
    listener = lab.here.listen(9000)
    pairs = []
    for _ in range(count):
        client = lab.here.connect("127.0.0.1", 9000)
        pairs.append((client, listener.accept()[0]))
    return listener, pairs


def json_is_whole_on_a_terminal(lab):
    """The height of the screen bounds tables, not documents."""
    held = scene(lab, 20)
    terminal = Terminal(lab, "sockets", "--json", "--watch=200ms", "port 9000")
    wait_until(lambda: terminal.read() or terminal.text.count('"schema"') > 1, "two documents")
    document, _ = json.JSONDecoder().raw_decode(terminal.text)
    assert len(document["sockets"]) == 41 > ROWS, len(document["sockets"])
    terminal.interrupt()
    assert held


def sockets_on_a_terminal(lab):
    listener, pairs = scene(lab, 20)
    terminal = Terminal(lab, "sockets", "--watch=200ms", "port 9000")
    terminal.wait_for(lambda frame: "41 sockets" in frame, "the first look")
    # By local end: the first of the served ends are on the screen, and what changes there is seen.
    client, _ = min(pairs, key=lambda pair: pair[0].getsockname()[1])
    client.send(b"x" * 777)
    terminal.wait_for(lambda frame: " 777 " in frame, "bytes that wait")
    waiting = lab.here.connect("127.0.0.1", 9000)
    terminal.wait_for(lambda frame: re.search(r"LISTEN +1 ", frame), "a queue of one")
    waiting.close()
    listener.close()
    terminal.wait_for(lambda frame: "LISTEN" not in frame, "no listener")
    terminal.interrupt()
    for frame in terminal.frames:
        assert frame.count("\n") < ROWS, frame
    del pairs


def states_on_a_terminal(lab):
    kept = scene(lab, 3)
    terminal = Terminal(lab, "states", "--watch=100ms", "port 9000")
    terminal.wait_for(lambda frame: re.search(r"ESTABLISHED +6\b", frame), "six ends")
    kept[1].append((lab.here.connect("127.0.0.1", 9000), kept[0].accept()[0]))
    terminal.wait_for(lambda frame: re.search(r"ESTABLISHED +8\b", frame), "eight ends")
    terminal.interrupt()
    del kept


def piped(lab):
    """Whole tables, each with its time; JSON documents with --json."""
    kept = scene(lab, 20)
    for command in ("sockets", "states"):
        text = interrupted_after_a_second(lab, command, "--watch=100ms", "port 9000")
        tables = re.split(r"^\d{4}-\d\d-\d\dT.*Z\n", text, flags=re.MULTILINE)[1:]
        assert len(tables) >= 2 and "\x1b" not in text, text
        assert all(table.count("ESTABLISHED") == (40 if command == "sockets" else 1)
                   for table in tables[:-1]), text
        text = interrupted_after_a_second(lab, command, "--watch=100ms", "--json", "port 9000")
        document, end = json.JSONDecoder().raw_decode(text)
        assert document["schema"] == "tcpdx/1" and text[end:].lstrip().startswith("{"), text
    del kept


def interrupted_after_a_second(lab, *words):
    with lab.here, subprocess.Popen((lab.program, *words), stdout=subprocess.PIPE,
                                    stderr=subprocess.DEVNULL, text=True) as process:
        first = process.stdout.readline()
        time.sleep(1)
        process.send_signal(signal.SIGINT)
        rest = process.stdout.read()
        assert process.wait(20) == 0
    return first + rest
