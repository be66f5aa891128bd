"""What the tests of `tcpdx check` share: the verdict that must come, a namespace without rules."""

import json
import subprocess

from schemas import assert_valid


def no_rules(namespace):
    namespace.run("nft", "flush", "ruleset")


def check(lab, client, target, why, kind=None, hop=None, confidence=None, prefix=(), options=()):
    """Runs `check` and compares its verdict with what is given; returns the document."""
    with client:
        result = subprocess.run((*prefix, lab.program, "check", "--json", target, *options),
                                capture_output=True, text=True, check=False, timeout=60)
    assert result.stdout, (target, result.returncode, result.stderr)
    document = json.loads(result.stdout)
    assert_valid("check", document)
    for step in document["steps"]:
        assert step["evidence"], (step, "without evidence")
    if why is None:
        return document
    where = document["where"]
    got = (document["why"], where["kind"] if kind else None, where["hop"] if hop else None,
           document["confidence"] if confidence else None)
    assert got == (why, kind, hop, confidence), (target, got, document["sentence"],
                                                 document["steps"])
    code = {"ok": 0, "warning": 1, "critical": 2, "unknown": 3}[document["verdict"]]
    assert result.returncode == code, (result.returncode, document["verdict"])
    return document


def facts(document, step):
    """What a step measured, {fact: value}."""
    found = [one for one in document["steps"] if one["step"] == step]
    assert len(found) == 1, (step, [one["step"] for one in document["steps"]])
    return {one["fact"]: one["value"] for one in found[0]["evidence"]}
