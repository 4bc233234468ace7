"""Whole lines of one file, a batch at a time, from an offset on.

A line that is still being written waits. One longer than `MAX_ENTRY` is cut there and skipped to its end,
so that memory stays flat whatever stands in the file.
"""

from __future__ import annotations

import os
from typing import NamedTuple

from collectors.logs.entry import MAX_ENTRY

BATCH = 256 * 1024


class Batch(NamedTuple):
    """Bytes of a file from `offset` on: whole lines, or the beginning of one that was `cut`."""

    offset: int
    data: bytes
    cut: bool = False


class LineReader:
    """Reads one open file; `offset` is behind what was handed out, always at the beginning of a line or in a cut one."""

    def __init__(self, fd: int, offset: int = 0, *, skipping: bool = False) -> None:
        self.fd = fd
        self.offset = offset
        self.skipping = skipping

    def read(self, end: int | None = None) -> Batch | None:
        """The next batch; None when no whole line is there. Lines that begin at or behind `end` stay unread."""
        while self.skipping:
            if not self._skip():
                return None
        if end is not None and self.offset >= end:
            return None
        data = self._holes_skipped()
        last = data.rfind(b"\n") + 1
        if end is not None and last > end - self.offset:
            last = data.find(b"\n", end - self.offset - 1) + 1
        if last:
            batch = Batch(self.offset, data[:last] if last < len(data) else data)
            self.offset += last
            return batch
        if len(data) < MAX_ENTRY:
            return None
        return self._cut(data)

    def rest(self) -> Batch | None:
        """The last line of a file that nobody writes any more, though it has no newline."""
        if self.skipping:
            return None
        data = os.pread(self.fd, BATCH, self.offset)
        if not data or b"\n" in data:
            return None
        batch = Batch(self.offset, data + b"\n")
        self.offset += len(data)
        return batch

    def _holes_skipped(self) -> bytes:
        """The next bytes, behind what a truncated file has of NUL bytes only."""
        data = os.pread(self.fd, BATCH, self.offset)
        while len(data) == BATCH and data[0] == 0 and not data.strip(b"\0"):
            self.offset += BATCH
            data = os.pread(self.fd, BATCH, self.offset)
        return data

    def _cut(self, data: bytes) -> Batch:
        batch = Batch(self.offset, data[:MAX_ENTRY], cut=True)
        self.offset += len(data)
        self.skipping = True
        return batch

    def _skip(self) -> bool:
        data = os.pread(self.fd, BATCH, self.offset)
        newline = data.find(b"\n")
        self.offset += len(data) if newline < 0 else newline + 1
        self.skipping = newline < 0
        return bool(data)


def line_start(fd: int, offset: int, size: int) -> int:
    """Where the first line begins that begins at or behind `offset`; `size` when there is none."""
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
        step = min(4 * step, BATCH)
    return size


def last_line_start(fd: int, size: int) -> int:
    """Where the line begins that has no newline before `size`; `size` when the last one has."""
    end = size
    while end > 0:
        start = max(0, end - BATCH)
        newline = os.pread(fd, end - start, start).rfind(b"\n")
        if newline >= 0:
            return start + newline + 1
        end = start
    return 0
