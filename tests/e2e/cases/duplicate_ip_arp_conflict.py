"""duplicate-ip-arp-conflict: two machines on a link have one address.

   client 10.7.0.1 ── switch ── 10.7.0.2 owner :9000
                         └───── 10.7.0.2 rogue
"""

import socket
import struct
import time

from actors import drains_all
from lab import Namespace, run, wait_until

ADDRESS = "10.7.0.2"
ETH_P_ARP = 0x0806  # linux/if_ether.h


def plug(switch, host, number, address=None):
    """Joins a host to the switch; its link-layer address is 02:00:00:00:00:NN."""
    run("ip", "link", "add", f"p{number}", "netns", switch.name, "type", "veth",
        "peer", "name", "eth0", "netns", host.name)
    switch.run("ip", "link", "set", f"p{number}", "master", "br0", "up")
    host.run("ip", "link", "set", "eth0", "address", f"02:00:00:00:00:{number:02x}")
    if address:
        host.run("ip", "addr", "add", f"{address}/24", "dev", "eth0")
    host.run("ip", "link", "set", "eth0", "up")


def announces(namespace, number):
    """A gratuitous ARP reply from that host: "the address is here". Linux takes a reply for one
    when it has the sender's link-layer address as target (net/ipv4/arp.c, arp_is_garp)."""
    mac, address = bytes([2, 0, 0, 0, 0, number]), socket.inet_aton(ADDRESS)
    everybody = b"\xff" * 6
    frame = (everybody + mac + struct.pack("!HHHBBH", ETH_P_ARP, 1, 0x0800, 6, 4, 2)
             + mac + address + mac + address)
    with namespace, socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as link:
        link.bind(("eth0", ETH_P_ARP))
        link.send(frame)


def announce_by_turns(say, _hear, owner, rogue):
    say("ready")
    while True:
        for namespace, number in ((rogue, 3), (owner, 2)):
            time.sleep(0.6)
            announces(namespace, number)


def announce_once(say, hear, rogue, pause):
    say("ready")
    time.sleep(pause)
    announces(rogue, 3)
    say("announced")
    hear()


def entry(client):
    """The link-layer address that the client knows."""
    words = client.run("ip", "neigh", "show", ADDRESS).split()
    return words[words.index("lladdr") + 1] if "lladdr" in words else None


def scene(lab, rogue_has_it=True):
    switch, client, owner, rogue = (Namespace(n) for n in ("switch", "client", "owner", "rogue"))
    switch.run("ip", "link", "add", "br0", "type", "bridge", "stp_state", "0")
    switch.run("ip", "link", "set", "br0", "up")
    plug(switch, client, 1, "10.7.0.1")
    plug(switch, owner, 2, ADDRESS)
    lab.spawn(owner, drains_all, 9000, comm="reader").expect("ready")
    sock = wait_until(lambda: client.connect(ADDRESS, 9000), "a connection to the owner")
    assert entry(client) == "02:00:00:00:00:02", entry(client)
    plug(switch, rogue, 3, ADDRESS if rogue_has_it else None)
    return client, owner, rogue, sock


def shows(lab):
    """Both say again and again that the address is theirs."""
    client, owner, rogue, sock = scene(lab)
    fight = lab.spawn(client, announce_by_turns, owner, rogue, comm="fight")
    fight.expect("ready")
    wait_until(lambda: entry(client) == "02:00:00:00:00:03", "the entry moves")
    report = lab.doctor(5)
    report.the("duplicate-ip-arp-conflict", "critical", "likely", netns=client.inode,
               remote=(ADDRESS, 0))
    assert sock


def shows_when_asked(lab):
    """One move, which may be a failover; but both answer a request."""
    client, _, rogue, sock = scene(lab)
    once = lab.spawn(client, announce_once, rogue, 1, comm="once")
    once.expect("ready")
    report = lab.doctor(3, "--probe")
    finding = report.the("duplicate-ip-arp-conflict", "critical", "confirmed",
                         netns=client.inode, remote=(ADDRESS, 0))
    macs = next(e["value"] for e in finding["evidence"] if e["fact"] == "link-layer addresses")
    assert macs == "02:00:00:00:00:02, 02:00:00:00:00:03", macs
    assert sock


def neighbour_failover(lab):
    """The second machine takes the address over, and the first no longer has it."""
    client, owner, rogue, sock = scene(lab, rogue_has_it=False)
    owner.run("ip", "addr", "del", f"{ADDRESS}/24", "dev", "eth0")
    rogue.run("ip", "addr", "add", f"{ADDRESS}/24", "dev", "eth0")
    once = lab.spawn(client, announce_once, rogue, 1, comm="once")
    once.expect("ready")
    lab.doctor(3, "--probe").none("duplicate-ip-arp-conflict")
    assert entry(client) == "02:00:00:00:00:03", "it must have moved"
    assert sock


def neighbour_not_asked(lab):
    """One move alone is no proof, and nobody may be asked."""
    client, _, rogue, sock = scene(lab)
    once = lab.spawn(client, announce_once, rogue, 1, comm="once")
    once.expect("ready")
    lab.doctor(3).none("duplicate-ip-arp-conflict")
    assert entry(client) == "02:00:00:00:00:03", "it must have moved"
    assert sock
