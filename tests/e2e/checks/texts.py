"""The commands of its own that tcpdx names in advice, help and documents have the options they are
given there."""

import pathlib
import re
import subprocess

ROOT = pathlib.Path(__file__).parents[3]
COMMAND = re.compile(r"\btcpdx ([a-z]+)((?: [^\"`\\;|()\n]*)?)")
OPTION = re.compile(r"(?<![\w-])--[a-z][a-z-]*")


def named_commands():
    """(file, command, option) for each option that is given to one of tcpdx's commands."""
    files = [*ROOT.glob("src/**/*.cpp"), *ROOT.glob("docs/*.md"), ROOT / "README.md"]
    for file in sorted(files):
        if file.name.endswith("_test.cpp"):
            continue
        for command, words in COMMAND.findall(file.read_text("utf-8")):
            # What follows a second command belongs to that one.
            for option in OPTION.findall(words.split(" tcpdx ")[0]):
                yield file.relative_to(ROOT), command, option


def helps(program, command):
    result = subprocess.run((program, command, "--help"), capture_output=True, text=True,
                            check=False, timeout=60)
    return set(OPTION.findall(result.stdout)) if result.returncode == 0 else None


def commands_have_their_options(lab):
    named = list(named_commands())
    known = {command: helps(lab.program, command) for command in {one[1] for one in named}}
    # A command without help is a word of a sentence.
    used = [one for one in named if known[one[1]] is not None]
    wrong = [f"{file}: tcpdx {command} has no {option}" for file, command, option in used
             if option not in known[command]]
    assert not wrong, wrong
    assert len(used) > 40, used
