"""All sockets with their owners: tcpdx against ss, netstat and lsof, in one run.

Opens 100,000 and then 200,000 sockets in a network and process namespace of its own, runs each
tool several times in turn, and prints the Markdown table of docs/performance.md: the best wall and
processor time of the turns, memory, ratios. Nothing here is a test: times belong to the machine.

    bench/sockets.py [--program build/release/tcpdx] [--runs 5]
"""

import argparse
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
SIZES = (100_000, 200_000)
SLOW = 5.0  # seconds; a tool that takes longer gets two turns only
SANDBOX = ("unshare", "--fork", "--pid", "--kill-child", "--mount-proc", "--mount", "--net")


def measure(command):
    """(wall seconds, processor seconds, largest resident set in bytes) of one run, its output
    thrown away. time(1) stands between, because the kernel counts what a process was before
    exec(2) as its own, and this one is larger than most tools."""
    with tempfile.NamedTemporaryFile("r", encoding="ascii") as note:
        timed = ("/usr/bin/time", "--quiet", "-f", "%M", "-o", note.name, *command)
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        began = time.monotonic()
        code = subprocess.run(timed, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                              check=False).returncode
        seconds = time.monotonic() - began
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        # lsof ends with 1 when one of its many searches found nothing.
        if code not in (0, 1):
            sys.exit(f"{command}: exit code {code}")
        processor = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        return seconds, processor, int(note.read()) * 1024


def best_of(commands, runs):
    """Name -> the least of what measure() gives. The tools take turns, so that a slow moment of the
    machine falls on all of them."""
    samples = {name: [] for name in commands}
    for turn in range(runs):
        for name, command in commands.items():
            if turn < 2 or samples[name][0][0] < SLOW:
                samples[name].append(measure(command))
    return {name: tuple(min(column) for column in zip(*values))
            for name, values in samples.items()}


def lines(command):
    return subprocess.run(command, capture_output=True, check=True).stdout.count(b"\n")


def run_with_sockets(count, program, commands, runs):
    holder = os.path.join(os.path.dirname(program), "bench", "hold_sockets")
    with subprocess.Popen((holder, str(count)), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                          text=True) as held:
        if held.stdout.readline() != f"ready {count}\n":
            sys.exit(f"{holder} could not open {count} sockets")
        ours, theirs = lines((program, "sockets")), lines(("ss", "-tan"))
        if min(ours, theirs) < count:
            sys.exit(f"not all sockets are shown: tcpdx {ours} lines, ss {theirs}")
        result = best_of(commands, runs)
        held.stdin.close()
    return result


def table(small, large, ours):
    yield (f"| command | {SIZES[0]:,} sockets | {SIZES[1]:,} sockets | times `{ours}` | processor |"
           " memory | bytes per socket |")
    yield "| --- | ---: | ---: | ---: | ---: | ---: | ---: |"
    for name, (seconds, processor, memory) in large.items():
        per_socket = (memory - small[name][2]) / (SIZES[1] - SIZES[0])
        yield (f"| `{name}` | {small[name][0]:.3f} s | {seconds:.3f} s | "
               f"{seconds / large[ours][0]:.2f} | {processor:.3f} s | {memory / 1e6:.1f} MB | "
               f"{per_socket:.0f} |")


def enter_sandbox():
    """Begins again in namespaces of its own, which end with their first process."""
    if "TCPDX_SANDBOX" not in os.environ:
        os.environ["TCPDX_SANDBOX"] = "1"
        as_root = () if os.geteuid() == 0 else ("sudo", "-E")
        command = (*as_root, *SANDBOX, sys.executable, *sys.argv)
        os.execvp(command[0], command)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--program", default=f"{ROOT}/build/release/tcpdx")
    parser.add_argument("--runs", type=int, default=5)
    options = parser.parse_args()
    enter_sandbox()
    # A private /run hides the machine's network namespaces.
    subprocess.run(("mount", "-t", "tmpfs", "tmpfs", "/run"), check=True)
    subprocess.run(("ip", "link", "set", "lo", "up"), check=True)
    program = os.path.abspath(options.program)
    ours = "tcpdx sockets"
    words = {ours: ("sockets",), "tcpdx sockets --source proc": ("sockets", "--source", "proc"),
             "tcpdx sockets --no-owners": ("sockets", "--no-owners"), "tcpdx states": ("states",)}
    commands = {name: (program, *arguments) for name, arguments in words.items()}
    commands |= {"ss -tan": ("ss", "-tan"), "ss -tanp": ("ss", "-tanp"),
                 "netstat -natp": ("netstat", "-natp"), "lsof -nP -iTCP": ("lsof", "-nP", "-iTCP")}
    small, large = (run_with_sockets(n, program, commands, options.runs) for n in SIZES)
    print(f"Best of {options.runs} turns on {os.cpu_count()} processors, Linux "
          f"{platform.release()}, {subprocess.getoutput('ss -V')}.\n")
    print("\n".join(table(small, large, ours)))


if __name__ == "__main__":
    main()
