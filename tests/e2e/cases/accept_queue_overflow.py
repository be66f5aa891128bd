"""accept-queue-overflow: the queue of finished handshakes is full, new clients time out.

   client 10.1.0.1 ──── 10.1.0.2 server
   8 and more clients            :9000, listen(2), accept() never called or too late
"""

from actors import never_accepts, serves
from lab import wait_until


def over_limit(namespace):
    return any(row.recv_q > row.send_q for row in namespace.sockets("state", "listening"))


def shows(lab):
    client, server = lab.pair()
    owner = lab.spawn(server, never_accepts, 9000, 2, comm="overflown")
    owner.expect("ready")
    clients = client.crowd("10.1.0.2", 9000, 8)
    wait_until(lambda: over_limit(server), "Recv-Q above Send-Q")
    wait_until(lambda: server.counter("TcpExt.ListenOverflows") >= 5, "ListenOverflows")
    report = lab.doctor(5)
    # The share of refused attempts is far above 10 %, and descriptors are free.
    report.the("accept-queue-overflow", "critical", pid=owner.pid, comm="overflown",
               netns=server.inode, listener=9000)
    # The clients in SYN-SENT are a consequence.
    report.alone("accept-queue-overflow")
    report.none("syn-flood")
    del clients


def neighbour_burst_at_start(lab):
    """A burst overflows the queue once; the server then takes everything."""
    client, server = lab.pair()
    stuck = server.listen(9000, backlog=4)
    clients = client.crowd("10.1.0.2", 9000, 20)
    wait_until(lambda: over_limit(server), "Recv-Q above Send-Q")
    stuck.close()
    owner = lab.spawn(server, serves, 9000, 64)
    owner.expect("ready")
    wait_until(lambda: not over_limit(server), "an empty queue")
    lab.doctor(5).none("accept-queue-overflow")
    del clients


def neighbour_queue_at_its_limit(lab):
    """Recv-Q equal to Send-Q is a queue that still takes one more."""
    client, server = lab.pair()
    owner = lab.spawn(server, never_accepts, 9000, 8)
    owner.expect("ready")
    clients = [client.connect("10.1.0.2", 9000) for _ in range(8)]
    assert not over_limit(server)
    lab.doctor(2).none("accept-queue-overflow")
    del clients
