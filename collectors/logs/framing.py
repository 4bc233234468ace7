"""How the records of a log file are told apart, for readers that know nothing of what a record holds."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any, Protocol

from collectors.logs.entry import MAX_ENTRY

BLOCK = 256 * 1024


class Framing(Protocol):
    """Where records begin and end. `data` begins with a record wherever nothing else is said.

    `gap` is the count of bytes behind a record that are no part of it (a newline); `end` is what stands there;
    `most` is how long a record may be before it is cut.
    """

    gap: int
    end: bytes
    most: int

    def whole(self, data: bytes) -> int:
        """How many bytes the whole records take that `data` begins with."""
        ...

    def until(self, data: bytes, limit: int) -> int:
        """Where the last whole record ends that begins before `limit`, of several whole ones."""
        ...

    def records(self, data: bytes) -> list[bytes]:
        """The records of `data`, without their gaps."""
        ...

    def first(self, data: bytes) -> bytes:
        """The first record without its gap, or as much as there is of it."""
        ...

    def hits(self, data: bytes, pattern: Any) -> Iterator[tuple[int, int]]:
        """Beginning and end, gap included, of the whole records in which an RE2 pattern is found."""
        ...

    def before(self, data: bytes, end: int) -> int:
        """Where the record begins that ends, gap included, at `end`."""
        ...

    def resumed(self, data: bytes) -> int:
        """Where a record begins in bytes that begin inside of one; -1 when none does."""
        ...

    def start(self, fd: int, offset: int, size: int) -> int:
        """Where in a file the first record begins that begins at or behind `offset`; `size` when there is none."""
        ...

    def unfinished(self, fd: int, size: int) -> int:
        """Where the record begins that is not whole before `size`; `size` when the last one is."""
        ...


class Newlines:
    """Each record is a line."""

    gap = 1
    end = b"\n"
    most = MAX_ENTRY

    def whole(self, data: bytes) -> int:
        """Up to behind the last newline."""
        return data.rfind(b"\n") + 1

    def until(self, data: bytes, limit: int) -> int:
        """Behind the first newline that is not before the limit's line."""
        return data.find(b"\n", limit - 1) + 1

    def records(self, data: bytes) -> list[bytes]:
        """The lines."""
        return data[:-1].split(b"\n")

    def first(self, data: bytes) -> bytes:
        """The first line."""
        return data.partition(b"\n")[0]

    def hits(self, data: bytes, pattern: Any) -> Iterator[tuple[int, int]]:
        """The lines that the pattern is found in."""
        hit = pattern.search(data)
        while hit:
            start = data.rfind(b"\n", 0, hit.start()) + 1
            end = data.find(b"\n", hit.start()) + 1
            yield start, end
            hit = pattern.search(data, end)

    def before(self, data: bytes, end: int) -> int:
        """Behind the newline before the last one."""
        return data.rfind(b"\n", 0, end - 1) + 1

    def resumed(self, data: bytes) -> int:
        """Behind the first newline."""
        return data.find(b"\n") + 1 or -1

    def start(self, fd: int, offset: int, size: int) -> int:
        """Behind the first newline at or behind the byte before `offset`."""
        if offset <= 0:
            return 0
        position, step = offset - 1, 4 * 1024
        while position < size:
            data = os.pread(fd, step, position)
            newline = data.find(b"\n")
            if newline >= 0:
                return min(position + newline + 1, size)
            if not data:
                break
            position += len(data)
            step = min(4 * step, BLOCK)
        return size

    def unfinished(self, fd: int, size: int) -> int:
        """Behind the last newline."""
        end = size
        while end > 0:
            start = max(0, end - BLOCK)
            newline = os.pread(fd, end - start, start).rfind(b"\n")
            if newline >= 0:
                return start + newline + 1
            end = start
        return 0


NEWLINES: Framing = Newlines()
