"""`check` where connections come about, or nearly, and yet something is wrong on the way: sizes
that vanish, SYNs that are counted, answers that get lost, time that goes somewhere. Each with the
neighbour that must get another verdict.

   client ══ 0 ══ r1 ══ 1 ══ r2 ══ 2 ══ r3 ══ 3 ══ server
   link i has 10.99.i+1.0/24 and fd99:i+1::/64; its left end, 0, is .1, its right one, 1, is .2; so
   hops 1, 2 and 3 are 10.99.1.2, 10.99.2.2 and 10.99.3.2
"""

from checking import check, facts, no_rules
from lab import Topology, wait_until

SERVER, SERVER6 = "10.99.4.2", "fd99:4::2"
NAMES = ("client", "r1", "r2", "r3", "server")
# With no time at all on the way an ICMP error arrives while connect() still holds the socket.
NEAR = 1


def host(name, **more):
    # No limit on ICMP errors: a verdict is asked for many times here.
    return {"name": name, **more, "sysctls": {
        "net.ipv4.icmp_ratelimit": "0", "net.ipv6.icmp.ratelimit": "0",
        "net.ipv4.ping_group_range": "0 65534", **more.get("sysctls", {})}}


def scene(lab, servers=(), sends=(), extra=(), **description):
    """The drawing, with these servers; every direction of link 0 takes a millisecond unless `sends`
    says more of it."""
    named = {entry["name"]: entry for entry in extra}
    hosts = [named.get(name) or host(name, servers=list(servers) if name == "server" else [])
             for name in NAMES]
    given = {(one["link"], one["end"]) for one in sends}
    near = [{"link": 0, "end": end, "delay_ms": NEAR} for end in (0, 1) if (0, end) not in given]
    return Topology(lab, {"chain": NAMES, "hosts": hosts, "sends": [*sends, *near],
                          **description})


def both(lab, net, port, *args, **kwargs):
    return [check(lab, net["client"], target, *args, **kwargs)
            for target in (f"{SERVER}:{port}", f"[{SERVER6}]:{port}")]


ECHO = {"port": 80, "service": "echo"}
REPLY = {"port": 81, "service": "reply", "octets": 9000}
HOLD = {"port": 82, "service": "hold"}
SLOW = {"port": 83, "service": "reply", "octets": 10, "after_ms": 1500}
ASK = ("--send", "GET")


def mtu_black_hole_on_the_way_back(lab):
    """A tunnel's router takes 1400 octets from r3 to r2 and its ICMP is lost. It cuts an IPv4 echo,
    so that data alone shows it there; the neighbours: its ICMP is not lost; the program is silent;
    nothing is wrong."""
    net = scene(lab, (REPLY, HOLD), [{"link": 2, "end": 1, "mtu": 1400}])
    both(lab, net, 81, "mtu-black-hole", "return-path", confidence="confirmed", options=ASK)
    assert net.counts(2, 1)["too_large"] > 0
    both(lab, net, 82, "no-answer", "target", confidence="confirmed", options=ASK)
    document = check(lab, net["client"], f"[{SERVER6}]:81", "mtu-black-hole", "return-path",
                     confidence="suspected")
    assert facts(document, "sizes")["vanished_arrives_by_udp"] is True, document
    net.impair(2, 1, mtu=1400, tells_mtu=True)
    both(lab, net, 81, "ok", options=ASK)
    net.impair(2, 1)
    both(lab, net, 81, "ok", options=ASK)


def mtu_black_hole_of_a_switch(lab):
    """What is above 1400 octets is thrown away whole, from r3 to r2; the neighbours: from r2 to r3;
    echoes alone are."""
    net = scene(lab, (REPLY,))
    net["r2"].rules("forward", 'iifname "net3" meta length > 1400 drop')
    for document in both(lab, net, 81, "mtu-black-hole", "return-path", confidence="suspected"):
        assert facts(document, "sizes")["largest"] == 1400, document
    both(lab, net, 81, "mtu-black-hole", "return-path", confidence="confirmed", options=ASK)
    net["r2"].rules("forward", 'oifname "net3" meta length > 1400 drop')
    for document in both(lab, net, 81, "mtu-black-hole", "between-hops", 2, "likely"):
        assert facts(document, "sizes by hop")["mtu"] == 1400, document
    net["r2"].rules("forward", "meta l4proto { icmp, ipv6-icmp } meta length > 1400 drop")
    both(lab, net, 81, "ok", options=ASK)


