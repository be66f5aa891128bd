"""`ping` and `path` over simulated ways: delays, losses, limits, silence, labels and clamps that
the way is made of must come out; as root and as nobody.

   the ways are those of simulated_path.py
"""

import ipaddress
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import xml.etree.ElementTree

from lab import NOBODY, run
from schemas import assert_valid
from simulated_path import V4, V6, way



def ask(lab, *args, code=0, prefix=()):
    result = subprocess.run((*prefix, lab.program, *args), capture_output=True, text=True,
                            check=False, timeout=60)
    assert result.returncode == code, (args, result.returncode, result.stdout, result.stderr)
    return result.stdout


def ping(lab, *args, **kwargs):
    """(lines of probes, summary), each held against the schema."""
    lines = [json.loads(line) for line in ask(lab, "ping", "--json", *args, **kwargs).splitlines()]
    for line in lines:
        assert_valid("ping", line)
    return lines[:-1], lines[-1]["summary"]


def path(lab, *args, **kwargs):
    document = json.loads(ask(lab, "path", "--json", "-n", *args, **kwargs))
    assert_valid("path", document)
    return document


def addresses(document):
    return [[one["addr"] for one in hop["responders"]] for hop in document["hops"]]


def pings_by_every_method(lab):
    with way(lab, 3):
        for target in (V4, V6):
            for method in ((), ("--udp", "33434"), ("--tcp", "443")):
                _, summary = ping(lab, "-c", "3", "-i", "50ms", *method, target)
                assert summary["received"] == 3, (target, method, summary)
                assert summary["rtt_us"]["min"] >= 16000, summary
                if method[:1] != ("--tcp",):
                    assert summary["hops"] == {"value": 3, "assumed_start_ttl": 64}, summary
        probes, _ = ping(lab, "-c", "1", "--tcp", "80", V4)
        assert probes[0]["status"] == "reply" and probes[0]["words"] == "refused", probes


def pings_as_nobody(lab):
    """Without a ping socket UDP takes its place and says so; with one, ICMP."""
    with way(lab, 2):
        run("sysctl", "-qw", "net.ipv4.ping_group_range=1 0")
        assert ping(lab, "-c", "1", V4, prefix=NOBODY)[1]["method"] == "udp"
        run("sysctl", "-qw", "net.ipv4.ping_group_range=0 65534")
        assert ping(lab, "-c", "1", V4, prefix=NOBODY)[1]["method"] == "icmp"


def ping_counts_losses(lab):
    """20 % of each direction: 36 % of the round trips; the interval holds it in 99.9 % of all runs
    because it is compared with a margin of two of its widths."""
    with way(lab, 2, features={1: "loss=0.2"}):
        probes, summary = ping(lab, "-c", "200", "-i", "10ms", V4)
        assert summary["sent"] == 200 and len(probes) >= 200
        width = summary["loss_high"] - summary["loss_low"]
        assert abs(summary["loss"] - 0.36) < width, summary
        lost = sum(one["status"] == "lost" for one in probes)
        late = sum(one["status"] == "late" for one in probes)
        assert summary["received"] == 200 - lost + late, summary


def ping_names_who_refuses(lab):
    with way(lab, 3):
        probes, summary = ping(lab, "-c", "1", "--ttl", "2", V4, code=3)
        assert probes[0]["status"] == "error" and probes[0]["from"] == "10.77.2.1", probes
        assert "TTL exceeded" in probes[0]["words"] and summary["received"] == 0
        _, silent = ping(lab, "-c", "2", "-i", "50ms", "10.77.50.9", code=3)
        assert silent["loss"] == 1 and silent["loss_low"] > 0.3, silent


def ping_asks_several_hosts(lab):
    with way(lab, 1):
        lines = [json.loads(line) for line in
                 ask(lab, "ping", "--json", "-c", "2", "-i", "50ms", V4, V6).splitlines()]
        assert {line["address"] for line in lines if "seq" in line} == {V4, V6}
        assert [line["summary"]["received"] for line in lines if "summary" in line] == [2, 2]


