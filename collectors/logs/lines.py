"""Whole records of one file (most often lines), a batch at a time, from an offset on.

A line that is still being written waits. One longer than `MAX_ENTRY` is cut there and skipped to its end,
so that memory stays flat whatever stands in the file.
"""

from __future__ import annotations

import os
from typing import NamedTuple

from collectors.logs.entry import MAX_ENTRY
from collectors.logs.framing import BLOCK, NEWLINES, Framing

BATCH = BLOCK


class Batch(NamedTuple):
    """Bytes of a file from `offset` on: whole lines, or the beginning of one that was `cut`."""

    offset: int
    data: bytes
    cut: bool = False


class LineReader:
    """Reads one open file; `offset` is behind what was handed out, always at the beginning of a line or in a cut one."""

    def __init__(
        self, fd: int, offset: int = 0, *, skipping: bool = False, framing: Framing = NEWLINES
    ) -> None:
        self.fd = fd
        self._framing = framing
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
        last = self._framing.whole(data)
        if not last and len(data) == BATCH < self._framing.most:
            data = os.pread(self.fd, self._framing.most, self.offset)
            last = self._framing.whole(data)
        if end is not None and last > end - self.offset:
            last = self._framing.until(data, end - self.offset)
        if last:
            batch = Batch(self.offset, data[:last] if last < len(data) else data)
            self.offset += last
            return batch
        if len(data) < self._framing.most:
            return None
        return self._cut(data)

    def rest(self) -> Batch | None:
        """The last line of a file that nobody writes any more, though it has no newline."""
        if self.skipping:
            return None
        data = os.pread(self.fd, BATCH, self.offset)
        if not data or self._framing.whole(data):
            return None
        batch = Batch(self.offset, data + self._framing.end)
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
        resumed = self._framing.resumed(data)
        self.offset += len(data) if resumed < 0 else resumed
        self.skipping = resumed < 0
        return bool(data)
