"""The way to a host: tcpdx against traceroute, mtr and tcptraceroute, in one run.

A simulated way of 25 hops and 100 ms round trip in a network namespace of its own: all answer, two
routers are silent, the target is silent. The tools take turns; prints the Markdown
tables of docs/performance.md: the least wall time of several turns, and how many probes of a way
that loses none are told as lost while a busy loop holds a processor. Nothing here is a test.

    bench/path.py [--program build/release/tcpdx] [--runs 3] [--probes 1000]
"""

import argparse
import contextlib
import json
import os
import platform
import subprocess
import sys
import time

from sockets import ROOT, enter_sandbox

HOPS = 25
AWAY_US = 50_000  # one way
TARGET = "10.77.99.9"
WAYS = {"all answer": ((), ""), "hops 5 and 12 silent": ((5, 12), ""),
        "target silent": ((), "silent")}


@contextlib.contextmanager
def way(simulator, silent, target):
    lines = [f"hop {i * AWAY_US // (HOPS + 1)} 10.77.{i}.1 {'silent' if i in silent else ''}"
             for i in range(1, HOPS + 1)]
    lines += [f"target {AWAY_US} {TARGET} open=443 {target}", "run", ""]
    with subprocess.Popen((simulator, "tun0", "10.77.0.1/16"), stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE, text=True) as process:
        process.stdin.write("\n".join(lines))
        process.stdin.flush()
        if process.stdout.readline() != "ready\n":
            sys.exit(f"{simulator} did not start")
        yield
        process.stdin.close()


def seconds_of(command):
    """A silent target is no failure of the tool; a tool that cannot run is."""
    began = time.monotonic()
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode > 3:
        sys.exit(f"{command}: exit code {done.returncode}: {done.stderr}")
    seconds = time.monotonic() - began
    if f"10.77.{HOPS}.1" not in done.stdout:
        sys.exit(f"{command} did not see hop {HOPS}:\n{done.stdout}{done.stderr}")
    return seconds


def table(simulator, commands, runs):
    yield "| command | " + " | ".join(WAYS) + " |"
    yield "| --- |" + " ---: |" * len(WAYS)
    least = {name: [] for name in commands}
    for silent, target in WAYS.values():
        samples = {name: [] for name in commands}
        with way(simulator, silent, target):
            for _ in range(runs):
                for name, command in commands.items():
                    samples[name].append(seconds_of(command))
        for name, values in samples.items():
            least[name].append(min(values))
    for name, values in least.items():
        yield f"| `{name}` | " + " | ".join(f"{value:.2f} s" for value in values) + " |"


def lost_by_tcpdx(program):
    document = json.loads(subprocess.run((program, "path", "-n", "--json", TARGET),
                                         capture_output=True, check=True).stdout)
    hops = document["hops"]
    return sum(hop["sent"] for hop in hops), sum(hop["sent"] - hop["answered"] for hop in hops)


def lost_by_traceroute():
    output = subprocess.run(("traceroute", "-n", "-q", "1", TARGET), capture_output=True, text=True,
                            check=True).stdout
    lines = output.splitlines()[1:]
    return len(lines), sum("*" in line for line in lines)


@contextlib.contextmanager
def busy():
    with subprocess.Popen((sys.executable, "-c", "while True: pass")) as loop:
        try:
            yield
        finally:
            loop.kill()


def losses(simulator, program, probes):
    """(probes, told as lost) of each tool; they take turns."""
    tools = {"tcpdx path": lambda: lost_by_tcpdx(program), "traceroute -q 1": lost_by_traceroute}
    sums = {name: [0, 0] for name in tools}
    with way(simulator, (), ""), busy():
        while min(sent for sent, _ in sums.values()) < probes:
            for name, look in tools.items():
                sent, lost = look()
                sums[name][0] += sent
                sums[name][1] += lost
    return sums


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--program", default=f"{ROOT}/build/release/tcpdx")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--probes", type=int, default=1000)
    options = parser.parse_args()
    enter_sandbox()
    subprocess.run(("ip", "link", "set", "lo", "up"), check=True)
    program = os.path.abspath(options.program)
    simulator = os.path.join(os.path.dirname(program), "bench", "bench_path_simulator")
    commands = {
        "tcpdx path": (program, "path", "-n", TARGET),
        "tcpdx path HOST:443": (program, "path", "-n", f"{TARGET}:443"),
        "tcpdx path --stats": (program, "path", "-n", "--stats", TARGET),
        "traceroute": ("traceroute", "-n", TARGET),
        "mtr -r -c 10": ("mtr", "-n", "-r", "-c", "10", TARGET),
        "tcptraceroute": ("tcptraceroute", "-n", TARGET, "443"),
    }
    print(f"Least of {options.runs} turns on {os.cpu_count()} processors, Linux "
          f"{platform.release()}, load {os.getloadavg()[0]:.1f} at the start.\n")
    print("\n".join(table(simulator, commands, options.runs)))
    print()
    for name, (sent, lost) in losses(simulator, program, options.probes).items():
        print(f"With a busy loop beside it: `{name}` told {lost} of {sent} probes as lost.")


if __name__ == "__main__":
    main()
