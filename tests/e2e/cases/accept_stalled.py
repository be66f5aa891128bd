"""accept-stalled: handshakes finish, but the program does not take the connections.

   client 10.1.0.1 ──── 10.1.0.2 server
   3 clients, request sent       :9000, listen(64), the program stopped by a signal
"""

import signal

from actors import accepts_slowly, never_accepts, serves
from lab import wait_until


def shows(lab):
    client, server = lab.pair()
    owner = lab.spawn(server, serves, 9000, comm="sleepy")
    owner.expect("ready")
    owner.signal(signal.SIGSTOP)
    clients = [client.connect("10.1.0.2", 9000) for _ in range(3)]
    for sock in clients:
        sock.send(b"GET /\n")
    wait_until(lambda: server.sockets("state", "listening")[0].recv_q == 3, "three waiting")
    report = lab.doctor(5)  # by its end the oldest waits for 5 s
    report.the("accept-stalled", ("warning", "critical"), pid=owner.pid, comm="sleepy",
               netns=server.inode, listener=9000)
    report.alone("accept-stalled")
    report.none("close-wait-leak")


def shows_when_clients_gave_up(lab):
    """CLOSE-WAIT without a descriptor: the program never had these connections."""
    client, server = lab.pair()
    owner = lab.spawn(server, never_accepts, 9000, 64)
    owner.expect("ready")
    for sock in [client.connect("10.1.0.2", 9000) for _ in range(5)]:
        sock.send(b"GET /\n")
        sock.close()
    wait_until(lambda: len(server.sockets("state", "close-wait")) == 5, "five CLOSE-WAIT")
    report = lab.doctor(5)
    report.the("accept-stalled", ("warning", "critical"), pid=owner.pid, listener=9000)
    report.none("close-wait-leak")


def neighbour_slow_but_accepting(lab):
    """A queue that is never empty and always drains."""
    client, server = lab.pair()
    owner = lab.spawn(server, accepts_slowly, 9000, 64, 0.1)
    owner.expect("ready")
    clients = lab.spawn(client, keeps_queue_filled, "10.1.0.2", 9000, comm="client")
    wait_until(lambda: server.sockets("state", "listening")[0].recv_q >= 3, "a queue")
    lab.doctor(5).none("accept-stalled")
    del clients


def keeps_queue_filled(_say, _hear, address, port):
    import socket
    open_ = []
    while True:
        open_.append(socket.create_connection((address, port)))
        if len(open_) > 4:
            open_.pop(0).recv(1)  # returns when the server has closed this one


def neighbour_owned_close_wait(lab):
    """The program took the connections and does not close them: not this fault."""
    from actors import holds
    client, server = lab.pair()
    owner = lab.spawn(server, holds, 9000, 5)
    owner.expect("ready")
    clients = [client.connect("10.1.0.2", 9000) for _ in range(5)]
    owner.expect("all")
    for sock in clients:
        sock.close()
    lab.doctor(5).none("accept-stalled")
