"""Places in the journal: an entry's own cursor, or a time.

A cursor is `s=` (the id of the sequence), `i=` (the number in it), `b=` (boot), `m=` (monotonic time), `t=` (time in
µs), `x=` (hash), all in hexadecimal. Source: systemd, src/libsystemd/sd-journal/sd-journal.c.
"""

from __future__ import annotations

import re
from functools import lru_cache
from hashlib import blake2b
from typing import NamedTuple

from collectors.logs.files import Place

_HEX = rb"([0-9a-f]{1,32})"
_ENTRY = re.compile(rb"s=%s;i=%s;b=[0-9a-f]*;m=[0-9a-f]*;t=%s(?:;|$)" % (_HEX, _HEX, _HEX))
_TIME = re.compile(rb"t=%s" % _HEX)


class Cursor(NamedTuple):
    """A place behind one entry; one with no `sequence` stands before all entries of its `time`, which is in µs."""

    text: bytes
    sequence: bytes
    number: int
    time: int

    @property
    def key(self) -> bytes:
        """What the entry's uid begins with, where a file's key stands for entries of files."""
        return _key(self.sequence)

    def before(self, other: Cursor) -> bool:
        """Whether it stands before another."""
        if self.sequence == other.sequence:
            return (self.number, self.time) < (other.number, other.time)
        return self.time <= other.time


def cursor_of(text: bytes) -> Cursor | None:
    """From its text; None when it is none."""
    if found := _ENTRY.match(text):
        return Cursor(text, found[1], int(found[2], 16), int(found[3], 16))
    found = _TIME.fullmatch(text)
    return Cursor(text, b"", 0, int(found[1], 16)) if found else None


def at_time(microseconds: int) -> Cursor:
    """The place before all entries of a time."""
    time = max(0, microseconds)
    return Cursor(b"t=%x" % time, b"", 0, time)


class Reached(NamedTuple):
    """How far a container was read: a place, and Docker's epoch and ordinal of the last message."""

    cursor: Cursor
    epoch: bytes = b""
    ordinal: int = 0

    def place(self) -> Place:
        """In the form in which places are kept: device 0 is the journal, `head` the cursor, `marker` the epoch."""
        return Place(0, 0, self.ordinal, 0, self.cursor.text, 0, self.epoch)

    @staticmethod
    def of(place: Place | None) -> Reached | None:
        """From a place that was kept; None when it is none in the journal."""
        if place is None or place.device or place.inode:
            return None
        cursor = cursor_of(place.head)
        return Reached(cursor, place.marker, place.offset) if cursor else None


@lru_cache(maxsize=16)
def _key(sequence: bytes) -> bytes:
    return blake2b(sequence, digest_size=16).digest()
