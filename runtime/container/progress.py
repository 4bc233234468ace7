"""How far a replica's output has come, as one small record that is always whole.

The record is written by a single pwrite within one page, so that a process killed at any instruction
leaves either the old or the new one. A reader checks the checksum all the same (a power cut may tear it).
"""

from __future__ import annotations

import os
import struct
import zlib
from typing import NamedTuple

LAYOUT = struct.Struct("<8sQQQQQQBB6x")
CHECK = struct.Struct("<I")
MAGIC = b"DWPROG1\0"


class Progress(NamedTuple):
    """The log file by inode and its valid length, the part of each stage that is in it, and what was lost.

    `sequence` is that of the last rotated file. `open_…` says that the last record was a part (`P`).
    """

    inode: int = 0
    length: int = 0
    sequence: int = 0
    stdout: int = 0
    stderr: int = 0
    dropped: int = 0
    open_stdout: bool = False
    open_stderr: bool = False


class ProgressFile:
    """The file `progress` of a replica, kept open."""

    def __init__(self, path: str) -> None:
        self._fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)

    def read(self) -> Progress | None:
        """The record; None when there is none or it is damaged."""
        content = os.pread(self._fd, LAYOUT.size + CHECK.size, 0)
        if len(content) < LAYOUT.size + CHECK.size:
            return None
        body = content[: LAYOUT.size]
        magic, *values, out, err = LAYOUT.unpack(body)
        if magic != MAGIC or CHECK.unpack_from(content, LAYOUT.size)[0] != zlib.crc32(body):
            return None
        return Progress._make((*values, bool(out), bool(err)))

    def write(self, progress: Progress) -> None:
        """Replace the record. Once the file has its block, this needs no space on a full disk."""
        body = LAYOUT.pack(MAGIC, *progress)
        os.pwrite(self._fd, body + CHECK.pack(zlib.crc32(body)), 0)

    def close(self) -> None:
        """Close the file."""
        os.close(self._fd)
