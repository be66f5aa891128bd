"""Checks the shape of the tree: folders, include arrows, sizes, opening comments, fuzz corpora.

Prints one line per breach, FILE:LINE: what, and exits with 1 when there is any.
"""

import os
import re
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
COLUMNS = 100
FILE_LINES = 600
FUNCTION_LINES = 60

# Every file lies in one of these; a folder stands for all below it, a name for itself.
LAYOUT = ("bpf/", "src/base/", "src/wire/", "src/capture/", "src/tcp/", "src/sim/", "src/lab/",
          "src/model/", "src/track/", "src/host/", "src/faults/", "src/store/", "src/view/",
          "src/engine/", "src/cli/", "src/probe/", "src/CMakeLists.txt", "tests/", "bench/",
          "fuzz/", "docs/", "script/", "packaging/", ".ci/", "CMakeLists.txt", "CMakePresets.json",
          "README.md", "LICENSE", "CHANGELOG.md", ".gitignore", ".clang-format", ".clang-tidy")

# Files that may be long, each with its reason. Tests are tables of cases and may be long too.
MAY_BE_LONG = {"src/view/counter_texts.cpp": "a table of texts, one per counter"}
# Functions that may be long, FILE:NAME with its reason.
MAY_HAVE_LONG_FUNCTION = {}
# Text that was not written here, and data.
NOT_SOURCE = ("fuzz/corpus/", "tests/golden/", "docs/schema/")


def tracked_files():
    """What git knows or would add: build output is ignored there and here."""
    command = ("git", "-C", ROOT, "ls-files", "--cached", "--others", "--exclude-standard", "-z")
    output = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return sorted({f for f in output.split("\0") if f and os.path.isfile(f"{ROOT}/{f}")})


def lines_of(path):
    with open(f"{ROOT}/{path}", encoding="utf-8", errors="replace") as file:
        return file.read().splitlines()


def is_test(path):
    return path.startswith("tests/") or path.endswith("_test.cpp")


def arrows():
    """Folder -> folders it may include, from the table in src/CMakeLists.txt."""
    table = {}
    with open(f"{ROOT}/src/CMakeLists.txt", encoding="utf-8") as file:
        text = file.read()
    for name, rest in re.findall(r"^tcpdx_folder\((\w+)([^)]*)\)", text, re.M):
        linked = re.search(r"ARROWS ([\w ]+?)(?: PRIVATE|$)", " ".join(rest.split()))
        table[name] = {name, *(linked.group(1).split() if linked else ())}
        if "tcpdx_bpf" in rest:  # the records that the kernel's programs hand over
            table[name].add("bpf")
    for allowed in table.values():  # whoever uses model speaks of the states, which tcp defines
        if "model" in allowed:
            allowed.add("tcp")
    return table


def check_layout(path):
    inside = any(path.startswith(p) if p.endswith("/") else path == p for p in LAYOUT)
    if not inside:
        yield 1, "lies outside the layout (docs/architecture.md)"


def check_includes(path, lines, table):
    match = re.match(r"src/(\w+)/", path)
    if not match:
        return
    folder = match.group(1)
    allowed = table.get(folder, set())
    for number, line in enumerate(lines, 1):
        include = re.match(r'\s*#\s*include\s+"(?:(\w+)/)?([^"]+)"', line)
        if include and include.group(1) is None:
            yield number, "an include needs its folder: \"folder/file.hpp\""
        elif include and include.group(1) not in allowed:
            yield number, f"{folder} may not include {include.group(1)} (src/CMakeLists.txt)"


def check_sizes(path, lines):
    if len(lines) > FILE_LINES and path not in MAY_BE_LONG and not is_test(path):
        yield len(lines), f"{len(lines)} lines, at most {FILE_LINES}"
    for number, line in enumerate(lines, 1):
        if len(line) > COLUMNS and "http" not in line:
            yield number, f"{len(line)} columns, at most {COLUMNS}"


