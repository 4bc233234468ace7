"""Telling log files apart: by device and inode, by a hash of their head, by what stands before a place.

An inode number alone is reused at once on many file systems, and a copied or gzipped file has a new one.
"""

from __future__ import annotations

import os
from hashlib import blake2b

import msgspec

from collectors.logs.framing import NEWLINES, Framing

HEAD = 1024
MARKER = 64
_KEY_BYTES = 4096


class Place(msgspec.Struct, frozen=True):
    """A place in one file, to be found again after the file was renamed, copied or gzipped.

    `head` is the hash of the file's first `head_size` bytes, `marker` that of the `marker_size` bytes
    before `offset`.
    """

    device: int
    inode: int
    offset: int
    head_size: int = 0
    head: bytes = b""
    marker_size: int = 0
    marker: bytes = b""


def digest(data: bytes) -> bytes:
    """The hash that heads and markers are compared by."""
    return blake2b(data, digest_size=8).digest()


def place(fd: int, offset: int, head: bytes, marker: bytes) -> Place:
    """The place `offset` of an open file, from its first bytes and those before the offset as they were read."""
    stat = os.fstat(fd)
    return Place(stat.st_dev, stat.st_ino, offset, len(head), digest(head), len(marker), digest(marker))


def holds(fd: int, place: Place) -> bool:
    """Whether an open (unpacked) file is the one of a place, whatever its name and inode are now."""
    if os.fstat(fd).st_size < place.offset:
        return False
    head = os.pread(fd, place.head_size, 0)
    marker = os.pread(fd, place.marker_size, place.offset - place.marker_size)
    return digest(head) == place.head and digest(marker) == place.marker


def key_of(fd: int, target: str, framing: Framing = NEWLINES, born: float = 0.0) -> bytes:
    """What tells a file's entries from all others: whose it is, and its first record. Stays when it is gzipped.

    `born` is when the file was made, in epoch seconds, where the first record may be that of another file too.
    """
    head = os.pread(fd, _KEY_BYTES, 0)
    if not framing.whole(head):
        # Docker writes the time behind the text: records that begin alike for long differ at their end.
        head = os.pread(fd, framing.most, 0)
    made = f"\0{born:.3f}".encode() if born else b""
    return blake2b(target.encode() + b"\0" + framing.first(head) + made, digest_size=16).digest()
