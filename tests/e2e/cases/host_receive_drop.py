"""host-receive-drop: this machine drops packets before TCP sees them.

   client 10.1.0.1 ──── 10.1.0.2 server
   many short connections        :9000
The queues of received packets are of the whole machine, which others use as well: a real load is
saved, and its counts of dropped packets are set to what an overloaded machine has.
"""


def scene(lab):
    client, server = lab.pair()
    serving = lab.start(server, "short_connections", "serve", "10.1.0.2", 9000, 4, "client")
    assert serving.stdout.readline() == "ready\n"
    return lab.start(client, "short_connections", "connect", "10.1.0.2", 9000, 4, "client", 500, 4)


def shows(lab):
    load = scene(lab)
    report = lab.altered(2, "softnet", 1000000, 400, 10)
    report.the("host-receive-drop", "notice", "suspected")  # a short look
    assert load.communicate()[0] == "ok 2000\n"


def neighbour_busy(lab):
    """Thousands of packets a second, and none is dropped."""
    load = scene(lab)
    report = lab.doctor(2)
    report.none("host-receive-drop")
    report.calm()
    assert load.communicate()[0] == "ok 2000\n"


def neighbour_squeezed(lab):
    """Work was put off again and again, but nothing was lost."""
    load = scene(lab)
    report = lab.altered(2, "softnet", 1000000, 0, 5000)
    report.none("host-receive-drop")
    report.calm()
    assert load.communicate()[0] == "ok 2000\n"
