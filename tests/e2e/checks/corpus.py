"""Captures from outside, where they lie beside the project (../shared/corpus): each is read to its
end without a crash, and how many rows of the conn.log files beside some equal ours is printed.
"""

import json
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
CORPUS = os.path.normpath(os.path.join(HERE, *[".."] * 4, "shared", "corpus"))
SUFFIXES = (".pcap", ".pcapng", ".cap", ".trace", ".gz", ".snoop", ".ntar")
SKIPPED = 77  # for ctest
READ = 0, 3  # whole; up to its damage, or no capture at all


def captures():
    for folder, _, names in os.walk(CORPUS):
        for name in sorted(names):
            if name.lower().endswith(SUFFIXES):
                yield os.path.join(folder, name)


def rows_of(text):
    """Ends, conn_state and history of each TCP row of a conn.log."""
    names = []
    for line in text.splitlines():
        cells = line.split("\t")
        if cells[0] == "#fields":
            names = cells[1:]
        elif not line.startswith("#") and len(cells) == len(names):
            row = dict(zip(names, cells))
            if row["proto"] == "tcp":
                yield tuple(row[name] for name in ("id.orig_h", "id.orig_p", "id.resp_h",
                                                   "id.resp_p", "conn_state", "history"))


def equal_rows(lab, path, log):
    """(equal, all) rows of the log."""
    with open(log, encoding="utf-8") as file:
        wanted = list(rows_of(file.read()))
    ours = list(rows_of(lab.tcpdx("read", path, "--format", "zeek").stdout))
    equal = 0
    for row in wanted:
        if row in ours:
            ours.remove(row)
            equal += 1
    return equal, len(wanted)


def every_file_is_read(lab):
    files = list(captures())
    if not files:
        print("skipped: no captures from outside lie beside the project")
        sys.stdout.flush()
        os._exit(SKIPPED)
    equal = compared = 0
    for path in files:
        result = lab.tcpdx("read", path, "--json")
        assert result.returncode in READ, (path, result.returncode, result.stderr[-500:])
        for line in result.stdout.splitlines():
            json.loads(line)
        logs = [path.removesuffix(s) + ".conn.log" for s in SUFFIXES if path.endswith(s)]
        for log in filter(os.path.exists, logs):
            found, rows = equal_rows(lab, path, log)
            equal, compared = equal + found, compared + rows
    print(f"{len(files)} captures used; of {compared} rows of conn.log {equal} are equal")