def check_opening(path, lines):
    """A comment of purpose comes first; a .cpp beside its .hpp, and a test beside
    its subject, may leave that to it."""
    if path.endswith((".cpp", ".hpp")):
        header = path.removesuffix(".cpp") + ".hpp"
        partner = path.endswith(".cpp") and os.path.isfile(f"{ROOT}/{header}")
        subject = path.removesuffix("_test.cpp")
        test = subject != path and any(os.path.isfile(f"{ROOT}/{subject}{suffix}")
                                       for suffix in (".hpp", ".cpp"))
        opened = lines and lines[0].startswith(("//", "/*"))
        if not opened and not partner and not test:
            yield 1, "opens without a comment of purpose"
    elif path.endswith(".py"):
        if not lines or not lines[0].startswith(('"""', "#!")):
            yield 1, "opens without a docstring of purpose"
    elif path.endswith("CMakeLists.txt") or path.startswith(("script/", ".ci/")):
        comment = [line for line in lines[:2] if line.startswith("#") and "#!" not in line]
        if not comment:
            yield 1, "opens without a comment of purpose"


def functions(lines):
    """(line, name, length) of each C++ function, by the form that clang-format gives: a body
    opens with a line that ends in '{' and closes with '}' at the same depth. Test bodies,
    classes, namespaces and tables are no functions."""
    opened = None
    head = ""
    for number, line in enumerate(lines, 1):
        if not line or line.startswith(("//", "#", "}", " ")) and not re.match(r"  \w.*\) .*{$",
                                                                              line):
            if opened and line == opened[2]:
                yield opened[0], opened[1], number - opened[0] + 1
                opened = None
            head = "" if not line else head
            continue
        head += line.strip() + " "
        if opened or not line.endswith("{"):
            if line.endswith((";", "}")):
                head = ""
            continue
        name = re.search(r"([\w:~]+|operator\S+)\s*\(", head)
        data = re.match(r"(namespace|struct|class|enum|union|extern|TEST|INSTANTIATE)", head)
        # A table's '{' does not follow a parameter list.
        body = re.search(r"\)(\s|const|noexcept|override|final|->[\w:<>,\s*&]+)*\{\s*$", head)
        if name and body and not data:
            opened = (number, name.group(1), " " * (len(line) - len(line.lstrip())) + "}")
        head = ""


def check_functions(path, lines):
    if not path.endswith((".cpp", ".hpp")) or is_test(path):
        return
    for number, name, length in functions(lines):
        if length > FUNCTION_LINES and f"{path}:{name}" not in MAY_HAVE_LONG_FUNCTION:
            yield number, f"{name} has {length} lines, at most {FUNCTION_LINES}"


def check_fuzz(path, files):
    match = re.fullmatch(r"fuzz/(\w+)_fuzz\.cpp", path)
    if match and not any(f.startswith(f"fuzz/corpus/{match.group(1)}/") for f in files):
        yield 1, f"has no seed corpus in fuzz/corpus/{match.group(1)}/"


def check_exceptions(files):
    for path in [*MAY_BE_LONG, *(key.split(":")[0] for key in MAY_HAVE_LONG_FUNCTION)]:
        if path not in files:
            yield "tests/tidy.py", 1, f"excepts {path}, which does not exist"


def breaches():
    files = tracked_files()
    table = arrows()
    yield from check_exceptions(files)
    for path in files:
        found = list(check_layout(path)) + list(check_fuzz(path, files))
        if not path.startswith(NOT_SOURCE):
            lines = lines_of(path)
            source = path.endswith((".cpp", ".hpp", ".py", "CMakeLists.txt"))
            found += check_opening(path, lines)
            if source:
                found += [*check_sizes(path, lines), *check_functions(path, lines)]
                found += check_includes(path, lines, table)
        yield from ((path, number, what) for number, what in found)


def main():
    found = list(breaches())
    for path, number, what in found:
        print(f"{path}:{number}: {what}")
    print(f"tidy: {len(found)} breaches" if found else "tidy: nothing to say")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
