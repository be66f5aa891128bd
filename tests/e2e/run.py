"""Runs one function of a case file in a sandbox of its own:

    run.py --program build/release/tcpdx tests/e2e/cases/close_wait_leak.py shows

The sandbox has its own processes, network and /run. It ends with its first process, which is this
one, so nothing is left behind: not after a failure, not after Ctrl-C, not when ctest gives up.
Exit codes: 0 passed, 1 failed, 77 this user may not make a sandbox (ctest calls that skipped).
"""

import argparse
import importlib.util
import os
import signal
import subprocess
import sys
import traceback

HERE = os.path.dirname(os.path.abspath(__file__))
SANDBOX = ("unshare", "--fork", "--pid", "--kill-child", "--mount-proc", "--mount", "--net")
SKIPPED = 77
PROGRAMS = "/mnt"


def enter_sandbox():
    as_root = () if os.geteuid() == 0 else ("sudo", "-n")
    if as_root and subprocess.run((*as_root, "true"), capture_output=True, check=False).returncode:
        print("skipped: needs root for network namespaces")
        sys.exit(SKIPPED)
    inside = ("env", "TCPDX_SANDBOX=1", "PYTHONDONTWRITEBYTECODE=1", sys.executable)
    command = (*as_root, *SANDBOX, *inside, *sys.argv)
    os.execvp(command[0], command)


def load(path):
    spec = importlib.util.spec_from_file_location("case", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--program", required=True, help="the tcpdx under test")
    parser.add_argument("--programs", help="folder of the built tests/programs")
    parser.add_argument("case", help="a case file")
    parser.add_argument("function", help="one of its functions, for example shows")
    options = parser.parse_args()
    if "TCPDX_SANDBOX" not in os.environ:
        enter_sandbox()
    # The first process of a sandbox is deaf to signals that it does not handle itself.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: os._exit(1))
    os.closerange(3, 1024)  # what the caller left open must not count as the actors' descriptors
    # A private /run hides the machine's network namespaces and takes ours.
    subprocess.run(("mount", "-t", "tmpfs", "tmpfs", "/run"), check=True)
    os.environ["TMPDIR"] = "/run"  # and goes with the sandbox
    # Where the tree stands is no matter: what runs from /tmp, for one, is odd to the doctor.
    if options.programs:
        subprocess.run(("mount", "--bind", options.programs, PROGRAMS), check=True)
    sys.path.insert(0, HERE)
    from lab import Lab  # found through the path just set

    lab = Lab(os.path.abspath(options.program), PROGRAMS if options.programs else None)
    try:
        getattr(load(options.case), options.function)(lab)
    except SystemExit as end:  # skipped
        sys.stdout.flush()
        os._exit(end.code)
    except BaseException:  # whatever it is: say where, then end the sandbox
        traceback.print_exc()
        sys.stderr.flush()
        os._exit(1)
    print("passed")
    sys.stdout.flush()
    os._exit(0)  # at once: the kernel ends the actors


if __name__ == "__main__":
    main()
