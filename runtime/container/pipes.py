"""The FIFOs that a container prints to: made, found by their writers, grown and shrunk.

They start at the kernel's default size: large pipes for every container would use up the user's share.
"""

from __future__ import annotations

import fcntl
import os
import signal

SMALL = 65536
LARGE = 1 << 20
# So many readings in a row must find a pipe half full before it grows.
FULL_TIMES = 8
# What was spliced into a pipe from a socket may take up to so many pages in the place of one.
SPLICED = 16
F_SETPIPE_SZ = 1031
F_GETPIPE_SZ = 1032


def make_fifo(path: str, uid: int, gid: int) -> int:
    """Make a FIFO in the place of an older one; a descriptor of it that reads and writes."""
    try:
        os.unlink(path)
    except FileNotFoundError:
        pass
    os.mkfifo(path, 0o600)
    descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    if os.geteuid() == 0:
        os.fchown(descriptor, uid, gid)
    return descriptor


def most_in(fifo: int) -> int:
    """Bytes that a pipe can hold at most, whatever wrote to it."""
    return SPLICED * fcntl.fcntl(fifo, F_GETPIPE_SZ)


def kill_writers(fifos: set[str]) -> None:
    """Kill the processes that print to one of these: without a cgroup, that is how a container is found."""
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                if fifos & {os.readlink(f"/proc/{entry}/fd/{number}") for number in (1, 2)}:
                    os.kill(int(entry), signal.SIGKILL)
            except OSError:
                continue  # another user's, or gone


class Fill:
    """How full one pipe was found: it grows while it stays full, so that its two ends switch less often."""

    def __init__(self) -> None:
        self._times = 0

    def note(self, fifo: int, moved: int) -> bool:
        """Note what one reading moved; whether the pipe was at least half full."""
        if moved < SMALL // 2:
            self._times = 0
            return False
        self._times += 1
        if self._times == FULL_TIMES:
            _resize(fifo, LARGE)
        return True

    def rest(self, fifo: int) -> None:
        """Output pauses: give the memory back."""
        if self._times and fifo >= 0:
            self._times = 0
            _resize(fifo, SMALL)


def _resize(fifo: int, size: int) -> None:
    try:
        fcntl.fcntl(fifo, F_SETPIPE_SZ, size)
    except OSError:
        pass  # over the user's share of pipe memory, or more in it than it would hold: it stays as it is
