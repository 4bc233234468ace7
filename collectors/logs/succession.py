"""Which file comes after the open one, and when to go on to it.

A rotated file is held open until it was read to its end and the next one has data for a while, because
some writers flush into it late. The next one is held open from when it was first seen, because others
destroy at once what they rotate.
"""

from __future__ import annotations

import os
import re
import time
from collections import deque
from collections.abc import Iterable, Sequence

from collectors.logs import archive
from collectors.logs.chain import Look, chain_of, find, later_than, opened
from collectors.logs.files import HEAD, Place
from collectors.logs.formats import Format
from collectors.logs.siblings import Sibling

# The last name of a file, as the kernel tells it of one that was removed, or the name of a sibling.
_COUNTED = re.compile(r"\.(\d{10})(?:\.gz)?(?: \(deleted\))?$")
GRACE = 0.5
"""Seconds that a rotated file is held after the next one has data."""


class Succession:
    """The files after the open one. `waiting` asks for another look soon.

    `lost` says of the file that `next` gave last that others before it were gone already.
    """

    def __init__(self, path: str, format: Format, scratch: str, look: Look = chain_of) -> None:
        self.waiting = False
        self.lost = False
        self._path = path
        self._format = format
        self._scratch = scratch
        self._look = look
        self._later: deque[Sibling] = deque()
        self._held: dict[int, int] = {}
        self._turned: float | None = None
        self._expected: int | None = None

    def __bool__(self) -> bool:
        return bool(self._later)

    @property
    def is_over(self) -> bool:
        """Whether no file is known to come, and none is held."""
        return not self._later and not self._held

    def follow(self, later: Iterable[Sibling]) -> None:
        """These files come after the one that is open now."""
        self._later = deque(later)
        self._expected = self._later[0].inode if self._later else None
        self._turned = None

    def stay(self) -> None:
        """The open file was written to just now."""
        self._turned = None

    def next(self, fd: int, place: Place, time: int) -> int | None:
        """The next file, opened, when the one at `fd` has been read to its end, `place`; None to stay.

        `time` is that of the last line, in ns.
        """
        self.waiting = self.lost = False
        if len(self._later) < 2:
            # The current file may have been copied and truncated since it was seen: it is looked for again.
            later = self._successors(fd, place, time)
            if not later or not (self._later or self._settled(later)):
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
        self.lost = self.lost or self._later[0].gap
        self.follow(list(self._later)[1:])
        return successor

    def close(self) -> None:
        """Let go of what is held."""
        for fd in self._held.values():
            os.close(fd)
        self._held.clear()

    def _successors(self, fd: int, place: Place, time: int) -> list[Sibling]:
        """What came after the open file; empty while it is the current one, or the current one is missing."""
        mine = os.fstat(fd)
        try:
            now = os.stat(self._path)
        except (FileNotFoundError, NotADirectoryError):
            return []
        if (now.st_ino, now.st_dev) == (mine.st_ino, mine.st_dev):
            self.close()
            return []
        return self._with_held(self._on_disk(fd, mine.st_ino, place, time))

    def _on_disk(self, fd: int, inode: int, place: Place, time: int) -> list[Sibling]:
        chain = self._look(self._path)
        for index, sibling in enumerate(chain):
            if sibling.inode == inode and not sibling.gz and not sibling.spooled:
                return chain[index + 1 :]
        found = find(place, chain, self._scratch)
        if found is not None:
            os.close(found.fd)
            return found.later
        later = later_than(time, chain, self._format)
        self.lost = not self._held and self._skipped(fd, later)
        return later

    def _skipped(self, fd: int, later: Sequence[Sibling]) -> bool:
        """Whether files are missing between the open one, whose name is gone, and those that came later.

        Names that count tell; else the file that was next when there still was a look at it. Of a file that
        was the current one then, and has gone since with others still there, the worst is assumed.
        """
        if len(later) < 2:
            return False
        mine, first = (_COUNTED.search(name) for name in (os.readlink(f"/proc/self/fd/{fd}"), later[0].path))
        if mine and first:
            return int(first[1]) > int(mine[1]) + 1
        return self._expected is None or all(self._expected != sibling.inode for sibling in later)

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
