"""Records between two copies of their length: `u32be length · record · u32be length`, as Docker's `local` driver writes.

A reader that begins anywhere, or behind a torn record, finds the next one by what each begins with, by its two equal
lengths and by the record behind it. What stands between, torn, is a record of its own that no format knows.
Source: moby, daemon/logger/local.
"""

from __future__ import annotations

import bisect
import os
import re
import struct
from collections.abc import Iterator
from typing import Any

from collectors.logs.framing import BLOCK, Framing

LENGTHS = 8
"""Bytes that the two lengths of a record take."""
LONGEST = 1_000_000
"""Docker refuses longer records."""
_LENGTH = struct.Struct(">I")
_BEGINNING = re.compile(rb"(?=\0[\0-\x0f][\0-\xff]{2}\n\x06std(?:out|err)\x10)")
_CHAIN = 3


class Frames:
    """Each record stands between its length and its length."""

    gap = 0
    end = b""
    most = LONGEST + LENGTHS

    def whole(self, data: bytes) -> int:
        """Up to behind the last frame that is there whole."""
        ends = _ends(data)
        return ends[-1] if ends else 0

    def until(self, data: bytes, limit: int) -> int:
        """Behind the frame in which the byte before the limit lies."""
        ends = _ends(data)
        return ends[bisect.bisect_left(ends, limit)]

    def records(self, data: bytes) -> list[bytes]:
        """The frames with their lengths; what is torn at the end is one too."""
        found: list[bytes] = []
        start = 0
        for end in _ends(data):
            found.append(data[start:end])
            start = end
        return [*found, data[start:]] if start < len(data) else found

    def first(self, data: bytes) -> bytes:
        """The first frame."""
        size = _size(data, 0)
        return data[: size + LENGTHS] if size else data

    def hits(self, data: bytes, pattern: Any) -> Iterator[tuple[int, int]]:
        """The frames that the pattern is found in."""
        ends = _ends(data)
        hit = pattern.search(data)
        while hit:
            index = bisect.bisect_right(ends, hit.start())
            if index == len(ends):
                return
            yield ends[index - 1] if index else 0, ends[index]
            hit = pattern.search(data, ends[index])

    def before(self, data: bytes, end: int) -> int:
        """By its second length; at the end of a torn one by all others."""
        start = end - LENGTHS - _LENGTH.unpack_from(data, end - 4)[0] if end >= LENGTHS else -1
        if start >= 0 and _framed(data, start) == end:
            return start
        ends = _ends(data)
        index = bisect.bisect_left(ends, end)
        return ends[index - 1] if index else 0

    def resumed(self, data: bytes) -> int:
        """At the first frame that others follow."""
        return _resumed(data, 0)

    def start(self, fd: int, offset: int, size: int) -> int:
        """The first frame at or behind `offset`; what is not whole before `size` counts for none."""
        if offset <= 0:
            return 0
        step = BLOCK
        while offset < size:
            data = os.pread(fd, min(step, size - offset), offset)
            found = _resumed(data, 0)
            if found >= 0:
                return offset + found
            if offset + len(data) >= size or not data:
                break
            if step == BLOCK:
                step = 2 * self.most
            else:
                offset += self.most
        return size

    def unfinished(self, fd: int, size: int) -> int:
        """Behind the last whole frame, found from some way back."""
        for back in (BLOCK, 2 * self.most):
            begin = self.start(fd, size - back, size)
            if begin < size:
                return begin + self.whole(os.pread(fd, size - begin, begin))
        return size if size > 2 * self.most else 0


FRAMES: Framing = Frames()


def _size(data: bytes, at: int) -> int:
    """The length that stands there; 0 when it can be none."""
    if at + 4 > len(data):
        return 0
    size: int = _LENGTH.unpack_from(data, at)[0]
    return size if size <= LONGEST else 0


def _framed(data: bytes, at: int) -> int:
    """Where the frame at a place ends; 0 when none is there whole."""
    size = _size(data, at)
    end = at + size + LENGTHS
    return end if size and end <= len(data) and data[end - 4 : end] == data[at : at + 4] else 0


def _ends(data: bytes) -> list[int]:
    """Where the records end that are there whole, torn ones between whole ones included."""
    ends: list[int] = []
    at, most = 0, len(data)
    unpack = _LENGTH.unpack_from
    while at + LENGTHS < most:
        (size,) = unpack(data, at)
        end = at + size + LENGTHS
        if 0 < size <= LONGEST:
            if end > most:
                break
            if data[end - 4 : end] != data[at : at + 4]:
                end = _resumed(data, at + 1)
        else:
            end = _resumed(data, at + 1)
        if end < 0:
            break
        ends.append(end)
        at = end
    return ends


def _resumed(data: bytes, at: int) -> int:
    """The next place at or behind `at` where a frame begins, and others follow it as far as one sees; -1 for none."""
    for found in _BEGINNING.finditer(data, at):
        if _goes_on(data, found.start()):
            return found.start()
    return -1


def _goes_on(data: bytes, at: int) -> bool:
    at = _framed(data, at)
    for _ in range(_CHAIN - 1):
        if not at:
            return False
        if at == len(data):
            return True
        size = _size(data, at)
        if size and at + size + LENGTHS > len(data):
            return True
        at = _framed(data, at)
    return bool(at)