def ping_has_manners(lab):
    assert "--flood" in subprocess.run((lab.program, "ping", "-i", "5ms", "127.0.0.1"),
                                       capture_output=True, text=True, check=False).stderr
    ask(lab, "ping", "-i", "5ms", "-c", "1", "127.0.0.1", code=64)
    ask(lab, "ping", "-i", "5ms", "-c", "1", "--flood", "127.0.0.1")
    ask(lab, "ping", code=64)
    ask(lab, "ping", "no-such-host.invalid", code=3)


class Arrivals:
    """What a host receives, as it came off its cables (packet(7))."""

    def __init__(self, namespace):
        with namespace:
            self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM,
                                        socket.htons(0x0003))  # ETH_P_ALL
        self.socket.settimeout(10)

    def next_to(self, target):
        """(interface, source, traffic class, octets of the IP packet) of the next one to it."""
        while True:
            packet, (interface, _, kind, *_) = self.socket.recvfrom(2048)
            if kind == socket.PACKET_OUTGOING:
                continue
            if packet[0] >> 4 == 4:
                source, to = packet[12:16], packet[16:20]
                found = packet[1], int.from_bytes(packet[2:4], "big")
            else:
                source, to = packet[8:24], packet[24:40]
                found = ((packet[0] & 0xf) << 4 | packet[1] >> 4,
                         40 + int.from_bytes(packet[4:6], "big"))
            if str(ipaddress.ip_address(to)) == target:
                return interface, str(ipaddress.ip_address(source)), *found


def ping_sends_as_it_is_told(lab):
    """DSCP, size, source and interface, as the receiver sees them; and without them.

       client e1a 10.1.0.1, 10.1.0.9 ── e1b server, which has 10.9.0.1 and fd09::1 besides
              e2a 10.2.0.1           ── e2b
    """
    client, server = lab.pair()
    lab.link(client, server)
    for target, routes in (("10.9.0.1", ("10.1.0.2", "10.2.0.2")),
                           ("fd09::1", ("fd00:1::2", "fd00:2::2"))):
        server.run("ip", "addr", "add", target, "dev", "lo")
        for metric, via in enumerate(routes, 1):
            client.run("ip", "route", "add", target, "via", via, "metric", str(metric))
    client.run("ip", "addr", "add", "10.1.0.9/24", "dev", "e1a")
    client.run("ip", "addr", "add", "fd00:1::9/64", "dev", "e1a", "nodad")
    for namespace in (client, server):
        namespace.settle()
    for group in ("0 0", "1 0"):  # by a ping socket, and by a raw one
        client.sysctl(ping_group_range=group)
        for method, headers in ((("--tcp", "9"), None), ((), 28), (("--udp",), 28)):
            sends_as_told(lab, client, server, "10.9.0.1", ("10.1.0.1", "10.1.0.9", "10.2.0.1"),
                          method, headers)
            sends_as_told(lab, client, server, "fd09::1", ("fd00:1::1", "fd00:1::9", "fd00:2::1"),
                          method, headers and headers + 20)


def sends_as_told(lab, client, server, target, addresses, method, headers):
    """`headers`: octets of the method's; a SYN's size is nobody's to say."""
    first, second, of_e2a = addresses
    usual = run("ip", "-n", "client", "route", "get", target).split(" src ")[1].split()[0]
    other = first if usual == second else second
    for words, interface, source, tos, size in (
            ((), "e1b", usual, 0, 56),
            (("--dscp", "46", "-s", "100", "--source", other), "e1b", other, 46 << 2, 100),
            (("-I", "e2a", "--dscp", "8", "-s", "0"), "e2b", of_e2a, 8 << 2, 0)):
        arrivals = Arrivals(server)
        with client:
            ping(lab, "-c", "1", *method, *words, target)
        seen = arrivals.next_to(target)
        assert seen[:3] == (interface, source, tos), (target, method, words, seen)
        assert headers is None or seen[3] == headers + size, (target, method, words, seen)


def path_finds_every_router(lab):
    want = [[f"10.77.{i}.1"] for i in range(1, 9)] + [[V4]]
    want6 = [[f"fd77:{i}::1"] for i in range(1, 9)] + [[V6]]
    with way(lab, 8):
        for args in ((V4,), ("--udp", V4), (f"{V4}:443",), (f"{V4}:80",)):
            document = path(lab, *args)
            assert document["reached"] and addresses(document) == want, (args, document)
        for args in ((V6,), ("--udp", V6), (f"[{V6}]:443",)):
            document = path(lab, *args)
            assert document["reached"] and addresses(document) == want6, (args, document)