def counted_syns(lab):
    """One of four SYNs is let in, as under a flood; the neighbours: SYNs and echoes are lost alike;
    a limit that nobody reaches; the port is filtered."""
    net = scene(lab, (ECHO,))
    only_syn = "tcp dport 80 tcp flags & (syn | ack) == syn"
    for target in (f"{SERVER}:80", f"[{SERVER6}]:80"):
        # Anew: the first SYNs are to be dropped.
        net["server"].rules("input", f"{only_syn} numgen inc mod 4 != 3 drop")
        document = check(lab, net["client"], target, "syn-limited", "target", confidence="likely")
        assert document["verdict"] == "warning", document
        assert 3 <= facts(document, "many SYNs")["answered"] <= 7, document
        assert facts(document, "many echoes")["answered"] == 20, document
    net["server"].rules("input", f"{only_syn} limit rate over 20/second burst 20 packets drop")
    both(lab, net, 80, "ok")
    net["server"].rules("input", "tcp dport 80 drop")
    both(lab, net, 80, "filtered", "target", confidence="likely")
    no_rules(net["server"])
    for seed in range(1, 6):
        net.impair(0, 0, delay_ms=NEAR, loss=0.5, seed=seed)
        document = check(lab, net["client"], f"{SERVER}:80", None)
        assert document["why"] != "syn-limited", document


def answers_lost_on_the_way_back(lab):
    """r2 drops what comes from the port, which from here looks like a filter at the host; then all
    that comes from the server. The neighbour: nothing is dropped."""
    net = scene(lab, (ECHO,))
    net["r2"].rules("forward", "tcp sport 80 drop")
    for document in both(lab, net, 80, "filtered", "target", confidence="likely"):
        assert "way back" in document["sentence"], document
        assert document["verdict"] == "critical", document
    net["r2"].rules("forward", f"ip saddr {SERVER} drop", f"ip6 saddr {SERVER6} drop")
    for document in both(lab, net, 80, "silent", "between-hops", 3):
        assert "or from it" in document["sentence"], document
    no_rules(net["r2"])
    both(lab, net, 80, "ok")


def another_way_back(lab):
    """r1 sends what is for the client over a second link, and the client's rp_filter is strict; the
    neighbours: it is loose; the answers are dropped by r1.

       client ── net1 ── r1 ── ...
          └───── alt ────┘
    """
    for strict, verdict in (("1", ("reverse-path-filter", "local", None, "likely")),
                            ("2", ("ok",))):
        client = host("client", sysctls={"net.ipv4.conf.all.rp_filter": "0",
                                         "net.ipv4.conf.alt.rp_filter": strict})
        back = [{"to": "10.99.1.1/32", "via": "10.98.0.1"}]
        alternative = {"ends": [{"host": "client", "device": "alt", "addresses": ["10.98.0.1/24"]},
                                {"host": "r1", "device": "alt", "addresses": ["10.98.0.2/24"]}]}
        net = scene(lab, (ECHO,), extra=(client, host("r1", routes=back)), links=[alternative],
                    routed=False)
        document = check(lab, net["client"], f"{SERVER}:80", *verdict)
        dropped = facts(document, "this host")["dropped_by_reverse_path_filter"]
        assert (dropped > 0) == (strict == "1"), document
        if strict == "2":
            net["r1"].rules("forward", 'oifname "alt" tcp sport 80 drop')
            check(lab, net["client"], f"{SERVER}:80", "filtered", "target")


