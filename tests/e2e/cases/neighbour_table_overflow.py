"""neighbour-table-overflow: no room for another neighbour's address.

   client 10.1.0.1 ──── 10.1.0.2 server
The table and its limits are the machine's, which others use as well: a real scene is saved, and the
limit and the refusals are set to what a machine has whose table is full.
"""

from lab import run


def entries(family):
    """What the kernel counts of the whole machine, as ip shows it."""
    name = {4: "arp_cache", 6: "ndisc_cache"}[family]
    words = run("ip", "-s", "ntable", "show", "name", name).split()
    return int(words[words.index("entries") + 1])


def scene(lab):
    client, server = lab.pair()
    sock = server.listen(9000)
    kept = [client.connect("10.1.0.2", 9000), sock]
    return client, kept


def evidence(finding, fact):
    return next(e["value"] for e in finding["evidence"] if e["fact"] == fact)


def shows(lab):
    _, kept = scene(lab)
    few = entries(4)
    assert few >= 1, "the server is a neighbour"
    report = lab.altered(1, "neighbours", 1, 7)
    full = [f for f in report.findings if f["fault"] == "neighbour-table-overflow"]
    assert [f["severity"] for f in full] == ["critical"] * len(full) and full, report.summary()
    v4 = next(f for f in full if "IPv4" in f["headline"])
    assert v4["confidence"] == "confirmed", v4
    # Others on this machine come and go meanwhile.
    assert evidence(v4, "neighbours") >= 1, v4
    assert evidence(v4, "refused for want of room within the look") == 7, v4
    assert kept


def shows_nearly_full(lab):
    _, kept = scene(lab)
    report = lab.altered(1, "neighbours", 1, 0)
    found = [f for f in report.findings
             if f["fault"] == "neighbour-table-overflow" and "IPv4" in f["headline"]]
    assert [f["severity"] for f in found] == ["warning"], report.summary()
    assert kept


def neighbour_room_enough(lab):
    _, kept = scene(lab)
    report = lab.doctor(1)
    report.none("neighbour-table-overflow")
    report.calm()
    assert kept


def neighbour_one_that_does_not_answer(lab):
    """A connect to an address that nobody has fails as well, and there is room."""
    client, kept = scene(lab)
    kept.append(client.connect("10.1.0.99", 9000, wait=False))
    report = lab.doctor(1)
    report.none("neighbour-table-overflow")
    assert kept