def path_needs_no_rights(lab):
    with way(lab, 8):
        for args in ((V4,), (f"{V4}:443",), (f"[{V6}]:443",)):
            document = path(lab, *args, prefix=NOBODY)
            assert document["reached"] and len(document["hops"]) == 9, (args, document)


def path_is_what_traceroute_finds(lab):
    """The second tool, on a way with a silent router and one that quotes only eight octets."""
    if not shutil.which("traceroute"):
        print("traceroute is not installed: skipped")
        raise SystemExit(77)
    with way(lab, 6, features={3: "silent", 5: "quote=8"}):
        theirs = run("traceroute", "-n", "-q", "1", "-w", "1", "-I", V4).splitlines()[1:]
        theirs = [[line.split()[1]] if line.split()[1] != "*" else [] for line in theirs]
        assert addresses(path(lab, V4)) == theirs, theirs


def path_tells_labels_and_clamps(lab):
    with way(lab, 6, features={2: "labels=16001,24", 4: "mss=1300"}):
        document = path(lab, f"{V4}:443")
        assert [one["label"] for one in document["hops"][1]["responders"][0]["mpls"]] == [16001, 24]
        seen = [hop["responders"][0].get("quoted_mss") for hop in document["hops"][:6]]
        assert seen == [1460] * 4 + [1300] * 2, seen
        text = ask(lab, "path", "-n", f"{V4}:443")
        assert "lowered from 1460 to 1300 between hop 4 and hop 5" in text, text
        assert "MPLS 16001/24" in text, text


def path_says_how_far_it_came(lab):
    """A silent target; and its neighbour, one that answers."""
    with way(lab, 4, target="silent"):
        document = path(lab, V4, code=3)
        assert not document["reached"] and len(document["hops"]) == 4, document
        assert document["silent_beyond"] == 26, document
        assert "behind hop 4 nobody answers" in ask(lab, "path", "-n", V4, code=3)
    with way(lab, 4):
        assert path(lab, V4)["reached"]


def path_tells_a_limit_from_a_loss(lab):
    """Hop 2 answers seldom, as Linux routers do; on the other way hop 2's link loses a fifth."""
    with way(lab, 4, features={2: "rate=1"}):
        for _ in range(6):  # what the bucket held is used up
            path(lab, V4)
        hop = path(lab, "--stats", V4)["hops"][1]
        assert hop["link_loss"]["value"] == 0, hop
        assert hop["answered"] < hop["sent"] and hop["rate_limited"], hop
    with way(lab, 4, features={2: "loss=0.2"}):
        document = path(lab, "--stats", V4)
        hops = document["hops"]
        assert hops[0]["link_loss"]["value"] == 0 and hops[1]["link_loss"]["value"] == 0, hops
        loss = document["end_to_end"]["loss"]
        assert abs(loss["value"] - 0.36) < loss["high"] - loss["low"], loss


def reached_by_one_syn(lab, target):
    """Datagrams that reach a near target when its walk sends it one SYN. On a busy machine an
    answer may take the 30 ms after which the target counts as far away: then it may have more, as
    said, but not every time."""
    for _ in range(5):
        with way(lab, 5, target=target, step_us=200) as simulated:
            assert len(path(lab, f"{V4}:443")["hops"]) == 6
            reached, syns = simulated.end()
        assert 1 <= syns <= 4 + 5 * 5, syns
        if syns == 1:
            return reached
    raise AssertionError(f"{syns} SYNs")


def path_sends_no_more_than_said(lab):
    """By TCP one handshake reaches the target, and the echo that told its distance."""
    # The echo; the SYN, the ACK of the handshake, and the RST that ends the connection.
    assert reached_by_one_syn(lab, "open=443") <= 4


def path_has_manners_without_echoes(lab):
    """A target that answers none is found router by router. One that is silent gets what is said,
    at most --max-ttl of them; so does one so far away that waiting for its echo takes too long."""
    reached_by_one_syn(lab, "no-echo open=443")
    with way(lab, 5, target="silent", step_us=200) as simulated:
        assert len(path(lab, "--max-ttl", "12", f"{V4}:443", code=3)["hops"]) == 5
        _, syns = simulated.end()
        assert 1 <= syns <= 12 - 5, syns
    with way(lab, 5, step_us=20000) as simulated:
        assert len(path(lab, f"{V4}:443")["hops"]) == 6
        _, syns = simulated.end()
        assert 1 <= syns <= 4 + 5 * 5, syns


