"""What tracers cost: a load that connects and closes, alone and beside each of them, in turns.

Prints the Markdown table of docs/performance.md: connections per second and microseconds per event
that a tracer adds, as the minimum over turns, since whatever disturbs only adds; how many of the
events it told, and its memory. Times belong to the machine they came from.

    bench/events.py [--program build/release/tcpdx] [--turns 5] [--connections 20000]
"""

import argparse
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
SANDBOX = ("unshare", "--fork", "--pid", "--kill-child", "--mount-proc", "--mount", "--net")
EVENTS = 10  # changes of state of a connection at both ends
BPFTRACE = """tracepoint:sock:inet_sock_set_state {
  printf("%s %d %d %d %d\\n", ntop(args->family, args->daddr), args->sport, args->dport,
         args->oldstate, args->newstate); }"""


def tracers(program):
    found = {
        "nothing": None,
        "tcpdx trace --json": (program, "trace", "--json"),
        "tcpdx trace": (program, "trace"),
        "tcpdx trace --summary": (program, "trace", "--summary"),
        "tcpdx trace --life": (program, "trace", "--life"),
        "tcpdx trace port 1": (program, "trace", "port", "1"),
        "tcpstates (libbpf-tools)": ("tcpstates",),
        "tcplife (libbpf-tools)": ("tcplife",),
        "bpftrace, a line per change": ("bpftrace", "-e", BPFTRACE),
    }
    return {name: command for name, command in found.items()
            if command is None or shutil.which(command[0])}


def peak_of(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as lines:
        return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))


def turn(command, load, connections):
    """(microseconds per connection, lines told, KiB, words on standard error) beside a tracer."""
    beside = None
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        if command:
            beside = subprocess.Popen(command, stdout=out, stderr=err)
            time.sleep(4 if command[0] == "bpftrace" else 2)
            if beside.poll() is not None:
                return None
        done = subprocess.run((load, str(connections)), capture_output=True, text=True, check=True)
        lines = memory = 0
        words = ""
        if beside:
            time.sleep(1)
            memory = peak_of(beside.pid)
            beside.send_signal(signal.SIGINT)
            beside.wait(timeout=60)
            out.seek(0)
            lines = sum(block.count(b"\n") for block in iter(lambda: out.read(1 << 20), b""))
            err.seek(0)
            words = err.read().decode(errors="replace")
    return float(done.stdout), lines, memory, words


def measure(program, turns, connections):
    load = os.path.join(os.path.dirname(program), "bench", "connect_close")
    commands = tracers(program)
    samples = {name: [] for name in commands}
    for _ in range(turns):
        for name, command in commands.items():
            result = turn(command, load, connections)
            if result is None:
                print(f"{name} does not run here", file=sys.stderr)
            else:
                samples[name].append(result)
    alone = min(one[0] for one in samples["nothing"])
    print("| beside the load | connections per second | µs per event | lines | memory | lost |")
    print("| --- | ---: | ---: | ---: | ---: | --- |")
    for name, results in samples.items():
        if not results:
            continue
        best = min(one[0] for one in results)
        lost = [line for one in results for line in one[3].splitlines() if "lost" in line.lower()]
        cost = "" if name == "nothing" else f"{(best - alone) / EVENTS:.2f}"
        lines = "" if name == "nothing" else f"{min(one[1] for one in results):,}"
        memory = "" if name == "nothing" else f"{max(one[2] for one in results) / 1024:.1f} MB"
        print(f"| `{name}` | {1e6 / best:,.0f} | {cost} | {lines} | {memory} | "
              f"{'; '.join(lost[:1])} |")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--program", default=os.path.join(ROOT, "build/release/tcpdx"))
    parser.add_argument("--turns", type=int, default=5)
    parser.add_argument("--connections", type=int, default=20_000)
    options = parser.parse_args()
    if "TCPDX_SANDBOX" not in os.environ:
        command = (*SANDBOX, "env", "TCPDX_SANDBOX=1", sys.executable, *sys.argv)
        os.execvp(command[0], command)
    subprocess.run(("ip", "link", "set", "lo", "up"), check=True)
    subprocess.run(("mount", "-t", "tracefs", "tracefs", "/sys/kernel/tracing"), check=False,
                   stderr=subprocess.DEVNULL)  # it may be there already
    measure(os.path.abspath(options.program), options.turns, options.connections)


if __name__ == "__main__":
    main()
