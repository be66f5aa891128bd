"""Runs a program without NETLINK_SOCK_DIAG: no_sock_diag.py PROGRAM ARGS.

A classic BPF program under seccomp(2) answers socket(AF_NETLINK, type, NETLINK_SOCK_DIAG) with
EPROTONOSUPPORT, which is what a kernel without the module says.
"""

import ctypes
import errno
import os
import socket
import struct
import sys

PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP, SECCOMP_MODE_FILTER = 38, 22, 2  # linux/prctl.h, seccomp.h
RET_ERRNO, RET_ALLOW = 0x00050000, 0x7FFF0000
LOAD_WORD, JUMP_IF_EQUAL, RETURN = 0x20, 0x15, 0x06  # linux/filter.h
NETLINK_SOCK_DIAG = 4
SOCKET_CALL = {"x86_64": 41, "aarch64": 198}
# struct seccomp_data: nr at 0, the low half of argument N at 16 + 8 N (little-endian)
NUMBER, FAMILY, PROTOCOL = 0, 16, 32


def instructions(socket_number):
    def skip_unless(offset, value, distance):
        yield struct.pack("HBBI", LOAD_WORD, 0, 0, offset)
        yield struct.pack("HBBI", JUMP_IF_EQUAL, 0, distance, value)
    yield from skip_unless(NUMBER, socket_number, 5)
    yield from skip_unless(FAMILY, socket.AF_NETLINK, 3)
    yield from skip_unless(PROTOCOL, NETLINK_SOCK_DIAG, 1)
    yield struct.pack("HBBI", RETURN, 0, 0, RET_ERRNO | errno.EPROTONOSUPPORT)
    yield struct.pack("HBBI", RETURN, 0, 0, RET_ALLOW)


def run_under(code):
    """Becomes the program of the command line, under this filter."""
    buffer = ctypes.create_string_buffer(code, len(code))
    program = struct.pack("HxxxxxxP", len(code) // 8, ctypes.addressof(buffer))
    libc = ctypes.CDLL("libc.so.6", use_errno=True)
    libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    if libc.prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, ctypes.create_string_buffer(program), 0, 0):
        sys.exit(f"seccomp: {os.strerror(ctypes.get_errno())}")
    os.execv(sys.argv[1], sys.argv[1:])


if __name__ == "__main__":
    run_under(b"".join(instructions(SOCKET_CALL[os.uname().machine])))
