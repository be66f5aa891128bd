"""docs/rfc9293.md is whole and true: every requirement of RFC 9293's Appendix B has one row, its
code exists, its tests exist and pass, and the counts on top are those of the rows.

Takes the folder of the unit tests' programs. A test is named FOLDER.SUITE.NAME and run here by
FOLDER_test, so that a test which is skipped, disabled or gone is found.
"""

import collections
import glob
import json
import os
import re
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
TABLE = f"{ROOT}/docs/rfc9293.md"
COUNTS = {"MUST": 69, "SHLD": 31, "MAY": 18, "REC": 1}
WANTED = [f"{kind}-{number}" for kind, last in COUNTS.items() for number in range(1, last + 1)]
# What a row without a test begins with.
REASON = "no test: "

Row = collections.namedtuple("Row", "id section requirement code tests reason")


def read_rows(text):
    """The rows of all tables, and a sentence for each line that looks like one and is none."""
    rows, wrong = [], []
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if not re.match(r"\|\s*(MUST|SHLD|MAY|REC)-", line):
            continue
        if len(cells) != 5:
            wrong.append(f"{cells[0]}: {len(cells)} cells, not 5")
            continue
        ident, section, requirement, code, shown = cells
        reason = shown.removeprefix(REASON) if shown.startswith(REASON) else ""
        tests = [] if reason else re.findall(r"`([^`]+)`", shown)
        rows.append(Row(ident, section, requirement, re.findall(r"`([^`]+)`", code), tests, reason))
    return rows, wrong


def breaches_of(row):
    if not re.fullmatch(r"3(\.\d+){1,4}", row.section):
        yield f"'{row.section}' is no section"
    if len(row.requirement) < 10:
        yield "says nothing"
    if not row.tests and len(row.reason) < 20:
        yield "has neither a test nor a reason"
    if row.tests and not row.code:
        yield "has a test but no code"
    for path in row.code:
        if not os.path.isfile(f"{ROOT}/{path}"):
            yield f"names {path}, which does not exist"


def summary(rows):
    """The line on top: how many of each kind a test shows."""
    parts = []
    names = {"MUST": "MUST", "SHLD": "SHOULD", "MAY": "MAY", "REC": "RECOMMENDED"}
    for kind, name in names.items():
        of_kind = [row for row in rows if row.id.startswith(f"{kind}-")]
        parts.append(f"{name} {sum(bool(row.tests) for row in of_kind)} of {len(of_kind)}")
    return "Shown by a test: " + ", ".join(parts) + "."


def end_to_end_tests():
    """Names as tests/CMakeLists.txt makes them of the functions under tests/e2e."""
    for path in glob.glob(f"{ROOT}/tests/e2e/*/*.py"):
        with open(path, encoding="utf-8") as file:
            for function in re.findall(r"^def ([a-z0-9_]+)\(lab\):", file.read(), re.M):
                stem = os.path.basename(path).removesuffix(".py")
                yield f"e2e.{stem}.{function}".replace("_", "-")


def run_unit_tests(program, names):
    """Of each name (SUITE.NAME) what is wrong with it; nothing when it ran and passed."""
    with tempfile.TemporaryDirectory() as folder:
        report = f"{folder}/report.json"
        subprocess.run([program, "--gtest_filter=" + ":".join(names),
                        f"--gtest_output=json:{report}"], stdout=subprocess.DEVNULL, check=False)
        if not os.path.isfile(report):
            return [f"{os.path.basename(program)} ended without a report"]
        with open(report, encoding="utf-8") as file:
            suites = json.load(file)["testsuites"]
    found = {f"{suite['name']}.{test['name']}": test
             for suite in suites for test in suite["testsuite"]}
    wrong = []
    for name in names:
        test = found.get(name)
        if test is None:
            wrong.append(f"{name} does not exist")
        elif test["status"] != "RUN" or test["result"] != "COMPLETED":
            wrong.append(f"{name} did not run")
        elif "failures" in test:
            wrong.append(f"{name} failed")
    return wrong


def breaches_of_tests(rows, programs):
    by_folder = collections.defaultdict(set)
    end_to_end = set(end_to_end_tests())
    for row in rows:
        for test in row.tests:
            folder, _, name = test.partition(".")
            if folder == "e2e":
                if test not in end_to_end:
                    yield f"{row.id}: {test} does not exist"
            elif not re.fullmatch(r"[\w/]+\.[\w/]+", name):
                yield f"{row.id}: {test} is not FOLDER.SUITE.NAME"
            else:
                by_folder[folder].add(name)
    for folder, names in sorted(by_folder.items()):
        program = f"{programs}/{folder}_test"
        if not os.access(program, os.X_OK):
            yield f"{program} is not built"
            continue
        yield from (f"{folder}.{what}" for what in run_unit_tests(program, sorted(names)))


def main():
    with open(TABLE, encoding="utf-8") as file:
        text = file.read()
    rows, found = read_rows(text)
    times = collections.Counter(row.id for row in rows)
    found += [f"{ident} has {times[ident]} rows" for ident in WANTED if times[ident] != 1]
    found += [f"{ident} is not in Appendix B" for ident in times if ident not in WANTED]
    found += [f"{row.id}: {what}" for row in rows for what in breaches_of(row)]
    if summary(rows) not in text:
        found.append(f"the counts are not those of the rows: {summary(rows)}")
    found += breaches_of_tests(rows, sys.argv[1])
    print("\n".join(found) or summary(rows))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
