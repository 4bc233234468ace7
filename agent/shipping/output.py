"""Writes to a descriptor that others share, such as standard output, without ever blocking on it.

`O_NONBLOCK` belongs to the open file description, which the shell and other processes share: it is left alone.
"""

from __future__ import annotations

import asyncio
import os
import select
import socket
import stat
from bisect import bisect_right
from collections.abc import Callable, Sequence
from itertools import accumulate

_PIPE_BUF = 4096  # a pipe that polls as writable takes so much at once, see pipe(7)
_PIECE = 64 * 1024
_FLAGS = os.O_WRONLY | os.O_APPEND | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC

_Put = Callable[[memoryview], int]


class Output:
    """One such descriptor. `done` says how many lines of the last `write` it took whole."""

    def __init__(self, fd: int) -> None:
        self.done = 0
        self._torn = b""  # a line of which only a part is out, and what is left of it
        self._rest = b""
        self._fd, self._put = _opened(fd)

    async def write(self, lines: Sequence[bytes]) -> None:
        """Write lines at the reader's pace. Raises OSError.

        When it fails or is cancelled in the middle of a line, the next `write` begins with the line's rest; if it is
        given that line again as its first, the rest is all that is written of it.
        """
        self.done = 0
        while self._rest:
            self._rest = self._rest[await self._some(memoryview(self._rest)) :]
        starts = list(accumulate(map(len, lines), initial=0))
        data = memoryview(b"".join(lines))
        out = starts[1] if lines and lines[0] == self._torn else 0
        self._torn = b""
        try:
            while out < len(data):
                out += await self._some(data[out : out + _PIECE])
                await asyncio.sleep(0)
        finally:
            self.done = bisect_right(starts, out) - 1
            if out > starts[self.done]:
                self._torn = lines[self.done]
                self._rest = bytes(data[out : starts[self.done + 1]])

    def close(self) -> None:
        """Close the copy of the descriptor; the original stays."""
        fd, self._fd = self._fd, -1
        if fd >= 0:
            os.close(fd)

    async def _some(self, data: memoryview) -> int:
        while True:
            try:
                return self._put(data)
            except BlockingIOError:
                await self._writable()

    async def _writable(self) -> None:
        loop = asyncio.get_running_loop()
        ready = asyncio.Event()
        loop.add_writer(self._fd, ready.set)
        try:
            await ready.wait()
        finally:
            loop.remove_writer(self._fd)


def _opened(fd: int) -> tuple[int, _Put]:
    """A descriptor of our own for the same thing, and how to write without blocking. Raises OSError."""
    if stat.S_ISSOCK(os.fstat(fd).st_mode):
        copy = os.dup(fd)
        return copy, lambda data: _sent(copy, data)
    try:
        own = os.open(f"/proc/self/fd/{fd}", _FLAGS)
    except OSError:  # no /proc, another user's pipe
        copy = os.dup(fd)
        return copy, lambda data: _when_ready(copy, data)
    return own, lambda data: os.write(own, data)


def _sent(fd: int, data: memoryview) -> int:
    with socket.socket(fileno=os.dup(fd)) as peer:
        return peer.send(data, socket.MSG_DONTWAIT)


def _when_ready(fd: int, data: memoryview) -> int:
    poll = select.poll()
    poll.register(fd, select.POLLOUT)
    if not poll.poll(0):
        raise BlockingIOError
    return os.write(fd, data[:_PIPE_BUF])
