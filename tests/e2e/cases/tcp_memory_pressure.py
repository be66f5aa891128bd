"""tcp-memory-pressure: the memory of all TCP sockets of the machine is near its limit.

   client 10.1.0.1 ──── 10.1.0.2 server
   fills the buffers             :9000, accepts and never reads
tcp_mem is of the whole machine, which others use as well: a real scene is saved, and its memory
counters are set to what a machine under pressure has.
"""

import time

from actors import fills, holds

FULL = ("sysctl", "net.ipv4.tcp_mem", "1000 2000 3000", "sysctl", "net.ipv4.tcp_max_orphans", 8192)


def scene(lab):
    client, server = lab.pair()
    reader = lab.spawn(server, holds, 9000, 1, comm="lazy")
    reader.expect("ready")
    filler = lab.spawn(client, fills, "10.1.0.2", 9000, comm="filler")
    filler.expect("full")
    return reader, filler


def shows(lab):
    actors = scene(lab)
    near = lab.altered(1, *FULL, "value", "sockstat.TCP.mem", 1900)
    finding = near.the("tcp-memory-pressure", "notice")
    held = [e["value"] for e in finding["evidence"] if e["fact"] == "holds most"]
    assert any(text.startswith("filler (pid ") for text in held), held
    assert len(actors) == 2
    pressed = lab.altered(1, *FULL, "value", "sockstat.TCP.mem", 2500)
    pressed.the("tcp-memory-pressure", "warning")
    aborts = lab.altered(1, *FULL, "value", "sockstat.TCP.mem", 3000,
                         "rise", "TcpExt.TCPAbortOnMemory", 5)
    aborts.the("tcp-memory-pressure", "critical", "confirmed")


def neighbour_full_buffers(lab):
    """Buffers as full as they can be, but the machine's memory is far from its limit."""
    actors = scene(lab)
    time.sleep(1)
    report = lab.doctor(2)
    report.none("tcp-memory-pressure")
    report.calm()


def neighbour_orphans(lab):
    """Connections are aborted because there are too many orphans, not for want of memory."""
    actors = scene(lab)
    report = lab.altered(1, *FULL, "value", "sockstat.TCP.mem", 100, "value",
                         "sockstat.TCP.orphan", 8000, "rise", "TcpExt.TCPAbortOnMemory", 5)
    report.none("tcp-memory-pressure")
