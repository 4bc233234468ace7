"""The files that hold one container's log, oldest first, and where among them a place is found again."""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence
from typing import NamedTuple, Protocol

from collectors.logs import archive
from collectors.logs.entry import MAX_ENTRY
from collectors.logs.files import Place, digest, holds
from collectors.logs.formats import Format, Unreadable
from collectors.logs.seek import first_time, time_in
from collectors.logs.siblings import Sibling, rotated

_LOOKS = 20


class Look(Protocol):
    """Lists the files of the log at a path, oldest first, as `chain_of` does; a spool adds what it keeps of them."""

    def __call__(self, path: str, *, whole: bool = False) -> list[Sibling]:
        """The files; with `whole` only those of which nothing is missing."""
        ...


def chain_of(path: str, *, whole: bool = False) -> list[Sibling]:
    """The rotated siblings and at last the file itself, if it is there just now.

    Names move while one looks, so two looks in a row must agree. They are always `whole`.
    """
    path = os.path.realpath(path)
    last = _look(path)
    for _ in range(_LOOKS):
        again = _look(path)
        if again == last:
            break
        last = again
    return last


def _look(path: str) -> list[Sibling]:
    try:
        current = [Sibling(path, os.stat(path).st_ino, False)]
    except (FileNotFoundError, NotADirectoryError):
        current = []
    return [
        sibling for sibling in rotated(path) if not current or sibling.inode != current[0].inode
    ] + current


def opened(sibling: Sibling, scratch: str, limit: int | None = None) -> int | None:
    """A descriptor of a file of the chain, unpacked when it is an archive; None when its name means another now.

    Raises Unreadable for what is no regular file: a pipe or a device would never end.
    """
    try:
        fd = os.open(sibling.path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except FileNotFoundError:
        return None
    found = os.fstat(fd)
    if not stat.S_ISREG(found.st_mode):
        os.close(fd)
        raise Unreadable(f"{sibling.path} is no regular file; a log must be one")
    if found.st_ino != sibling.inode:
        os.close(fd)
        return None
    if not sibling.gz:
        return fd
    try:
        return archive.unpacked(f"/proc/self/fd/{fd}", scratch, limit)
    finally:
        os.close(fd)


class Found(NamedTuple):
    """Where a place was found: the open file, and what comes after it."""

    fd: int
    later: list[Sibling]


def find(place: Place, chain: Sequence[Sibling], scratch: str) -> Found | None:
    """The file of a place in its chain: the one of its inode first, then copies, then archives.

    Of a place of which nothing was read yet only the inode tells.
    """
    order = sorted(
        range(len(chain)), key=lambda index: (chain[index].gz, chain[index].inode != place.inode, -index)
    )
    for index in order:
        sibling = chain[index]
        if not place.head_size and (sibling.gz or sibling.inode != place.inode):
            continue
        if sibling.gz and digest(archive.head_of(sibling.path, place.head_size)) != place.head:
            continue
        fd = opened(sibling, scratch)
        if fd is None:
            continue
        if holds(fd, place):
            return Found(fd, list(chain[index + 1 :]))
        os.close(fd)
    return None


def later_than(time: int, chain: Sequence[Sibling], format: Format) -> list[Sibling]:
    """The part of a chain whose files begin at or after a time in ns: what is new when the place is gone.

    An empty file, or one without a known time, counts as new.
    """
    begins = [(begins_at(sibling, format), sibling) for sibling in chain]
    return [sibling for begun, sibling in begins if begun is None or begun >= time]


def begins_at(sibling: Sibling, format: Format) -> int | None:
    """The time of a file's first record in ns, without unpacking all of an archive; None when it has none."""
    if sibling.gz:
        return time_in(archive.head_of(sibling.path, MAX_ENTRY), format)
    fd = opened(sibling, "")
    if fd is None:
        return None
    try:
        return first_time(fd, format)
    finally:
        os.close(fd)
