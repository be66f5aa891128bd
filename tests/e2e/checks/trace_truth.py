"""`trace --json` against the kernel's own trace buffer (tracefs) in one run: 10,000 connections
of every close path and some that are older, no change of state missing, none invented, each with
the right program. bpftrace runs beside it: it is told how many events it missed, and not believed,
because a program that a softirq interrupts is skipped (so is any BPF program that exists once).
"""

import collections
import contextlib
import os
import random
import shutil
import signal
import subprocess
import sys
import time

from tracing import Trace

SKIPPED = 77
COUNT = 10_000
PORT = 9000
TRACEFS = "/sys/kernel/tracing"
PREFIX = "tcpdx_truth_"
SURELY_FORGOTTEN = 3600  # seconds
STATES = {"TCP_ESTABLISHED": "ESTABLISHED", "TCP_SYN_SENT": "SYN-SENT",
          "TCP_SYN_RECV": "SYN-RECEIVED", "TCP_FIN_WAIT1": "FIN-WAIT-1",
          "TCP_FIN_WAIT2": "FIN-WAIT-2", "TCP_TIME_WAIT": "TIME-WAIT", "TCP_CLOSE": "CLOSED",
          "TCP_CLOSE_WAIT": "CLOSE-WAIT", "TCP_LAST_ACK": "LAST-ACK", "TCP_LISTEN": "LISTEN",
          "TCP_CLOSING": "CLOSING"}
BPFTRACE = """tracepoint:sock:inet_sock_set_state /args->protocol == 6 && %s/
{ @events = count(); }"""


def write(path, text):
    with open(path, "w", encoding="ascii") as file:
        file.write(text)


def remove_forgotten(instances):
    """What a run that was killed has left. One that still records cannot be removed."""
    for entry in os.scandir(instances):
        if entry.name.startswith(PREFIX) and \
                time.time() - entry.stat().st_mtime > SURELY_FORGOTTEN:
            with contextlib.suppress(OSError):
                os.rmdir(entry.path)


@contextlib.contextmanager
def kernel_trace():
    """An instance of the kernel's tracer, with a buffer that holds everything."""
    instances = f"{TRACEFS}/instances"
    if not os.access(instances, os.W_OK) and subprocess.run(
            ("mount", "-t", "tracefs", "tracefs", TRACEFS), check=False).returncode:
        print("skipped: tracefs cannot be mounted")
        sys.exit(SKIPPED)
    remove_forgotten(instances)
    instance = f"{instances}/{PREFIX}{os.getpid()}_{random.randrange(10**9)}"
    os.mkdir(instance)
    try:
        write(f"{instance}/buffer_size_kb", "20000")
        write(f"{instance}/events/sock/inet_sock_set_state/enable", "1")
        yield instance
    finally:
        write(f"{instance}/events/sock/inet_sock_set_state/enable", "0")
        os.rmdir(instance)


def truth(instance, address):
    """How often each change of state was, by addresses."""
    for cpu in os.scandir(f"{instance}/per_cpu"):
        with open(f"{cpu.path}/stats", encoding="ascii") as stats:
            assert "\noverrun: 0\n" in stats.read(), "the kernel's own record is not whole"
    seen = collections.Counter()
    with open(f"{instance}/trace", encoding="ascii") as lines:
        for line in lines:
            if "inet_sock_set_state:" not in line or address not in line:
                continue
            fields = dict(word.split("=", 1) for word in line.split() if "=" in word)
            seen[(fields["saddr"], int(fields["sport"]), fields["daddr"], int(fields["dport"]),
                  STATES[fields["oldstate"]], STATES[fields["newstate"]])] += 1
    return seen


def told(trace):
    seen = collections.Counter()
    for event in trace.of("state"):
        if event.get("joined"):
            continue
        port = event["local"]["port"]
        if (event["from"], event["to"]) == ("CLOSED", "SYN-SENT"):
            port = 0  # the kernel has not chosen one yet
        seen[(event["local"]["addr"], port, event["remote"]["addr"], event["remote"]["port"],
              event["from"], event["to"])] += 1
    return seen


def other_tracer(address):
    if not shutil.which("bpftrace"):
        return None
    match = " && ".join(f"args->daddr[{i}] == {byte}" for i, byte in enumerate(address.split(".")))
    process = subprocess.Popen(("bpftrace", "-e", BPFTRACE % match), stdout=subprocess.PIPE,
                               stderr=subprocess.STDOUT, text=True)
    process.stdout.readline()  # "Attaching 1 probe..."
    time.sleep(2)
    return process


def every_close_path(lab):
    address = ".".join(("127", *(str(random.randrange(1, 255)) for _ in range(3))))
    load = subprocess.Popen((os.path.join(lab.programs, "close_paths"), address, str(PORT),
                             str(COUNT)), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    _, client, server = load.stdout.readline().split()
    with Trace(lab, "--events", "state", "host", address) as trace, kernel_trace() as instance:
        beside = other_tracer(address)
        load.stdin.write("go\n")
        load.stdin.flush()
        assert load.stdout.readline() == "done\n"
        time.sleep(0.5)
        words = ["0"]
        if beside:
            beside.send_signal(signal.SIGINT)
            words = beside.communicate(timeout=60)[0].split()
        expected = truth(instance, address)
    calling = sum(times for key, times in expected.items() if key[2] == address)
    print(f"bpftrace has {words[-1]} of {calling} with that remote address", flush=True)
    seen = told(trace)
    print(f"{sum(expected.values())} changes of state, told {sum(seen.values())}", flush=True)
    assert not trace.of("lost"), trace.err
    assert sum(expected.values()) > 5 * COUNT
    missing, invented = expected - seen, seen - expected
    assert not missing, f"{sum(missing.values())} missing: {list(missing.items())[:5]}"
    assert not invented, f"{sum(invented.values())} invented: {list(invented.items())[:5]}"
    pids = {True: int(server), False: int(client)}
    wrong = [e for e in trace.of("state") if not e["owner"]
             or e["owner"]["pid"] != pids[e["local"]["port"] == PORT]]
    assert not wrong, f"{len(wrong)} with the wrong program: {wrong[:3]}"
    kinds = {(e["from"], e["to"]) for e in trace.of("state")}
    print("kinds:", sorted(kinds), flush=True)
    assert {("FIN-WAIT-2", "TIME-WAIT"), ("SYN-SENT", "CLOSED"), ("ESTABLISHED", "CLOSED"),
            ("LAST-ACK", "CLOSED")} <= kinds, kinds
