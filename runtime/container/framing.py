"""CRI log lines: `TIME STREAM TAG CONTENT`, framed a chunk at a time and taken apart again.

TAG is `F` for a line or the last part of one, `P` for a part that goes on in the next record.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Sequence
from typing import NamedTuple

PART = 16384
RECORD = re.compile(rb"[^ \n]+ (stdout|stderr) ([FP]) ([^\n]*)\n")


class Framed(NamedTuple):
    """What a chunk became: buffers for one writev, their size, bytes of the chunk used, line left open."""

    buffers: Sequence[bytes | memoryview]
    size: int
    used: int
    open: bool


class Clock:
    """RFC 3339 UTC with nine digits; the calendar part is computed once a second."""

    def __init__(self, now: Callable[[], int] = time.time_ns) -> None:
        self._now = now
        self._second = -1
        self._calendar = b""

    def stamp(self) -> bytes:
        """The time now, as `2026-11-24T02:16:17.123456789Z`."""
        second, nanoseconds = divmod(self._now(), 1_000_000_000)
        if second != self._second:
            self._second = second
            self._calendar = time.strftime("%Y-%m-%dT%H:%M:%S.", time.gmtime(second)).encode()
        return b"%b%09dZ" % (self._calendar, nanoseconds)


def frame(data: bytes, head: bytes, was_open: bool) -> Framed:
    """Frame the whole lines of a chunk; `head` is `TIME STREAM ` with its trailing space.

    A text without newline stays unused until it is longer than a part.
    """
    end = data.rfind(b"\n") + 1
    if end and not _has_long_line(data, end) and len(data) - end < PART:
        prefix = head + b"F "
        # The unfinished rest is framed along and cut off again: cheaper than copying the chunk without it.
        body = data.replace(b"\n", b"\n" + prefix)
        size = len(body) - len(prefix) - (len(data) - end)
        return Framed((prefix, memoryview(body)[:size]), len(prefix) + size, end, False)
    return _frame_slowly(data, head, was_open)


def flush(rest: bytes, head: bytes, last: bool) -> Framed:
    """Frame an unfinished rest (shorter than a part): as `P` when more may come, as `F` at the end."""
    record = b"%b%b %b\n" % (head, b"F" if last else b"P", rest)
    return Framed((record,), len(record), len(rest), not last)


def _has_long_line(data: bytes, end: int) -> bool:
    position = 0
    while end - position > PART + 1:
        newline = data.rfind(b"\n", position, position + PART + 1)
        if newline < 0:
            return True
        position = newline + 1
    return False


def _frame_slowly(data: bytes, head: bytes, is_open: bool) -> Framed:
    pieces: list[bytes] = []
    position = 0
    while position < len(data):
        newline = data.find(b"\n", position, position + PART + 1)
        if newline < 0 and len(data) - position <= PART:
            break
        stop = newline if newline >= 0 else position + PART
        pieces += (head, b"P " if newline < 0 else b"F ", data[position:stop], b"\n")
        is_open = newline < 0
        position = stop + (newline >= 0)
    record = b"".join(pieces)
    return Framed((record,), len(record), position, is_open)


def unframe(records: bytes, stream: bytes) -> tuple[bytes, int, bool]:
    """What a stream had printed to become these records, the bytes of the whole ones, and an open line.

    Stops at the first record that is torn or of another stream.
    """
    pieces: list[bytes] = []
    position = 0
    is_open = False
    while (found := RECORD.match(records, position)) and found[1] == stream:
        is_open = found[2] == b"P"
        pieces += (found[3], b"" if is_open else b"\n")
        position = found.end()
    return b"".join(pieces), position, is_open
