"""A terminal with a program on it: what it draws, what is typed, what is left when it has gone."""

import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import time

ROWS, COLUMNS = 12, 70
HOME = "\x1b[H"
CONTROL = re.compile(r"\x1b\[[?0-9;]*[a-zA-Z]")


class Terminal:
    """The program on a terminal of its own; `frames` are the screens that it drew. Without `keys`
    its input is none, so that nothing can be typed."""

    def __init__(self, lab, *words, rows=ROWS, columns=COLUMNS, keys=False, prefix=(), cwd=None):
        self.master, self.end = pty.openpty()
        self.resize(rows, columns)
        self.before = termios.tcgetattr(self.end)
        with lab.here:
            self.process = subprocess.Popen(
                (*prefix, lab.program, *words), stdin=self.end if keys else subprocess.DEVNULL,
                stdout=self.end, stderr=self.end if keys else subprocess.DEVNULL, cwd=cwd,
                start_new_session=keys,
                preexec_fn=self.take if keys else None)
        self.text = ""

    def take(self):
        """The terminal's Ctrl-C goes to the program."""
        fcntl.ioctl(self.end, termios.TIOCSCTTY, 0)

    def resize(self, rows, columns):
        fcntl.ioctl(self.end, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def type(self, keys):
        os.write(self.master, keys.encode())

    def read(self, seconds=0.1):
        while select.select((self.master,), (), (), seconds)[0]:
            try:
                self.text += os.read(self.master, 65536).decode()
            except OSError:  # EIO: the program has ended
                return

    @property
    def frames(self):
        return [plain(frame) for frame in self.text.split(HOME)[1:]]

    def wait_for(self, condition, what, seconds=20):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.read()
            if any(condition(frame) for frame in self.frames):
                return
        raise AssertionError(f"no screen with {what}: {self.frames[-1:]}")

    def forget(self):
        """What is waited for from now on must be drawn from now on."""
        self.read()
        self.text = ""

    def interrupt(self):
        self.process.send_signal(signal.SIGINT)
        self.ended()

    def ended(self, code=0):
        """What was written, once the program has ended."""
        end = time.monotonic() + 20
        while self.process.poll() is None and time.monotonic() < end:
            self.read()
        assert self.process.wait(1) == code, (self.process.returncode, self.text)
        self.read()
        return self.text

    def restored(self):
        """Whether the terminal is in the mode that it had before the program."""
        return termios.tcgetattr(self.end) == self.before


def plain(text):
    return CONTROL.sub("", text).replace("\r", "")
