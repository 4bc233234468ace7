"""Which file comes after the open one, and when to go on to it.

A rotated file is held open until it was read to its end and the next one has data for a while, because
some writers flush into it late. The next one is held open from when it was first seen, because others
destroy at once what they rotate.
"""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Iterable, Sequence

from collectors.logs import archive
from collectors.logs.chain import chain_of, find, later_than, opened
from collectors.logs.files import HEAD, Place
from collectors.logs.formats import Format
from collectors.logs.siblings import Sibling

GRACE = 0.5
"""Seconds that a rotated file is held after the next one has data."""


class Succession:
    """The files after the open one. `waiting` asks for another look soon."""

    def __init__(self, path: str, format: Format, scratch: str) -> None:
        self.waiting = False
        self._path = path
        self._format = format
        self._scratch = scratch
        self._later: deque[Sibling] = deque()
        self._held: dict[int, int] = {}
        self._turned: float | None = None

    def __bool__(self) -> bool:
        return bool(self._later)

    def follow(self, later: Iterable[Sibling]) -> None:
        """These files come after the one that is open now."""
        self._later = deque(later)
        self._turned = None

    def stay(self) -> None:
        """The open file was written to just now."""
        self._turned = None

    def next(self, fd: int, place: Place, time: int) -> int | None:
        """The next file, opened, when the one at `fd` has been read to its end, `place`; None to stay.

        `time` is that of the last line, in ns.
        """
        self.waiting = False
        if not self._later:
            later = self._successors(os.fstat(fd), place, time)
            if not later or not self._settled(later):
                return None
            self._later = deque(later)
        successor = self._held.pop(self._later[0].inode, None)
        if successor is None:
            successor = opened(self._later[0], self._scratch)
        if successor is None:
            # The names moved on meanwhile: look again.
            self._later.clear()
            self.waiting = True
            return None
        self.follow(list(self._later)[1:])
        return successor

    def close(self) -> None:
        """Let go of what is held."""
        for fd in self._held.values():
            os.close(fd)
        self._held.clear()

    def _successors(self, mine: os.stat_result, place: Place, time: int) -> list[Sibling]:
        """What came after the open file; empty while it is the current one, or the current one is missing."""
        try:
            now = os.stat(self._path)
        except (FileNotFoundError, NotADirectoryError):
            return []
        if (now.st_ino, now.st_dev) == (mine.st_ino, mine.st_dev):
            self.close()
            return []
        return self._with_held(self._on_disk(mine.st_ino, place, time))

    def _on_disk(self, inode: int, place: Place, time: int) -> list[Sibling]:
        chain = chain_of(self._path)
        for index, sibling in enumerate(chain):
            if sibling.inode == inode and not sibling.gz:
                return chain[index + 1 :]
        found = find(place, chain, self._scratch)
        if found is not None:
            os.close(found.fd)
            return found.later
        return later_than(time, chain, self._format)

    def _with_held(self, chain: list[Sibling]) -> list[Sibling]:
        """The files that are held but have no name any more come first; an archive of one is it once more."""
        names = {sibling.inode for sibling in chain}
        nameless = [inode for inode in self._held if inode not in names]
        if not nameless:
            return chain
        heads = [head for inode in nameless if (head := os.pread(self._held[inode], HEAD, 0))]
        others = [one for one in chain if not one.gz or archive.head_of(one.path, HEAD) not in heads]
        return [Sibling("", inode, False) for inode in nameless] + others

    def _settled(self, later: Sequence[Sibling]) -> bool:
        """Whether the rotated file may be left: the next has data, and late writes had their time."""
        if len(later) > 1:
            return True
        fd = self._held.get(later[0].inode)
        if fd is None:
            fd = opened(later[0], self._scratch)
            if fd is None:
                self.waiting = True
                return False
            self._held[later[0].inode] = fd
        if os.fstat(fd).st_size == 0:
            return False
        now = time.monotonic()
        self._turned = self._turned or now
        self.waiting = True
        return now - self._turned >= GRACE
