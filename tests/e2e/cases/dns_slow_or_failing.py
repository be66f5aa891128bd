"""dns-slow-or-failing: blamed on TCP, but before its first SYN.

   program under test, 10.8.N.1 ──── 10.8.N.2 name server, slow, silent or failing
"""

from name_server import FAILS, SILENT, SLOW, WORKS, beside, resolv_conf, serve_names


def shows_silent(lab):
    servers = serve_names(lab, SILENT, WORKS)
    resolv_conf("10.8.0.2", "10.8.1.2", options="timeout:1")
    report = lab.doctor(1, "--probe")
    finding = report.the("dns-slow-or-failing", "warning", "confirmed",
                         destination=("10.8.0.2", 53))
    assert "asked first of 2" in finding["headline"], finding
    report.alone("dns-slow-or-failing")
    assert len(servers) == 2


def shows_slow(lab):
    servers = serve_names(lab, SLOW)
    resolv_conf("10.8.0.2")
    report = lab.doctor(1, "--probe")
    finding = report.the("dns-slow-or-failing", "warning", "confirmed",
                         destination=("10.8.0.2", 53))
    assert "slowly" in finding["headline"], finding
    assert servers


def shows_failing(lab):
    servers = serve_names(lab, FAILS)
    resolv_conf("10.8.0.2")
    report = lab.doctor(1, "--probe")
    finding = report.the("dns-slow-or-failing", "critical", "confirmed",
                         destination=("10.8.0.2", 53))
    assert "SERVFAIL" in finding["headline"], finding
    assert servers


def shows_closed_port(lab):
    """A host without a name server: its ICMP error says so at once."""
    beside(lab, "names0")
    resolv_conf("10.8.0.2")
    report = lab.doctor(1, "--probe")
    report.the("dns-slow-or-failing", "critical", "confirmed", destination=("10.8.0.2", 53))


def neighbour_works(lab):
    servers = serve_names(lab, WORKS, WORKS)
    resolv_conf("10.8.0.2", "10.8.1.2")
    report = lab.doctor(1, "--probe")
    report.none("dns-slow-or-failing")
    report.calm()
    for server in servers:
        server.expect("asked")
    asked = report.data["probes"]["name_servers"]
    assert [one["server"]["addr"] for one in asked] == ["10.8.0.2", "10.8.1.2"], asked
    assert all(answer["code"] == 0 for one in asked for answer in one["answers"]), asked


def neighbour_not_ours(lab):
    """A name server that is slow, which this host does not use."""
    servers = serve_names(lab, WORKS, SLOW)
    resolv_conf("10.8.0.2")
    report = lab.doctor(1, "--probe")
    report.none("dns-slow-or-failing")
    report.calm()
    assert servers


def neighbour_not_asked(lab):
    """Without the user's word nobody is asked, and nothing is claimed."""
    servers = serve_names(lab, SILENT)
    resolv_conf("10.8.0.2")
    report = lab.doctor(1)
    report.none("dns-slow-or-failing")
    assert report.data["probes"] is None, report.data["probes"]
    assert servers
