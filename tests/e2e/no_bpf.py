"""Runs a program without bpf(2): no_bpf.py PROGRAM ARGS.

A filter under seccomp(2) answers EPERM, as container runtimes do; every other right stays.
"""

import errno
import os
import struct

from no_sock_diag import JUMP_IF_EQUAL, LOAD_WORD, NUMBER, RET_ALLOW, RET_ERRNO, RETURN, run_under

BPF_CALL = {"x86_64": 321, "aarch64": 280}

if __name__ == "__main__":
    run_under(b"".join((
        struct.pack("HBBI", LOAD_WORD, 0, 0, NUMBER),
        struct.pack("HBBI", JUMP_IF_EQUAL, 0, 1, BPF_CALL[os.uname().machine]),
        struct.pack("HBBI", RETURN, 0, 0, RET_ERRNO | errno.EPERM),
        struct.pack("HBBI", RETURN, 0, 0, RET_ALLOW))))