def where_the_time_goes(lab):
    """One long link, many of them, a slow program; the neighbours: short links, a quick program."""
    net = scene(lab, (ECHO, REPLY, SLOW), [{"link": 2, "end": 0, "delay_ms": 470},
                                           {"link": 2, "end": 1, "delay_ms": 470}])
    for document in both(lab, net, 80, "slow", "between-hops", 2, "confirmed"):
        assert document["verdict"] == "warning", document
        assert facts(document, "handshake")["rtt_us"] >= 940_000, document
    for end in (0, 1):
        net.impair(2, end)
    for document in both(lab, net, 83, "slow", "target", confidence="confirmed",
                         options=(*ASK, "--timeout", "5s")):
        assert facts(document, "handshake")["answered_after_us"] >= 1_500_000, document
    both(lab, net, 81, "ok", options=ASK)
    both(lab, net, 80, "ok")


def a_long_way_without_a_long_link(lab):
    """Each link takes 120 ms: no hop is to blame."""
    net = scene(lab, (ECHO,), [{"link": link, "end": end, "delay_ms": 118}
                               for link in range(4) for end in (0, 1)])
    for document in both(lab, net, 80, "slow", "none", confidence="confirmed"):
        assert "the way is long" in document["sentence"], document


def rejected_by_each_code_of_both_families(lab):
    net = scene(lab, (ECHO,))
    codes = (("icmp", 3, {"net-unreachable": 0, "prot-unreachable": 2, "port-unreachable": 3,
                          "net-prohibited": 9, "host-prohibited": 10, "admin-prohibited": 13}),
             ("icmpv6", 1, {"no-route": 0, "admin-prohibited": 1, "port-unreachable": 4,
                            "policy-fail": 5, "reject-route": 6}))
    for (family, kind, names), target in zip(codes, (f"{SERVER}:80", f"[{SERVER6}]:80")):
        for name, code in names.items():
            net["r2"].rules("forward", f"tcp dport 80 reject with {family} type {name}")
            document = check(lab, net["client"], target, "rejected-by-icmp", "hop", 2, "confirmed")
            seen = facts(document, "handshake")
            assert seen["icmp"] == f"{kind}/{code}", (name, seen)
            assert seen["offender"] == document["where"]["address"], document


def routes_of_a_router(lab):
    """r2 throws away what is for the server, then says so; the last router finds nobody."""
    net = scene(lab, (ECHO,))
    net["r2"].run("ip", "route", "add", "blackhole", f"{SERVER}/32")
    net["r2"].run("ip", "route", "add", "blackhole", f"{SERVER6}/128")
    # A router asks its routes before it looks at the TTL: hop 2 is silent, too.
    both(lab, net, 80, "silent", "between-hops", 1)
    net["r2"].run("ip", "route", "replace", "prohibit", f"{SERVER}/32")
    net["r2"].run("ip", "route", "replace", "prohibit", f"{SERVER6}/128")
    both(lab, net, 80, "rejected-by-icmp", "hop", 2, "confirmed")
    # Errors about echoes (the protocol in what they quote) do not arrive: the TTL tells the hop.
    net["client"].rules("input", "icmp type destination-unreachable @th,136,8 1 drop")
    check(lab, net["client"], f"{SERVER}:80", "rejected-by-icmp", "hop", 2, "confirmed")
    no_rules(net["client"])
    for target in ("10.99.4.77:80", "[fd99:4::77]:80"):
        net["r2"].run("ip", "route", "flush", "type", "prohibit")
        net["r2"].run("ip", "-6", "route", "flush", "type", "prohibit")
        document = check(lab, net["client"], target, "dead-neighbour", "hop", 3, "confirmed",
                         options=("--timeout", "5s"))
        assert document["where"]["address"] in ("10.99.3.2", "fd99:3::2"), document


def a_box_that_takes_no_new_flows(lab):
    """r2 behaves as with a full table of connections: what it knows goes on, nothing new gets in.
    (The table's limit is the whole machine's, so that no test may fill it.) The neighbour: it
    takes them."""
    net = scene(lab, (ECHO,))
    net["r2"].rules("prerouting", "ct state new accept")
    with net["client"].connect(SERVER, 80) as old:
        both(lab, net, 80, "ok")
        net["r2"].rules("prerouting", "ct state new drop")
        both(lab, net, 80, "silent", "between-hops", 1)
        old.sendall(b"still there")
        assert wait_until(lambda: old.recv(100), "an answer on the old connection")
