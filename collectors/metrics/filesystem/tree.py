"""The sum of a directory tree's blocks, a few entries at a time, as `du -x` counts them.

What is bound into the tree from elsewhere in the same file system is left out, too: it is seen where a container's
root is looked at from within.
Everything below is a container's: nothing is followed, names are never joined to paths, and depth, hard links
and directories that wait have limits. Source: stat(2): st_blocks is in units of 512 bytes.
"""

from __future__ import annotations

import os
from collections.abc import Callable

from runtime.linux import beneath

# A directory stays open per level. Of files with several names each is remembered.
_DEEPEST = 128
_MOST_LINKED = 100_000
_MOST_WAITING = 200_000
_BLOCK = 512
_FLAGS = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


class TooLarge(Exception):
    """The tree is beyond a limit; the text says which."""


class _Level:
    """A directory that is being read: its descriptor, its entries, the directories in it that are still to come."""

    __slots__ = ("descriptor", "entries", "waiting")

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor
        self.entries: os._ScandirIterator[str] | None = os.scandir(descriptor)
        self.waiting: list[str] = []

    def close(self) -> None:
        # The iterator has a descriptor of its own.
        if self.entries is not None:
            self.entries.close()
        os.close(self.descriptor)


class Tree:
    """A walk under way, from the directory that `top` opens. `step` goes on with it; to be closed.

    `bytes` is the sum so far.
    """

    def __init__(self, top: Callable[[], int]) -> None:
        self._top = top
        self._device = self._mount = 0
        self.bytes = 0
        self._linked: set[int] = set()
        self._waiting = 0
        self._levels: list[_Level] = []
        self._begun = False

    def close(self) -> None:
        """Close every directory that stands open."""
        while self._levels:
            self._levels.pop().close()

    def step(self, entries: int) -> bool:
        """Count so many entries more; False when there are none left. Raises TooLarge, or OSError as the disk does."""
        if not self._begun:
            self._begin()
        while self._levels and entries > 0:
            level = self._levels[-1]
            if level.entries is not None:
                entries -= self._read(level, entries)
            elif level.waiting:
                self._enter(level, level.waiting.pop())
                entries -= 1
            else:
                self._levels.pop().close()
        return bool(self._levels)

    def _begin(self) -> None:
        self._begun = True
        self._levels.append(_Level(self._top()))
        top = self._levels[0].descriptor
        found = os.fstat(top)
        self._device, self._mount = found.st_dev, beneath.mount_of(top)
        self.bytes = found.st_blocks * _BLOCK

    def _read(self, level: _Level, most: int) -> int:
        """Count entries of a directory; how many."""
        assert level.entries is not None
        count = 0
        for entry in level.entries:
            self._count(level, entry)
            count += 1
            if count == most:
                return count
        level.entries = None
        return count + 1

    def _count(self, level: _Level, entry: os.DirEntry[str]) -> None:
        try:
            found = entry.stat(follow_symlinks=False)
        except FileNotFoundError:
            return
        if found.st_dev != self._device:
            return
        if entry.is_dir(follow_symlinks=False):
            self._waiting += 1
            if self._waiting > _MOST_WAITING:
                raise TooLarge(f"more than {_MOST_WAITING} directories wait to be read")
            level.waiting.append(entry.name)
        elif found.st_nlink > 1:
            if found.st_ino in self._linked:
                return
            if len(self._linked) == _MOST_LINKED:
                raise TooLarge(f"more than {_MOST_LINKED} files have several names")
            self._linked.add(found.st_ino)
        self.bytes += found.st_blocks * _BLOCK

    def _enter(self, level: _Level, name: str) -> None:
        self._waiting -= 1
        if len(self._levels) == _DEEPEST:
            raise TooLarge(f"directories are more than {_DEEPEST} deep")
        try:
            descriptor = _open(name, level.descriptor)
        except (FileNotFoundError, NotADirectoryError):
            return
        if os.fstat(descriptor).st_dev != self._device or beneath.mount_of(descriptor) != self._mount:
            os.close(descriptor)
            return
        self._levels.append(_Level(descriptor))


def _open(name: str, directory: int) -> int:
    """A directory, if possible without a trace in its access time, which only its owner and root may do."""
    try:
        return os.open(name, _FLAGS | os.O_NOATIME, dir_fd=directory)
    except PermissionError:
        return os.open(name, _FLAGS, dir_fd=directory)
