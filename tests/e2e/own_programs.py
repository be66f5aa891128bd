"""Programs with a file of their own: copies of the interpreter that listen, so that tests may put
them where programs belong or do not, delete them and replace them.
"""

import os
import shutil
import subprocess

# address, port and, if it is to have another, its name
SERVER = """
import socket, sys
if len(sys.argv) > 3:
    open("/proc/self/comm", "w").write(sys.argv[3])
s = socket.socket()
s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
s.bind((sys.argv[1], int(sys.argv[2])))
s.listen(8)
print("ready", flush=True)
sys.stdin.read()
"""


def folder_of_root():
    """A folder that only root may write to, as one for programs is; new in each sandbox."""
    subprocess.run(("mount", "-t", "tmpfs", "-o", "mode=755", "tmpfs", "/mnt"), check=True)
    return "/mnt"


def make(folder, name):
    """The path of a new program."""
    path = os.path.join(folder, name)
    shutil.copy(os.path.realpath("/usr/bin/python3"), path)
    return path


def upgrade(path):
    """Puts another file in its place, as a package manager does."""
    shutil.copy(path, path + ".new")
    os.rename(path + ".new", path)


def start(path, address, port, *comm):
    """Runs it; returns the Popen once it listens."""
    process = subprocess.Popen([path, "-c", SERVER, address, str(port), *comm], text=True,
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdout.readline() == "ready\n"
    return process
