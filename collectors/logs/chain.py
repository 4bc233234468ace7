"""The files that hold one container's log, oldest first, and where among them a place is found again."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import NamedTuple

from collectors.logs import archive
from collectors.logs.files import Place, digest, holds
from collectors.logs.formats import Format
from collectors.logs.seek import first_time
from collectors.logs.siblings import Sibling, rotated

_LOOKS = 20


def chain_of(path: str) -> list[Sibling]:
    """The rotated siblings and at last the file itself, if it is there just now.

    Names move while one looks, so two looks in a row must agree.
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
    """A descriptor of a file of the chain, unpacked when it is an archive; None when its name means another now."""
    try:
        fd = os.open(sibling.path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    if os.fstat(fd).st_ino != sibling.inode:
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
    """The file of a place in its chain: the one of its inode first, then copies, then archives."""
    order = sorted(
        range(len(chain)), key=lambda index: (chain[index].gz, chain[index].inode != place.inode, -index)
    )
    for index in order:
        sibling = chain[index]
        if sibling.gz and digest(archive.head_of(sibling.path, place.head_size)) != place.head:
            continue
        fd = opened(sibling, scratch)
        if fd is None:
            continue
        if holds(fd, place):
            return Found(fd, list(chain[index + 1 :]))
        os.close(fd)
    return None


def later_than(time: int, chain: Sequence[Sibling], format: Format, scratch: str) -> list[Sibling]:
    """The part of a chain whose files begin at or after a time in ns: what is new when the place is gone."""
    return [sibling for sibling in chain if _begins(sibling, format, scratch) >= time]


def _begins(sibling: Sibling, format: Format, scratch: str) -> float:
    """The time of a file's first record; an empty or foreign one counts as new."""
    fd = opened(sibling, scratch)
    if fd is None:
        return float("inf")
    try:
        time = first_time(fd, format)
    finally:
        os.close(fd)
    return float("inf") if time is None else time
