"""A path between two namespaces that hands packets on by a program: two TUN devices and a process
that reads from one and writes to the other, so that each packet can be delayed by itself. Good for
a few megabits a second.

   first 10.9.0.1 ── tun0 ── relay ── tun0 ── 10.9.0.2 second
"""

import fcntl
import heapq
import os
import random
import select
import struct
import time

TUNSETIFF, IFF_TUN, IFF_NO_PI = 0x400454CA, 0x0001, 0x1000  # linux/if_tun.h
MTU = 1500
FIRST, SECOND = "10.9.0.1", "10.9.0.2"


def tun(namespace, address, peer):
    """A TUN device of its own in the namespace; its descriptor."""
    with namespace:
        fd = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
        fcntl.ioctl(fd, TUNSETIFF, struct.pack("16sH22x", b"tun0", IFF_TUN | IFF_NO_PI))
    ip = ("ip", "-n", namespace.name)
    namespace.run(*ip, "addr", "add", address, "peer", peer, "dev", "tun0")
    namespace.run(*ip, "link", "set", "tun0", "mtu", str(MTU), "up")
    return fd


def hands_on(say, _hear, fds, delay_of):
    """Every packet leaves delay_of(direction) seconds after it came, or never where that is None;
    direction 0: from the first to the second namespace, 1: back."""
    queue, number = [], 0
    say("ready")
    while True:
        wait = max(0.0, queue[0][0] - time.monotonic()) if queue else None
        for fd in select.select(fds, [], [], wait)[0]:
            direction, packet = fds.index(fd), os.read(fd, MTU)
            number += 1
            if (delay := delay_of(direction)) is not None:
                heapq.heappush(queue, (time.monotonic() + delay, number, direction, packet))
        while queue and queue[0][0] <= time.monotonic():
            _, _, direction, packet = heapq.heappop(queue)
            os.write(fds[1 - direction], packet)


def relay(lab, first, second, delay_of):
    fds = [tun(first, FIRST, SECOND), tun(second, SECOND, FIRST)]
    actor = lab.spawn(first, hands_on, fds, delay_of, comm="relay")
    actor.expect("ready")
    return actor


def late_at_random(share, base, late):
    """Of the packets from the first namespace that share leaves `late` seconds after the others."""
    dice = random.Random(1)  # the same run every time

    def delay_of(direction):
        return base + (late if direction == 0 and dice.random() < share else 0)
    return delay_of


def late_in_bursts(every, length, base, late):
    """All packets from the first namespace that come in the first `length` seconds of each `every`
    leave `late` seconds after the others."""
    def delay_of(direction):
        return base + (late if direction == 0 and time.monotonic() % every < length else 0)
    return delay_of


def through_a_queue(rate, room, base):
    """From the first namespace at most `rate` packets a second; `room` packets wait, more are
    dropped."""
    free_at = 0.0

    def delay_of(direction):
        nonlocal free_at
        if direction == 1:
            return base
        now = time.monotonic()
        if (free_at - now) * rate > room:
            return None
        free_at = max(free_at, now) + 1 / rate
        return base + free_at - now
    return delay_of
