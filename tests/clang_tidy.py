"""Runs clang-tidy on sources, as many at once as there are processors; remembers the clean ones.

    tests/clang_tidy.py BUILD SOURCE...

A source is known by the text that the compiler makes of it (headers and comments included), the
checks and the version of clang-tidy. One that was clean before is not read again: what is
remembered lies in the user's cache folder, so a machine that sees the tree for the first time reads
all of it.
"""

import concurrent.futures
import hashlib
import json
import os
import re
import shlex
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
CACHE = os.path.join(os.environ.get("XDG_CACHE_HOME", os.path.expanduser("~/.cache")),
                     "tcpdx-clang-tidy")
TIDY = "clang-tidy-19"
# Counts on standard error of what is left out; they are no findings.
NO_FINDING = re.compile(r"^\d+ warnings? (generated|treated)|^Suppressed|^Use -header-filter")


def commands(build):
    """Source -> (folder, compiler command without output) of the compilation database."""
    with open(f"{build}/compile_commands.json", encoding="utf-8") as file:
        entries = json.load(file)
    return {entry["file"]: (entry["directory"], entry["command"]) for entry in entries}


def text_of(folder, command):
    """What the compiler sees, without the tree's own path; None if it does not compile."""
    words = shlex.split(command)
    while "ccache" in words[0]:
        words.pop(0)
    output = words.index("-o")
    del words[output:output + 2]
    words.remove("-c")
    done = subprocess.run([*words, "-E", "-C"], cwd=folder, capture_output=True, check=False)
    return done.stdout.replace(ROOT.encode(), b"") if done.returncode == 0 else None


def key_of(folder, command, checks):
    text = text_of(folder, command)
    return None if text is None else hashlib.sha256(checks + text).hexdigest()


def read_source(build, source, known, checks):
    """(clean, what clang-tidy said)."""
    folder, command = known
    key = key_of(folder, command, checks)
    mark = os.path.join(CACHE, key or "never")
    if key and os.path.exists(mark):
        return True, ""
    done = subprocess.run((TIDY, "-p", build, "--quiet", source), capture_output=True, text=True,
                          check=False)
    said = [line for line in (done.stdout + done.stderr).splitlines()
            if not NO_FINDING.search(line)]
    clean = done.returncode == 0 and not said
    if clean and key:
        with open(mark, "w", encoding="ascii"):
            pass
    return clean, "\n".join(said)


def main():
    build, *sources = sys.argv[1:]
    os.makedirs(CACHE, exist_ok=True)
    known = commands(build)
    version = subprocess.run((TIDY, "--version"), capture_output=True, check=True).stdout
    with open(f"{ROOT}/.clang-tidy", "rb") as file:
        checks = version + file.read()
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        jobs = [pool.submit(read_source, build, source, known[os.path.abspath(source)], checks)
                for source in sources]
        failed = 0
        for source, job in zip(sources, jobs):
            clean, said = job.result()
            failed += not clean
            if said:
                print(said, flush=True)
            elif not clean:
                print(f"{source}: clang-tidy failed and said nothing", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
