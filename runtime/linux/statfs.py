"""How much a file system holds and what is left of it. Source: statvfs(3), statfs(2)."""

from __future__ import annotations

import os
from typing import NamedTuple


class Space(NamedTuple):
    """Bytes and inodes of a file system; `files` is 0 where it does not count inodes, as btrfs.

    `free` includes what is reserved for root. Below a directory with a limited project quota ext4 and xfs
    tell the quota's figures instead of the whole file system's.
    """

    total: int
    free: int
    files: int
    files_free: int

    @property
    def used(self) -> int:
        """Bytes in use."""
        return max(0, self.total - self.free)


def space(place: str | int) -> Space:
    """Space of the file system of a path or descriptor; OSError when it cannot be had. May never return."""
    found = os.statvfs(place)
    size = found.f_frsize or found.f_bsize
    return Space(found.f_blocks * size, found.f_bfree * size, found.f_files, found.f_ffree)
