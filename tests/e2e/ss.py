"""The sockets of a namespace, as ss shows them and as `tcpdx sockets --json` does."""

import collections
import re

# ss's words for the states (iproute2, misc/ss.c) and RFC 9293's.
STATES = {"LISTEN": "LISTEN", "SYN-SENT": "SYN-SENT", "SYN-RECV": "SYN-RECEIVED",
          "ESTAB": "ESTABLISHED", "FIN-WAIT-1": "FIN-WAIT-1", "FIN-WAIT-2": "FIN-WAIT-2",
          "CLOSE-WAIT": "CLOSE-WAIT", "CLOSING": "CLOSING", "LAST-ACK": "LAST-ACK",
          "TIME-WAIT": "TIME-WAIT", "UNCONN": "CLOSED"}


def endpoint_of_ss(text):
    address, port = text.rsplit(":", 1)
    address = address.strip("[]").replace("*", "::")  # '*': any address of both families
    return address, 0 if port == "*" else int(port)


def rows_of_ss(namespace):
    rows = collections.Counter()
    for line in namespace.run("ss", "-H", "-tanp").splitlines():
        state, recv_q, send_q, local, remote, *rest = line.split(None, 5)
        owners = re.findall(r'\("([^"]*)",pid=(\d+),fd=(\d+)\)', rest[0] if rest else "")
        rows[(STATES[state], int(recv_q), int(send_q), endpoint_of_ss(local),
              endpoint_of_ss(remote),
              tuple(sorted((comm, int(pid), int(fd)) for comm, pid, fd in owners)))] += 1
    return rows


def rows_of_tcpdx(document, netns):
    rows = collections.Counter()
    for s in document["sockets"]:
        if s["netns"] == netns:
            owners = tuple(sorted((o["comm"], o["pid"], o["fd"]) for o in s["owners"]))
            ends = ((s[end]["addr"], s[end]["port"]) for end in ("local", "remote"))
            rows[(s["state"], s["recv_q"], s["send_q"], *ends, owners)] += 1
    return rows
