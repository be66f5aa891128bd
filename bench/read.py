"""Reading captures: tcpdx against tcpdump, tshark, tcptrace and argus, in one run.

Has make_capture write captures, reads them with each tool several times in turn, and prints the
tables of docs/performance.md: best wall time, processor time, largest memory, ratios. Nothing here
is a test: times belong to the machine they came from.

    bench/read.py [--program build/release/tcpdx] [--runs 5] [--packets 10000000]

The tools that follow connections get a tenth of the packets: they take too long for all. A capture
of the same connections between spoofed SYNs, one for each packet, shows what a half-open one takes,
and that no other suffers: with memory for all of them, and with a bound.
"""

import argparse
import collections
import csv
import os
import subprocess
import sys
import tempfile

from sockets import ROOT, measure

PACKETS_PER_CONNECTION = 10
PACKETS_PER_OPEN = 200
SLICE = 10
MORE_OPEN = 4
BOUND = "256MiB"
FLOODED = "172.31.0.1"  # what make_capture sends the spoofed SYNs to
PLACES = ("id", "first_frame", "last_frame")  # columns that other packets between may change


def best_of(commands, runs):
    """Name -> the run of the least wall time. The tools take turns, so that a slow moment of the
    machine falls on all of them."""
    samples = {name: [] for name in commands}
    for _ in range(runs):
        for name, command in commands.items():
            samples[name].append(measure(command))
    return {name: min(values) for name, values in samples.items()}


class Captures:
    """What make_capture writes, in a folder that is gone at the end."""

    def __init__(self, program, folder):
        self.generator = os.path.join(os.path.dirname(program), "bench", "make_capture")
        self.folder = folder

    def make(self, name, packets, open_at_once=None, flood=0):
        path = os.path.join(self.folder, name)
        open_at_once = open_at_once or packets // PACKETS_PER_OPEN
        made = subprocess.run(
            (self.generator, "--packets", str(packets), "--connections",
             str(packets // PACKETS_PER_CONNECTION), "--open", str(open_at_once),
             "--syn-flood", str(flood), path), check=True, capture_output=True, text=True)
        print(f"- {name}: {os.path.getsize(path) / 1e6:.0f} MB, {made.stdout.strip()}")
        return path


def readers(program, path):
    """The tools that are quick enough for the whole capture; the first is the one compared with."""
    found = {"tcpdump -w /dev/null": ("tcpdump", "-r", path, "-w", "/dev/null")}
    for threads in ("1", "2"):
        for words in (("--json",), ("--format", "zeek"), ("--summary",)):
            name = f"tcpdx read {' '.join(words)}" + (", 2 threads" if threads == "2" else "")
            found[name] = (program, "read", *words, "--threads", threads, path)
    return found


def trackers(path):
    return {"tshark -q -z conv,tcp": ("tshark", "-q", "-z", "conv,tcp", "-r", path),
            "tcptrace -n": ("tcptrace", "-n", path),
            "argus -w -": ("argus", "-r", path, "-w", "-")}


def table(results, packets, ours):
    """`ours` is the command whose time the others are given as multiples of."""
    yield f"| {packets:,} packets | wall | processor | packets/s | times `{ours}` | memory |"
    yield "| --- | ---: | ---: | ---: | ---: | ---: |"
    for name, (seconds, processor, memory) in results.items():
        yield (f"| `{name}` | {seconds:.2f} s | {processor:.2f} s | {packets / seconds:,.0f} | "
               f"{seconds / results[ours][0]:.2f} | {memory / 1e6:.1f} MB |")


def records(program, path, *words):
    """How often each record of a connection that is not the flood's occurs, told by its columns but
    the places, and what tcpdx said besides."""
    command = (program, "read", "--format", "csv", *words, path, "--", f"not dst {FLOODED}")
    counted = collections.Counter()
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          text=True) as reading:
        rows = csv.reader(reading.stdout)
        kept = [i for i, name in enumerate(next(rows)) if name not in PLACES]
        for row in rows:
            counted[hash(tuple(row[i] for i in kept))] += 1
        said = reading.stderr.read().strip()
    if reading.returncode != 0:
        sys.exit(f"{command}: exit code {reading.returncode}: {said}")
    return counted, said


def compare_speed(program, captures, options):
    whole = captures.make("whole.pcap", options.packets)
    part_packets = options.packets // SLICE
    part = captures.make("part.pcap", part_packets)
    ours = "tcpdx read --json"
    results = best_of(readers(program, whole), options.runs)
    print("\n" + "\n".join(table(results, options.packets, ours)) + "\n")
    few = best_of(readers(program, part) | trackers(part), options.runs)
    print("\n".join(table(few, part_packets, ours)) + "\n")
    return whole


def compare_memory(program, captures, options, whole):
    """Octets by which memory grows for each open connection, and for each spoofed SYN."""
    def peak(path):
        return measure((program, "read", "--summary", "--threads", "1", path))[2]

    some = options.packets // PACKETS_PER_OPEN
    many = captures.make("open.pcap", options.packets, open_at_once=some * MORE_OPEN)
    least = peak(whole)
    per_open = (peak(many) - least) / (some * (MORE_OPEN - 1))
    os.remove(many)
    flood = captures.make("flood.pcap", options.packets, flood=options.packets)
    per_half_open = (peak(flood) - least) / options.packets
    print(f"\n- {per_open:.0f} octets per open connection, {per_half_open:.0f} per half-open one")
    return flood


def compare_records(program, whole, flood):
    """Whether the connections are the same with spoofed SYNs between as without them."""
    wanted, _ = records(program, whole)
    for words in ((), ("--memory", BOUND)):
        found, said = records(program, flood, *words)
        print(f"- {' '.join(words) or 'no bound'}: {found.total():,} of {wanted.total():,} records,"
              f" {(wanted - found).total():,} of them missing or not the same"
              f"{'; ' if said else ''}{said}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--program", default=f"{ROOT}/build/release/tcpdx")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--packets", type=int, default=10_000_000)
    parser.add_argument("--folder", help="where the captures are written: 3 GB")
    options = parser.parse_args()
    program = os.path.abspath(options.program)
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        captures = Captures(program, folder)
        whole = compare_speed(program, captures, options)
        flood = compare_memory(program, captures, options, whole)
        compare_records(program, whole, flood)


if __name__ == "__main__":
    main()
