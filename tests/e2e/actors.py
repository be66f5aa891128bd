"""Programs of the scenes, run by Lab.spawn in processes of their own: work(say, hear, ...).

`say("ready")` answers Actor.expect("ready"); `hear()` waits for Actor.tell() and, as nobody tells
most of them anything, is also how they stay alive.
"""

import resource
import selectors
import socket
import time

SO_MAX_PACING_RATE = 47  # asm-generic/socket.h


def listener(port, backlog, address="0.0.0.0"):
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.bind((address, port))
    sock.listen(backlog)
    return sock


def limit_descriptors(count):
    resource.setrlimit(resource.RLIMIT_NOFILE, (count, count))


def never_accepts(say, hear, port, backlog):
    """Listens and never calls accept()."""
    sock = listener(port, backlog)
    say("ready")
    hear()
    sock.close()


def accepts_slowly(say, _hear, port, backlog, pause):
    """One thread: takes a connection, works for `pause` seconds, closes it, takes the next."""
    sock = listener(port, backlog)
    say("ready")
    while True:
        connection, _ = sock.accept()
        time.sleep(pause)
        connection.close()


def accepts_until_full(say, _hear, port, backlog, limit):
    """Keeps every connection, with `limit` descriptors in all, and tries accept() for ever."""
    limit_descriptors(limit)
    sock = listener(port, backlog)
    kept = []
    say("ready")
    while True:
        try:
            kept.append(sock.accept()[0])
        except OSError:  # EMFILE
            time.sleep(0.05)


def serves(say, _hear, port, backlog=64, limit=None, address="0.0.0.0"):
    """A healthy server: answers what comes and closes when the client has closed."""
    if limit:
        limit_descriptors(limit)
    sock = listener(port, backlog, address)
    sock.setblocking(False)
    select = selectors.DefaultSelector()
    select.register(sock, selectors.EVENT_READ)
    say("ready")
    while True:
        for key, _ in select.select():
            if key.fileobj is sock:
                connection, _ = sock.accept()
                select.register(connection, selectors.EVENT_READ)
            elif data := key.fileobj.recv(4096):
                key.fileobj.sendall(data)
            else:
                select.unregister(key.fileobj)
                key.fileobj.close()


def holds(say, hear, port, count, backlog=512, limit=None, read=False):
    """Accepts `count` connections, reads them only when `read`, and never closes one."""
    if limit:
        limit_descriptors(limit)
    sock = listener(port, backlog)
    say("ready")
    kept = []
    while len(kept) < count:
        kept.append(sock.accept()[0])
        if len(kept) == 1:
            say("first")
        if read:
            kept[-1].recv(1)
    say("all")
    while command := hear():  # "shutdown", "close", "send": what to do with all of them
        for connection in kept:
            {"shutdown": lambda c: c.shutdown(socket.SHUT_WR), "close": socket.socket.close,
             "send": lambda c: c.send(b"x" * 100)}[command](connection)
        say("done")


def connects_for_ever(_say, _hear, address, port, pause=0.2):
    """A client that retries: one attempt after the other, each up to 10 s."""
    while True:
        sock = socket.socket()
        sock.settimeout(10)
        try:
            sock.connect((address, port))
        except OSError:
            pass
        sock.close()
        time.sleep(pause)


def fills(say, hear, address, port):
    """Sends until the socket takes no more."""
    sock = socket.create_connection((address, port))
    sock.settimeout(1)
    try:
        while True:
            sock.send(b"z" * 65536)
    except TimeoutError:
        say("full")
    hear()


def keeps_idle(say, hear, port, count, keep_alive):
    """Accepts `count` connections, answers an octet on each, and keeps them."""
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.bind(("0.0.0.0", port))
    sock.listen(512)
    say("ready")
    kept = []
    for _ in range(count):
        end, _ = sock.accept()
        if keep_alive:
            end.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            for option, value in ((socket.TCP_KEEPIDLE, 1), (socket.TCP_KEEPINTVL, 1),
                                  (socket.TCP_KEEPCNT, 30)):
                end.setsockopt(socket.IPPROTO_TCP, option, value)
        end.sendall(end.recv(1))
        kept.append(end)
    say("kept")
    hear()


def idle_connections(lab, count, keep_alive):
    """`count` connections from one namespace to the program "push" in another, port 9000, each
    used once. Returns client, server, the program and the clients' sockets."""
    client, server = lab.pair()
    keeper = lab.spawn(server, keeps_idle, 9000, count, keep_alive, comm="push")
    keeper.expect("ready")
    socks = []
    for _ in range(count):
        socks.append(client.connect("10.1.0.2", 9000))
        socks[-1].send(b"x")
        socks[-1].recv(1)
    keeper.expect("kept")
    return client, server, keeper, socks


def drains_all(say, _hear, port):
    """Reads all that comes on any connection."""
    sock = listener(port, 64)
    select = selectors.DefaultSelector()
    select.register(sock, selectors.EVENT_READ)
    say("ready")
    while True:
        for key, _ in select.select():
            if key.fileobj is sock:
                select.register(sock.accept()[0], selectors.EVENT_READ)
            elif not key.fileobj.recv(1 << 20):
                select.unregister(key.fileobj)
                key.fileobj.close()


def sends_at(_say, _hear, address, port, rate):
    """Sends for ever, at most `rate` bytes a second: the kernel spaces the segments."""
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, SO_MAX_PACING_RATE, rate)
    sock.connect((address, port))
    while True:
        sock.sendall(b"x" * 65536)