def mtus(document):
    return [hop["mtu"] for hop in document["hops"]]


def path_tells_who_lowers_the_mtu(lab):
    """Two routers lower it and say so; without --mtu nothing is claimed."""
    with way(lab, 5, features={2: "mtu=1400", 4: "mtu=1300"}):
        for target, net, args in ((V4, "10.77.{}.1", ()), (V6, "fd77:{}::1", ()),
                                  (V4, "10.77.{}.1", ("--udp",)), (f"{V4}:443", "10.77.{}.1", ())):
            document = path(lab, "--mtu", *args, target)
            assert mtus(document) == [1500, 1500, 1400, 1400, 1300, 1300], (target, document)
            assert document["mtu_steps"] == [
                {"behind": hop, "before": before, "mtu": mtu, "told_by": net.format(hop),
                 "black_hole": False}
                for hop, before, mtu in ((2, 1500, 1400), (4, 1400, 1300))], document
        assert mtus(path(lab, "--mtu", V4, prefix=NOBODY)) == [1500, 1500, 1400, 1400, 1300, 1300]
        assert mtus(path(lab, V4)) == [None] * 6 and path(lab, V4)["mtu_steps"] is None
        text = ask(lab, "path", "-n", "--mtu", V4)
        assert "falls from 1500 to 1400 behind hop 2 (10.77.2.1): 10.77.2.1 says so" in text, text
        assert "black hole" not in text, text


def path_places_a_black_hole(lab):
    """Hop 3 throws packets above 1436 away without a word."""
    with way(lab, 5, features={3: "mtu=1436 hides-mtu"}):
        for target in (V4, V6):
            document = path(lab, "--mtu", target)
            assert mtus(document) == [1500, 1500, 1500, 1436, 1436, 1436], document
            assert document["mtu_steps"] == [{"behind": 3, "before": 1500, "mtu": 1436,
                                              "told_by": None, "black_hole": True}], document
        text = ask(lab, "path", "-n", "--mtu", V4)
        assert "more than 1436 octets reach hop 3 (10.77.3.1) and vanish behind it" in text, text


def path_takes_silence_for_no_black_hole(lab):
    """Its neighbours: silent and limited routers and a silent target, all of 1500 octets."""
    with way(lab, 5, target="silent", features={2: "silent", 5: "rate=1"}):
        document = path(lab, "--mtu", "--stats", V4, code=3)
        assert document["mtu_steps"] == [], document
        assert mtus(document)[:4] == [1500] * 4, document
    with way(lab, 5, features={3: "loss=0.1"}):
        document = path(lab, "--mtu", V4)
        assert not any(step["black_hole"] for step in document["mtu_steps"]), document
        assert mtus(document) == [1500] * 6, document


def path_draws_the_way(lab):
    """Any reader of XML takes the picture; every router that answered has a box."""
    with way(lab, 5, features={2: "silent"}), tempfile.TemporaryDirectory() as folder:
        picture = os.path.join(folder, "way.svg")
        ask(lab, "path", "-n", "--svg", picture, V4)
        root = xml.etree.ElementTree.parse(picture).getroot()
        words = [node.text for node in root.iter("{http://www.w3.org/2000/svg}text")]
        for i in (1, 3, 4, 5):
            assert words.count(f"10.77.{i}.1") == 1, words
        assert words.count(V4) == 1 and words.count("no answer") == 1, words
        ask(lab, "path", "-n", "--svg", os.path.join(folder, "no", "way.svg"), V4, code=3)


def path_invents_no_loss_on_a_busy_machine(lab):
    """1,000 probes and more of a way that loses none, while a busy loop holds a processor."""
    with way(lab, 25), subprocess.Popen((sys.executable, "-c", "while True: pass")) as loop:
        try:
            sent = 0
            while sent < 1000:
                hops = path(lab, V4)["hops"]
                assert [(hop["sent"], hop["answered"]) for hop in hops] == [(1, 1)] * 26, hops
                sent += len(hops)
        finally:
            loop.kill()
