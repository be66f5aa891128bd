"""`path --flows`: a real kernel divides flows over two ways, and all of them must be told apart.

                    ┌── 10.2.0.2 left ───┐
   me ─ 10.1.0.2 gate                    target 10.9.0.1, fd09::1
                    └── 10.3.0.2 right ──┘
   and fd00:1::2, fd00:2::2, fd00:3::2 by IPv6
"""

import json
import subprocess

from lab import Namespace, run
from schemas import assert_valid

TARGET, TARGET6 = "10.9.0.1", "fd09::1"
NAMES = ("me", "gate", "left", "right", "target")


def fork(lab, *ways):
    """The scene above; the gate sends to the target by these next hops."""
    me, gate, left, right, target = (Namespace(name) for name in NAMES)
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
    return me, gate, left, right, target


def fork6(lab, *ways):
    """The same by IPv6."""
    namespaces = me, gate, left, right, target = fork(lab, "10.2.0.2", "10.3.0.2")
    for router in (gate, left, right, target):
        router.run("sysctl", "-qw", "net.ipv6.conf.all.forwarding=1", "net.ipv6.icmp.ratelimit=0",
                   "net.ipv6.fib_multipath_hash_policy=1")
    target.run("ip", "addr", "add", f"{TARGET6}/128", "dev", "lo")
    hops = [word for way in ways for word in ("nexthop", "via", way)]
    for namespace, *route in ((me, "default", "via", "fd00:1::2"), (gate, TARGET6, *hops),
                              (left, TARGET6, "via", "fd00:4::2"),
                              (right, TARGET6, "via", "fd00:5::2"),
                              (left, "fd00:1::/64", "via", "fd00:2::1"),
                              (right, "fd00:1::/64", "via", "fd00:3::1"),
                              (target, "fd00:1::/64", "via", "fd00:4::1")):
        namespace.run("ip", "-6", "route", "replace", *route)
    for namespace in namespaces:
        namespace.settle()
    return namespaces


def path(lab, me, *args):
    with me:
        done = subprocess.run((lab.program, "path", "--json", "-n", *args), capture_output=True,
                              text=True, check=False, timeout=60)
    assert done.returncode == 0, done
    document = json.loads(done.stdout)
    assert_valid("path", document)
    return document


def routers(branch):
    return [one["addr"] for hop in branch["hops"] for one in hop["responders"]]


def check_branches(document, target, gate, ways, flows):
    """One branch for each way, and all flows on them."""
    found = {tuple(routers(branch)) for branch in document["branches"]}
    assert found == {(gate, middle, target) for middle in ways}, document
    assert sum(len(branch["source_ports"]) for branch in document["branches"]) == flows, document
    assert {one["addr"] for one in document["hops"][1]["responders"]} == set(ways), document
    for branch in document["branches"]:
        assert branch["reached"] and branch["unanswered"]["value"] == 0, branch


def finds_this_very_host(lab):
    """A flow's own socket must not take what the others send: no source port is the target's."""
    document = path(lab, lab.here, "--stats", "--flows", "3", "127.0.0.1")
    assert document["reached"] and document["end_to_end"]["loss"]["value"] == 0, document


def shows_two_branches(lab):
    """20 flows go all one way by chance once in half a million runs. More would meet the limit on
    all ICMP messages together (net.ipv4.icmp_msgs_burst, 50), of which older kernels have one for
    the whole machine."""
    me, *_ = fork(lab, "10.2.0.2", "10.3.0.2")
    document = path(lab, me, "--flows", "20", TARGET)
    check_branches(document, TARGET, "10.1.0.2", ("10.2.0.2", "10.3.0.2"), 20)
    for branch in document["branches"]:
        # What the kernel of the gate itself says of the flow.
        for port in branch["source_ports"][:3]:
            said = run("ip", "-n", "gate", "route", "get", TARGET, "from", "10.1.0.1", "iif",
                       "e1b", "ipproto", "udp", "sport", str(port), "dport", "33434")
            assert f"via {routers(branch)[1]} " in said, (port, said, branch)
    with me:
        text = run(lab.program, "path", "-n", "--flows", "20", TARGET)
    assert "2 branches of 20 flows" in text, text


def shows_two_branches_by_ipv6(lab):
    """Each flow is on the branch whose router saw it: asked for a route of IPv6, the gate's kernel
    does not look at the ports."""
    me, _, left, right, _ = fork6(lab, "fd00:2::2", "fd00:3::2")
    for router in (left, right):
        router.run("nft", "add table inet seen; "
                   "add set inet seen ports { type inet_service; flags dynamic; }; "
                   "add chain inet seen in { type filter hook prerouting priority 0; }; "
                   "add rule inet seen in udp dport 33434 update @ports { udp sport }")
    document = path(lab, me, "--flows", "20", TARGET6)
    ways = {"fd00:2::2": left, "fd00:3::2": right}
    check_branches(document, TARGET6, "fd00:1::2", ways, 20)
    for branch in document["branches"]:
        seen = json.loads(ways[routers(branch)[1]].run("nft", "-j", "list", "set", "inet", "seen",
                                                       "ports"))
        ports = next(one["set"]["elem"] for one in seen["nftables"] if "set" in one)
        assert branch["source_ports"] == sorted(ports), (branch, ports)


def neighbour_one_way_by_ipv6(lab):
    me, *_ = fork6(lab, "fd00:3::2")
    document = path(lab, me, "--flows", "16", TARGET6)
    assert [routers(one) for one in document["branches"]] == [["fd00:1::2", "fd00:3::2", TARGET6]]


def shows_the_branch_that_loses(lab):
    me, _, _, right, _ = fork(lab, "10.2.0.2", "10.3.0.2")
    right.drop("udp dport 33434", hook="forward")
    branches = path(lab, me, "--flows", "20", TARGET)["branches"]
    assert {(routers(branch)[1], branch["reached"]) for branch in branches} == {
        ("10.2.0.2", True), ("10.3.0.2", False)}, branches


def neighbour_one_way(lab):
    me, *_ = fork(lab, "10.3.0.2")
    document = path(lab, me, "--flows", "16", TARGET)
    assert [routers(one) for one in document["branches"]] == [["10.1.0.2", "10.3.0.2", TARGET]]
    with me:
        text = run(lab.program, "path", "-n", "--flows", "16", TARGET)
    assert "one way: 16 flows met the same routers" in text, text
