"""`doctor --probe` asks the network within its bounds, and without that word nothing is sent.

   program under test, 10.8.0.1 ──── 10.8.0.2 name server
   client 10.1.0.1 ──── 10.1.0.2 server, where a port is dropped
"""

import json
import os
import shutil
import tempfile

from lab import NOBODY, wait_until
from name_server import WORKS, resolv_conf, serve_names
from schemas import assert_valid

MOST_PACKETS = 900  # as the help says, for four hosts and three name servers
MOST_FOR_ONE = MOST_PACKETS // 4
MOST_HOSTS = 4


def scene(lab):
    """A connection whose SYNs nobody answers: its destination is worth a question."""
    client, server = lab.pair()
    server.drop("tcp dport 9000")
    names = serve_names(lab, WORKS)
    resolv_conf("10.8.0.2")
    sock = client.connect("10.1.0.2", 9000, wait=False)
    wait_until(lambda: client.counter("TcpExt.TCPSynRetrans") >= 1, "a repeated SYN")
    return client, (sock, names, server)


def sent(namespace):
    """Everything that is no TCP, of which the client's own SYNs are."""
    return (namespace.counter("Icmp.OutMsgs") + namespace.counter("Udp.OutDatagrams")
            + namespace.counter("Udp.NoPorts"))


def opened(namespace):
    return namespace.counter("Tcp.ActiveOpens")


def nothing_is_sent_unasked(lab):
    client, kept = scene(lab)
    before = [(sent(where), opened(where)) for where in (lab.here, client)]
    for words in ((), ("--json",)):
        lab.tcpdx("doctor", "--for", "1s", *words)
    assert [(sent(where), opened(where)) for where in (lab.here, client)] == before
    assert kept


def a_few_packets_are_sent_when_asked(lab):
    client, kept = scene(lab)
    before = sent(lab.here) + sent(client)
    report = lab.doctor(1, "--probe")
    probes = report.data["probes"]
    assert [host["address"] for host in probes["hosts"]] == ["10.1.0.2"], probes
    host = probes["hosts"][0]
    assert host["netns"] == client.inode and host["echoes"] == 8, host
    assert len(host["rtts_us"]) == 8 and host["largest"] == 1500, host
    assert not host["large_vanish"] and host["told_mtu"] is None, host
    assert [way["hops"] for way in host["ways"]] == [["10.1.0.2"]] * 6, host
    mac = kept[-1].mac("e1b")
    assert host["arp"] == {"address": "10.1.0.2", "interface": "e1a", "macs": [mac]}, host
    assert [server["server"]["addr"] for server in probes["name_servers"]] == ["10.8.0.2"], probes
    assert 0 < sent(lab.here) + sent(client) - before <= MOST_FOR_ONE
    assert kept


def no_more_hosts_are_asked_than_promised(lab):
    client, server = lab.pair()
    server.drop("tcp dport 9000")
    resolv_conf()  # no name server
    addresses = [f"10.1.0.{last}" for last in range(11, 11 + MOST_HOSTS + 2)]
    for address in addresses:
        server.run("ip", "addr", "add", f"{address}/24", "dev", "e1b")
    kept = [client.connect(address, 9000, wait=False) for address in addresses]
    wait_until(lambda: client.counter("TcpExt.TCPSynRetrans") >= len(addresses), "repeated SYNs")
    before = sent(client)
    report = lab.doctor(1, "--probe")
    hosts = [host["address"] for host in report.data["probes"]["hosts"]]
    assert len(hosts) == MOST_HOSTS and set(hosts) < set(addresses), hosts
    assert 0 < sent(client) - before <= MOST_PACKETS
    left_out = [one for one in report.data["not_seen"] if "more destinations" in one["what"]]
    assert len(left_out) == 1, report.data["not_seen"]
    assert kept


def the_json_keeps_its_schema(lab):
    _, kept = scene(lab)
    report = lab.doctor(1, "--probe")
    assert report.data["probes"]["hosts"], report.data["probes"]
    assert_valid("doctor", report.data)
    assert kept


def nobody_is_asked_where_all_is_well(lab):
    client, server = lab.pair()
    sock = server.listen(9000)
    kept = [client.connect("10.1.0.2", 9000), sock]
    resolv_conf()  # no name server
    before = sent(client), opened(client)
    report = lab.doctor(1, "--probe")
    assert report.data["probes"]["hosts"] == [], report.data["probes"]
    assert report.data["probes"]["name_servers"] == [], report.data["probes"]
    assert (sent(client), opened(client)) == before
    report.calm()
    assert kept


def what_was_answered_is_saved(lab):
    _, kept = scene(lab)
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "seen.tcpdx")
        live = lab.tcpdx("doctor", "--for", "1s", "--probe", "--json", "--save", path)
        again = lab.tcpdx("doctor", "--read", path, "--json")
    live, again = json.loads(live.stdout), json.loads(again.stdout)
    assert live["probes"]["hosts"] and live["probes"] == again["probes"], again["probes"]
    assert live["findings"] == again["findings"]
    assert kept


def nobody_asks_as_well(lab):
    """An ordinary user asks what he may, and is told what he may not."""
    scene_here(lab)
    shutil.copy(lab.program, "/run/tcpdx")
    os.chmod("/run/tcpdx", 0o755)
    os.chmod("/run", 0o755)
    lab.program = "/run/tcpdx"
    result = lab.tcpdx("doctor", "--for", "1s", "--probe", "--json", wrapper=NOBODY, cwd="/")
    data = json.loads(result.stdout)
    assert [host["address"] for host in data["probes"]["hosts"]] == ["10.8.0.2"], data["probes"]
    host = data["probes"]["hosts"][0]
    # By UDP, since the sandbox's net.ipv4.ping_group_range lets nobody send ICMP: the kernel
    # answers a burst of six with ICMP errors, then one a second (net/ipv4/icmp.c).
    assert host["echoes"] == 8 and len(host["rtts_us"]) >= 6, host
    assert "arp" not in host and host["ways"] == [] and host["largest"] is None, host
    answers = data["probes"]["name_servers"][0]["answers"]
    assert all(answer["code"] == 0 for answer in answers), answers
    arp = [one for one in data["not_seen"] if "two machines answer" in one["what"]]
    assert len(arp) == 1 and "CAP_NET_RAW" in arp[0]["needs"], data["not_seen"]
    ways = [one for one in data["not_seen"] if "the ways to 10.8.0.2" in one["what"]]
    assert len(ways) == 1 and "CAP_NET_RAW" in ways[0]["needs"], data["not_seen"]


def scene_here(lab):
    """The same in the namespace that an ordinary user is in."""
    names = serve_names(lab, WORKS)
    resolv_conf("10.8.0.2")
    lab.here.run("ip", "netns", "exec", "names0", "nft", "-f", "-", input=(
        "table inet lab {\n  chain lab {\n    type filter hook input priority 0;\n"
        "    tcp dport 9000 drop\n  }\n}\n"))
    sock = lab.here.connect("10.8.0.2", 9000, wait=False)
    wait_until(lambda: lab.here.counter("TcpExt.TCPSynRetrans") >= 1, "a repeated SYN")
    lab.kept = (names, sock)


def the_help_tells_the_bounds(lab):
    text = " ".join(lab.tcpdx("doctor", "--help").stdout.split())
    for words in ("--probe", "4 destinations", "3 name servers", f"{MOST_PACKETS} small packets",
                  "10 s"):
        assert words in text, (words, text)
