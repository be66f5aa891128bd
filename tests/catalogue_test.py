"""Every fault is complete: in the list, with all its texts and the counters it asks for, with a
unit test that shows it and one that keeps silent, and with an end-to-end case of both kinds.

The unit tests of close-wait-leak are TEST(close_wait_leak, shows_...) and TEST(close_wait_leak,
silent_...) in any src/faults/*_test.cpp.
"""

import glob
import os
import re
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
FAULTS = f"{ROOT}/src/faults"
TEXTS = ("id", "title", "states", "signature", "look_alikes", "trigger", "severity", "remedy",
         "avoid", "silent_on")

# A fault that no test may bring about is shown on a look that is altered before it is judged; its
# text says so.
SAYS_SO = "tested on altered observations"
ALTERS = ".altered("

# Names of kernel counters as model/counters.hpp has them.
COUNTER = re.compile(r'"((?:(?:Tcp|TcpExt|MPTcpExt|Ip|IpExt|Icmp|nf_conntrack|softnet)\.'
                     r'|sockstat6?\.\w+\.|Ip6|Icmp6)\w+)"')


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def faults():
    """Fault id -> source text of the file that defines it."""
    found = {}
    for path in sorted(glob.glob(f"{FAULTS}/*.cpp")):
        text = read(path)
        if path.endswith("_test.cpp") or not (ident := re.search(r'\.id\s*=\s*"([^"]+)"', text)):
            continue
        found[ident.group(1)] = (os.path.basename(path), text)
    return found


def texts_missing(text):
    """Members of its FaultInfo that are absent or empty."""
    start = text.index("FaultInfo k")
    info = text[start:text.index("\n};", start)]
    for name in TEXTS:
        value = re.search(rf"\.{name}\s*=\s*(\S+)", info)
        if not value or value.group(1).startswith(('""', "{}")):
            yield name
    alike = re.search(r"\.look_alikes\s*=\s*(\w+)", info)
    if alike and not re.search(rf"{alike.group(1)}\{{\s*LookAlike\{{", text):
        yield "look_alikes (empty)"


def counters_of(text):
    """The counters that a fault declares in .counters, and those that its code names."""
    array = re.search(r"\.counters\s*=\s*(\w+)", text)
    body = re.search(rf"\b{array.group(1)}\b[^;]*;", text).group(0) if array else ""
    return set(COUNTER.findall(body)), set(COUNTER.findall(text.replace(body, "")))


def counters_wrong(found):
    """What faults and the files that they share ask for, against what faults declare."""
    files = {os.path.basename(path): read(path) for path in glob.glob(f"{FAULTS}/*.cpp")}
    own = {file for file, _ in found.values()}
    shared = {name: file for file, text in files.items()
              if file not in own and not file.endswith("_test.cpp")
              for name in COUNTER.findall(text)}
    declared_by_any = set()
    for fault, (_, text) in found.items():
        declared, used = counters_of(text)
        declared_by_any |= declared
        for name in sorted(used - declared):
            yield f"{fault}: asks for {name}, which its .counters does not name"
        for name in sorted(declared - used - set(shared)):
            yield f"{fault}: .counters names {name}, which nothing asks for"
    for name in sorted(set(shared) - declared_by_any):
        yield f"{shared[name]}: asks for {name}, which no fault names in .counters"


def listed():
    """Names in the list of catalogue.cpp, as fault ids."""
    body = re.search(r"kList\{(.*?)\};", read(f"{FAULTS}/catalogue.cpp"), re.S)
    names = re.findall(r"\w+", body.group(1)) if body else []
    return [name.replace("_", "-") for name in names]


def unit_tests():
    text = "".join(read(path) for path in glob.glob(f"{FAULTS}/*_test.cpp"))
    return re.findall(r"\bTEST(?:_F|_P)?\((\w+),\s*(\w+)\)", text)


def missing_of(fault, file, text, tests):
    snake = fault.replace("-", "_")
    if file != f"{snake}.cpp":
        yield f"is defined in {file}, not in {snake}.cpp"
    for name in texts_missing(text):
        yield f"has no text .{name}"
    for kind in ("shows", "silent"):
        if not any(suite == snake and name.startswith(kind) for suite, name in tests):
            yield f"has no unit test TEST({snake}, {kind}_...)"
    case = f"{ROOT}/tests/e2e/cases/{snake}.py"
    scenes = read(case) if os.path.isfile(case) else ""
    functions = re.findall(r"^def (\w+)\(lab\):", scenes, re.M)
    says_so = SAYS_SO in re.sub(r'"\s*"', "", text)
    if says_so != (ALTERS in scenes):
        yield f"must {'not ' if says_so else ''}say that it is {SAYS_SO}"
    for kind in ("shows", "neighbour"):
        if not any(name.startswith(kind) for name in functions):
            yield f"has no function {kind}(lab) in tests/e2e/cases/{snake}.py"


def main():
    found, names, tests = faults(), listed(), unit_tests()
    missing = [f"{name}: in the list, but no file defines it" for name in names
               if name not in found]
    missing += [f"{name}: twice in the list" for name in set(names) if names.count(name) > 1]
    for fault, (file, text) in found.items():
        if fault not in names:
            missing.append(f"{fault}: not in the list of src/faults/catalogue.cpp")
        missing += [f"{fault}: {what}" for what in missing_of(fault, file, text, tests)]
    missing += counters_wrong(found)
    print("\n".join(missing) or f"{len(found)} faults, all complete")
    return 1 if missing or not found else 0


if __name__ == "__main__":
    sys.exit(main())
