"""`path --flows`: a real kernel divides flows over two ways, and all of them must be told apart.

                    ┌── 10.2.0.2 left ───┐
   me ─ 10.1.0.2 gate                    target 10.9.0.1
                    └── 10.3.0.2 right ──┘
"""

import json
import os
import subprocess

import jsonschema

from lab import Namespace, run

SCHEMA = os.path.join(os.path.dirname(__file__), "../../../docs/schema/path.json")
TARGET = "10.9.0.1"


def fork(lab, *ways):
    """The scene above; the gate sends to the target by these next hops."""
    me, gate, left, right, target = (Namespace(name) for name in
                                     ("me", "gate", "left", "right", "target"))
    for one, two in ((me, gate), (gate, left), (gate, right), (left, target), (right, target)):
        lab.link(one, two)
    for router in (gate, left, right, target):
        router.sysctl(ip_forward=1, icmp_ratelimit=0, fib_multipath_hash_policy=1)
    target.run("ip", "addr", "add", f"{TARGET}/32", "dev", "lo")
    hops = [word for way in ways for word in ("nexthop", "via", way)]
    for namespace, *route in ((me, "default", "via", "10.1.0.2"), (gate, TARGET, *hops),
                              (left, TARGET, "via", "10.4.0.2"), (right, TARGET, "via", "10.5.0.2"),
                              (left, "10.1.0.0/24", "via", "10.2.0.1"),
                              (right, "10.1.0.0/24", "via", "10.3.0.1"),
                              (target, "10.1.0.0/24", "via", "10.4.0.1")):
        namespace.run("ip", "route", "replace", *route)
    return me, right


def path(lab, me, *args):
    with me:
        done = subprocess.run((lab.program, "path", "--json", "-n", *args), capture_output=True,
                              text=True, check=False, timeout=60)
    assert done.returncode == 0, done
    document = json.loads(done.stdout)
    with open(SCHEMA, encoding="utf-8") as file:
        errors = list(jsonschema.Draft202012Validator(json.load(file)).iter_errors(document))
    assert not errors, [error.message for error in errors[:3]]
    return document


def routers(branch):
    return [one["addr"] for hop in branch["hops"] for one in hop["responders"]]


def shows_two_branches(lab):
    """20 flows go all one way by chance once in half a million runs. More would meet the limit on
    all ICMP messages together (net.ipv4.icmp_msgs_burst, 50), which a namespace may not set."""
    me, _ = fork(lab, "10.2.0.2", "10.3.0.2")
    document = path(lab, me, "--flows", "20", TARGET)
    ways = {tuple(routers(branch)) for branch in document["branches"]}
    assert ways == {("10.1.0.2", middle, TARGET) for middle in ("10.2.0.2", "10.3.0.2")}, document
    assert sum(len(branch["source_ports"]) for branch in document["branches"]) == 20, document
    assert {one["addr"] for one in document["hops"][1]["responders"]} == {"10.2.0.2", "10.3.0.2"}
    for branch in document["branches"]:
        assert branch["reached"] and branch["unanswered"]["value"] == 0, branch
        # What the kernel of the gate itself says of the flow.
        for port in branch["source_ports"][:3]:
            said = run("ip", "-n", "gate", "route", "get", TARGET, "from", "10.1.0.1", "iif",
                       "e1b", "ipproto", "udp", "sport", str(port), "dport", "33434")
            assert f"via {routers(branch)[1]} " in said, (port, said, branch)
    with me:
        text = run(lab.program, "path", "-n", "--flows", "20", TARGET)
    assert "2 branches of 20 flows" in text, text


def shows_the_branch_that_loses(lab):
    me, right = fork(lab, "10.2.0.2", "10.3.0.2")
    right.drop("udp dport 33434", hook="forward")
    branches = path(lab, me, "--flows", "20", TARGET)["branches"]
    assert {(routers(branch)[1], branch["reached"]) for branch in branches} == {
        ("10.2.0.2", True), ("10.3.0.2", False)}, branches


def neighbour_one_way(lab):
    me, _ = fork(lab, "10.3.0.2")
    document = path(lab, me, "--flows", "16", TARGET)
    assert [routers(one) for one in document["branches"]] == [["10.1.0.2", "10.3.0.2", TARGET]]
    with me:
        text = run(lab.program, "path", "-n", "--flows", "16", TARGET)
    assert "one way: 16 flows met the same routers" in text, text
